"""Branches of a job that suggests floors: the reports that were fetched so far, and changed manifests to be merged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.errors import ProjectError
from reconciler.forge.git import Git
from reconciler.forge.ledger_commit import Target, identity

_TAKEN: Final = "refs/reconciler/reports"
"""In a checkout, the commit of the reports' branch as it was taken."""
_PLAIN: Final = "100644"
"""How git calls a regular file that is not run."""
_AGAIN: Final = "run the job again: it begins with what is there by then"


def take_reports(git: Git, folder: str, target: Target, branch: str) -> bool:
    """Put the reports of a branch into the folder; whether there is such a branch.

    Raises `ProjectError` where nobody can say whether there is one, and for a branch that holds anything but regular
    files: what writes there may be less trusted than this job.
    """
    git.tries("update-ref", "-d", _TAKEN)
    if not _head(git, target, branch):
        return False
    git.does(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{branch}")
    listed = git.does("ls-tree", "-r", "--full-tree", "FETCH_HEAD").splitlines()
    if any(not line.startswith(f"{_PLAIN} blob ") for line in listed):
        raise ProjectError(f"the branch {branch} holds more than files of reports", hint="look at it, or delete it")
    git.does("restore", "--source=FETCH_HEAD", "--worktree", "--", folder)
    git.does("update-ref", _TAKEN, "FETCH_HEAD")
    return True


def keep_reports(git: Git, names: Sequence[str], message: str, target: Target, branch: str) -> str | None:
    """Push the files as the only commit of a branch, in place of what was taken from it; its id, None for no change.

    The branch has no history, so that it does not grow with each restated day. Raises `ProjectError` where somebody
    else has pushed to it since it was taken, or it was there and not taken: reports that nobody can fetch any more are
    never written over.
    """
    before = _id(git, _TAKEN)
    with TemporaryDirectory() as folder:
        apart = replace(git, variables={**git.variables, "GIT_INDEX_FILE": str(Path(folder) / "index")})
        apart.does("read-tree", "--empty")
        apart.does("add", "--force", "--", *names)
        tree = apart.does("write-tree")
    if before and git.does("rev-parse", f"{before}^{{tree}}") == tree:
        return None
    commit = git.does(*identity(git, target.author), "commit-tree", tree, "-m", message)
    _push(git, target, branch, commit, before)
    git.does("update-ref", _TAKEN, commit)
    return commit[:12]


def request_changes(git: Git, names: Sequence[str], message: str, target: Target, branch: str) -> str | None:
    """Push the files to a branch of their own, as one commit upon the target as it is now; the commit's id.

    None where none of them differs from the checked-out commit; the last one may be new. Raises `ProjectError` where
    the target has got another text of one of them meanwhile, or somebody has committed to the branch.
    """
    changed = _changed(git, names)
    if not changed:
        return None
    before = _head(git, target, branch)
    git.does(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{target.branch}")
    head = git.does("rev-parse", "FETCH_HEAD")
    prefix = git.does("rev-parse", "--show-prefix")
    moved = [each for each in changed if _id(git, f"{head}:{prefix}{each}") != _id(git, f"HEAD:{prefix}{each}")]
    if moved:
        raise ProjectError(f"{target.branch} has got another {moved[0]} meanwhile", hint=_AGAIN)
    with TemporaryDirectory() as folder:
        apart = replace(git, variables={**git.variables, "GIT_INDEX_FILE": str(Path(folder) / "index")})
        apart.does("read-tree", head)
        for each in changed:
            blob = git.does("hash-object", "-w", "--", each)
            apart.does("update-index", "--add", "--cacheinfo", f"{_PLAIN},{blob},{prefix}{each}")
        tree = apart.does("write-tree")
    if before:
        _check_ours(git, target, branch, head)
        if git.does("rev-parse", f"{before}^{{tree}}") == tree:
            return before[:12]
    commit = git.does(*identity(git, target.author), "commit-tree", tree, "-p", head, "-m", message)
    _push(git, target, branch, commit, before)
    return commit[:12]


def _changed(git: Git, names: Sequence[str]) -> list[str]:
    """Those of the files that are not as in the checked-out commit, relative to the project."""
    told = git.does("diff", "--name-only", "--relative", "--no-ext-diff", "-z", "HEAD").split("\0")
    new = git.does("ls-files", "--others", "-z", "--", *names[-1:]).split("\0")
    here = {*told, *new}
    return [each for each in names if each in here and (git.folder / each).is_file()]


def _check_ours(git: Git, target: Target, branch: str, head: str) -> None:
    """The branch is rewritten, so what a person has added to it has to be merged first."""
    git.does(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{branch}")
    if int(git.does("rev-list", "--count", f"{head}..FETCH_HEAD")) > 1:
        raise ProjectError(
            f"somebody has added commits to {branch}", hint="merge or close its request, and delete the branch"
        )


def _head(git: Git, target: Target, branch: str) -> str:
    """The newest commit of a branch of the remote; empty where there is no such branch. Raises `ProjectError`."""
    return git.does(*target.options, "ls-remote", target.remote, f"refs/heads/{branch}").partition("\t")[0]


def _push(git: Git, target: Target, branch: str, commit: str, before: str) -> None:
    lease = f"--force-with-lease=refs/heads/{branch}:{before}"
    well, said = git.tries(*target.options, "push", "--quiet", lease, target.remote, f"{commit}:refs/heads/{branch}")
    if not well and ("stale info" in said or "rejected" in said):
        raise ProjectError(f"{branch} has changed meanwhile: nothing was pushed to it", hint=_AGAIN)
    if not well:
        raise ProjectError(f"git push: {said.splitlines()[-1] if said else 'it failed'}", hint="may the job push?")


def _id(git: Git, named: str) -> str:
    """The id of an object; empty where there is none."""
    well, said = git.tries("rev-parse", "--verify", "--quiet", named)
    return said if well else ""
