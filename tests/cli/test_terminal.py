"""With somebody at the terminal: a pseudo-terminal on all three streams."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

ANSI = re.compile(r"\x1b\[[0-9;]*m")
ONE = """
version: 1
apps:
  - {platform: android, bundle: com.a, name: A, category1: Finance, coppa: false}
"""


class Terminal:
    """A command on a terminal. `seen` holds all that it has shown so far."""

    def __init__(self, project, *arguments, size=0, **env):
        self.seen = ""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, size, 0, 0))
        variables = {**project.env, "TERM": "xterm", **env}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=project.root, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def read_until(self, text, patience=20.0):
        ends = time.monotonic() + patience
        while text not in self.seen:
            assert time.monotonic() < ends, self.seen
            self._take(ends)

    def _take(self, ends):
        ready, _, _ = select.select([self._ours], [], [], max(0.0, ends - time.monotonic()))
        if not ready:
            return False
        try:
            more = os.read(self._ours, 65536)
        except OSError:
            return False
        self.seen += more.decode()
        return bool(more)

    def type(self, text):
        os.write(self._ours, text.encode())

    def end(self):
        """The exit code, once everything was read."""
        while self._take(time.monotonic() + 20):
            pass
        os.close(self._ours)
        return self.process.wait(20)


@pytest.fixture
def project(project):
    project.write("apps/a.yaml", ONE)
    return project


def test_yes_applies_what_was_shown(project, rival):
    terminal = Terminal(project, "apply")
    terminal.read_until("Apply this?")
    assert "create" in terminal.seen
    assert rival.writes == []
    terminal.type("yes\n")
    assert terminal.end() == 0
    assert "1 applied" in terminal.seen
    assert len(rival.apps) == 1


@pytest.mark.parametrize("answer", ["y\n", "\x04"])
def test_anything_else_applies_nothing(project, rival, answer):
    terminal = Terminal(project, "apply")
    terminal.read_until("Apply this?")
    terminal.type(answer)
    assert terminal.end() == 1
    assert "nothing was applied" in terminal.seen
    assert rival.writes == []


def test_an_interrupt_at_the_question_applies_nothing(project, rival):
    terminal = Terminal(project, "apply")
    terminal.read_until("Apply this?")
    terminal.process.send_signal(2)
    assert terminal.end() == 130
    assert rival.writes == []
    assert "Traceback" not in terminal.seen


def test_nothing_is_asked_where_nothing_is_to_be_done(project):
    assert project.call("apply", "--yes").code == 0
    terminal = Terminal(project, "apply")
    assert terminal.end() == 0
    assert "Apply this?" not in terminal.seen


def test_colour_is_shown_and_can_be_refused_in_two_ways(project):
    shown = Terminal(project, "plan")
    assert shown.end() == 0
    assert "\x1b[" in shown.seen.replace("\x1b[?25", "")
    for refused in (Terminal(project, "plan", NO_COLOR="1"), Terminal(project, "--no-color", "plan")):
        assert refused.end() == 0
        assert "\x1b" not in refused.seen


def test_progress_is_shown_and_leaves_the_answer_alone(project):
    terminal = Terminal(project, "apply", "--yes")
    assert terminal.end() == 0
    assert "1 applied" in terminal.seen


@pytest.mark.parametrize("name", [r"\[/x]", "##[/error]", "[/x]", "[link=https://evil.example]x", "a\\"])
def test_a_name_is_no_markup_to_the_progress_bar(project, rival, name):
    placement = f"    placements: [{{name: {json.dumps(name)}, placementType: Banner}}]\n"
    project.write("apps/a.yaml", ONE.replace("  - {", "  - ").replace(", ", "\n    ").replace("}", "") + placement)
    terminal = Terminal(project, "apply", "--yes")
    assert terminal.end() == 0, terminal.seen
    assert "2 applied" in terminal.seen
    assert "\x1b]8;" not in terminal.seen, "a link"
    assert name in {each["name"] for each in rival.placements.values()}


@pytest.mark.parametrize("width", [40, 72])
def test_reasons_notes_and_hints_are_wrapped_to_the_terminal_and_lose_nothing(project, width):
    project.write("apps/a.yaml", ONE.replace("name: A, ", "name: A, unknown_field_that_is_not_there: 1, "))
    plain = project.call("validate")
    terminal = Terminal(project, "validate", size=width)
    assert terminal.end() == plain.code == 1
    lines = terminal.seen.replace("\r\n", "\n").split("\n")
    assert [each for each in lines if len(ANSI.sub("", each)) > width and len(each.split()) > 2] == []
    assert len(lines) > len((plain.out + plain.err).splitlines()) + 1
    assert ANSI.sub("", terminal.seen).split() == (plain.out + plain.err).split()


def test_off_a_terminal_no_line_is_broken(project):
    project.write("apps/a.yaml", ONE.replace("name: A, ", "name: A, unknown_field_that_is_not_there: 1, "))
    (finding, *_) = project.call("validate", COLUMNS="40").out.splitlines()
    assert len(finding) > 80
    assert finding.endswith("[unknown-field]")
