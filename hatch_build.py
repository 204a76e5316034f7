"""Notes in a wheel which commit of which repository it was built from; `reconciler --version` tells it.

Only where the checkout's tracked files are as committed. Without git, or from an archive, nothing is noted.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Commit(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `reconciler/built.json`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the note and have it packed."""
        root = Path(self.root)
        if version == "editable" or not (root / ".git").exists():
            return
        commit, changed = git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain", "--untracked-files=no")
        if not commit or changed != "":
            return
        self.folder = tempfile.TemporaryDirectory()
        note = Path(self.folder.name) / "built.json"
        note.write_text(
            json.dumps({"url": public(git(root, "remote", "get-url", "origin") or ""), "commit": commit}) + "\n"
        )
        build_data["force_include"][str(note)] = "reconciler/built.json"


def public(url: str) -> str:
    """A URL without the name and password that may stand in it: a wheel is read by others."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", url)


def git(root: Path, *arguments: str) -> str | None:
    """What git answers; None where it does not."""
    call = ["git", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(call, cwd=root, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
