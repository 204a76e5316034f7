"""Whose ledger, journal and live account it is: what is another account's ends a run before anything is written."""

import json
import re

import pytest
from support.command import SETTINGS, Project
from support.rival import Spelling
from support.runner import git

APP = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: int, placementType: Interstitial, coppa: false}
"""
READERS = (["plan"], ["drift"], ["apply", "--yes"], ["pull"], ["pull", "--check"])
JOURNAL = ".reconciler/journal.jsonl"
ELSEWHERE = "https://api.example.com"


@pytest.fixture
def world(tmp_path, rivals):
    """An account and a project that has been applied to it."""
    rival = rivals(Spelling())
    project = Project(tmp_path / "project", rival.url)
    project.write("apps/a.yaml", APP)
    assert project.call("apply", "--yes").code == 0
    rival.asked.clear()
    return rival, project


def header(project, name="reconciler.lock"):
    return json.loads(project.read(name).splitlines()[0])


def without_header(project, name):
    head, _, rest = project.read(name).partition("\n")
    assert "format" in json.loads(head)
    project.write(name, rest)


def with_header(project, name, **changes):
    _, _, rest = project.read(name).partition("\n")
    told = {key: value for key, value in {**header(project, name), **changes}.items() if value is not None}
    project.write(name, f"{json.dumps(told)}\n{rest}")


@pytest.mark.parametrize("name", ["reconciler.lock", JOURNAL])
def test_ledger_and_journal_begin_with_whose_they_are(world, name):
    rival, project = world
    assert header(project, name) == {"format": "reconciler.ledger/2", "publisherId": "3432", "api": rival.url}


def test_a_ledger_and_a_journal_that_do_not_say_are_taken_and_given_it_by_the_next_apply(world):
    rival, project = world
    whole = project.read("reconciler.lock")
    for name in ("reconciler.lock", JOURNAL):
        without_header(project, name)
    events = project.events()
    for command in (["plan"], ["drift"], ["history"]):
        assert project.call(*command).code == 0
        assert "format" not in header(project)
    assert project.call("apply", "--yes").code == 0
    assert rival.writes == []
    assert project.read("reconciler.lock") == whole
    assert header(project, JOURNAL) == json.loads(whole.splitlines()[0])
    assert project.events()[: len(events)] == events
    assert "came from elsewhere" not in project.call("history").err


def test_pull_gives_it_too(world):
    _, project = world
    whole = project.read("reconciler.lock")
    without_header(project, "reconciler.lock")
    assert project.call("pull").code == 0
    assert project.read("reconciler.lock") == whole


@pytest.mark.parametrize("command", READERS, ids=" ".join)
@pytest.mark.parametrize("name", ["reconciler.lock", JOURNAL])
@pytest.mark.parametrize("changes", [{"publisherId": "3499"}, {"api": ELSEWHERE}], ids=["publisher", "api"])
def test_what_is_of_another_account_ends_each_run_before_anything_is_written(world, command, name, changes):
    rival, project = world
    with_header(project, name, **changes)
    before = {each: project.read(each) for each in ("reconciler.lock", JOURNAL, "apps/a.yaml")}
    done = project.call(*command)
    assert done.code == 1
    theirs, ours = {**header(project, name)}, {"publisherId": "3432", "api": rival.url}
    assert f"{name} belongs to publisher {theirs['publisherId']} at {theirs['api']}" in done.err
    assert f"this run is for publisher {ours['publisherId']} at {ours['api']}" in done.err
    assert "a project folder of its own" in done.err
    assert rival.writes == []
    assert {each: project.read(each) for each in before} == before


def test_a_copied_project_with_another_publisher_changes_nothing(world):
    rival, project = world
    project.write("reconciler.yaml", SETTINGS.replace("3432", "3499"))
    project.edit(
        "apps/a.yaml", ("placementType: Interstitial, coppa: false", "placementType: Interstitial, coppa: true")
    )
    assert project.call("apply", "--yes").code == 1
    assert rival.writes == []


def test_history_shows_a_journal_whosever_it_is_and_writes_nothing(world):
    _, project = world
    before = project.call("history").out
    with_header(project, JOURNAL, publisherId="3499")
    whole = project.read(JOURNAL)
    done = project.call("history")
    assert (done.code, done.out) == (0, before)
    assert project.read(JOURNAL) == whole


def test_reports_are_not_fetched_by_the_ledger_of_another_account(world):
    _, project = world
    with_header(project, "reconciler.lock", publisherId="3499")
    done = project.call("floors", "fetch", DT_REPORTING_CLIENT_ID="x", DT_REPORTING_CLIENT_SECRET="x")
    assert done.code == 1
    assert "reconciler.lock belongs to publisher 3499" in done.err


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "reconciler.ledger/3"}, "reconciler.lock:1: it is of the format reconciler.ledger/3"),
        ({"format": "reconciler.ledger/12"}, "upgrade this program"),
        ({"format": "reconciler.plan/1"}, "reconciler.lock:1: the line that says whose account it is is damaged"),
        ({"format": 2}, "reconciler.lock:1: the line that says whose account it is is damaged"),
        ({"publisherId": None}, "damaged: it has no 'publisherId'"),
        ({"publisherId": ""}, "reconciler.lock:1: the line that says whose account it is is damaged"),
        ({"publisherId": ["3432"]}, "reconciler.lock:1: the line that says whose account it is is damaged"),
        ({"api": None}, "damaged: it has no 'api'"),
        ({"api": "console"}, "damaged: the API is no URL"),
        ({"api": "http://[::1"}, "reconciler.lock:1: the line that says whose account it is is damaged"),
        ({"api": "http://a:port"}, "reconciler.lock:1: the line that says whose account it is is damaged"),
    ],
)
def test_a_first_line_that_cannot_be_read_is_an_error_in_words(world, changes, told):
    rival, project = world
    with_header(project, "reconciler.lock", **changes)
    for command in READERS:
        done = project.call(*command)
        assert done.code == 1
        assert told in done.err
        assert "Traceback" not in done.err
    assert rival.writes == []


def test_a_journal_of_a_later_version_is_refused_in_words(world):
    _, project = world
    with_header(project, JOURNAL, format="reconciler.ledger/3")
    for command in READERS:
        done = project.call(*command)
        assert done.code == 1
        assert "it is of the format reconciler.ledger/3" in done.err


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another"])
def test_a_second_first_line_that_a_merge_has_left_is_named(world, same):
    _, project = world
    lines = project.read("reconciler.lock").splitlines()
    other = lines[0] if same else lines[0].replace("3432", "3499")
    project.write("reconciler.lock", "\n".join([lines[0], other, *lines[1:]]) + "\n")
    done = project.call("plan")
    assert done.code == 1
    assert "reconciler.lock:2: a second line that says whose account it is" in done.err


def test_the_api_is_the_same_in_any_spelling(world):
    rival, project = world
    with_header(project, "reconciler.lock", api=rival.url.replace("http", "HTTP") + "/", publisherId=3432)
    assert project.call("plan", "--detailed-exitcode").code == 0


def test_ci_commits_no_ledger_of_another_account(world):
    _, project = world
    with_header(project, "reconciler.lock", publisherId="3499")
    done = project.call("ci", "ledger")
    assert done.code == 1
    assert "reconciler.lock belongs to publisher 3499" in done.err


def test_two_branches_that_both_give_a_ledger_its_first_line_merge(world, tmp_path):
    _, project = world
    whole = project.read("reconciler.lock")
    place = tmp_path / "merge"
    place.mkdir()
    git(place, "init", "--quiet")
    push_here(place, whole.partition("\n")[2])
    for branch in ("one", "two"):
        git(place, "checkout", "--quiet", "-b", branch, "main")
        push_here(place, whole + f'{{"address":"ios:{branch}"}}\n' * (branch == "one"))
    git(place, "merge", "--quiet", "--no-edit", "one")
    merged = (place / "reconciler.lock").read_text().splitlines()
    assert [number for number, line in enumerate(merged) if "format" in line] == [0]
    assert "ios:one" in merged[-1]


def push_here(place, text):
    (place / "reconciler.lock").write_text(text)
    git(place, "add", "reconciler.lock")
    git(place, "commit", "--quiet", "--message", "ledger")


TWO = """version: 1
apps:
  - {platform: android, bundle: com.a, name: A, category1: Finance, coppa: false, placements: [
      {name: x, placementType: Banner, coppa: false}, {name: y, placementType: Banner, coppa: false}]}
  - {platform: android, bundle: com.b, name: B, category1: Finance, coppa: false, placements: [
      {name: z, placementType: Banner, coppa: false}]}
"""


@pytest.fixture
def two(tmp_path, rivals):
    """Two apps with placements that have been applied. Their ids stand in the ledger, by address."""
    rival = rivals(Spelling())
    project = Project(tmp_path / "two", rival.url)
    project.write(
        "reconciler.yaml", SETTINGS + "prune: deactivate\nsafety: {settleSeconds: 0.3, maxChangePercent: 100}\n"
    )
    project.write("apps/a.yaml", TWO)
    assert project.call("apply", "--yes").code == 0
    rival.asked.clear()
    return rival, project


def swap(project, first, second):
    """Cross the ids of two entries of the ledger."""
    entries = {entry["address"]: entry for entry in project.entries()}
    entries[first]["id"], entries[second]["id"] = entries[second]["id"], entries[first]["id"]
    put(project, entries.values())


def put(project, entries):
    head = project.read("reconciler.lock").partition("\n")[0]
    project.write("reconciler.lock", "\n".join([head, *map(json.dumps, entries)]) + "\n")


def stops(rival, project, *told, commands=(["plan"], ["apply", "--yes"])):
    """Each command ends with 1 and these words, and nothing was written."""
    ledger, manifest = project.read("reconciler.lock"), project.read("apps/a.yaml")
    for command in commands:
        done = project.call(*command)
        assert done.code == 1, done.out + done.err
        for text in told:
            assert text in done.err
    assert rival.writes == []
    assert (project.read("reconciler.lock"), project.read("apps/a.yaml")) == (ledger, manifest)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("android:com.a/x", "android:com.a/y", "say in each block which it is with placementId"),
        ("android:com.a", "android:com.b", "say in each block which it is with appId"),
    ],
    ids=["placements", "apps"],
)
def test_crossed_ids_stop_the_run_and_say_the_way_out(two, first, second, told):
    rival, project = two
    swap(project, first, second)
    stops(rival, project, "the ledger contradicts the account", f"{first}: the ledger knows it as id", told)


def test_pins_are_the_way_out_of_crossed_ids(two):
    rival, project = two
    ids = {entry["address"]: entry["id"] for entry in project.entries()}
    swap(project, "android:com.a/x", "android:com.a/y")
    pins = [(f"{{name: {name},", f'{{name: {name}, placementId: "{ids[f"android:com.a/{name}"]}",') for name in "xy"]
    project.edit("apps/a.yaml", *pins)
    assert project.call("apply", "--yes").code == 0
    assert rival.writes == []
    assert {entry["address"]: entry["id"] for entry in project.entries()} == ids


def test_a_placement_of_another_app_than_the_ledger_says_stops_the_run(two):
    rival, project = two
    swap(project, "android:com.a/x", "android:com.b/z")
    commands = (["plan"], ["apply", "--yes"], ["pull"], ["drift"])
    stops(rival, project, "which is in app", "take the line of", commands=commands)


def test_an_app_of_another_bundle_than_the_ledger_says_stops_the_run(two):
    rival, project = two
    number = rival.add_app(name="Theirs", bundle="com.theirs")
    put(
        project,
        [entry | ({"id": str(number)} if entry["address"] == "android:com.b" else {}) for entry in project.entries()],
    )
    stops(rival, project, f"android:com.b: the ledger knows it as id {number}, which is android:com.theirs")


def test_a_foreign_app_is_not_pruned_by_a_ledger_that_takes_it_for_one_of_its_own(two):
    rival, project = two
    number = rival.add_app(name="Theirs", bundle="com.theirs")
    entry = {"address": "android:com.gone", "kind": "app", "id": str(number), "applied": {}}
    put(project, [*project.entries(), entry])
    stops(rival, project, f"android:com.gone: the ledger knows it as id {number}", "take the line of android:com.gone")


@pytest.mark.parametrize("spelling", ["Com.A", " com.a", "com.a\u200b"], ids=ascii)
def test_a_bundle_that_the_account_spells_otherwise_is_no_contradiction(two, spelling):
    rival, project = two
    next(app for app in rival.apps.values() if app["bundle"] == "com.a")["bundle"] = spelling
    assert project.call("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "by id"])
def test_a_live_app_of_another_publisher_stops_the_run(two, listed):
    rival, project = two
    if listed:
        rival.add_app(name="Theirs", bundle="com.theirs", publisherId=3499)
    else:
        next(app for app in rival.apps.values() if app["bundle"] == "com.b")["publisherId"] = 3499
    commands = (["plan"], ["apply", "--yes"], ["pull"], ["drift"], ["ping"])
    stops(rival, project, "belongs to publisher 3499, and this run is for publisher 3432", commands=commands)


@pytest.fixture
def foreign(two):
    """A ledger of an earlier version, of whose ids the account shows none, but another app."""
    rival, project = two
    rival.apps.clear()
    rival.placements.clear()
    rival.add_app(name="Other", bundle="com.other")
    (project.root / JOURNAL).unlink()
    without_header(project, "reconciler.lock")
    return rival, project


def test_a_ledger_of_which_no_app_is_in_the_account_stops_the_run_and_names_the_ways_out(foreign):
    rival, project = foreign
    commands = (["plan"], ["apply", "--yes"], ["pull"])
    told = "none of the 2 apps that the ledger knows is in the account", "--recreate", "`appId`", "move reconciler.lock"
    stops(rival, project, *told, commands=commands)


def test_recreate_is_the_way_out_where_the_apps_were_deleted(foreign):
    rival, project = foreign
    assert project.call("apply", "--yes", "--recreate").code == 0
    assert {app["bundle"] for app in rival.apps.values()} == {"com.a", "com.b", "com.other"}


def test_without_the_ledger_what_is_declared_is_made(foreign):
    rival, project = foreign
    (project.root / "reconciler.lock").unlink()
    assert project.call("apply", "--yes").code == 0
    assert {app["bundle"] for app in rival.apps.values()} == {"com.a", "com.b", "com.other"}


def test_apps_that_were_all_renamed_in_the_console_are_the_same_apps(two):
    rival, project = two
    for app in rival.apps.values():
        app["name"] = f"{app['name']} 2"
    assert project.call("plan", "--detailed-exitcode").code == 0


def test_an_account_in_which_one_of_several_apps_is_gone_is_planned_as_before(two):
    rival, project = two
    gone = next(number for number, app in rival.apps.items() if app["bundle"] == "com.b")
    del rival.apps[gone]
    done = project.call("plan")
    assert done.code == 0
    assert "missing: id" in done.out


class TestAnAccountWithoutApps:
    """That nothing is visible is said aloud: it may be the wrong account."""

    @pytest.fixture
    def empty(self, tmp_path, rivals):
        return rivals(Spelling()), Project(tmp_path / "empty", rivals(Spelling()).url)

    def test_ping_warns_and_does_not_call_it_good(self, empty):
        _, project = empty
        done = project.call("ping")
        assert done.code == 0
        assert "no app is visible" in done.err
        assert "check publisherId" in done.err
        assert "are good" not in done.out
        assert project.call("ping", "--format", "json").json["apps"] == 0

    def test_ping_fails_where_the_ledger_knows_apps(self, two):
        rival, project = two
        rival.apps.clear()
        done = project.call("ping")
        assert (done.code, done.out) == (1, "")
        assert "no app is visible, and the ledger knows 2 apps" in done.err

    def test_ping_of_the_wrong_ledger_fails(self, two):
        _, project = two
        with_header(project, "reconciler.lock", publisherId="3499")
        assert project.call("ping").code == 1

    @pytest.mark.parametrize("command", [["plan"], ["drift"], ["apply", "--yes"]], ids=" ".join)
    def test_plan_drift_and_apply_say_so(self, two, command):
        rival, project = two
        rival.apps.clear()
        assert "the account shows no app at all" in project.call(*command).err

    @pytest.mark.parametrize("command", [["plan"], ["drift"], ["apply", "--yes"]], ids=" ".join)
    def test_they_say_nothing_of_an_account_with_apps(self, two, command):
        _, project = two
        assert "no app at all" not in project.call(*command).err


class TestAPublisherThatIsNotKnown:
    """`init` without a publisher id makes settings that are refused until it is filled in."""

    @pytest.fixture
    def begun(self, tmp_path, rivals):
        rival = rivals(Spelling())
        project = Project(tmp_path, rival.url)
        (tmp_path / "reconciler.yaml").unlink()
        done = project.call("init", "--ci", "none")
        assert done.code == 0
        assert "the publisher is not known" in done.err
        return rival, project

    @pytest.mark.parametrize(
        "command", [["validate", "--strict"], ["ping"], ["plan"], ["apply", "--yes"], ["pull"], ["drift"]], ids=" ".join
    )
    def test_each_command_refuses_it_and_says_where_it_is_found(self, begun, command):
        rival, project = begun
        done = project.call(*command)
        assert done.code == 1
        told = done.out + done.err
        assert re.search('publisherId "YOUR-PUBLISHER-ID" .*is no publisher\'s: fill in yours', told)
        assert "[unknown-publisher]" in told
        assert "User Profile" in told
        assert rival.asked == []

    def test_filled_in_it_is_taken(self, begun):
        _, project = begun
        project.edit("reconciler.yaml", ("YOUR-PUBLISHER-ID", "3432"))
        assert project.call("validate", "--strict").code == 0

    @pytest.mark.parametrize("written", ['"0"', "0", '"000"'])
    def test_nought_is_refused_too(self, begun, written):
        _, project = begun
        project.edit("reconciler.yaml", ('"YOUR-PUBLISHER-ID"', written))
        assert project.call("validate", "--strict").code == 1
        assert project.call("plan").code == 1

    def test_the_project_that_init_writes_is_sound_but_for_a_warning(self, begun):
        _, project = begun
        done = project.call("validate")
        assert done.code == 0
        assert "reconciler.yaml:5:14: warning: publisherId" in done.out + done.err

    @pytest.mark.parametrize("given", ["0", "", "x", "-1", "\u0663"])
    def test_init_takes_no_such_id(self, tmp_path, given):
        project = Project(tmp_path)
        assert project.call("init", "new", "--publisher-id", given).code == 64
        assert not (tmp_path / "new").exists()
