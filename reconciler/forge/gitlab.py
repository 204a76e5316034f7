"""GitLab: notes of merge requests, and issues (https://docs.gitlab.com/api/rest/)."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from reconciler.errors import UnreadableAnswer
from reconciler.forge.client import PAGE, ForgeClient, first_parents
from reconciler.forge.repository import Comment, MergeRequest
from reconciler.model.secret import Secret


def gitlab_headers(token: Secret) -> Mapping[str, str]:
    """What GitLab wants with every call."""
    return {"PRIVATE-TOKEN": token.reveal()}


class GitlabNotes:
    """Notes of one merge request. Implements `Comments`."""

    def __init__(self, client: ForgeClient, project: str, number: int) -> None:
        self._client = client
        self._path = f"/projects/{project}/merge_requests/{number}/notes"

    def author(self) -> str:
        """The id of the token's account."""
        return _user(self._client)

    def comments(self) -> Iterator[Comment]:
        """All notes that somebody wrote, the oldest first."""
        rows = self._client.pages(self._path, {"sort": "asc", "order_by": "created_at"})
        return (_comment(row, "id", "body") for row in rows if not row.get("system"))

    def write(self, title: str, body: str) -> Comment:
        """Post a new note; returns it as stored. Raises `ApiError`."""
        del title
        return _comment(self._client.ask("POST", self._path, {"body": body}), "id", "body")

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Replace the body; returns the comment as stored. Raises `ApiError`."""
        return _comment(self._client.ask("PUT", f"{self._path}/{comment.number}", {"body": body}), "id", "body")

    def is_merged(self) -> bool:
        """Whether the merge request has the state `merged`. Raises `ApiError`."""
        match self._client.ask("GET", self._path.removesuffix("/notes")):
            case {"state": "merged"}:
                return True
            case _:
                return False


class GitlabIssues:
    """Open issues of a project. Implements `Issues`."""

    def __init__(self, client: ForgeClient, project: str) -> None:
        self._client = client
        self._path = f"/projects/{project}/issues"

    def author(self) -> str:
        """The id of the token's account."""
        return _user(self._client)

    def comments(self) -> Iterator[Comment]:
        """All open issues."""
        rows = self._client.pages(self._path, {"state": "opened", "scope": "all"})
        return (_comment(row, "iid", "description") for row in rows)

    def write(self, title: str, body: str) -> Comment:
        """Post a new issue; returns it as stored. Raises `ApiError`."""
        return _comment(
            self._client.ask("POST", self._path, {"title": title, "description": body}), "iid", "description"
        )

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Replace the description, not the title; returns the issue as stored. Raises `ApiError`."""
        row = self._client.ask("PUT", f"{self._path}/{comment.number}", {"description": body})
        return _comment(row, "iid", "description")

    def close(self, comment: Comment) -> None:
        """Close the issue. Raises `ApiError`."""
        self._client.ask("PUT", f"{self._path}/{comment.number}", {"state_event": "close"})


class GitlabBranches:
    """Files, merge requests and commits of a project. Implements `Branches`."""

    def __init__(self, client: ForgeClient, project: str) -> None:
        self._client = client
        self._path = f"/projects/{project}"

    def text(self, branch: str, path: str) -> bytes | None:
        """A file on a branch or in a commit."""
        match self._file(branch, path):
            case None:
                return None
            case {"encoding": "base64", "content": str(content)}:
                return b64decode(content)
            case _:
                raise UnreadableAnswer(f"GitLab does not tell the content of {path}")

    def before(self, branch: str, path: str) -> list[str]:
        """The parents of the newest commit on a branch that changed a file; none where GitLab does not tell."""
        query = urlencode({"ref_name": branch, "path": path, "per_page": "1"})
        match self._client.find(f"{self._path}/repository/commits?{query}"):
            case [{"parent_ids": list(parents)}, *_]:
                return [str(parent) for parent in parents]
            case _:
                return []

    def open_requests(self, branch: str) -> Iterator[MergeRequest]:
        """The open merge requests from a branch of the project itself."""
        return self._requests(branch, "opened")

    def merged_requests(self, branch: str) -> Iterator[MergeRequest]:
        """The merged ones, the newest first."""
        return self._requests(branch, "merged")

    def ask(self, branch: str, into: str, title: str, body: str) -> str:
        """A new merge request, which removes its branch when it is merged."""
        between = {"source_branch": branch, "target_branch": into}
        asked = {**between, "title": title, "description": body, "remove_source_branch": True}
        return str(self._client.ask("POST", f"{self._path}/merge_requests", asked).get("web_url") or "")

    def _requests(self, branch: str, state: str) -> Iterator[MergeRequest]:
        for row in self._client.pages(f"{self._path}/merge_requests", {"state": state, "source_branch": branch}):
            if row.get("source_project_id") == row.get("target_project_id"):
                yield MergeRequest(*(str(row.get(key) or "") for key in ("target_branch", "sha", "web_url")))

    def commit(self, branch: str, head: str, file: tuple[str, bytes], message: str) -> str | None:
        """A commit by the API, which GitLab signs where it is set up to."""
        tip = self._client.ask("GET", f"{self._path}/repository/branches/{quote(branch, safe='')}")
        match tip:
            case {"commit": {"id": str(now)}}:
                if now != head:
                    return None
            case _:
                raise UnreadableAnswer(f"GitLab does not tell the newest commit of {branch}")
        path, data = file
        there = self._file(branch, path)
        action = (
            {"action": "create"} if there is None else {"action": "update", "last_commit_id": there["last_commit_id"]}
        )
        asked = {**action, "file_path": path, "content": b64encode(data).decode(), "encoding": "base64"}
        body = {"branch": branch, "commit_message": message, "actions": [asked]}
        match self._client.ask("POST", f"{self._path}/repository/commits", body):
            case {"id": str(commit)}:
                return commit
            case _:
                raise UnreadableAnswer("GitLab answers something that is no commit")

    def _file(self, branch: str, path: str) -> Any:
        return self._client.find(f"{self._path}/repository/files/{quote(path, safe='')}?{urlencode({'ref': branch})}")


class GitlabHistory:
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


def _comment(row: Any, key: str, text: str) -> Comment:
    match row:
        case {"author": {"id": int(author)}}:
            number = row.get(key)
        case _:
            number = None
    if not isinstance(number, int):
        raise UnreadableAnswer("GitLab answers something that is neither a note nor an issue")
    return Comment(number, str(author), str(row.get(text) or ""), str(row.get("web_url") or ""))


def _user(client: ForgeClient) -> str:
    match client.ask("GET", "/user"):
        case {"id": int(number)}:
            return str(number)
        case _:
            raise UnreadableAnswer("GitLab does not say whose token this is")
