"""The suite says the same however it is started: tests of signals, terminals and git run here once more, oddly."""

import os
import subprocess
import sys

from architecture.source_code import ROOT

TESTS = (
    "tests/faults/test_processes.py::test_who_asks_twice_is_not_let_go_any_sooner",
    "tests/faults/test_processes.py::test_a_stop_while_the_account_is_read_writes_nothing",
    "tests/cli/test_exit_codes.py::TestInterrupt",
    "tests/cli/test_terminal.py::test_an_interrupt_at_the_question_applies_nothing",
    "tests/cli/test_terminal.py::test_colour_is_shown_and_can_be_refused_in_two_ways",
    "tests/cli/test_init.py::test_ci_files_are_those_of_the_remotes_host",
    "tests/unit/apply/test_executor.py::TestInterrupt",
    "tests/unit/sandbox/test_server.py::test_a_signal_ends_it_cleanly_and_its_state_stays",
)
ODD = {
    "TZ": "Pacific/Kiritimati", "LANG": "C", "LC_ALL": "C", "TERM": "dumb", "NO_COLOR": "1", "FORCE_COLOR": "1",
    "COLUMNS": "20", "LINES": "3", "GITHUB_ACTIONS": "true", "GITLAB_CI": "true", "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "7", "PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "ignore",
    "DT_CLIENT_ID": "another", "DT_CLIENT_SECRET": "another", "DT_MANAGEMENT_URL": "http://127.0.0.1:9",
    "RECONCILER_STORE": "postgresql://127.0.0.1:9/nowhere", "RECONCILER_CACHE": "off", "GIT_DIR": "/nowhere",
    "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9",
    "XDG_CONFIG_HOME": "/",
}  # fmt: skip
AS_A_BACKGROUND_JOB = 'trap "" INT TERM HUP QUIT; umask 077; exec "$@" <&-'


def test_tests_hang_on_no_signal_variable_mask_or_input_of_whoever_starts_them():
    called = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", *TESTS]
    env = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ} | ODD
    done = subprocess.run(
        ["sh", "-c", AS_A_BACKGROUND_JOB, "sh", *called],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
