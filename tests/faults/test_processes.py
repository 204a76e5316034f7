"""Whole processes: two applies at once, a lock whose holder was killed, and requests to stop amid slow calls."""

import json
import signal
import time

import pytest
from support.command import Project

from reconciler.sandbox.server import RunningSandbox, SandboxOptions

NAMES = tuple(f"level_{number}" for number in range(12))
APP = "android:com.acme"
PATIENCE = 60


def manifest(names=NAMES):
    placements = "".join(f"      - {{name: {name}, placementType: Interstitial, coppa: false}}\n" for name in names)
    return (
        "version: 1\napps:\n  - platform: android\n    bundle: com.acme\n    name: Acme\n    category1: Finance\n"
        f"    coppa: false\n    placements:\n{placements}"
    )


@pytest.fixture
def slow(tmp_path):
    """A project whose API takes a third of a second for each call."""
    with RunningSandbox(SandboxOptions(latency=0.3)) as sandbox:
        project = Project(tmp_path / "project", sandbox.url)
        project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {settleSeconds: 0.5}\n')
        project.write("apps/acme.yaml", manifest())
        yield project, sandbox


def until(holds):
    """Wait for another process, and fail where it does not come that far."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def creates(sandbox):
    return sum(seen.method == "POST" and seen.path.endswith("placement") for seen in list(sandbox.account.requests))


def names(sandbox):
    return sorted(each.fields["name"] for each in sandbox.account.placements())


def journal(project):
    return project.events()


def ledger(project):
    return {entry["address"]: entry["id"] for entry in project.entries()}


def test_of_two_applies_at_once_one_works_and_the_other_exits_5(slow):
    project, sandbox = slow
    first = project.start("apply", "--yes", "--parallelism", "1")  # takes long enough for the other to read
    until(lambda: creates(sandbox))
    second = project.call("apply", "--yes")
    _, err = first.communicate(timeout=PATIENCE)
    assert (first.returncode, second.code) == (0, 5), err.decode() + second.err
    assert "another run holds the lock" in second.err
    assert names(sandbox) == sorted(NAMES)
    assert creates(sandbox) == len(NAMES)


def test_a_killed_holder_leaves_no_lock_behind(slow):
    project, sandbox = slow
    first = project.start("apply", "--yes", "--parallelism", "2")
    until(lambda: creates(sandbox) > 3)
    first.kill()
    first.communicate(timeout=PATIENCE)
    assert first.returncode == -signal.SIGKILL
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 0, done.err
    assert names(sandbox) == sorted(NAMES)
    assert set(ledger(project)) == {APP, *(f"{APP}/{name}" for name in NAMES)}


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM], ids=lambda asked: asked.name)
def test_who_is_asked_to_stop_finishes_what_is_in_flight_records_it_and_exits_130(slow, asked):
    project, sandbox = slow
    running = project.start("apply", "--yes", "--parallelism", "3", "--format", "json")
    until(lambda: creates(sandbox) > 2)
    running.send_signal(asked)
    out, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    made = names(sandbox)
    assert 3 <= len(made) < len(NAMES)
    told = {each["address"]: each["outcome"] for each in json.loads(out)["results"]}
    assert {address for address, outcome in told.items() if outcome == "applied"} == {
        APP, *(f"{APP}/{name}" for name in made),
    }  # fmt: skip
    assert set(told.values()) == {"applied", "skipped"}
    intents, ends = (
        {event["address"] for event in journal(project) if event["event"] == kind} for kind in ("intent", "ended")
    )
    assert intents <= ends
    assert ledger(project) == {address: ledger(project)[address] for address in told if told[address] == "applied"}
    assert journal(project)[-1]["event"] == "run-ended"
    assert project.call("apply", "--yes").code == 0
    assert names(sandbox) == sorted(NAMES)


def test_who_asks_twice_is_not_let_go_any_sooner(slow):
    project, sandbox = slow
    running = project.start("apply", "--yes", "--parallelism", "3", "--format", "json")
    until(lambda: creates(sandbox) > 2)
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err.decode()
    known = ledger(project)
    assert set(known) == {APP, *(f"{APP}/{name}" for name in names(sandbox))}


def test_a_stop_while_the_account_is_read_writes_nothing(slow):
    project, sandbox = slow
    running = project.start("apply", "--yes")
    until(lambda: len(sandbox.account.requests) > 0)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert b"interrupted" in err
    assert names(sandbox) == []
