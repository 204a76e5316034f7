"""Gitea and Forgejo, where they are not as GitHub (https://docs.gitea.com/api)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.errors import ApiError, UnreadableAnswer
from reconciler.forge import github
from reconciler.forge.client import PAGES, ForgeClient
from reconciler.model.secret import Secret

PAGE: Final = 50
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
            rows = self.ask("GET", f"{path}?limit={PAGE}&page={number}{given}")
            if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
                raise UnreadableAnswer(f"Gitea: GET {path}: the answer is not a list")
            fresh = [row for row in rows if row.get("id") not in seen]
            yield from fresh
            if not fresh:
                return
            seen.update(row.get("id") for row in fresh)
        raise ApiError(f"Gitea: GET {path}: more than {PAGES * PAGE:,} posts were looked through")


class GiteaHistory(github.GithubHistory):
    """As GitHub's, with Gitea's own call for the request of a commit. Implements `History`."""

    page = f"limit={PAGE}&stat=false&files=false"

    def requests(self, commit: str) -> list[int]:
        """The pull request that brought a commit to the branch, if one did."""
        match self._client.find(f"{self._path}/{commit}/pull"):
            case {"number": int(number), "merged": True, "base": {"ref": self._branch}}:
                return [number]
            case _:
                return []
