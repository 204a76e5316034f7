"""What a command says does not hang on the processes that it forks: with them, without, and when they are killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support.command import Project
from support.wire import Wire

from reconciler.api import worker_process

pytestmark = pytest.mark.skipif(worker_process.cpus() < 2, reason="workers are forked where there are two CPUs")

PROBE = """
import os, signal, sys
from reconciler.api import worker_process
from reconciler.api.worker_process import WorkerProcess

how, *arguments = sys.argv[1:]
sys.argv = ["reconciler", *arguments]
asked, ask, fork = 0, WorkerProcess.ask, WorkerProcess.fork.__func__

def counted(self, function, *parts):
    global asked
    asked += 1
    if how == f"killed at {asked}":
        os.kill(self._process_id, signal.SIGKILL)
    return ask(self, function, *parts)

def starved(cls, functions):
    def fails(*_):
        raise MemoryError
    return fork(cls, dict.fromkeys(functions, fails))

WorkerProcess.ask = counted
if how == "alone":
    worker_process.may_fork = lambda: False
if how == "starved":
    WorkerProcess.fork = classmethod(starved)
from reconciler.cli.front import main
try:
    main()
finally:
    print(asked, file=sys.stderr)
"""
"""Runs a command; tells at the end how many questions its workers were asked."""

HOW = ("forked", "starved", "killed at 1", "killed at 7", "killed at 20")
APPS = 24


def manifest(number, *, price=1.25, more=""):
    tiers = "".join(
        f"      - {{name: p{place}, placementType: {kind}, coppa: false, status: active, "
        f"floorPrices: {{WW: 0.01, US: {price + place}}}{more if place == 1 else ''}}}\n"
        for place, kind in enumerate(("MREC", "Banner", "Rewarded", "Interstitial"))
    )
    return (
        f"version: 1\napps:\n  - platform: android\n    bundle: com.a{number}\n    name: A {number}\n"
        f"    category1: Finance\n    coppa: false\n    placements:\n{tiers}"
    )


def done(project, how, *arguments, **env):
    """What a command left: its code, what it printed without times, and how many questions workers were asked."""
    called = [sys.executable, "-c", PROBE, how, *arguments]
    ran = subprocess.run(
        called, cwd=project.root, env={**project.env, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    *said, asked = ran.stderr.splitlines()
    assert "Traceback" not in ran.stderr, ran.stderr
    timeless = re.sub(r'20\d\d-\d\d-\d\dT[\d:.]+|"digest": "[^"]+"', "", ran.stdout)
    return (ran.returncode, timeless, said), int(asked)


@pytest.fixture(scope="module")
def applied(tmp_path_factory):
    """A project of many manifests, all of it applied to a sandbox and in the ledger."""
    with Wire.running() as wire:
        wire.holds()
        project = Project(tmp_path_factory.mktemp("applied") / "project", wire.sandbox.url)
        for number in range(APPS):
            project.write(f"apps/{number:02}.yaml", manifest(number))
        ran = project.run("apply", "--yes")
        assert ran.code == 0, ran.err
        yield project


@pytest.fixture
def project(applied):
    """The same, as it was after the test."""
    kept = {path: path.read_bytes() for path in applied.root.rglob("*") if path.is_file()}
    yield applied
    for path in applied.root.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()
    for path, data in kept.items():
        if path.name != "lock" and (not path.exists() or path.read_bytes() != data):
            path.write_bytes(data)


def unchanged(_):
    """Nothing to do."""


def manifests_changed(project):
    project.write("apps/03.yaml", manifest(3, price=2.5))
    project.write("apps/04.yaml", manifest(4, more=", renamedFrom: old"))
    project.write("apps/05.yaml", manifest(5, more=", state: absent"))
    project.write("apps/99.yaml", manifest(99))
    (project.root / "apps/06.yaml").unlink()


def ledger_changed(project):
    lines = project.read("reconciler.lock").splitlines(keepends=True)
    lines[7] = lines[7].replace('"status":"active"', '"status":"inactive"')
    lines[20] = lines[20].replace('"kind":', '"kept":{"status":"inactive"},"kind":')
    del lines[30:33]
    project.write("reconciler.lock", "".join(lines))


def ledger_gone(project):
    (project.root / "reconciler.lock").unlink()
    (project.root / ".reconciler/journal.jsonl").unlink()


def line_broken(project):
    lines = project.read("reconciler.lock").splitlines(keepends=True)
    lines[40] = lines[40].replace('"coppa":false', '"coppa":0')
    project.write("reconciler.lock", "".join(lines))


def lines_broken(project):
    """Two lines that only a reading of all their values finds, and a plan that would end with another error."""
    lines = project.read("reconciler.lock").splitlines(keepends=True)
    lines[50] = lines[50].replace('"floorPrices":{', '"floorPrices":{"US":"x","US":')
    lines[60] = lines[60].replace('"coppa":false', '"coppa":0')
    project.write("reconciler.lock", "".join(lines))
    project.env = {**project.env, "DT_CLIENT_SECRET": "another"}


def ids_shared(project):
    lines = project.read("reconciler.lock").splitlines(keepends=True)
    shared = [re.search(r'"id":"\d+"', line)[0] for line in (lines[3], lines[4])]
    lines[4] = lines[4].replace(shared[1], shared[0])
    project.write("reconciler.lock", "".join(lines))


def another_account(project):
    project.write(
        "reconciler.lock", project.read("reconciler.lock").replace('"publisherId":"3432"', '"publisherId":"1"')
    )


def manifest_broken(project):
    project.write("apps/07.yaml", manifest(7).replace("Finance", "Finanze").replace("status: active", "status: on"))
    project.write("apps/08.yaml", manifest(7))
    project.write("apps/09.yaml", b"apps: [\xff\n")


WORLDS = (
    unchanged, manifests_changed, ledger_changed, ledger_gone, line_broken, lines_broken, ids_shared, another_account,
    manifest_broken,
)  # fmt: skip


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "cold"])
def test_a_plan_is_the_same_whatever_becomes_of_its_workers(project, world, remembered):
    keys = project.env
    try:
        world(project)
        env = {} if remembered else {"RECONCILER_CACHE": "off"}
        alone, asked = done(project, "alone", "plan", "--format", "json", **env)
        assert asked == 0
        for how in HOW if world in {unchanged, manifests_changed} else HOW[:1]:
            told, asked = done(project, how, "plan", "--format", "json", **env)
            assert told == alone, how
            assert asked >= (APPS if world is unchanged and how in {"forked", "starved"} else 1), how
    finally:
        project.env = keys


@pytest.mark.parametrize("world", [unchanged, manifest_broken], ids=lambda world: world.__name__)
def test_a_reading_of_all_manifests_is_the_same_and_keeps_the_same(project, world, monkeypatch):
    world(project)
    project.write("apps/zz.yaml", "# " + "x" * 250_000 + "\n" + manifest(77))  # so that it is worth it
    kept = {}
    for how in ("alone", *HOW[:3]):
        (project.root / ".reconciler/cache/manifests").unlink()
        told, asked = done(project, how, "validate", "--format", "json")
        lines = (project.root / ".reconciler/cache/manifests").read_bytes().splitlines()
        kept[how] = told, sorted(line.split(b" ", 2)[::2] for line in lines)
        assert (asked > 0) is (how != "alone")
    assert all(each == kept["alone"] for each in kept.values())


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [0.25, 0.5, 0.8])
def test_a_request_to_stop_ends_workers_too(project, asked, after):
    program = PROBE.replace("def counted", "print(worker_process.os.getpid(), flush=True)\n\ndef counted", 1)
    process = subprocess.Popen(
        [sys.executable, "-c", program, "forked", "plan"], cwd=project.root,
        env={**project.env, "RECONCILER_CACHE": "off"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert int(process.stdout.readline()) == process.pid
    time.sleep(after)
    os.killpg(process.pid, asked)  # as a terminal does: the workers get it as well
    out, err = process.communicate(timeout=30)
    assert b"Traceback" not in err
    assert process.returncode in {0, -asked, 130}, (out, err)
    until = time.monotonic() + 5
    while _in_group(process.pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _in_group(process.pid)


def _in_group(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_no_request_is_made_more_than_without_workers(project):
    told = [done(project, how, "-v", "plan")[0][2] for how in ("alone", "forked")]
    counts = [[line for line in lines if "requests:" in line] for lines in told]
    assert counts[0] == counts[1] != [], json.dumps(told)
