"""PURE. What the two forges have in common: posts, and who wrote them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Post:
    """A comment or an issue. `number` is what calls name it by; `author` is the id of an account."""

    number: int
    author: str
    body: str
    url: str


class Wall(Protocol):
    """Where posts of one kind hang: the comments of a request, or the open issues of a repository."""

    def author(self) -> str:
        """The id of the account that the token belongs to. Raises `ApiError`."""
        ...

    def posts(self) -> Iterator[Post]:
        """All posts, fetched as they are asked for. Raises `ApiError`."""
        ...

    def write(self, title: str, body: str) -> Post:
        """A new post; comments have no title. Raises `ApiError`."""
        ...

    def rewrite(self, post: Post, body: str) -> Post:
        """Another body for a post. Raises `ApiError`."""
        ...


class Comments(Wall, Protocol):
    """The comments of a request."""

    def is_merged(self) -> bool:
        """Whether the request has been merged; never, at forges where nothing reads comments of merged ones.

        Raises `ApiError`.
        """
        ...


class Issues(Wall, Protocol):
    """Issues can be closed, too."""

    def close(self, post: Post) -> None:
        """Close an issue. Raises `ApiError`."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
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

    def open_requests(self, branch: str) -> Iterator[Request]:
        """The open requests that bring a branch into another. Raises `ApiError`."""
        ...

    def merged_requests(self, branch: str) -> Iterator[Request]:
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
