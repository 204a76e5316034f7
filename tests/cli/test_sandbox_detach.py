"""`sandbox --detach`: exports once it answers, nothing to evaluate where it does not; `--stop` ends it."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from reconciler.cli.commands.sandbox import is_sandbox, stop

DETACH = "sandbox --detach --port 0 --seed demo"


@pytest.fixture
def project(project):
    """A project without any address or credentials."""
    for name in ("DT_MANAGEMENT_URL", "DT_CLIENT_ID", "DT_CLIENT_SECRET"):
        del project.env[name]
    return project


@pytest.fixture
def started(project):
    """Starts sandboxes by a line of bash, and ends them; answers what the line came to, and the ports."""
    ports = []

    def start(line):
        done = project.shell(line)
        done.ports = [int(found) for found in re.findall(r"answers at http://127\.0\.0\.1:(\d+);", done.err)]
        ports.extend(done.ports)
        return done

    yield start
    for port in ports:
        if is_sandbox(port):
            stop(port)


def test_its_answer_is_for_eval_and_what_follows_speaks_to_it(started):
    done = started(f'eval "$(reconciler {DETACH})" && reconciler ping')
    assert done.code == 0, done.err
    assert "credentials are good: publisher 3432 at http://127.0.0.1:" in done.out


def test_it_prints_exports_of_all_three_apis_and_nothing_else(started):
    done = started(f"reconciler {DETACH}")
    lines = done.out.splitlines()
    assert all(line.startswith("export ") for line in lines)
    names = {word.partition("=")[0] for line in lines for word in line.split()[1:]}
    assert names >= {
        "DT_MANAGEMENT_URL",
        "DT_REPORTING_URL",
        "CHARTBOOST_API_URL",
        "CHARTBOOST_AUTH_URL",
        "DT_CLIENT_ID",
    }


def test_it_holds_no_stream_and_outlives_the_shell(started):
    """A pipe that it held would keep `$(...)`, and this test, waiting."""
    done = started(f"reconciler {DETACH} | cat")
    (port,) = done.ports
    assert is_sandbox(port)
    pid = int(re.search(r"process (\d+)", done.err)[1])
    if Path("/proc/self").exists():
        held = {str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in (0, 2)}
        assert "/dev/null" in held
        assert os.getsid(pid) == pid


def test_a_stop_ends_it_and_frees_the_port_at_once(project, started):
    (port,) = started(f"reconciler {DETACH}").ports
    assert project.call("sandbox", "--stop", "--port", str(port)).code == 0
    with socket.create_server(("127.0.0.1", port)):
        pass
    done = project.call("sandbox", "--stop", "--port", str(port))
    assert (done.code, done.out) == (1, "")
    assert f"no sandbox answers at port {port}" in done.err


def test_a_signal_ends_it(started):
    done = started(f"reconciler {DETACH}")
    os.kill(int(re.search(r"process (\d+)", done.err)[1]), signal.SIGTERM)
    for _ in range(200):
        if not is_sandbox(done.ports[0]):
            return
    pytest.fail("it still answers")


def test_a_second_one_at_the_same_port_fails_and_says_how_to_end_the_first(project, started):
    (port,) = started(f"reconciler {DETACH}").ports
    done = project.run("sandbox", "--detach", "--port", str(port))
    assert (done.code, done.out) == (1, "")
    assert f"`reconciler sandbox --stop --port {port}` ends it" in done.err
    assert is_sandbox(port)


@pytest.mark.parametrize(
    "arguments", [["--faults", "none.yaml"], ["--faults", "bad.yaml"], ["--state", "apps"], ["--state", "bad.yaml"]]
)
def test_one_that_cannot_start_prints_nothing_to_evaluate(project, arguments):
    project.write("bad.yaml", "faults: [{do: nonsense}]\n")
    project.write("apps/a.yaml", "")
    done = project.run("sandbox", "--detach", "--port", "0", *arguments)
    assert done.code != 0
    assert done.out == ""
    assert "error: " in done.err
    assert "Traceback" not in done.err


def test_a_port_that_another_program_has_is_told(project):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        other.settimeout(0.01)
        done = project.run("sandbox", "--detach", "--port", port)
    assert (done.code, done.out) == (1, "")
    assert f"port {port} of 127.0.0.1 cannot be used: Address already in use" in done.err


def test_one_whose_exports_cannot_be_written_is_ended_again(project):
    done = project.shell(f"reconciler {DETACH} >/dev/full")
    assert done.code == 1
    assert "answers at" not in done.err


@pytest.mark.parametrize("arguments", [["--stop", "--detach"], ["--stop", "--port", "0"]])
def test_a_stop_goes_with_a_port_alone(project, arguments):
    assert project.call("sandbox", *arguments).code == 64
