"""The ledger, committed and pushed after an apply, whoever else pushes at the same time."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.errors import ProjectError
from reconciler.forge.git import Git
from reconciler.forge.repository import Branches
from reconciler.ports import Clock
from reconciler.web.redaction import discreet

TRIES: Final = 6
PAUSE: Final = 1.0
"""Seconds before the second try; each next one waits twice as long."""

MERGED: Final = 10
"""How many merged requests a branch is looked for in. Its newest commit is that of the newest request."""
_TAKEN: Final = "refs/reconciler/taken"
"""In a checkout, the content of the ledger as it was taken from its branch."""


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
    if not git.tries("diff", "--cached", "--quiet", "--", name)[0]:
        git.does(*identity(git, target.author), "commit", "--quiet", f"--message={message}", "--", name)
    elif not _waits_for_a_push(git, name, message):
        return None
    for attempt in range(TRIES):
        well, said = git.tries(*target.options, "push", "--quiet", target.remote, f"HEAD:refs/heads/{target.branch}")
        if well:
            return git.does("rev-parse", "--short=12", "HEAD")
        _follow(git, name, target, said)
        clock.sleep(PAUSE * 2**attempt)
    raise ProjectError(
        f"the ledger could not be pushed to {target.branch}: others were faster {TRIES} times", hint=_LOST
    )


def _waits_for_a_push(git: Git, name: str, message: str) -> bool:
    """Whether the newest commit is one that an earlier try has made of the file alone, and could not push."""
    made = git.tries("show", "--format=%s", "--name-only", "HEAD")[1].split("\n")
    only = [message, "", git.does("rev-parse", "--show-prefix") + name]
    return made == only and git.tries("branch", "--remotes", "--contains", "HEAD") == (True, "")


def request_ledger(git: Git, name: str, message: str, target: Target, branch: str) -> str | None:
    """Push the file to a branch of its own, as one commit upon the target as it is now; the commit's id.

    The branch holds no other commit, whatever it held before; where it has the file as it is, it stays. None where the
    target has the file as it is. The checkout is left alone. Raises `ProjectError` where somebody else has changed the
    file on the target meanwhile, or the push fails.
    """
    base = _base(git, name, target, also=branch)
    if base is None:
        return None
    head, path, before = base
    if before and _blob(git, before, path) == git.does("hash-object", "--", name):
        return before[:12]
    with TemporaryDirectory() as folder:
        apart = replace(git, variables={**git.variables, "GIT_INDEX_FILE": str(Path(folder) / "index")})
        apart.does("read-tree", head)
        blob = git.does("hash-object", "-w", "--", name)
        apart.does("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = apart.does("write-tree")
    commit = git.does(*identity(git, target.author), "commit-tree", tree, "-p", head, "-m", message)
    lease = f"--force-with-lease=refs/heads/{branch}:{before}"
    git.does(*target.options, "push", "--quiet", lease, target.remote, f"{commit}:refs/heads/{branch}")
    return commit[:12]


def sign_ledger(git: Git, name: str, message: str, target: Target, branches: Branches, clock: Clock) -> str | None:
    """Commit the file to the target by a call of the forge's API, which signs it; the commit's id.

    None where the target has the file as it is. Raises as `commit_ledger` does, and `ApiError`.
    """
    data = (git.folder / name).read_bytes()
    for attempt in range(TRIES):
        base = _base(git, name, target)
        if base is None:
            return None
        commit = branches.commit(target.branch, base[0], (base[1], data), message)
        if commit is not None:
            return commit[:12]
        clock.sleep(PAUSE * 2**attempt)
    raise ProjectError(
        f"the ledger could not be committed to {target.branch}: others were faster {TRIES} times", hint=_LOST
    )


def waiting_ledger(branches: Branches, branch: str, path: str) -> bytes | None:
    """The ledger on a branch of its own that is to be merged yet; None where none is.

    A branch that was merged and is still there has nothing to merge: its ledger is older than what later applies have
    left. Raises `ProjectError` where the request's target has got another ledger since, and `ApiError`.
    """
    ours = branches.text(branch, path)
    if ours is None:
        return None
    request = next(branches.open_requests(branch), None)
    if request is None:
        merged = islice(branches.merged_requests(branch), MERGED)
        return None if any(branches.text(each.head, path) == ours for each in merged) else ours
    there, before = branches.text(request.into, path), branches.before(branch, path)
    if there != ours and before and there not in [branches.text(commit, path) for commit in before]:
        raise ProjectError(
            f"{request.into} has got another {path} since the ledger of {branch} was made: {request.url}",
            hint=f"merge {request.into} into that branch with the one that holds, or close the request and delete it",
        )
    return ours


def note_taken(git: Git, name: str | None) -> None:
    """Remember in the checkout, for `request_ledger`, that the file is from the ledger's branch; None: that none is."""
    git.tries("update-ref", "-d", _TAKEN)
    if name is not None:
        git.does("update-ref", _TAKEN, git.does("hash-object", "-w", "--", name))


def _base(git: Git, name: str, target: Target, also: str | None = None) -> tuple[str, str, str] | None:
    """The newest commit of the target, the file's path in the repository, and the newest commit of `also` or nothing.

    None where the target has the file as it is here. Raises `ProjectError` where it has another one than the checkout
    began with, than was taken from the ledger's branch, which may have been merged meanwhile, and than `also` has.
    """
    path = git.does("rev-parse", "--show-prefix") + name
    known = {_blob(git, "HEAD", path), _id(git, _TAKEN), git.does("hash-object", "--", name)}
    before = ""
    if also is not None and git.tries(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{also}")[0]:
        before = git.does("rev-parse", "FETCH_HEAD")
        known.add(_blob(git, "FETCH_HEAD", path))
    git.does(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{target.branch}")
    there = _blob(git, "FETCH_HEAD", path)
    if there == git.does("hash-object", "--", name):
        return None
    if there and there not in known:
        raise ProjectError(f"somebody else has pushed another {name} to {target.branch} meanwhile", hint=_LOST)
    return git.does("rev-parse", "FETCH_HEAD"), path, before


def _blob(git: Git, commit: str, path: str) -> str:
    """The id of a file's content in a commit; empty where it has none."""
    return _id(git, f"{commit}:{path}")


def _id(git: Git, named: str) -> str:
    """The id of an object; empty where there is none."""
    well, said = git.tries("rev-parse", "--verify", "--quiet", named)
    return said if well else ""


def _follow(git: Git, name: str, target: Target, said: str) -> None:
    """Put our commit on top of what others pushed. Raises `ProjectError` where that is not why the push failed."""
    git.does(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{target.branch}")
    if git.tries("merge-base", "--is-ancestor", "FETCH_HEAD", "HEAD")[0]:
        raise ProjectError(
            f"the ledger could not be pushed to {target.branch}: {discreet(said)}",
            hint="the job's token has to be allowed to push there (contents: write, branch protection), or use "
            f"--by request; {_LOST}",
        )
    who = identity(git, target.author)
    if not git.tries(*who, "rebase", "--quiet", "--autostash", "FETCH_HEAD")[0]:
        git.tries("rebase", "--abort")
        raise ProjectError(f"somebody else has pushed another {name} to {target.branch} meanwhile", hint=_LOST)


def identity(git: Git, author: tuple[str, str]) -> tuple[str, ...]:
    """Options of a commit by this author, where git knows none."""
    known = git.tries("config", "user.email")[0]
    return () if known else ("-c", f"user.name={author[0]}", "-c", f"user.email={author[1]}")


_LOST: Final = "without it the next apply finds everything again by name, but no longer knows what was last applied"
