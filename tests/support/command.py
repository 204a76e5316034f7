"""The command as a user calls it, in a project's folder, with an environment of its own."""

import json
import logging
import os
import shlex
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from support.forking import forked, hangs_on_its_start

from reconciler.cli.main import run

CLIENT_ID, CLIENT_SECRET = "client-id-canary-5150", "client-secret-canary-2112"
SETTINGS = 'version: 1\npublisherId: "3432"\n'
ONE_APP = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
"""
"""A manifest of seven lines, to which fields of the app can be added."""
PATIENCE = 60


class Done(subprocess.CompletedProcess[str]):
    """What a command left behind. `code`, `out` and `err` are short for what `CompletedProcess` has."""

    @property
    def code(self) -> int:
        return self.returncode

    @property
    def out(self) -> str:
        return self.stdout

    @property
    def err(self) -> str:
        return self.stderr

    @property
    def json(self) -> Any:
        """Standard output, which holds one JSON document and nothing else."""
        return json.loads(self.stdout)

    def outcomes(self) -> dict[str, str]:
        """Of a result document: what came of each address."""
        return {each["address"]: each["outcome"] for each in self.json["results"]}


class Project:
    """A project's folder and the environment its commands see."""

    def __init__(self, root: Path, url: str = "http://127.0.0.1:9") -> None:
        self.root = root
        home = {"PATH": os.environ["PATH"], "HOME": str(root)}
        self.env = {**home, "DT_MANAGEMENT_URL": url, "DT_CLIENT_ID": CLIENT_ID, "DT_CLIENT_SECRET": CLIENT_SECRET}
        self.write("reconciler.yaml", SETTINGS)

    def write(self, name: str, text: str | bytes) -> Path:
        """Put a file into the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        """Replace texts in a file, each of which is there once."""
        text = self.read(name)
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        self.write(name, text)

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def entries(self) -> list[dict[str, Any]]:
        """The entries of the ledger, without the line that says whose it is."""
        lines = map(json.loads, self.read("reconciler.lock").splitlines())
        return [line for line in lines if "format" not in line]

    def events(self) -> list[dict[str, Any]]:
        """The events of the journal, likewise."""
        lines = map(json.loads, self.read(".reconciler/journal.jsonl").splitlines())
        return [line for line in lines if "format" not in line]

    def run(self, *arguments: str, cwd: Path | None = None, **env: str | None) -> Done:
        """Run a command to its end, in a process of its own without a terminal. A variable given as None is not set.

        It is a fork, unless variables are given that Python looks at when it starts.
        """
        variables = {key: value for key, value in {**self.env, **env}.items() if value is not None}
        if not hangs_on_its_start(variables):
            forked_run = forked().run(arguments, cwd or self.root, variables, PATIENCE)
            return Done(forked_run.args, forked_run.returncode, forked_run.stdout.decode(), forked_run.stderr.decode())
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=cwd or self.root, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def shell(self, line: str, *, afresh: bool = False) -> Done:
        """Run a line of bash in which `reconciler` is the command: a fork each time, or started afresh.

        A fork gets the streams 0 to 2 and no other descriptor.
        """
        program = shlex.join([sys.executable, "-m", "reconciler"]) if afresh else shlex.quote(str(forked().program))
        function = f'reconciler() {{ {program} "$@"; }}; '
        done = subprocess.run(
            ["bash", "-c", function + line], cwd=self.root, env=self.env, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def call(self, *arguments: str, cwd: Path | None = None, **env: str | None) -> Done:
        """As `run`, but in this process, which takes a tenth of the time: for what does not hang on processes."""
        out, err = StringIO(), StringIO()
        before = dict(os.environ)
        logger = logging.getLogger("reconciler")
        heard = logger.handlers, logger.propagate, logger.level
        os.environ.clear()
        os.environ.update({key: value for key, value in {**self.env, **env}.items() if value is not None})
        stdin = sys.stdin
        try:
            with (
                redirect_stdout(out),
                redirect_stderr(err),
                chdir(cwd or self.root),
                Path(os.devnull).open() as sys.stdin,
            ):
                code = run(arguments)
        finally:
            sys.stdin = stdin
            logger.handlers, logger.propagate = heard[:2]
            logger.setLevel(heard[2])
            os.environ.clear()
            os.environ.update(before)
        return Done(arguments, code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a command and come back at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.root, env={**self.env, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
