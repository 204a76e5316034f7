"""GitHub (https://docs.github.com/rest), and Gitea and Forgejo where they differ (https://docs.gitea.com/api)."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from reconciler.errors import ApiError, UnreadableAnswer, UsageError
from reconciler.forge.client import PAGE, PAGES, ForgeClient, ForgeRefused, first_parents
from reconciler.forge.repository import Comment, MergeRequest
from reconciler.http.redaction import discreet
from reconciler.model.secret import Secret


def github_headers(token: Secret) -> Mapping[str, str]:
    """What GitHub wants with every call."""
    return {
        "Authorization": f"Bearer {token.reveal()}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def login(client: ForgeClient) -> str:
    """The login of the token's account, as `user.login` of its comments has it.

    The token of a job is an app's and may not ask the REST API who it is (403), only GraphQL, which leaves out the
    `[bot]` that logins of apps end in.
    """
    try:
        return _text(client.ask("GET", "/user"), "login")
    except ForgeRefused as refusal:
        if refusal.status not in {401, 403} or client.kind != "github":
            raise
    target = f"{client.prefix.removesuffix('/v3')}/graphql"
    answer = client.ask_at("POST", target, {"query": "query { viewer { login } }"})
    match answer:
        case {"data": {"viewer": {"login": str(name)}}}:
            return f"{name.removesuffix('[bot]')}[bot]"
        case _:
            raise UnreadableAnswer("GitHub does not say whose token this is")


class GithubComments:
    """Comments of one pull request or issue. Implements `Comments`."""

    def __init__(self, client: ForgeClient, repository: str, number: int) -> None:
        self._client = client
        self._repository = repository
        self._number = number

    def author(self) -> str:
        """The login of the token's account."""
        return login(self._client)

    def comments(self) -> Iterator[Comment]:
        """All comments, the oldest first."""
        rows = self._client.pages(f"/repos/{self._repository}/issues/{self._number}/comments", {})
        return (_comment(row, "id") for row in rows)

    def write(self, title: str, body: str) -> Comment:
        """Post a new comment; returns it as stored. Raises `ApiError`."""
        del title
        path = f"/repos/{self._repository}/issues/{self._number}/comments"
        return _comment(self._client.ask("POST", path, {"body": body}), "id")

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Replace the body; returns the comment as stored. Raises `ApiError`."""
        path = f"/repos/{self._repository}/issues/comments/{comment.number}"
        return _comment(self._client.ask("PATCH", path, {"body": body}), "id")

    def is_merged(self) -> bool:
        """Whether the pull request has `merged`, as GitHub and Gitea call it. Raises `ApiError`."""
        match self._client.ask("GET", f"/repos/{self._repository}/pulls/{self._number}"):
            case {"merged": True}:
                return True
            case _:
                return False


class GithubIssues:
    """Open issues of a repository. Implements `Issues`."""

    def __init__(self, client: ForgeClient, repository: str) -> None:
        self._client = client
        self._repository = repository

    def author(self) -> str:
        """The login of the token's account."""
        return login(self._client)

    def comments(self) -> Iterator[Comment]:
        """All open issues; GitHub counts pull requests among them, which are left out."""
        rows = self._client.pages(f"/repos/{self._repository}/issues", {"state": "open"})
        return (_comment(row, "number") for row in rows if row.get("pull_request") is None)

    def write(self, title: str, body: str) -> Comment:
        """Post a new issue; returns it as stored. Raises `ApiError`."""
        path = f"/repos/{self._repository}/issues"
        return _comment(self._client.ask("POST", path, {"title": title, "body": body}), "number")

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Replace the body, not the title; returns the issue as stored. Raises `ApiError`."""
        return _comment(self._client.ask("PATCH", self._path(comment), {"body": body}), "number")

    def close(self, comment: Comment) -> None:
        """Close the issue as completed. Raises `ApiError`."""
        self._client.ask("PATCH", self._path(comment), {"state": "closed", "state_reason": "completed"})

    def _path(self, comment: Comment) -> str:
        return f"/repos/{self._repository}/issues/{comment.number}"


_COMMIT: Final = (
    "mutation ($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }"
)


class GithubBranches:
    """Files, pull requests and commits of a repository. Implements `Branches`."""

    def __init__(self, client: ForgeClient, repository: str) -> None:
        self._client = client
        self._repository = repository
        self._path = f"/repos/{repository}"

    def text(self, branch: str, path: str) -> bytes | None:
        """A file on a branch or in a commit, by the id of its content: a large file has no other call."""
        row = self._client.find(f"{self._path}/contents/{quote(path)}?ref={quote(branch, safe='')}")
        if row is None:
            return None
        match self._client.ask("GET", f"{self._path}/git/blobs/{_text(row, 'sha')}"):
            case {"encoding": "base64", "content": str(content)}:
                return b64decode(content)
            case _:
                raise UnreadableAnswer(f"the forge does not tell the content of {path}")

    def before(self, branch: str, path: str) -> list[str]:
        """The parents of the newest commit on a branch that changed a file; none where the forge does not tell."""
        match self._client.find(f"{self._path}/commits?{urlencode({'sha': branch, 'path': path, 'per_page': '1'})}"):
            case [{"parents": list(parents)}, *_]:
                return [_text(parent, "sha") for parent in parents]
            case _:
                return []

    def open_requests(self, branch: str) -> Iterator[MergeRequest]:
        """The open pull requests from a branch of the repository itself."""
        return (request for row in self._pulls(branch, "open") if (request := self._request(row, branch)) is not None)

    def merged_requests(self, branch: str) -> Iterator[MergeRequest]:
        """The merged ones, the newest first; those that were closed without are left out."""
        rows = (row for row in self._pulls(branch, "closed") if row.get("merged_at"))
        return (request for row in rows if (request := self._request(row, branch)) is not None)

    def ask(self, branch: str, into: str, title: str, body: str) -> str:
        """A new pull request."""
        asked = {"title": title, "body": body, "head": branch, "base": into}
        return _text(self._client.ask("POST", f"{self._path}/pulls", asked), "html_url")

    def _pulls(self, branch: str, state: str) -> Iterator[dict[str, Any]]:
        """Pull requests in a state; Gitea lists those from all branches, whichever is asked for."""
        owner = self._repository.partition("/")[0]
        return self._client.pages(f"{self._path}/pulls", {"state": state, "head": f"{owner}:{branch}"})

    def _request(self, row: Any, branch: str) -> MergeRequest | None:
        match row:
            case {"head": {"ref": ref, "repo": {"full_name": str(home)}, **head}, "base": {"ref": str(into)}}:
                if ref != branch or home.lower() != self._repository.lower():
                    return None
                return MergeRequest(into, str(head.get("sha") or ""), _text(row, "html_url"))
            case _:
                return None  # from a fork that is gone

    def commit(self, branch: str, head: str, file: tuple[str, bytes], message: str) -> str | None:
        """A commit by GraphQL, which GitHub signs."""
        if self._client.kind != "github":
            raise UsageError("commits by calls of the API are for GitHub and GitLab", hint="--by push or --by request")
        added = {"path": file[0], "contents": b64encode(file[1]).decode()}
        asked = {
            "branch": {"repositoryNameWithOwner": self._repository, "branchName": branch},
            "expectedHeadOid": head,
            "message": {"headline": message},
            "fileChanges": {"additions": [added]},
        }
        target = f"{self._client.prefix.removesuffix('/v3')}/graphql"
        match self._client.ask_at("POST", target, {"query": _COMMIT, "variables": {"input": asked}}):
            case {"data": {"createCommitOnBranch": {"commit": {"oid": str(oid)}}}}:
                return oid
            case {"errors": [{"type": "STALE_DATA"}, *_]}:
                return None
            case {"errors": [{"message": str(said)}, *_]}:
                raise ApiError(
                    f"GitHub: createCommitOnBranch: {discreet(said)}",
                    hint="the token's account has to be allowed to push there (contents: write, branch protection)",
                )
            case _:
                raise UnreadableAnswer("GitHub: createCommitOnBranch: the answer is neither a commit nor an error")


class GithubHistory:
    """The commits of a branch, and the pull requests behind them. Implements `History`."""

    page: ClassVar[str] = f"per_page={PAGE}"
    """The query for the most commits that one answer has."""

    def __init__(self, client: ForgeClient, repository: str, branch: str) -> None:
        self._client = client
        self._path = f"/repos/{repository}/commits"
        self._branch = branch

    def commits(self, head: str) -> list[str]:
        """The head and what it was built upon, each commit's first parent, the newest first; at most a page."""
        rows = self._client.ask("GET", f"{self._path}?sha={head}&{self.page}")
        return first_parents(rows, head, "sha", lambda row: [each["sha"] for each in row["parents"]])

    def requests(self, commit: str) -> list[int]:
        """The pull requests that brought a commit to the branch."""
        rows = self._client.pages(f"{self._path}/{commit}/pulls", {})
        return [number for row in rows if (number := self._merged(row)) is not None]

    def _merged(self, row: Any) -> int | None:
        match row:
            case {"number": int(number), "merged_at": str(), "base": {"ref": self._branch}}:
                return number
            case _:
                return None


def _comment(row: Any, key: str) -> Comment:
    match row:
        case {"user": {"login": str(author)}}:
            pass
        case {"user": None}:  # an account that is no more
            author = ""
        case _:
            raise UnreadableAnswer("GitHub answers something that is neither a comment nor an issue")
    number = row.get(key)
    if not isinstance(number, int):
        raise UnreadableAnswer(f"GitHub answers a post without {key}")
    return Comment(number, author, str(row.get("body") or ""), str(row.get("html_url") or ""))


def _text(answer: Any, key: str) -> str:
    value = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise UnreadableAnswer(f"GitHub's answer has no {key}")
    return value


GITEA_PAGE: Final = 50
"""Rows in a page: the most that a server gives by its defaults. One may be set to give fewer."""


def gitea_headers(token: Secret) -> Mapping[str, str]:
    """What Gitea wants with every call."""
    return {"Authorization": f"token {token.reveal()}"}


class GiteaClient(ForgeClient):
    """Lists of some calls come whole, whatever page is asked for; those of others in pages of the server's choice."""

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Every object of a list, page after page, until one brings nothing new. Raises `ApiError`."""
        seen: set[Any] = set()
        given = "".join(f"&{key}={value}" for key, value in query.items())
        for number in range(1, PAGES + 1):
            rows = self.ask("GET", f"{path}?limit={GITEA_PAGE}&page={number}{given}")
            if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
                raise UnreadableAnswer(f"Gitea: GET {path}: the answer is not a list")
            fresh = [row for row in rows if row.get("id") not in seen]
            yield from fresh
            if not fresh:
                return
            seen.update(row.get("id") for row in fresh)
        raise ApiError(f"Gitea: GET {path}: more than {PAGES * GITEA_PAGE:,} posts were looked through")


class GiteaHistory(GithubHistory):
    """As GitHub's, with Gitea's own call for the request of a commit. Implements `History`."""

    page = f"limit={GITEA_PAGE}&stat=false&files=false"

    def requests(self, commit: str) -> list[int]:
        """The pull request that brought a commit to the branch, if one did."""
        match self._client.find(f"{self._path}/{commit}/pull"):
            case {"number": int(number), "merged": True, "base": {"ref": self._branch}}:
                return [number]
            case _:
                return []
