"""GitHub: comments of pull requests, and issues (https://docs.github.com/rest). Gitea answers the same calls."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import UnreadableAnswer
from reconciler.forge.client import PAGE, ForgeClient, Refusal, first_parents
from reconciler.forge.post import Post
from reconciler.model.secret import Secret


def github_headers(token: Secret) -> Mapping[str, str]:
    """What GitHub wants with every call."""
    return {
        "Authorization": f"Bearer {token.reveal()}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def login(client: ForgeClient) -> str:
    """The login of the token's account, as `user.login` of its posts has it.

    The token of a job is an app's and may not ask the REST API who it is (403), only GraphQL, which leaves out the
    `[bot]` that logins of apps end in.
    """
    try:
        return _text(client.ask("GET", "/user"), "login")
    except Refusal as refusal:
        if refusal.status not in {401, 403} or client.kind != "github":
            raise
    target = f"{client.prefix.removesuffix('/v3')}/graphql"
    answer = client.ask_at("POST", target, {"query": "query { viewer { login } }"})
    match answer:
        case {"data": {"viewer": {"login": str(name)}}}:
            return f"{name.removesuffix('[bot]')}[bot]"
        case _:
            raise UnreadableAnswer("GitHub does not say whose token this is")


class Comments:
    """Comments of one pull request or issue. Implements `Wall`."""

    def __init__(self, client: ForgeClient, repository: str, number: int) -> None:
        self._client = client
        self._repository = repository
        self._number = number

    def author(self) -> str:
        """The login of the token's account."""
        return login(self._client)

    def posts(self) -> Iterator[Post]:
        """All comments, the oldest first."""
        rows = self._client.pages(f"/repos/{self._repository}/issues/{self._number}/comments", {})
        return (_post(row, "id") for row in rows)

    def write(self, title: str, body: str) -> Post:
        """A new comment."""
        del title
        path = f"/repos/{self._repository}/issues/{self._number}/comments"
        return _post(self._client.ask("POST", path, {"body": body}), "id")

    def rewrite(self, post: Post, body: str) -> Post:
        """Another body."""
        path = f"/repos/{self._repository}/issues/comments/{post.number}"
        return _post(self._client.ask("PATCH", path, {"body": body}), "id")


class OpenIssues:
    """Open issues of a repository. Implements `Issues`."""

    def __init__(self, client: ForgeClient, repository: str) -> None:
        self._client = client
        self._repository = repository

    def author(self) -> str:
        """The login of the token's account."""
        return login(self._client)

    def posts(self) -> Iterator[Post]:
        """All open issues; GitHub counts pull requests among them, which are left out."""
        rows = self._client.pages(f"/repos/{self._repository}/issues", {"state": "open"})
        return (_post(row, "number") for row in rows if row.get("pull_request") is None)

    def write(self, title: str, body: str) -> Post:
        """A new issue."""
        path = f"/repos/{self._repository}/issues"
        return _post(self._client.ask("POST", path, {"title": title, "body": body}), "number")

    def rewrite(self, post: Post, body: str) -> Post:
        """Another body; the title is left to people."""
        return _post(self._client.ask("PATCH", self._path(post), {"body": body}), "number")

    def close(self, post: Post) -> None:
        """Closed as completed."""
        self._client.ask("PATCH", self._path(post), {"state": "closed", "state_reason": "completed"})

    def _path(self, post: Post) -> str:
        return f"/repos/{self._repository}/issues/{post.number}"


class Merges:
    """The commits of a branch, and the pull requests behind them. Implements `History`."""

    def __init__(self, client: ForgeClient, repository: str, branch: str) -> None:
        self._client = client
        self._path = f"/repos/{repository}/commits"
        self._branch = branch

    def commits(self, head: str) -> list[str]:
        """The head and what it was built upon, each commit's first parent, the newest first; at most a page."""
        rows = self._client.ask("GET", f"{self._path}?sha={head}&per_page={PAGE}")
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


def _post(row: Any, key: str) -> Post:
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
    return Post(number, author, str(row.get("body") or ""), str(row.get("html_url") or ""))


def _text(answer: Any, key: str) -> str:
    value = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise UnreadableAnswer(f"GitHub's answer has no {key}")
    return value
