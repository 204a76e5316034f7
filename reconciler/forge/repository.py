"""PURE. A repository at a forge: where it is, its branches, and the requests that were merged into them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from reconciler.model.secret import Secret

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
