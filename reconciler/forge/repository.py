"""PURE. A repository at a forge: its branches, merged requests, and comments and issues that are rewritten in place.

A comment or an issue is found again by a marker in its first line, and written once. A comment counts as ours only
where the token's own account wrote it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, Protocol, TypeAlias

from reconciler.errors import ApiError, ProjectError
from reconciler.model.secret import Secret
from reconciler.plan.plan import NOTHING, Reviewed, marks_of, reviewed_in

Kind: TypeAlias = Literal["github", "gitlab", "gitea", "bitbucket", "azure"]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at a forge.

    `api` is the API's base URL, path included. `repository` is as paths of calls have it: `owner/name` at GitHub and
    Gitea, the project's number or escaped path at GitLab, `workspace/name` at Bitbucket, `project/name` at Azure
    DevOps, each escaped. `request` is the number of the pull or merge request that the job is for; None for jobs that
    are for none. `account` is the id of the token's account, for forges that do not tell it to every token,
    and `email` the address that goes with a person's token.
    """

    kind: Kind
    api: str
    repository: str
    token: Secret
    request: int | None = None
    account: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A pull or merge request from a branch of the repository itself.

    `into` is the branch that it is to be merged into, `head` the newest commit that it has brought.
    """

    into: str
    head: str
    url: str


class Branches(Protocol):
    """A repository's branches, as far as the ledger goes into them by calls of the API and not by git."""

    def text(self, branch: str, path: str) -> bytes | None:
        """A file on a branch, or in a commit; None where there is no such branch, commit or file. Raises `ApiError`."""
        ...

    def before(self, branch: str, path: str) -> list[str]:
        """The parents of the newest commit on a branch that changed a file; may be none. Raises `ApiError`."""
        ...

    def open_requests(self, branch: str) -> Iterator[MergeRequest]:
        """The open requests that bring a branch into another. Raises `ApiError`."""
        ...

    def merged_requests(self, branch: str) -> Iterator[MergeRequest]:
        """Those that were merged, the newest first. Raises `ApiError`."""
        ...

    def ask(self, branch: str, into: str, title: str, body: str) -> str:
        """Open a request that brings a branch into another; its URL. Raises `ApiError`."""
        ...

    def commit(self, branch: str, head: str, file: tuple[str, bytes], message: str) -> str | None:
        """A commit upon `head` with a file (path and content), which the forge signs if it can; its id.

        None where the branch has moved on. Raises `ApiError`, and `UsageError` for forges that cannot do it.
        """
        ...


class History(Protocol):
    """A branch, commit by commit, and the requests by whose merge it came to be."""

    def commits(self, head: str) -> list[str]:
        """A commit and its first parents, the newest first, as far as one answer goes. Raises `ApiError`."""
        ...

    def requests(self, commit: str) -> list[int]:
        """The numbers of the requests that brought a commit to the branch. Raises `ApiError`."""
        ...


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment or an issue. `number` is what calls name it by; `author` is the id of an account."""

    number: int
    author: str
    body: str
    url: str


class CommentThread(Protocol):
    """Comments of one kind: those of a request, or the open issues of a repository."""

    def author(self) -> str:
        """The id of the account that the token belongs to. Raises `ApiError`."""
        ...

    def comments(self) -> Iterator[Comment]:
        """All comments, fetched as they are asked for. Raises `ApiError`."""
        ...

    def write(self, title: str, body: str) -> Comment:
        """A new comment; comments have no title. Raises `ApiError`."""
        ...

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Another body for a comment. Raises `ApiError`."""
        ...


class Comments(CommentThread, Protocol):
    """The comments of a request."""

    def is_merged(self) -> bool:
        """Whether the request has been merged; never, at forges where nothing reads comments of merged ones.

        Raises `ApiError`.
        """
        ...


class Issues(CommentThread, Protocol):
    """Issues can be closed, too."""

    def close(self, comment: Comment) -> None:
        """Close an issue. Raises `ApiError`."""
        ...


_MARK: Final = re.compile(r"<!-- reconciler:[A-Za-z0-9 -]{1,100} -->")


def mark_of(body: str) -> str | None:
    """The marker in the first line of a body; None where there is none. A forge may have changed the line's end."""
    first = body.partition("\n")[0].strip()
    return first if _MARK.fullmatch(first) else None


def last_line(body: str) -> str:
    """The last line of a body that holds anything, where a report says for programs what was reviewed.

    It is looked for nowhere else. A forge may have changed how the line ends.
    """
    return body.rstrip().rpartition("\n")[2].strip()


def with_last_line(body: str, line: str) -> str:
    """A body with another last line."""
    return f"{body.rstrip().rpartition(chr(10))[0]}\n{line}\n"


APPLIED: Final = "<!-- reconciler:applied -->"
"""The last line of a plan that has been applied: what was reviewed of it counts no more."""


def named_mark(name: str) -> str:
    """The marker for a name of any text, the same for the same name."""
    return f"<!-- reconciler:as {sha256(name.encode('utf-8', errors='surrogatepass')).hexdigest()[:16]} -->"


def with_mark(text: str, name: str | None) -> str:
    """A report with the marker that a name stands for, else with its own. Raises `ProjectError` without any."""
    own_mark = mark_of(text)
    if name is not None:
        report = text.partition("\n")[2] if own_mark else text
        return f"{named_mark(name)}\n{report.lstrip()}"
    if own_mark is None:
        raise ProjectError(
            "the report has no marker in its first line: it could not be found again",
            hint="print it with --format markdown, or name it with --as NAME",
        )
    return text


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """What was done, and where to look at it."""

    done: Literal["wrote", "updated", "kept", "closed"]
    url: str


def upsert(thread: CommentThread, title: str, body: str) -> UpsertResult:
    """Make a comment say this: the one of ours that carries the body's marker, else a new one. Raises `ApiError`."""
    comment = find(thread, mark_of(body))
    if comment is None:
        return UpsertResult("wrote", thread.write(title, body).url)
    if _without_line_ends(comment.body) == _without_line_ends(body):
        return UpsertResult("kept", comment.url)
    return UpsertResult("updated", thread.rewrite(comment, body).url)


def close(issues: Issues, mark: str) -> UpsertResult | None:
    """Close the open issue of ours that carries a marker; None where there is none. Raises `ApiError`."""
    comment = find(issues, mark)
    if comment is None:
        return None
    issues.close(comment)
    return UpsertResult("closed", comment.url)


def find(thread: CommentThread, mark: str | None) -> Comment | None:
    """The first comment with this marker that the token's own account wrote: whoever copies a marker is not obeyed."""
    me: str | None = None
    for comment in thread.comments():
        if mark_of(comment.body) != mark:
            continue
        me = thread.author() if me is None else me
        if comment.author == me:
            return comment
    return None


def _without_line_ends(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


LOOK_BACK: Final = 50
"""Commits that are looked at. Of merges further back nothing counts as reviewed."""


@dataclass(frozen=True, slots=True)
class ReviewedPlans:
    """The requests that were merged and not applied, the newest first, and what their plans held together.

    `without_plan` are those of them under which our own account has told no plan.
    """

    requests: tuple[int, ...]
    known: Reviewed
    without_plan: tuple[int, ...]


def find_reviewed(history: History, thread_of: Callable[[int], CommentThread], mark: str, head: str) -> ReviewedPlans:
    """Look for the plans, each in the comment that carries the marker and that the token's own account wrote.

    Raises `ApiError`, and `PlanUnusable` for a comment that was cut.
    """
    known = NOTHING
    seen: list[int] = []
    without: list[int] = []
    for commit in history.commits(head)[:LOOK_BACK]:
        for number in history.requests(commit):
            if number in seen:
                continue
            comment = find(thread_of(number), mark)
            mark_line = "" if comment is None else last_line(comment.body)
            if mark_line == APPLIED:
                return ReviewedPlans(tuple(seen), known, tuple(without))
            seen.append(number)
            reviewed = reviewed_in(mark_line)
            if reviewed is None:
                without.append(number)
            else:
                known |= reviewed
    return ReviewedPlans(tuple(seen), known, tuple(without))


def is_settled(comments: Comments, body: str) -> bool:
    """Whether a report says what was reviewed, of a request that is merged: nobody has reviewed a plan made since.

    Where the forge does not tell, it counts as open.
    """
    try:
        return reviewed_in(last_line(body)) is not None and comments.is_merged()
    except ApiError:
        return False


def set_applied(
    thread_of: Callable[[int], CommentThread], mark: str, numbers: Iterable[int], left: frozenset[bytes] = frozenset()
) -> None:
    """Say in the plans under these requests that they have been applied, and so count no more, but for what is left.

    Raises `ApiError`.
    """
    for number in numbers:
        thread = thread_of(number)
        comment = find(thread, mark)
        known = None if comment is None else reviewed_in(last_line(comment.body))
        if comment is None or known is None:
            continue
        rest = known.entries & left
        if not rest or rest != known.entries:
            thread.rewrite(comment, with_last_line(comment.body, marks_of(Reviewed(rest)) if rest else APPLIED))
