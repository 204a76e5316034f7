"""JSON calls to a forge's API, with pages, tries and a deadline."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias
from urllib.parse import urlencode, urlsplit

from reconciler.errors import ApiError, ApiRejected, ProjectError, UnreadableAnswer
from reconciler.forge.repository import Kind, Repository
from reconciler.http.auth import origin
from reconciler.http.connections import HEADERS, Connections
from reconciler.http.exchange import AnswerError, Attempt, Response, decode, server_message
from reconciler.http.redaction import discreet, without
from reconciler.http.retry import RetryPolicy, is_throttled, pause, retry_after
from reconciler.http.transport import target_bytes
from reconciler.http.wire import RequestHeaders, WireRequest
from reconciler.ports import Clock

Method: TypeAlias = Literal["GET", "POST", "PATCH", "PUT"]

PAGE: Final = 100
"""Posts in a page: the most that either forge gives."""
PAGES: Final = 200
"""Pages after which a search is given up: 20,000 comments."""

NAMES: Final[Mapping[Kind, str]] = {
    "github": "GitHub",
    "gitlab": "GitLab",
    "gitea": "Gitea",
    "bitbucket": "Bitbucket",
    "azure": "Azure DevOps",
}
VARIABLES: Final[Mapping[Kind, str]] = {
    "github": "GITHUB_API_URL",
    "gitlab": "CI_API_V4_URL",
    "gitea": "GITEA_API_URL",
    "bitbucket": "BITBUCKET_API_URL",
    "azure": "SYSTEM_COLLECTIONURI",
}
EXAMPLES: Final[Mapping[Kind, str]] = {
    "github": "https://api.github.com",
    "gitlab": "https://gitlab.com/api/v4",
    "gitea": "https://gitea.com/api/v1",
    "bitbucket": "https://api.bitbucket.org/2.0",
    "azure": "https://dev.azure.com/ORGANIZATION",
}
_PERMISSIONS: Final[Mapping[Kind, str]] = {
    "github": "give the job `permissions`: pull-requests: write for comments, issues: write for issues",
    "gitlab": "GITLAB_TOKEN is a project access token with the scope api and the role Reporter or more",
    "gitea": "GITEA_TOKEN is an access token with the scopes read:user, read:repository and write:issue",
    "bitbucket": "BITBUCKET_TOKEN may write pull requests; BITBUCKET_ACCOUNT names it by uuid if it may not ask",
    "azure": "the job's account needs the permission Contribute to pull requests",
}


class ForgeRefused(ApiRejected):
    """A forge answered a call with a status other than 2xx; `status` is that."""

    def __init__(self, status: int, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class ForgeClient:
    """The API of one forge, called by one thread. Raises `ProjectError` for a URL that a token may not be sent to."""

    def __init__(self, place: Repository, headers: Mapping[str, str], clock: Clock) -> None:
        self._repository = place
        self._headers = RequestHeaders({**HEADERS, **headers})
        self._clock = clock
        self._retry_policy = RetryPolicy(deadline=60.0, tries=4, throttled_tries=4)
        try:
            parts = urlsplit(place.api)
        except ValueError:
            raise ProjectError(f"{VARIABLES[place.kind]} is not a URL") from None
        home = f"{parts.scheme}://{parts.netloc}"
        variable, example = VARIABLES[place.kind], EXAMPLES[place.kind]
        self._origin = origin(home, variable=variable, example=example)
        self._prefix = parts.path.rstrip("/")
        self._connections = Connections(self._origin, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.close()

    @property
    def kind(self) -> Kind:
        """Whose API it is."""
        return self._repository.kind

    @property
    def account(self) -> str | None:
        """The id of the token's account; None where the job does not know it."""
        return self._repository.account

    @property
    def prefix(self) -> str:
        """The path of the base URL, before the path of every call."""
        return self._prefix

    def ask(self, method: Method, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON value of a call's answer; `path` follows the base URL. Raises `ApiError`; `ForgeRefused` is one."""
        return self.ask_at(method, f"{self._prefix}{path}", body)

    def find(self, path: str) -> Any:
        """The JSON value at a path; None where nothing is (404). Raises `ApiError`."""
        try:
            return self.ask("GET", path)
        except ForgeRefused as refusal:
            if refusal.status == 404:
                return None
            raise

    def ask_at(self, method: Method, target: str, body: Mapping[str, Any] | None = None) -> Any:
        """As `ask`, for a target that begins at the host's root."""
        attempt = self._exchange_with_retries(method, target, None if body is None else json.dumps(body).encode())
        shown = f"{NAMES[self._repository.kind]}: {method} {target.partition('?')[0]}"
        if not isinstance(attempt, Response):
            raise ApiError(f"{shown}: {self._redacted(attempt.why)}", hint="run the job again")
        if not 200 <= attempt.status < 300:
            words = self._redacted(server_message(attempt.status, attempt.body))
            raise ForgeRefused(
                attempt.status, f"{shown}: HTTP {attempt.status}, {words}", hint=self._hint(attempt.status)
            )
        try:
            return decode(attempt.body)
        except AnswerError as error:
            raise UnreadableAnswer(f"{shown}: {error}") from None

    def _hint(self, status: int) -> str:
        match status:
            case 429:
                return "run the job again later"
            case 301 | 302 | 303 | 307 | 308:
                return "the repository may have another name by now, or the server does not take the token"
            case 401 | 403 | 404:
                return _PERMISSIONS[self._repository.kind]
            case _:
                return ""

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Every object of a list, page after page. Raises `ApiError`."""
        for number in range(1, PAGES + 1):
            target = urlencode({**query, "per_page": str(PAGE), "page": str(number)})
            rows = self.ask("GET", f"{path}?{target}")
            if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
                raise UnreadableAnswer(f"{NAMES[self._repository.kind]}: GET {path}: the answer is not a list")
            yield from rows
            if len(rows) < PAGE:
                return
        raise ApiError(
            f"{NAMES[self._repository.kind]}: GET {path}: more than {PAGES * PAGE:,} posts were looked through"
        )

    def _exchange_with_retries(self, method: Method, target: str, body: bytes | None) -> Attempt:
        ends = self._clock.monotonic() + self._retry_policy.deadline
        ended = {True: 0, False: 0}
        while True:
            request, is_late = self._request(method, target, body), partial(self._is_after, ends)
            attempt = _as_throttled(self._connections.exchange(request, is_late))
            ended[is_throttled(attempt)] += 1
            asked = (
                retry_after(attempt.headers.get("retry-after"), self._clock.now())
                if isinstance(attempt, Response)
                else None
            )
            seconds = pause(
                attempt,
                nth=ended[is_throttled(attempt)],
                repeatable=method != "POST",
                asked=asked,
                chance=random.random(),  # noqa: S311 - it spreads tries over time
                left=ends - self._clock.monotonic(),
                patience=self._retry_policy,
            )
            if seconds is None:
                return attempt
            self._clock.sleep(seconds)

    def _is_after(self, moment: float) -> bool:
        return self._clock.monotonic() >= moment

    def _request(self, method: Method, target: str, body: bytes | None) -> WireRequest:
        policy = self._retry_policy
        return WireRequest(method, target_bytes(target), self._headers, body, policy.connect, policy.read)

    def _redacted(self, text: str) -> str:
        sent = self._headers.get("Authorization", "").rpartition(" ")[2]
        return without(discreet(text), [self._repository.token.reveal(), *([sent] if sent else [])])


def _as_throttled(attempt: Attempt) -> Attempt:
    """How a call ended. GitHub also says with a 403 that it wants less traffic: it is the 429 that the others send."""
    if not (isinstance(attempt, Response) and attempt.status == 403):
        return attempt
    asks = "retry-after" in attempt.headers or attempt.headers.get("x-ratelimit-remaining") == "0"
    return replace(attempt, status=429) if asks else attempt


def first_parents(rows: Any, head: str, key: str, parents: Callable[[Any], Sequence[str]]) -> list[str]:
    """From a list of commits those that lead from the head over first parents, as far as the list goes.

    `key` names a commit's id. Raises `UnreadableAnswer` for what is no such list.
    """
    chain: list[str] = []
    try:
        known = {str(row[key]): list(parents(row)) for row in rows}
        at = head
        while at in known and at not in chain:
            chain.append(at)
            at = next(iter(known[at]), "")
    except (TypeError, KeyError):
        raise UnreadableAnswer("the forge answers something that is no list of commits") from None
    return chain
