"""GitLab: notes of merge requests, and issues (https://docs.gitlab.com/api/rest/)."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import UnreadableAnswer
from reconciler.forge.client import PAGE, ForgeClient, first_parents
from reconciler.forge.post import Post
from reconciler.model.secret import Secret


def gitlab_headers(token: Secret) -> Mapping[str, str]:
    """What GitLab wants with every call."""
    return {"PRIVATE-TOKEN": token.reveal()}


class Notes:
    """Notes of one merge request. Implements `Wall`."""

    def __init__(self, client: ForgeClient, project: str, number: int) -> None:
        self._client = client
        self._path = f"/projects/{project}/merge_requests/{number}/notes"

    def author(self) -> str:
        """The id of the token's account."""
        return _user(self._client)

    def posts(self) -> Iterator[Post]:
        """All notes that somebody wrote, the oldest first."""
        rows = self._client.pages(self._path, {"sort": "asc", "order_by": "created_at"})
        return (_post(row, "id", "body") for row in rows if not row.get("system"))

    def write(self, title: str, body: str) -> Post:
        """A new note."""
        del title
        return _post(self._client.ask("POST", self._path, {"body": body}), "id", "body")

    def rewrite(self, post: Post, body: str) -> Post:
        """Another body."""
        return _post(self._client.ask("PUT", f"{self._path}/{post.number}", {"body": body}), "id", "body")


class OpenIssues:
    """Open issues of a project. Implements `Issues`."""

    def __init__(self, client: ForgeClient, project: str) -> None:
        self._client = client
        self._path = f"/projects/{project}/issues"

    def author(self) -> str:
        """The id of the token's account."""
        return _user(self._client)

    def posts(self) -> Iterator[Post]:
        """All open issues."""
        rows = self._client.pages(self._path, {"state": "opened", "scope": "all"})
        return (_post(row, "iid", "description") for row in rows)

    def write(self, title: str, body: str) -> Post:
        """A new issue."""
        return _post(self._client.ask("POST", self._path, {"title": title, "description": body}), "iid", "description")

    def rewrite(self, post: Post, body: str) -> Post:
        """Another description; the title is left to people."""
        row = self._client.ask("PUT", f"{self._path}/{post.number}", {"description": body})
        return _post(row, "iid", "description")

    def close(self, post: Post) -> None:
        """Closed."""
        self._client.ask("PUT", f"{self._path}/{post.number}", {"state_event": "close"})


class Merges:
    """The commits of a branch, and the merge requests behind them. Implements `History`."""

    def __init__(self, client: ForgeClient, project: str, branch: str) -> None:
        self._client = client
        self._path = f"/projects/{project}/repository/commits"
        self._branch = branch

    def commits(self, head: str) -> list[str]:
        """The head and what it was built upon, each commit's first parent, the newest first; at most a page."""
        rows = self._client.ask("GET", f"{self._path}?ref_name={head}&first_parent=true&per_page={PAGE}")
        return first_parents(rows, head, "id", lambda row: row["parent_ids"])

    def requests(self, commit: str) -> list[int]:
        """The merge requests that brought a commit to the branch."""
        rows = self._client.pages(f"{self._path}/{commit}/merge_requests", {})
        return [number for row in rows if (number := self._merged(row)) is not None]

    def _merged(self, row: Any) -> int | None:
        match row:
            case {"iid": int(number), "state": "merged", "target_branch": self._branch}:
                return number
            case _:
                return None


def _post(row: Any, key: str, text: str) -> Post:
    match row:
        case {"author": {"id": int(author)}}:
            number = row.get(key)
        case _:
            number = None
    if not isinstance(number, int):
        raise UnreadableAnswer("GitLab answers something that is neither a note nor an issue")
    return Post(number, str(author), str(row.get(text) or ""), str(row.get("web_url") or ""))


def _user(client: ForgeClient) -> str:
    match client.ask("GET", "/user"):
        case {"id": int(number)}:
            return str(number)
        case _:
            raise UnreadableAnswer("GitLab does not say whose token this is")
