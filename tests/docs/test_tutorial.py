"""The tutorial works: its blocks of shell run in order, and what it shows is what comes."""

import os
import pty
import re
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Thread

import pytest
from support.forking import forked

from reconciler.cli.commands.sandbox import is_sandbox, stop

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "-- end of a block --"

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


@pytest.fixture
def port():
    """A free port; whatever sandbox is left at it ends with the test."""
    free = a_free_port()
    yield free
    if is_sandbox(free):
        stop(free)


def page_at(port):
    return PAGE.read_text(encoding="utf-8").replace("8099", str(port))


def surroundings(home, **more):
    path = os.pathsep.join([str(forked().program.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"HOME": str(home), "LANG": "C.UTF-8", "PATH": path, **more}


@needs
def test_the_tutorial_runs_as_it_is_written(tmp_path, port):
    blocks = steps(page_at(port))
    script = [part for body, _ in blocks for part in (body, f"echo '{MARK}'")]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=tmp_path, env=surroundings(tmp_path), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
    )  # fmt: skip
    came = done.stdout.split(f"{MARK}\n")
    assert len(came) == len(blocks) + 1, done.stdout
    wrong = [(body, shown, out) for (body, shown), out in zip(blocks, came, strict=False) if not fits(shown, out)]
    assert not wrong, "\n".join(f"$ {body}\nshown:\n{shown}\ncame:\n{out}" for body, shown, out in wrong)


class Overheard:
    """A server that remembers what anybody says to it, and closes."""

    def __init__(self):
        self.said = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                self.said.append(connection.recv(4096).decode("latin-1").partition("\r\n")[0])

    def close(self):
        self._listening.close()


@pytest.fixture
def overheard():
    """Starts servers that remember what is said to them."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(closing(Overheard()))


REAL = {"DT_CLIENT_ID": "real-id", "DT_CLIENT_SECRET": "real-secret"}


def pasted(text, home, **more):
    """What bash makes of a text that it gets at once."""
    return subprocess.run(
        ["bash"], cwd=home, env=surroundings(home, **more), input=text, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
    )  # fmt: skip


def blocks_until(page, heading):
    return "".join(body for body, _ in steps(page.partition(f"\n## {heading}")[0]))


@needs
def test_its_blocks_pasted_at_once_do_the_same_and_send_nothing_elsewhere(tmp_path, port, overheard):
    world = overheard()
    proxy = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{world.port}")
    done = pasted(blocks_until(page_at(port), "5."), tmp_path, **REAL, **proxy)
    assert "Apply: 6 applied." in done.stdout, done.stdout
    assert "Apply: 1 applied." in done.stdout
    assert world.said == []


@needs
def test_its_blocks_pasted_into_a_terminal_do_the_same(tmp_path, port):
    text = blocks_until(page_at(port), "4.") + "echo done-$((40 + 2)); exit\n"
    leader, follower = pty.openpty()
    with subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"], cwd=tmp_path, env=surroundings(tmp_path, TERM="dumb"), stdin=follower,
        stdout=follower, stderr=follower, start_new_session=True,
    ) as shell:  # fmt: skip
        os.close(follower)
        Thread(target=os.write, args=(leader, text.encode()), daemon=True).start()
        seen = b""
        with suppress(OSError):  # what Linux says when nobody holds the other end any more
            while part := os.read(leader, 4096):
                seen += part
        shell.wait(60)
    os.close(leader)
    told = seen.decode(errors="replace")
    assert "Apply: 6 applied." in told, told
    assert "done-42" in told
    assert is_sandbox(port), "the sandbox outlives the shell"


@needs
@pytest.mark.parametrize("kind", ["the port is taken", "the command fails", "the folder is there"])
def test_where_the_sandbox_does_not_start_nothing_is_sent_anywhere(tmp_path, port, overheard, kind):
    world, other = overheard(), overheard()
    proxy = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{world.port}")
    more = {**REAL, **proxy, "https_proxy": proxy["HTTPS_PROXY"]}
    text = blocks_until(page_at(other.port if kind == "the port is taken" else port), "8.")
    match kind:
        case "the command fails":
            text = text.replace("--seed demo", "--seed nonsense")
        case "the folder is there":
            (tmp_path / "tutorial").mkdir()
    done = pasted(text, tmp_path, **more)
    assert "applied." not in done.stdout, done.stdout
    assert world.said == []
    assert not [line for line in other.said if "reconciler-sandbox" not in line]
    assert not is_sandbox(port)


def fits(shown, out):
    """A block without output shown may say anything but that something went wrong."""
    return looks_like(shown, out) if shown else "error" not in out.lower()
