"""Accounts that keep something else than they were asked to: tried once, remembered, told; and updates that only seem
to be done."""

import html
from shutil import rmtree

import pytest
from support.command import Project
from support.rival import Spelling

each = pytest.mark.parametrize

APP = "platform: android, bundle: com.a, name: A, category1: Finance, coppa: false"
ADDRESS = "android:com.a/int"
SPELLINGS = {"says so": Spelling(put="full", post="full"), "says nothing": Spelling(put="message", post="id")}


def line(country, price):
    return {"country": country, "price": price}


def rounded(lines):
    return [{**each, "price": max(0.01, round(each["price"] * 20) / 20)} for each in lines]


def dropped(lines):
    return [each for each in lines if each["country"] != "CA"]


def added(lines):
    there = {each["country"] for each in lines}
    return [*lines, *(line(country, 5) for country in ("DE",) if country not in there)]


FLOORS = {
    "rounds": (rounded, "{US: 1.23, WW: 0.01}", ("floorPrices", "US"), 1.23, 1.25),
    "drops": (dropped, "{US: 1, CA: 2, WW: 0.01}", ("floorPrices", "CA"), 2, None),
    "adds": (added, "{US: 1, WW: 0.01}", ("floorPrices", "DE"), None, 5),
}
each_habit = each("habit", FLOORS)
each_spelling = each("spelling", SPELLINGS)


@pytest.fixture
def world(tmp_path, rivals):
    """Makes a server that spells as it is told, with one app and perhaps its placement, and a project for it."""

    def make(spelling="says so", floors=None, *, live=True):
        rival = rivals(SPELLINGS[spelling] if isinstance(spelling, str) else spelling)
        app = rival.add_app(name="A", bundle="com.a")
        if live:
            rival.int = rival.add_placement(app, name="int", floorPrices=[line("WW", 0.01), line("US", 1.1)])
        project = Project(tmp_path / "project", rival.url)
        project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {settleSeconds: 0.4}\n')
        if floors is not None:
            declare(project, floors)
        return rival, project

    return make


def declare(project, floors, name="int"):
    placement = f"{{name: {name}, placementType: Interstitial, coppa: false, floorPrices: {floors}}}"
    project.write("apps/a.yaml", f"version: 1\napps:\n  - {{{APP}, placements: [\n    {placement}\n  ]}}\n")


def applied(project, *more):
    return project.call("apply", "--yes", "--format", "json", *more)


def result(done, address=ADDRESS):
    return next(each for each in done.json["results"] if each["address"] == address)


def leaf(told, *path):
    """A value of `kept` or `wanted`, whether its paths are dotted or nested; None where there is none."""
    if told is None or not path:
        return told
    if ".".join(path) in told:
        return told[".".join(path)]
    inner = told.get(path[0])
    return leaf(inner, *path[1:]) if isinstance(inner, dict) else None


def puts(rival):
    return [asked for asked in rival.writes if asked.method == "PUT"]


class TestFloors:
    @each_habit
    @each_spelling
    @each("live", [True, False], ids=["update", "create"])
    def test_one_try_then_no_more_writes(self, world, habit, spelling, live):
        floors, declared, path, wanted, kept = FLOORS[habit]
        rival, project = world(spelling, declared, live=live)
        rival.doubt.floors = floors
        first = applied(project)
        assert (first.code, result(first)["outcome"]) == (0, "normalised"), first.out
        assert leaf(result(first)["wanted"], *path) == wanted
        assert leaf(result(first)["kept"], *path) == kept
        assert first.json["summary"]["normalised"] == 1
        assert len(rival.writes) == 1
        for _ in range(2):
            assert project.call("plan", "--detailed-exitcode").code == 0
            again = applied(project)
            assert (again.code, again.json["results"]) == (0, [])
        assert len(rival.writes) == 1

    @each_habit
    def test_plan_and_drift_say_what_was_asked_and_what_is_kept(self, world, habit):
        floors, declared, path, wanted, kept = FLOORS[habit]
        rival, project = world(floors=declared)
        rival.doubt.floors = floors
        assert applied(project).code == 0
        for command in ("plan", "drift"):
            done = project.call(command)
            assert done.code == 0, done.out
            for part in (ADDRESS, path[-1], *(f"{value:g}" for value in (wanted, kept) if value is not None)):
                assert part in done.out, (command, part, done.out)

    @each_habit
    def test_pull_offers_what_is_kept(self, world, habit):
        floors, declared, path, _, kept = FLOORS[habit]
        rival, project = world(floors=declared)
        rival.doubt.floors = floors
        assert applied(project).code == 0
        assert project.call("pull", "--check").code == 2
        assert project.call("pull").code == 0
        text = project.read("apps/a.yaml")
        assert (f"{path[-1]}: {kept:g}" in text) if kept is not None else (f"{path[-1]}:" not in text)
        assert project.call("plan", "--detailed-exitcode").code == 0
        assert project.call("pull", "--check").code == 0
        assert len(rival.writes) == 1

    def test_a_moved_manifest_is_tried_once_more(self, world):
        rival, project = world(floors="{US: 1.23, WW: 0.01}")
        rival.doubt.floors = rounded
        assert applied(project).code == 0
        declare(project, "{US: 1.31, WW: 0.01}")
        assert project.call("plan", "--detailed-exitcode").code == 2
        again = applied(project)
        assert (again.code, leaf(result(again)["kept"], "floorPrices", "US")) == (0, 1.3)
        assert len(puts(rival)) == 2
        assert project.call("plan", "--detailed-exitcode").code == 0

    def test_a_console_edit_of_what_is_kept_is_drift_as_ever(self, world):
        rival, project = world(floors="{US: 1.23, WW: 0.01}")
        rival.doubt.floors = rounded
        assert applied(project).code == 0
        rival.placements[rival.int]["floorPrices"] = [line("WW", 0.01), line("US", 1)]
        done = project.call("drift", "--format", "json")
        assert (done.code, done.json["summary"]["drift"]) == (2, 1)
        assert project.call("plan", "--detailed-exitcode").code == 2

    def test_a_line_that_the_server_adds_asks_for_no_leave_each_time(self, world):
        rival, project = world(floors="{US: 1, WW: 0.01}")
        rival.doubt.floors = added
        assert applied(project).code == 0
        declare(project, "{US: 1.2, WW: 0.01}")
        for _ in range(2):
            done = project.call("plan")
            assert done.code == 0, done.err
            assert "--allow-floor-jump" not in done.out + done.err
        assert applied(project).code == 0
        again = applied(project)
        assert again.code == 0, again.out + again.err
        assert again.json["results"] == []

    def test_the_ledger_remembers_both(self, world):
        rival, project = world(floors="{US: 1.23, WW: 0.01}")
        rival.doubt.floors = rounded
        assert applied(project).code == 0
        entry = next(line for line in project.read("reconciler.lock").splitlines() if ADDRESS in line)
        assert "1.23" in entry
        assert "1.25" in entry

    def test_the_text_tells_it(self, world):
        rival, project = world(floors="{US: 1.23, WW: 0.01}")
        rival.doubt.floors = rounded
        done = project.call("apply", "--yes")
        assert done.code == 0
        assert "1 normalised" in done.out
        assert "1.23" in done.out
        assert "1.25" in done.out


@each("name", [str.lower, str.strip, lambda name: name[:16], lambda name: name.replace("_", "-")],
      ids=["lower", "trim", "cut16", "dashes"])  # fmt: skip
def test_a_new_name_that_is_kept_otherwise_is_tried_once(world, name):
    new = "Level_End_of_the_World "
    rival, project = world()
    declare(project, "{US: 1.1, WW: 0.01}")
    assert applied(project).code == 0
    rival.doubt.name = name
    declare(project, "{US: 1.1, WW: 0.01}", name=f'"{new}", renamedFrom: int')
    first = applied(project)
    assert (first.code, [each["outcome"] for each in first.json["results"]]) == (0, ["normalised"]), first.out
    assert leaf(first.json["results"][0]["kept"], "name") == name(new)
    assert project.call("plan", "--detailed-exitcode").code == 0
    again = applied(project)
    assert (again.code, again.json["results"]) == (0, [])
    assert len(puts(rival)) == 1
    assert len(rival.placements) == 1


ESCAPES = {
    "named": html.escape,
    "twice": lambda name: html.escape(html.escape(name)),
    "numbers": lambda name: name.replace("&", "&#38;").replace("'", "&#39;"),
}


@each_spelling
@each("escape", ESCAPES.values(), ids=ESCAPES)
@each("name", ["A & B", "it's", "<b>", "x &amp; y"])
def test_a_name_that_is_kept_in_escapes_of_html_is_normalised_and_never_made_twice(world, spelling, escape, name):
    rival, project = world(spelling, live=False)
    rival.doubt.name = lambda text: text if text.startswith("com.") else escape(text)
    declare(project, "{US: 1.1, WW: 0.01}", name=f'"{name}"')
    first = applied(project)
    expected = "applied" if escape(name) == name else "normalised"
    assert (first.code, result(first, f"android:com.a/{name}")["outcome"]) == (0, expected), first.out
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert project.call("drift").code == 0
    (project.root / "reconciler.lock").unlink()
    rmtree(project.root / ".reconciler")
    assert applied(project).code == (0 if expected == "applied" else 3)
    assert len(rival.placements) == 1


def test_no_note_promises_that_pull_takes_over_a_bundle(project, rival):
    rival.doubt.name = str.lower
    project.write("apps/a.yaml", f"version: 1\napps:\n  - {{{APP.replace('com.a', 'com.A')}}}\n")
    assert applied(project).code == 0
    notes = project.call("plan", "--format", "json").json["notes"]
    (told,) = (note["text"] for note in notes if note["text"].startswith("bundle"))
    assert '"com.a"' in told
    assert "pull" not in told


class TestEcho:
    @each_spelling
    def test_an_update_that_only_echoes_failed_and_the_next_run_sends_it(self, world, spelling):
        rival, project = world(spelling, "{US: 1.2, WW: 0.01}")
        rival.doubt.echoes = 1
        first = applied(project)
        assert (first.code, result(first)["outcome"]) == (3, "failed"), first.out
        assert "floorPrices" in result(first)["error"]
        assert rival.named("int")["floorPrices"] == {"WW": 0.01, "US": 1.1}
        assert project.call("plan", "--detailed-exitcode").code == 2
        again = applied(project)
        assert (again.code, result(again)["outcome"]) == (0, "applied")
        assert rival.named("int")["floorPrices"] == {"WW": 0.01, "US": 1.2}

    @each_spelling
    def test_the_ledger_does_not_hold_it_and_the_next_plan_blames_nobody(self, world, spelling):
        rival, project = world(spelling, "{US: 1.1, WW: 0.01}")
        assert applied(project).code == 0
        before = project.read("reconciler.lock")
        declare(project, "{US: 1.2, WW: 0.01}")
        rival.doubt.echoes = 1
        assert applied(project).code == 3
        assert project.read("reconciler.lock") == before
        changes = project.call("plan", "--format", "json").json["changes"]
        assert [each["origin"] for change in changes for each in change["fields"]] == ["pending"]
        assert project.call("drift").code == 0

    def test_one_of_what_was_never_ours_is_not_ours_after_it(self, world):
        rival, project = world(floors="{US: 1.2, WW: 0.01}")
        rival.doubt.echoes = 1
        assert applied(project).code == 3
        changes = project.call("plan", "--format", "json").json["changes"]
        assert [each["origin"] for change in changes for each in change["fields"]] == ["unknown"]

    def test_a_removal_begins_no_quarantine_and_a_rename_moves_no_address(self, world):
        rival, project = world(floors="{US: 1.1, WW: 0.01}")
        assert applied(project).code == 0
        before = project.read("reconciler.lock")
        for edit in (
            ("name: int,", "name: int, state: absent,"),
            ("name: int, state: absent,", "name: new, renamedFrom: int,"),
        ):
            project.edit("apps/a.yaml", edit)
            rival.doubt.echoes = 1
            done = applied(project)
            assert (done.code, [each["outcome"] for each in done.json["results"]]) == (3, ["failed"]), done.out
            assert project.read("reconciler.lock") == before

    def test_it_is_not_taken_for_a_value_that_is_kept_otherwise(self, world):
        rival, project = world(floors="{US: 1.2, WW: 0.01}")
        rival.doubt.echoes = 1000
        for _ in range(2):
            done = applied(project)
            assert (done.code, result(done)["outcome"]) == (3, "failed")
        assert len(puts(rival)) == 2

    def test_an_app_that_only_seems_to_be_updated_failed_too(self, world):
        rival, project = world(floors="{US: 1.1, WW: 0.01}")
        project.edit("apps/a.yaml", ("coppa: false, placements", "coppa: true, placements"))
        rival.doubt.echoes = 1
        done = applied(project)
        assert (done.code, result(done, "android:com.a")["outcome"]) == (3, "failed")
        assert "coppa" in result(done, "android:com.a")["error"]

    def test_one_that_shows_within_the_settle_time_is_applied(self, world):
        rival, project = world(floors="{US: 1.2, WW: 0.01}")
        rival.doubt.update_lag = 0.2
        done = applied(project)
        assert (done.code, result(done)["outcome"]) == (0, "applied"), done.out

    def test_verifying_costs_one_list_for_each_app_that_was_touched_and_no_read_by_id(self, world):
        rival, project = world()
        other = rival.add_app(name="B", bundle="com.b")
        for number in range(6):
            rival.add_placement(other, name=f"b{number}", floorPrices=[line("WW", 0.01), line("US", 1)])
        named = ", ".join(
            f"{{name: b{number}, placementType: Interstitial, coppa: false, floorPrices: {{US: 1.2}}}}"
            for number in range(6)
        )
        declare(project, "{US: 1.1, WW: 0.01}")
        b = APP.replace("com.a", "com.b").replace("name: A", "name: B")
        project.write("apps/b.yaml", f"version: 1\napps:\n  - {{{b}, placements: [{named}]}}\n")
        done = applied(project)
        assert (done.code, done.json["summary"]["applied"]) == (0, 6), done.err
        counted = rival.counted()
        assert counted["PUT placement"] == 6
        assert counted["GET placement appId"] == 3
        assert "GET placement placementId" not in counted
