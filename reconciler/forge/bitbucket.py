"""Bitbucket Cloud: comments of pull requests (https://developer.atlassian.com/cloud/bitbucket/rest/)."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.errors import ApiError, UnreadableAnswer
from reconciler.forge.client import PAGE, PAGES, ForgeClient
from reconciler.forge.comments import Comment
from reconciler.model.secret import Secret

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
                    yield from (_comment(row) for row in rows if not _is_elsewhere(row))
                case _:
                    raise UnreadableAnswer("Bitbucket answers something that is no list of comments")
            if not answer.get("next"):
                return
        raise ApiError(f"Bitbucket: GET {self._path}: more than {PAGES * PAGE:,} posts were looked through")

    def write(self, title: str, body: str) -> Comment:
        """Post a new comment; returns it as stored. Raises `ApiError`."""
        del title
        return _comment(self._client.ask("POST", self._path, {"content": {"raw": _stored(body)}}))

    def rewrite(self, comment: Comment, body: str) -> Comment:
        """Replace the body; returns the comment as stored. Raises `ApiError`."""
        return _comment(self._client.ask("PUT", f"{self._path}/{comment.number}", {"content": {"raw": _stored(body)}}))

    def is_merged(self) -> bool:
        """False: what was reviewed is not read from here."""
        return False


def _stored(body: str) -> str:
    return _SHOWN.sub(r"[//]: # (\1)", body)


def _is_elsewhere(row: Any) -> bool:
    """Whether a comment was deleted, or stands beside a line."""
    return isinstance(row, dict) and bool(row.get("deleted") or row.get("inline"))


def _comment(row: Any) -> Comment:
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
