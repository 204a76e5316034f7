"""The git program, in a checkout. Its words are shown without what looks like a credential."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.errors import ProjectError
from reconciler.web.redaction import discreet

PATIENCE: Final = 300.0
"""Seconds for one call: a push of one small file over a slow network."""

_TRUSTS_NO_CHECKOUT: Final = (
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
)
"""A folder of a checkout can look like a repository, whose settings name programs that git runs. Hooks are for people's
commits, and may be files of the checkout."""


@dataclass(frozen=True, slots=True)
class Git:
    """A checkout, and the variables that git is to see."""

    folder: Path
    variables: Mapping[str, str] = field(repr=False)

    def tries(self, *arguments: str) -> tuple[bool, str]:
        """Whether a call went well, and its answer, else its complaint. Raises `ProjectError` without git."""
        variables = {**self.variables, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(  # noqa: S603 - arguments, not a line of shell
                [self._program(), *_TRUSTS_NO_CHECKOUT, *arguments],
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as wrong:
            raise ProjectError(f"git {_command(arguments)}: {type(wrong).__name__}") from None
        said = (done.stdout if done.returncode == 0 else done.stderr).decode(errors="replace")
        return done.returncode == 0, said.strip()

    def does(self, *arguments: str) -> str:
        """What a call answers. Raises `ProjectError` with git's words where it does not go well."""
        well, said = self.tries(*arguments)
        if not well:
            raise ProjectError(f"git {_command(arguments)}: {discreet(said) or 'it failed'}")
        return said

    def _program(self) -> str:
        """The git that PATH names, but for its relative folders. Raises OSError where there is none."""
        folders = self.variables.get("PATH", os.defpath).split(os.pathsep)
        found = shutil.which("git", path=os.pathsep.join(filter(os.path.isabs, folders)))
        if found is None:
            raise FileNotFoundError
        return found


def _command(arguments: Iterable[str]) -> str:
    """Which of git's commands it is: the first word that is no option and no setting."""
    words = iter(arguments)
    for word in words:
        if word == "-c":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""
