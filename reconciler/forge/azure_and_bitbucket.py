"""Azure DevOps and Bitbucket Cloud: comments of pull requests, and no more of them.

https://learn.microsoft.com/rest/api/azure/devops/git/ and https://developer.atlassian.com/cloud/bitbucket/rest/
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.errors import ApiError, UnreadableAnswer
from reconciler.forge.client import PAGE, PAGES, ForgeClient
from reconciler.forge.repository import Comment
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
                return iter([comment for row in rows if (comment := _azure_comment(row)) is not None])
            case _:
                raise UnreadableAnswer("Azure DevOps answers something that is no list of threads")

    def write(self, title: str, body: str) -> Comment:
        """A new thread, closed: it asks nobody for anything, and keeps no request from being completed."""
        del title
        sent = {"parentCommentId": 0, "content": body, "commentType": "text"}
        row = self._client.ask("POST", f"{self._path}?{_VERSION}", {"comments": [sent], "status": "closed"})
        comment = _azure_comment(row)
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


def _azure_comment(row: Any) -> Comment | None:
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


_SHOWN: Final = re.compile(r"^<!-- (reconciler:[^\n()]*) -->$", re.MULTILINE)
_HIDDEN: Final = re.compile(r"^\[//\]: # \((reconciler:[^\n()]*)\)[ \r]*$", re.MULTILINE)


def bitbucket_headers(token: Secret, email: str | None) -> Mapping[str, str]:
    """What Bitbucket wants with every call: a person's API token goes with an address, an access token alone."""
    if email is None:
        return {"Authorization": f"Bearer {token.reveal()}"}
    pair = b64encode(f"{email}:{token.reveal()}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


class BitbucketComments:
    """Comments of one pull request. Implements `Comments`.

    Bitbucket shows comments of HTML as text, so markers are stored as definitions of links that nothing refers to.
    """

    def __init__(self, client: ForgeClient, repository: str, number: int) -> None:
        self._client = client
        self._path = f"/repositories/{repository}/pullrequests/{number}/comments"

    def author(self) -> str:
        """The id of the token's account."""
        if self._client.account is not None:
            return self._client.account
        match self._client.ask("GET", "/user"):
            case {"uuid": str(uuid)}:
                return uuid
            case _:
                raise UnreadableAnswer("Bitbucket does not say whose token this is")

    def comments(self) -> Iterator[Comment]:
        """All comments that stand under the request itself and were not deleted, the oldest first."""
        for number in range(1, PAGES + 1):
            answer = self._client.ask("GET", f"{self._path}?pagelen={PAGE}&page={number}&sort=created_on")
            match answer:
                case {"values": list(rows)}:
                    yield from (_bitbucket_comment(row) for row in rows if not _is_elsewhere(row))
                case _:
                    raise UnreadableAnswer("Bitbucket answers something that is no list of comments")
            if not answer.get("next"):
                return
        raise ApiError(f"Bitbucket: GET {self._path}: more than {PAGES * PAGE:,} posts were looked through")

    def write(self, title: str, body: str) -> Comment:
        """Post a new comment; returns it as stored. Raises `ApiError`."""
        del title
        return _bitbucket_comment(self._client.ask("POST", self._path, {"content": {"raw": _stored(body)}}))

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Replace the body; returns the comment as stored. Raises `ApiError`."""
        return _bitbucket_comment(
            self._client.ask("PUT", f"{self._path}/{comment.number}", {"content": {"raw": _stored(body)}})
        )

    def is_merged(self) -> bool:
        """False: what was reviewed is not read from here."""
        return False


def _stored(body: str) -> str:
    return _SHOWN.sub(r"[//]: # (\1)", body)


def _is_elsewhere(row: Any) -> bool:
    """Whether a comment was deleted, or stands beside a line."""
    return isinstance(row, dict) and bool(row.get("deleted") or row.get("inline"))


def _bitbucket_comment(row: Any) -> Comment:
    match row:
        case {"id": int(number), "content": {"raw": str(body)}}:
            match row.get("links"):
                case {"html": {"href": str(url)}}:
                    pass
                case _:
                    url = ""
            user = row.get("user")
            author = user.get("uuid") if isinstance(user, dict) else ""
            return Comment(number, str(author), _HIDDEN.sub(r"<!-- \1 -->", body), url)
        case _:
            raise UnreadableAnswer("Bitbucket answers something that is no comment")
