"""Commits by git: the git program in a checkout, and pushes of the ledger, of reports and of changed manifests.

Messages of git are shown without what looks like a credential.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.errors import ProjectError
from reconciler.forge.repository import Branches
from reconciler.http.redaction import discreet
from reconciler.ports import Clock

TIMEOUT_SECONDS: Final = 300.0
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

    def try_run(self, *arguments: str) -> tuple[bool, str]:
        """Whether a call went well, and its answer, else its complaint. Raises `ProjectError` without git."""
        variables = {**self.variables, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(  # noqa: S603 - arguments, not a line of shell
                [self._program(), *_TRUSTS_NO_CHECKOUT, *arguments],
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ProjectError(f"git {_command(arguments)}: it did not end within {TIMEOUT_SECONDS:g} s") from None
        except OSError as error:
            raise ProjectError(f"git {_command(arguments)}: {error.strerror or 'no git is on PATH'}") from None
        output = (done.stdout if done.returncode == 0 else done.stderr).decode(errors="replace")
        return done.returncode == 0, output.strip()

    def run(self, *arguments: str) -> str:
        """What a call answers. Raises `ProjectError` with git's words where it does not go well."""
        ok, output = self.try_run(*arguments)
        if not ok:
            raise ProjectError(f"git {_command(arguments)}: {discreet(output) or 'it failed'}")
        return output

    def _program(self) -> str:
        """The git that PATH names, but for its relative folders. Raises OSError where there is none."""
        folders = self.variables.get("PATH", os.defpath).split(os.pathsep)
        program = shutil.which("git", path=os.pathsep.join(filter(os.path.isabs, folders)))
        if program is None:
            raise FileNotFoundError
        return program


def _command(arguments: Iterable[str]) -> str:
    """Which of git's commands it is: the first word that is no option and no setting."""
    words = iter(arguments)
    for word in words:
        if word == "-c":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


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
    git.run("add", "--force", "--", name)
    if not git.try_run("diff", "--cached", "--quiet", "--", name)[0]:
        git.run(*identity(git, target.author), "commit", "--quiet", f"--message={message}", "--", name)
    elif not _waits_for_a_push(git, name, message):
        return None
    for attempt in range(TRIES):
        ok, output = git.try_run(*target.options, "push", "--quiet", target.remote, f"HEAD:refs/heads/{target.branch}")
        if ok:
            return git.run("rev-parse", "--short=12", "HEAD")
        _rebase_on_remote(git, name, target, output)
        clock.sleep(PAUSE * 2**attempt)
    raise ProjectError(
        f"the ledger could not be pushed to {target.branch}: others were faster {TRIES} times", hint=_LOST
    )


def _waits_for_a_push(git: Git, name: str, message: str) -> bool:
    """Whether the newest commit is one that an earlier try has made of the file alone, and could not push."""
    newest = git.try_run("show", "--format=%s", "--name-only", "HEAD")[1].split("\n")
    only = [message, "", git.run("rev-parse", "--show-prefix") + name]
    return newest == only and git.try_run("branch", "--remotes", "--contains", "HEAD") == (True, "")


def request_ledger(git: Git, name: str, message: str, target: Target, branch: str) -> str | None:
    """Push the file to a branch of its own, as one commit upon the target as it is now; the commit's id.

    The branch holds no other commit, whatever it held before; where it has the file as it is, it stays. None where the
    target has the file as it is. The checkout is left alone. Raises `ProjectError` where somebody else has changed the
    file on the target meanwhile, or the push fails.
    """
    base = _target_state(git, name, target, also=branch)
    if base is None:
        return None
    head, path, before = base
    if before and _blob_id(git, before, path) == git.run("hash-object", "--", name):
        return before[:12]
    with TemporaryDirectory() as folder:
        apart = replace(git, variables={**git.variables, "GIT_INDEX_FILE": str(Path(folder) / "index")})
        apart.run("read-tree", head)
        blob = git.run("hash-object", "-w", "--", name)
        apart.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = apart.run("write-tree")
    commit = git.run(*identity(git, target.author), "commit-tree", tree, "-p", head, "-m", message)
    lease = f"--force-with-lease=refs/heads/{branch}:{before}"
    git.run(*target.options, "push", "--quiet", lease, target.remote, f"{commit}:refs/heads/{branch}")
    return commit[:12]


def sign_ledger(git: Git, name: str, message: str, target: Target, branches: Branches, clock: Clock) -> str | None:
    """Commit the file to the target by a call of the forge's API, which signs it; the commit's id.

    None where the target has the file as it is. Raises as `commit_ledger` does, and `ApiError`.
    """
    data = (git.folder / name).read_bytes()
    for attempt in range(TRIES):
        base = _target_state(git, name, target)
        if base is None:
            return None
        commit = branches.commit(target.branch, base[0], (base[1], data), message)
        if commit is not None:
            return commit[:12]
        clock.sleep(PAUSE * 2**attempt)
    raise ProjectError(
        f"the ledger could not be committed to {target.branch}: others were faster {TRIES} times", hint=_LOST
    )


def unmerged_ledger(branches: Branches, branch: str, path: str) -> bytes | None:
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


def record_taken(git: Git, name: str | None) -> None:
    """Remember in the checkout, for `request_ledger`, that the file is from the ledger's branch; None: that none is."""
    git.try_run("update-ref", "-d", _TAKEN)
    if name is not None:
        git.run("update-ref", _TAKEN, git.run("hash-object", "-w", "--", name))


def _target_state(git: Git, name: str, target: Target, also: str | None = None) -> tuple[str, str, str] | None:
    """The newest commit of the target, the file's path in the repository, and the newest commit of `also` or nothing.

    None where the target has the file as it is here. Raises `ProjectError` where it has another one than the checkout
    began with, than was taken from the ledger's branch, which may have been merged meanwhile, and than `also` has.
    """
    path = git.run("rev-parse", "--show-prefix") + name
    known = {_blob_id(git, "HEAD", path), _object_id(git, _TAKEN), git.run("hash-object", "--", name)}
    before = ""
    if also is not None and git.try_run(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{also}")[0]:
        before = git.run("rev-parse", "FETCH_HEAD")
        known.add(_blob_id(git, "FETCH_HEAD", path))
    git.run(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{target.branch}")
    there = _blob_id(git, "FETCH_HEAD", path)
    if there == git.run("hash-object", "--", name):
        return None
    if there and there not in known:
        raise ProjectError(f"somebody else has pushed another {name} to {target.branch} meanwhile", hint=_LOST)
    return git.run("rev-parse", "FETCH_HEAD"), path, before


def _blob_id(git: Git, commit: str, path: str) -> str:
    """The id of a file's content in a commit; empty where it has none."""
    return _object_id(git, f"{commit}:{path}")


def _object_id(git: Git, named: str) -> str:
    """The id of an object; empty where there is none."""
    ok, output = git.try_run("rev-parse", "--verify", "--quiet", named)
    return output if ok else ""


def _rebase_on_remote(git: Git, name: str, target: Target, output: str) -> None:
    """Put our commit on top of what others pushed. Raises `ProjectError` where that is not why the push failed."""
    git.run(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{target.branch}")
    if git.try_run("merge-base", "--is-ancestor", "FETCH_HEAD", "HEAD")[0]:
        raise ProjectError(
            f"the ledger could not be pushed to {target.branch}: {discreet(output)}",
            hint="the job's token has to be allowed to push there (contents: write, branch protection), or use "
            f"--by request; {_LOST}",
        )
    who = identity(git, target.author)
    if not git.try_run(*who, "rebase", "--quiet", "--autostash", "FETCH_HEAD")[0]:
        git.try_run("rebase", "--abort")
        raise ProjectError(f"somebody else has pushed another {name} to {target.branch} meanwhile", hint=_LOST)


def identity(git: Git, author: tuple[str, str]) -> tuple[str, ...]:
    """Options of a commit by this author, where git knows none."""
    known = git.try_run("config", "user.email")[0]
    return () if known else ("-c", f"user.name={author[0]}", "-c", f"user.email={author[1]}")


_LOST: Final = "without it the next apply finds everything again by name, but no longer knows what was last applied"


_BRANCH_TAKEN: Final = "refs/reconciler/reports"
"""In a checkout, the commit of the reports' branch as it was taken."""
_PLAIN: Final = "100644"
"""How git calls a regular file that is not run."""
_AGAIN: Final = "run the job again: it begins with what is there by then"


def fetch_reports(git: Git, folder: str, target: Target, branch: str) -> bool:
    """Put the reports of a branch into the folder; whether there is such a branch.

    Raises `ProjectError` where nobody can say whether there is one, and for a branch that holds anything but regular
    files: what writes there may be less trusted than this job.
    """
    git.try_run("update-ref", "-d", _BRANCH_TAKEN)
    if not _remote_head(git, target, branch):
        return False
    git.run(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{branch}")
    listed = git.run("ls-tree", "-r", "--full-tree", "FETCH_HEAD").splitlines()
    if any(not line.startswith(f"{_PLAIN} blob ") for line in listed):
        raise ProjectError(f"the branch {branch} holds more than files of reports", hint="look at it, or delete it")
    git.run("restore", "--source=FETCH_HEAD", "--worktree", "--", folder)
    git.run("update-ref", _BRANCH_TAKEN, "FETCH_HEAD")
    return True


def push_reports(git: Git, names: Sequence[str], message: str, target: Target, branch: str) -> str | None:
    """Push the files as the only commit of a branch, in place of what was taken from it; its id, None for no change.

    The branch has no history, so that it does not grow with each restated day. Raises `ProjectError` where somebody
    else has pushed to it since it was taken, or it was there and not taken: reports that nobody can fetch any more are
    never written over.
    """
    before = _object_id(git, _BRANCH_TAKEN)
    with TemporaryDirectory() as folder:
        apart = replace(git, variables={**git.variables, "GIT_INDEX_FILE": str(Path(folder) / "index")})
        apart.run("read-tree", "--empty")
        apart.run("add", "--force", "--", *names)
        tree = apart.run("write-tree")
    if before and git.run("rev-parse", f"{before}^{{tree}}") == tree:
        return None
    commit = git.run(*identity(git, target.author), "commit-tree", tree, "-m", message)
    _push(git, target, branch, commit, before)
    git.run("update-ref", _BRANCH_TAKEN, commit)
    return commit[:12]


def request_changes(git: Git, names: Sequence[str], message: str, target: Target, branch: str) -> str | None:
    """Push the files to a branch of their own, as one commit upon the target as it is now; the commit's id.

    None where none of them differs from the checked-out commit; the last one may be new. Raises `ProjectError` where
    the target has got another text of one of them meanwhile, or somebody has committed to the branch.
    """
    changed = _changed_files(git, names)
    if not changed:
        return None
    before = _remote_head(git, target, branch)
    git.run(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{target.branch}")
    head = git.run("rev-parse", "FETCH_HEAD")
    prefix = git.run("rev-parse", "--show-prefix")
    moved = [
        each for each in changed if _object_id(git, f"{head}:{prefix}{each}") != _object_id(git, f"HEAD:{prefix}{each}")
    ]
    if moved:
        raise ProjectError(f"{target.branch} has got another {moved[0]} meanwhile", hint=_AGAIN)
    with TemporaryDirectory() as folder:
        apart = replace(git, variables={**git.variables, "GIT_INDEX_FILE": str(Path(folder) / "index")})
        apart.run("read-tree", head)
        for each in changed:
            blob = git.run("hash-object", "-w", "--", each)
            apart.run("update-index", "--add", "--cacheinfo", f"{_PLAIN},{blob},{prefix}{each}")
        tree = apart.run("write-tree")
    if before:
        _check_ours(git, target, branch, head)
        if git.run("rev-parse", f"{before}^{{tree}}") == tree:
            return before[:12]
    commit = git.run(*identity(git, target.author), "commit-tree", tree, "-p", head, "-m", message)
    _push(git, target, branch, commit, before)
    return commit[:12]


def _changed_files(git: Git, names: Sequence[str]) -> list[str]:
    """Those of the files that are not as in the checked-out commit, relative to the project."""
    changed = git.run("diff", "--name-only", "--relative", "--no-ext-diff", "-z", "HEAD").split("\0")
    new = git.run("ls-files", "--others", "-z", "--", *names[-1:]).split("\0")
    here = {*changed, *new}
    return [each for each in names if each in here and (git.folder / each).is_file()]


def _check_ours(git: Git, target: Target, branch: str, head: str) -> None:
    """The branch is rewritten, so what a person has added to it has to be merged first."""
    git.run(*target.options, "fetch", "--quiet", target.remote, f"refs/heads/{branch}")
    if int(git.run("rev-list", "--count", f"{head}..FETCH_HEAD")) > 1:
        raise ProjectError(
            f"somebody has added commits to {branch}", hint="merge or close its request, and delete the branch"
        )


def _remote_head(git: Git, target: Target, branch: str) -> str:
    """The newest commit of a branch of the remote; empty where there is no such branch. Raises `ProjectError`."""
    return git.run(*target.options, "ls-remote", target.remote, f"refs/heads/{branch}").partition("\t")[0]


def _push(git: Git, target: Target, branch: str, commit: str, before: str) -> None:
    lease = f"--force-with-lease=refs/heads/{branch}:{before}"
    ok, output = git.try_run(*target.options, "push", "--quiet", lease, target.remote, f"{commit}:refs/heads/{branch}")
    if not ok and ("stale info" in output or "rejected" in output):
        raise ProjectError(f"{branch} has changed meanwhile: nothing was pushed to it", hint=_AGAIN)
    if not ok:
        raise ProjectError(f"git push: {output.splitlines()[-1] if output else 'it failed'}", hint="may the job push?")
