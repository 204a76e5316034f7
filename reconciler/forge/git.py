"""The git program, in a checkout. Its words are shown without what looks like a credential."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.errors import ProjectError
from reconciler.web.redaction import discreet

PATIENCE: Final = 300.0
"""Seconds for one call: a push of one small file over a slow network."""


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
                ["git", *arguments],  # noqa: S607 - the git that the job's PATH names
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as wrong:
            raise ProjectError(f"git {arguments[0]}: {type(wrong).__name__}") from None
        said = (done.stdout if done.returncode == 0 else done.stderr).decode(errors="replace")
        return done.returncode == 0, said.strip()

    def does(self, *arguments: str) -> str:
        """What a call answers. Raises `ProjectError` with git's words where it does not go well."""
        well, said = self.tries(*arguments)
        if not well:
            verb = next(word for word in arguments if word.isalpha())
            raise ProjectError(f"git {verb}: {discreet(said) or 'it failed'}")
        return said
