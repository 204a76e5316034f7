"""`list` shows what is declared, owned and live; `render` what the manifests say once nothing is left to expand."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from support.command import SETTINGS, Project
from support.rival import Spelling
from support.schemas import assert_as_published

from reconciler.adopt.forms import expanded_blocks, plain_json
from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.manifest.schema import schemas
from reconciler.manifest.text import manifest_text
from reconciler.model.address import selector
from reconciler.model.state import Source

ROOT = Path(__file__).parents[2]
MANIFEST = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: one, placementType: Interstitial, coppa: false}
      - {name: two, placementType: Banner, coppa: false, status: inactive}
"""


@pytest.fixture
def world(tmp_path, rivals):
    """Two placements that were applied, one of which is gone; one that is new; an app and a placement of others."""
    rival = rivals(Spelling())
    project = Project(tmp_path / "project", rival.url)
    project.write("apps/a.yaml", MANIFEST + "      - {name: gone, placementType: MREC, coppa: false}\n")
    assert project.call("apply", "--yes").code == 0
    (app,) = rival.apps
    del rival.placements[next(number for number, each in rival.placements.items() if each["name"] == "gone")]
    project.write("apps/a.yaml", MANIFEST + "      - {name: new, placementType: MREC, coppa: false}\n")
    rival.add_placement(app, name="theirs")
    rival.add_placement(rival.add_app(name="B", bundle="com.b"), name="within")
    rival.asked.clear()
    return rival, project


def rows(project, *words):
    done = project.call("list", "--format", "json", *words)
    assert done.code == 0, done.err
    assert_as_published(done.json, "list")
    return {each["address"].removeprefix("android:"): each for each in done.json["resources"]}


def test_each_resource_is_listed_once_as_declared_owned_and_live(world):
    rival, project = world
    told = {
        address: (each["declared"], each["owned"], each["live"], each["status"])
        for address, each in rows(project).items()
    }
    assert told == {
        "com.a": (True, True, True, "active"),
        "com.a/gone": (False, True, False, None),
        "com.a/new": (True, False, False, None),
        "com.a/one": (True, True, True, "active"),
        "com.a/theirs": (False, False, True, "active"),
        "com.a/two": (True, True, True, "inactive"),
        "com.b": (False, False, True, "active"),
        "com.b/within": (False, False, True, "active"),
    }
    assert rival.writes == []


def test_ids_are_the_live_ones_else_the_ledgers(world):
    rival, project = world
    found, known = rows(project), {entry["address"]: entry["id"] for entry in project.entries()}
    names = {each["name"]: str(number) for number, each in rival.placements.items()}
    assert found["com.a/theirs"]["id"] == names["theirs"]
    assert found["com.a/gone"]["id"] == known["android:com.a/gone"]
    assert found["com.a/new"]["id"] is None


def test_a_block_that_is_pinned_gives_its_address_to_what_is_called_otherwise(world):
    rival, project = world
    theirs = next(number for number, each in rival.placements.items() if each["name"] == "theirs")
    project.edit("apps/a.yaml", ("{name: new,", f'{{name: new, placementId: "{theirs}",'))
    found = rows(project)
    assert found["com.a/new"]["id"] == str(theirs)
    assert found["com.a/new"]["live"] is True
    assert "com.a/theirs" not in found


def test_a_glob_chooses_and_one_that_matches_nothing_is_an_error(world):
    _, project = world
    assert list(rows(project, "*/t*")) == ["com.a/theirs", "com.a/two"]
    assert list(rows(project, "*/one", "android:com.b")) == ["com.a/one", "com.b"]
    done = project.call("list", "ios:*")
    assert (done.code, done.out) == (1, "")
    assert "no address matches" in done.err


def test_the_table_has_a_line_for_each_and_ends_with_numbers(world):
    _, project = world
    lines = project.call("list").out.splitlines()
    assert lines[0].split() == ["address", "declared", "owned", "live", "id", "status"]
    told = {line.split()[0]: line.split()[1:] for line in lines[1:-2]}
    assert told["android:com.a/gone"][:3] == ["no", "yes", "no"]
    assert told["android:com.a/gone"][-1] == "missing"
    assert told["android:com.a/new"] == ["yes", "no", "no", "-", "not", "made"]
    assert lines[-1] == "8 resources: 4 declared, 4 owned, 6 live, 3 unmanaged"


def test_csv_has_the_same_rows(world):
    _, project = world
    read = list(csv.DictReader(io.StringIO(project.call("list", "--format", "csv").out)))
    assert [row["address"] for row in read] == [f"android:{address}" for address in rows(project)]
    assert read[1] | {"id": ""} == {
        "address": "android:com.a/gone", "declared": "false", "owned": "true", "live": "false", "id": "", "status": "",
    }  # fmt: skip


RICH = """version: 1
apps:
  - platform: ios
    bundle: 0123456789
    appId: "77"
    coppa: false
    status: inactive
    prune: delete
    lifecycle: {protect: true}
    waterfalls:
      - name: level_end
        placementType: Interstitial
        skipability: NonSkippable
        tiers:
          - {name: high, floorPrices: {US: 12, WW: 6}}
          - {name: low, floorPrices: {WW: 0.01}, lifecycle: {ignoreChanges: [status, floorPrices.US]}}
    placements:
      - name: 'yes'
        placementType: Banner
        bannerRefresh: 45
        targetingEnabled: true
        geo: {include: false, countries: [nordics, "NO", US]}
        connectivity: [WIFI]
        capping: {value: 12, unit: minute}
        pacing: {value: 13, unit: second, enabled: false}
        floorPrices: {WW: 0.01, nordics: 0.80, US: 1.20}
        lifecycle: {acceptDrift: [{field: status, reason: "a: b", until: 2099-12-31}, {field: coppa, reason: x}]}
      - {name: "- a: b # c", placementType: Rewarded, ssrConfig: {currency: coins, amount: 10}, renamedFrom: '007'}
      - {name: gone, state: absent}
      - {name: "plain", placementType: MREC, placementId: "5", lifecycle: {}}
  - {platform: android, bundle: com.empty, placements: []}
  - {platform: android, bundle: com.none, state: absent}
"""
RICH_SETTINGS = """prune: deactivate
defaults:
  placements: {coppa: false, lifecycle: {protect: true}}
  byType: {Interstitial: {creativeTypes: [video]}, MREC: {capping: {value: 3, unit: day}}}
countryGroups: {nordics: [SE, "NO", DK, FI]}
"""


def loaded(settings_text, texts):
    settings, findings = load_settings(settings_text)
    assert settings is not None, findings
    found = load_desired(settings, settings_text, texts)
    assert found.state is not None, found.findings
    return settings, found.state


def without_places(state):
    """The state but for where its blocks stand, its digest, and which placements are rungs of a ladder."""
    return replace(state, digest="", apps=tuple(map(_app, state.apps)))


def _app(app):
    placements = None if app.placements is None else tuple(map(_block, app.placements))
    return replace(_block(app), ladders=(), placements=placements)


def _block(block):
    ignored = tuple(sorted(block.lifecycle.ignore_changes))
    return replace(block, source=Source("", 0), lifecycle=replace(block.lifecycle, ignore_changes=ignored))


def projects():
    yield (
        "rich",
        ManifestText("reconciler.yaml", (SETTINGS + RICH_SETTINGS).encode()),
        [ManifestText("apps/a.yaml", RICH.encode())],
    )
    folders = [*sorted((ROOT / "tests/cases/plan").iterdir()), *sorted((ROOT / "examples").iterdir())]
    for folder in folders:
        if (folder / "reconciler.yaml").is_file():
            settings = ManifestText("reconciler.yaml", (folder / "reconciler.yaml").read_bytes())
            files = sorted(folder.glob("apps/**/*.yaml"))
            yield (
                folder.name,
                settings,
                [ManifestText(str(file.relative_to(folder)), file.read_bytes()) for file in files],
            )


PROJECTS = list(projects())


@pytest.mark.parametrize(
    ("settings_text", "texts"), [each[1:] for each in PROJECTS], ids=[each[0] for each in PROJECTS]
)
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_rendered_declares_the_same_is_what_the_schema_says_and_renders_to_itself(settings_text, texts, form):
    settings, state = loaded(settings_text, texts)
    blocks = expanded_blocks(state, settings, selector(()))
    text = manifest_text(blocks) if form == "yaml" else json.dumps({"version": 1, "apps": plain_json(blocks)})
    _, again = loaded(settings_text, [ManifestText("apps/rendered.yaml", text.encode())])
    assert without_places(again) == without_places(state)
    jsonschema.Draft7Validator(schemas()["manifest.schema.json"]).validate({"version": 1, "apps": plain_json(blocks)})
    assert manifest_text(expanded_blocks(again, settings, selector(()))) == manifest_text(blocks)


def test_render_leaves_nothing_to_expand_and_plans_empty_in_place_of_the_manifests(world):
    _, project = world
    project.write(
        "reconciler.yaml", SETTINGS + "countryGroups: {some: [US, CA]}\ndefaults: {placements: {coppa: false}}\n"
    )
    project.write("apps/a.yaml", MANIFEST.replace(", coppa: false", "") + LADDER)
    assert project.call("apply", "--yes").code == 0
    done = project.call("render", DT_CLIENT_ID=None, DT_CLIENT_SECRET=None)
    assert done.code == 0
    names = [each["name"] for each in yaml.safe_load(done.out)["apps"][0]["placements"]]
    assert names == ["end_high", "end_low", "one", "two"]
    for word in ("some", "waterfalls", "tiers", "yaml-language-server"):
        assert word not in done.out
    assert done.out.count("coppa: false") == 5
    project.write("apps/a.yaml", done.out)
    assert project.call("validate", "--strict").code == 0
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert project.call("render").out == done.out


LADDER = """    waterfalls:
      - name: end
        placementType: Interstitial
        tiers:
          - {name: high, floorPrices: {some: 2, WW: 1}}
          - {name: low, floorPrices: {WW: 0.01}}
"""


def test_a_glob_chooses_an_app_whole_or_placements_with_their_app(world):
    _, project = world
    whole = yaml.safe_load(project.call("render", "android:com.a").out)
    assert [each["name"] for each in whole["apps"][0]["placements"]] == ["new", "one", "two"]
    some = project.call("render", "*/t*", "--format", "json").json
    assert [(app["bundle"], [each["name"] for each in app["placements"]]) for app in some["apps"]] == [
        ("com.a", ["two"])
    ]
    done = project.call("render", "ios:*")
    assert (done.code, done.out) == (1, "")
    assert "no address matches" in done.err


def test_a_plan_counts_what_is_unmanaged_and_names_it_with_v(world):
    rival, project = world
    told = project.call("plan").out
    assert "(2), " in told
    assert "-v lists them" in told
    assert "android:com.b" not in told
    told = project.call("plan", "-v").out
    assert "android:com.b  id " in told
    assert "android:com.a/theirs  id " in told
    assert "-v lists them" not in told
    assert rival.writes == []


def test_drift_names_what_is_unmanaged(world):
    _, project = world
    told = project.call("drift").out
    assert "android:com.b  id " in told
    assert "android:com.a/theirs  id " in told
