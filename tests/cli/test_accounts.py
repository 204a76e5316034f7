"""Whose ledger, journal and live account it is: what is another account's ends a run before anything is written."""

import json

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
