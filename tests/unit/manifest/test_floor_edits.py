import difflib
from decimal import Decimal

import pytest

from reconciler.manifest.checked_edits import ProjectContext
from reconciler.manifest.floor_edits import FloorChange, write_floors
from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.yaml import parse as loader

SETTINGS = """version: 1
publisherId: "3432"
countryGroups: {tier1: [US, CA], nordics: [SE, "NO"]}
defaults:
  placements: {floorPrices: [{country: WW, price: 0.02}, {country: tier1, price: 0.8}]}
  byType: {MREC: {floorPrices: {WW: 0.5}}}
"""
HEAD = "version: 1\napps:\n  - platform: android\n    bundle: com.a\n"
ONE = "    placements:\n      - name: one\n        placementType: Interstitial\n"


class Project:
    """One manifest under the settings above, and what became of it."""

    def __init__(self, body, head=HEAD):
        self.settings_text = ManifestText("reconciler.yaml", SETTINGS.encode())
        self.settings, findings = load_settings(self.settings_text)
        self.text = ManifestText("apps/a.yaml", (head + body).encode())
        assert findings == ()
        self.floors(self.text)

    def desired(self, text):
        loaded = load_desired(self.settings, self.settings_text, [text])
        assert loaded.state is not None, loaded.findings
        return loaded.state

    def floors(self, text):
        return {
            (placement.address, country): amount
            for app in self.desired(text).apps
            for placement in app.placements or ()
            for country, amount in placement.fields.get("floorPrices", {}).items()
        }

    def write(self, *changes, app="android:com.a"):
        wanted = [FloorChange(f"{app}/{name}", country, Decimal(amount)) for name, country, amount in changes]
        context = ProjectContext(self.settings, self.settings_text)
        self.result = write_floors(context, [self.text], self.desired(self.text), wanted)
        (after,) = self.result.texts or (self.text,)
        moved = {(change.address, change.country): change.price for change in self.result.written}
        assert self.floors(after) == {**self.floors(self.text), **moved}
        return self.changed_lines(after)

    def changed_lines(self, after):
        old, new = (text.data.decode().splitlines() for text in (self.text, after))
        diff = difflib.unified_diff(old, new, n=0, lineterm="")
        return [f"{line[0]} {line[1:]}" for line in diff if line[0] in "-+" and not line.startswith(("---", "+++"))]

    @property
    def codes(self):
        return [finding.code for finding in self.result.findings]


def test_a_countrys_own_line_changes_in_place():
    project = Project(ONE + "        floorPrices: {WW: 0.01, tier1: 0.80, US: 1.20}   # keep\n")
    assert project.write(("one", "US", "1.3"), ("one", "WW", "0.05")) == [
        "-         floorPrices: {WW: 0.01, tier1: 0.80, US: 1.20}   # keep",
        "+         floorPrices: {WW: 0.05, tier1: 0.80, US: 1.30}   # keep",
    ]
    assert project.result.findings == ()


def test_a_country_of_a_group_gets_a_line_below_the_groups_which_stays():
    project = Project(ONE + "        floorPrices:\n          tier1: 0.80 # t\n          # rest\n          WW: 0.01\n")
    assert project.write(("one", "US", "0.9")) == ["+           US: 0.90"]
    (text,) = project.result.texts
    assert b"tier1: 0.80 # t\n          US: 0.90\n          # rest\n" in text.data


def test_a_country_without_a_line_and_an_undeclared_ww_get_one():
    project = Project(ONE + "        floorPrices: {US: 1}\n")
    assert project.write(("one", "NO", "0.4"), ("one", "WW", "0.2"))[1:] == [
        '+         floorPrices: {US: 1, "NO": 0.4, WW: 0.2}'
    ]


def test_the_apis_list_form_is_edited_as_well():
    project = Project(ONE + "        floorPrices:\n          - {country: US, price: 1.00}\n          - country: tier1\n"
                      "            price: 0.80\n")  # fmt: skip
    assert project.write(("one", "US", "2.5"), ("one", "CA", "0.9")) == [
        "-           - {country: US, price: 1.00}",
        "+           - {country: US, price: 2.50}",
        "+           - country: CA",
        "+             price: 0.90",
    ]


def test_floors_that_are_there_already_change_nothing():
    project = Project(ONE + "        floorPrices: {US: 1.20, tier1: 0.8}\n")
    assert project.write(("one", "US", "1.2"), ("one", "CA", "0.80"), ("one", "WW", "0.01")) == []
    assert project.result.texts == project.result.findings == ()


def test_a_tier_is_found_by_its_expanded_name():
    project = Project(
        "    waterfalls:\n      - name: end\n        placementType: Interstitial\n        floorPrices: {WW: 0.03}\n"
        "        tiers:\n          - {name: high, floorPrices: {US: 12, WW: 6}}\n          - {name: low}\n"
    )
    assert project.write(("end_high", "US", "10"), ("end_low", "US", "0.4")) == [
        "-           - {name: high, floorPrices: {US: 12, WW: 6}}",
        "-           - {name: low}",
        "+           - {name: high, floorPrices: {US: 10, WW: 6}}",
        "+           - {name: low, floorPrices: {WW: 0.03, US: 0.4}}",
    ]
    assert project.codes == ["own-floors"]


def test_a_ladder_that_would_cross_leaves_its_file_as_it_is():
    project = Project(
        "    waterfalls:\n      - name: end\n        placementType: Interstitial\n"
        "        tiers: [{name: high, floorPrices: {WW: 6}}, {name: low, floorPrices: {WW: 2}}]\n"
    )
    assert project.write(("end_low", "WW", "7")) == []
    assert project.codes == ["inverted-ladder"]
    assert project.result.written == ()


@pytest.mark.parametrize(
    ("kind", "table"), [("Interstitial", "{WW: 0.02, tier1: 0.8, US: 0.9}"), ("MREC", "{WW: 0.5, US: 0.9}")]
)
def test_floors_from_defaults_become_the_placements_own_with_their_groups(kind, table):
    project = Project(f"    placements:\n      - name: one\n        placementType: {kind}\n")
    assert project.write(("one", "US", "0.9")) == [f"+         floorPrices: {table}"]
    assert project.codes == ["own-floors"]
    assert project.result.findings[0].severity == "warning"


def test_a_placement_that_merges_its_floors_gets_its_own():
    project = Project(ONE.replace("- name", "- &b\n        name") + "        floorPrices: {WW: 0.1}\n"
                      "      - <<: *b\n        name: two\n")  # fmt: skip
    assert project.write(("two", "WW", "0.2")) == ["+         floorPrices: {WW: 0.2}"]


def test_own_lines_win_over_a_merged_table():
    project = Project(ONE + "        floorPrices: &t {WW: 0.1, US: 2}\n      - name: two\n        placementType: MREC\n"
                      "        floorPrices:\n          <<: *t\n          CA: 1.0\n")  # fmt: skip
    assert project.write(("two", "US", "3"), ("two", "CA", "1.5")) == [
        "-           CA: 1.0",
        "+           CA: 1.5",
        "+           US: 3.0",
    ]


SHARED = ONE + (
    "        floorPrices: &t {WW: 0.1}\n      - name: two\n        placementType: MREC\n        floorPrices: *t\n"
)


@pytest.mark.parametrize(("name", "line", "said"), [("one", 8, "line 11"), ("two", 11, "&t on line 8")])
def test_a_shared_table_is_refused_with_its_anchor(name, line, said):
    project = Project(SHARED)
    assert project.write((name, "WW", "0.2")) == []
    (finding,) = project.result.findings
    assert (finding.file, finding.line, finding.address) == ("apps/a.yaml", line, f"android:com.a/{name}")
    assert said in finding.message


def test_a_refused_change_does_not_hold_up_the_others():
    project = Project(SHARED + "      - {name: three, placementType: Banner, floorPrices: {WW: 1}}\n")
    assert len(project.write(("one", "WW", "0.2"), ("three", "WW", "2"), ("gone", "WW", "2"))) == 2
    assert project.codes == ["edit-shared", "unknown-address"]
    assert [change.address for change in project.result.written] == ["android:com.a/three"]


def test_a_placement_without_floors_anywhere_is_refused():
    project = Project(ONE)
    settings, _ = load_settings(ManifestText("reconciler.yaml", b'version: 1\npublisherId: "1"\n'))
    project.settings = settings
    assert project.write(("one", "US", "1")) == []
    assert project.codes == ["no-floors"]


def test_a_files_other_documents_and_platforms_are_told_apart():
    ios = "---\nversion: 1\napps:\n  - platform: ios\n    bundle: 1234567\n" + ONE
    project = Project(f"{ONE}        floorPrices: {{WW: 1}}\n{ios}        floorPrices: {{WW: 2}}\n")
    assert project.write(("one", "WW", "3"), app="ios:1234567")[1] == "+         floorPrices: {WW: 3}"


def test_of_two_prices_for_one_cell_the_later_counts():
    project = Project(ONE + "        floorPrices: {US: 1}\n")
    assert project.write(("one", "US", "2"), ("one", "US", "3"))[1] == "+         floorPrices: {US: 3}"


def test_windows_line_ends_and_a_missing_last_one_stay():
    project = Project("")
    body = (HEAD + ONE + "        floorPrices:\n          tier1: 0.80").replace("\n", "\r\n")
    project.text = ManifestText("apps/a.yaml", b"\xef\xbb\xbf" + body.encode())
    project.write(("one", "US", "0.95"))
    assert project.result.texts[0].data == b"\xef\xbb\xbf" + f"{body}\r\n          US: 0.95".encode()


def test_lines_that_merge_a_price_get_their_own_and_the_anchor_keeps_its_own():
    body = ONE + "        floorPrices:\n          - {<<: *us, country: CA}\n          - *us\n"
    project = Project(body, head="x-us: &us {country: US, price: 2.50}\n" + HEAD)
    assert project.write(("one", "CA", "3"), ("one", "US", "4")) == [
        "-           - {<<: *us, country: CA}",
        "-           - *us",
        "+           - {<<: *us, country: CA, price: 3}",
        "+           - {country: US, price: 4}",
    ]


class Counted:
    """The parser, of which is known how often it was begun."""

    begun = 0
    parser = loader._Parser

    def __init__(self, data):
        type(self).begun += 1
        self.get_event = self.parser(data).get_event


def test_a_file_is_parsed_once_to_be_edited_and_once_to_be_checked(monkeypatch):
    project = Project(ONE + "        floorPrices: {US: 1, tier1: 0.8}\n      - {name: two, placementType: MREC}\n")
    state = project.desired(project.text)
    prices = {("one", "US"): 2, ("one", "CA"): 3, ("two", "WW"): 1}
    changes = [FloorChange(f"android:com.a/{name}", at, Decimal(amount)) for (name, at), amount in prices.items()]
    monkeypatch.setattr(loader, "_Parser", Counted)
    result = write_floors(ProjectContext(project.settings, project.settings_text), [project.text], state, changes)
    assert list(result.written) == changes
    assert Counted.begun == 2
