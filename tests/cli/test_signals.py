"""SIGINT and SIGTERM at any moment: amid imports, amid work, at the very end; and SIGINT that was ignored before."""

import signal
import subprocess
import sys
from threading import Event

import pytest

PROBE = """
import atexit, os, signal, sys

moment, number, told, *arguments = sys.argv[1:]
sys.argv = ["reconciler", *arguments]
ask = lambda: os.kill(os.getpid(), int(number))
imports = 0

def heard(event, arguments):
    global imports
    if event == "import":
        imports += 1
        if told == "begun" and imports == 1:
            print("begun", flush=True)
        if str(imports) == moment:
            ask()

if moment == "exit":
    atexit.register(ask)
from reconciler.cli.front import main
sys.addaudithook(heard)
try:
    main()
finally:
    if told == "count":
        print(imports)
"""
"""Runs a command; asks it to stop at its import of that number or at its exit, and may tell that imports began."""

BOTH = pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM], ids=lambda asked: asked.name)
MANIFEST = """version: 1
apps:
  - {platform: android, bundle: com.a, name: A, category1: Finance, coppa: false, placements: [
      {name: one, placementType: MREC, coppa: false}, {name: two, placementType: MREC, coppa: false}]}
"""


@pytest.fixture
def project(project):
    project.write("apps/a.yaml", MANIFEST)
    return project


def started(project, moment, number, told=""):
    called = [sys.executable, "-c", PROBE, str(moment), str(int(number)), told, "plan"]
    return subprocess.Popen(
        called, cwd=project.root, env=project.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process, asked):
    """It ended by the signal, or as one that was interrupted: never with a traceback."""
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert process.returncode in {-asked, 130}, err
    assert process.returncode == -asked or "interrupted" in err


@BOTH
def test_a_request_at_any_import_ends_it_without_a_traceback(project, asked):
    with started(project, "none", asked, "count") as whole:
        imports = int(whole.communicate(timeout=60)[0].splitlines()[-1])
    assert imports > 300
    for moment in range(1, imports, imports // 8):
        with started(project, moment, asked) as process:
            ended(process, asked)


@BOTH
@pytest.mark.parametrize("after", [0, 0.05, 0.1, 0.2, 0.3])
def test_a_request_in_the_first_moments_ends_it_without_a_traceback(project, rival, asked, after):
    go_on = Event()
    rival.instead["GET app publisherId"] = lambda _: go_on.wait(60)  # however fast it is, it is not at its end before
    with started(project, "none", asked, "begun") as process:
        assert process.stdout.readline() == "begun\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(after)
        process.send_signal(asked)
        go_on.set()
        ended(process, asked)


@BOTH
def test_a_request_while_python_shuts_down_ends_it_without_a_traceback(project, asked):
    with started(project, "exit", asked) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (-asked, "")
    assert "create" in out


CLEANER = """
import os, signal
from reconciler.cli.signals import stop_on_request

class Cleaned:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(10):
            pass

stop_on_request()
Cleaned()
print("went on")
"""


def test_a_request_where_nothing_can_be_raised_is_not_lost():
    done = subprocess.run([sys.executable, "-c", CLEANER], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


class TestIgnored:
    """As in a background job of a script, whose SIGINT is ignored from the start."""

    @pytest.fixture
    def running(self, project, rival):
        begun, go_on = Event(), Event()

        def hold(_):
            begun.set()
            go_on.wait(60)

        rival.instead["POST placement"] = hold
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = project.start("apply", "--yes", "--parallelism", "1")
        finally:
            signal.signal(signal.SIGINT, before)
        with process:
            assert begun.wait(60)
            yield process, go_on

    def test_sigint_changes_nothing(self, running, rival):
        process, go_on = running
        process.send_signal(signal.SIGINT)
        go_on.set()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert len(rival.placements) == 2

    def test_sigterm_is_heard(self, running, rival):
        process, go_on = running
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        go_on.set()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert len(rival.placements) == 1


def test_sigint_and_sigterm_together_are_one_request(project, rival):
    begun, go_on = Event(), Event()

    def hold(_):
        begun.set()
        go_on.wait(60)

    rival.instead["GET app publisherId"] = hold
    with project.start("apply", "--yes") as process:
        assert begun.wait(60)
        for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            process.send_signal(asked)
        go_on.set()
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count(b"interrupted")) == (130, 1), err
