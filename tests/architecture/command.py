"""The command as a user calls it: in a process of its own."""

import subprocess
import sys
from functools import cache
from pathlib import Path


def reconciler(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    called = [sys.executable, "-m", "reconciler", *arguments]
    return subprocess.run(called, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@cache
def help_of(*command: str) -> str:
    """The help text; empty where there is no such command."""
    shown = reconciler(*command, "--help")
    return shown.stdout if shown.returncode == 0 else ""
