"""Azure DevOps: threads of pull requests (https://learn.microsoft.com/rest/api/azure/devops/git/)."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.errors import UnreadableAnswer
from reconciler.forge.client import ForgeClient
from reconciler.forge.comments import Comment
from reconciler.model.secret import Secret

_VERSION: Final = "api-version=7.1"


def azure_headers(token: Secret) -> Mapping[str, str]:
    """What Azure DevOps wants with every call: a job's token and a person's both are passwords without a name."""
    return {
        "Authorization": f"Basic {b64encode(f':{token.reveal()}'.encode()).decode()}",
        "X-TFS-FedAuthRedirect": "Suppress",
    }


class AzureThreads:
    """The threads of one pull request, each by its first comment. Implements `Comments`."""

    def __init__(self, client: ForgeClient, repository: str, number: int) -> None:
        project, _, name = repository.partition("/")
        self._client = client
        self._path = f"/{project}/_apis/git/repositories/{name}/pullRequests/{number}/threads"

    def author(self) -> str:
        """The id of the token's account."""
        match self._client.ask("GET", "/_apis/connectionData"):
            case {"authenticatedUser": {"id": str(number)}}:
                return number.lower()
            case _:
                raise UnreadableAnswer("Azure DevOps does not say whose token this is")

    def comments(self) -> Iterator[Comment]:
        """All threads that were not deleted; the answer has them all."""
        match self._client.ask("GET", f"{self._path}?{_VERSION}"):
            case {"value": list(rows)}:
                return iter([comment for row in rows if (comment := _comment(row)) is not None])
            case _:
                raise UnreadableAnswer("Azure DevOps answers something that is no list of threads")

    def write(self, title: str, body: str) -> Comment:
        """A new thread, closed: it asks nobody for anything, and keeps no request from being completed."""
        del title
        sent = {"parentCommentId": 0, "content": body, "commentType": "text"}
        row = self._client.ask("POST", f"{self._path}?{_VERSION}", {"comments": [sent], "status": "closed"})
        comment = _comment(row)
        if comment is None:
            raise UnreadableAnswer("Azure DevOps answers something that is no thread")
        return comment

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Another text for the comment that the thread began with, which has the number 1."""
        self._client.ask("PATCH", f"{self._path}/{comment.number}/comments/1?{_VERSION}", {"content": body})
        return Comment(comment.number, comment.author, body, comment.url)

    def is_merged(self) -> bool:
        """False: what was reviewed is not read from here."""
        return False


def _comment(row: Any) -> Comment | None:
    """None for a thread that is deleted, or does not begin with a comment that somebody wrote."""
    match row:
        case {"isDeleted": True}:
            return None
        case {"id": int(number), "comments": [{"id": 1, "author": {"id": str(author)}, **first}, *_]}:
            body = first.get("content")
            return (
                None
                if not isinstance(body, str) or first.get("isDeleted")
                else Comment(number, author.lower(), body, "")
            )
        case {"id": int()}:
            return None
        case _:
            raise UnreadableAnswer("Azure DevOps answers something that is no thread")
