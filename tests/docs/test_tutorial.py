"""The tutorial works: its blocks of shell run in order, and what it shows is what comes."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "-- end of a block --"
WAIT = "for _ in $(seq 600); do grep -q Ctrl-C sandbox.log && break; sleep 0.1; done"

needs = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="the tutorial needs bash and curl"
)


def steps(page):
    """Blocks of shell, each with the output that is shown for it; empty where none is."""
    found = []
    for kind, body in FENCE.findall(page):
        if kind == "sh":
            found.append((body, ""))
        elif kind == "text":
            found[-1] = (found[-1][0], body)
    return found


def looks_like(shown, came):
    """Whether output is as shown: `…` stands for anything in a line, and for any lines where it is alone."""
    parts = [
        r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in shown.splitlines()
    ]
    return re.fullmatch("".join(parts), came) is not None


@pytest.mark.parametrize(
    ("shown", "came", "alike"),
    [
        ("a\n…\nc\n", "a\nb\nb\nc\n", True),
        ("a\n…\nc\n", "a\nc\n", True),
        ("id … ok\n", "id 7 ok\n", True),
        ("id … ok\n", "id 7\nok\n", False),
        ("a\n…\n", "b\n", False),
        ("a.c\n", "abc\n", False),
        ("a\n", "a\nb\n", False),
    ],
)
def test_dots_stand_for_what_may_differ_and_for_nothing_else(shown, came, alike):
    assert looks_like(shown, came) is alike


def a_free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@needs
def test_the_tutorial_runs_as_it_is_written(tmp_path):
    page = PAGE.read_text(encoding="utf-8").replace("8099", str(a_free_port()))
    blocks = steps(page)
    script = ["trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for body, _ in blocks:
        script += [body, WAIT if "reconciler sandbox" in body else "", f"echo '{MARK}'"]
    home = {"HOME": str(tmp_path), "LANG": "C.UTF-8"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=tmp_path, env={**home, "PATH": path}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
    )  # fmt: skip
    came = done.stdout.split(f"{MARK}\n")
    assert len(came) == len(blocks) + 1, done.stdout
    wrong = [(body, shown, out) for (body, shown), out in zip(blocks, came, strict=False) if not fits(shown, out)]
    assert not wrong, "\n".join(f"$ {body}\nshown:\n{shown}\ncame:\n{out}" for body, shown, out in wrong)


def fits(shown, out):
    """A block without output shown may say anything but that something went wrong."""
    return looks_like(shown, out) if shown else "error" not in out.lower()
