"""The ledger, committed and pushed after an apply, whoever else pushes at the same time."""

from dataclasses import dataclass
from typing import Final

from reconciler.errors import ProjectError
from reconciler.forge.git import Git
from reconciler.ports import Clock
from reconciler.web.redaction import discreet

TRIES: Final = 6
PAUSE: Final = 1.0
"""Seconds before the second try; each next one waits twice as long."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a commit goes: a remote (or its URL) and a branch. `author`: name and address where git knows none.

    `options` stand before the command of every call that goes over the network.
    """

    remote: str
    branch: str
    author: tuple[str, str]
    options: tuple[str, ...] = ()


def commit_ledger(git: Git, name: str, message: str, target: Target, clock: Clock) -> str | None:
    """Commit the file and push the commit; its id, or None where there was nothing to commit.

    Raises `ProjectError` where it cannot be pushed. The commit then stays in the checkout.
    """
    git.does("add", "--force", "--", name)
    if git.tries("diff", "--cached", "--quiet", "--", name)[0]:
        return None
    git.does(*_identity(git, target.author), "commit", "--quiet", f"--message={message}", "--", name)
    for attempt in range(TRIES):
        well, said = git.tries(*target.options, "push", "--quiet", target.remote, f"HEAD:refs/heads/{target.branch}")
        if well:
            return git.does("rev-parse", "--short=12", "HEAD")
        _follow(git, name, target, said)
        clock.sleep(PAUSE * 2**attempt)
    raise ProjectError(
        f"the ledger could not be pushed to {target.branch}: others were faster {TRIES} times", hint=_LOST
    )


def _follow(git: Git, name: str, target: Target, said: str) -> None:
    """Put our commit on top of what others pushed. Raises `ProjectError` where that is not why the push failed."""
    git.does(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{target.branch}")
    if git.tries("merge-base", "--is-ancestor", "FETCH_HEAD", "HEAD")[0]:
        raise ProjectError(
            f"the ledger could not be pushed to {target.branch}: {discreet(said)}",
            hint=f"the job's token has to be allowed to push there (contents: write, branch protection); {_LOST}",
        )
    identity = _identity(git, target.author)
    if not git.tries(*identity, "rebase", "--quiet", "--autostash", "FETCH_HEAD")[0]:
        git.tries("rebase", "--abort")
        raise ProjectError(f"somebody else has pushed another {name} to {target.branch} meanwhile", hint=_LOST)


def _identity(git: Git, author: tuple[str, str]) -> tuple[str, ...]:
    known = git.tries("config", "user.email")[0]
    return () if known else ("-c", f"user.name={author[0]}", "-c", f"user.email={author[1]}")


_LOST: Final = "without it the next apply finds everything again by name, but no longer knows what was last applied"
