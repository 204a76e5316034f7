"""The command as a user calls it, in a process of its own."""

import os
import subprocess
from functools import cache
from pathlib import Path

from support.forking import forked


def reconciler(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = forked().run(arguments, cwd or Path.cwd(), os.environ, 60)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@cache
def help_of(*command: str) -> str:
    """The help text; empty where there is no such command."""
    shown = reconciler(*command, "--help")
    return shown.stdout if shown.returncode == 0 else ""
