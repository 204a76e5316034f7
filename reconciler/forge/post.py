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


class Issues(Wall, Protocol):
    """Issues can be closed, too."""

    def close(self, post: Post) -> None:
        """Close an issue. Raises `ApiError`."""
        ...


class History(Protocol):
    """A branch, commit by commit, and the requests by whose merge it came to be."""

    def commits(self, head: str) -> list[str]:
        """A commit and its first parents, the newest first, as far as one answer goes. Raises `ApiError`."""
        ...

    def requests(self, commit: str) -> list[int]:
        """The numbers of the requests that brought a commit to the branch. Raises `ApiError`."""
        ...
