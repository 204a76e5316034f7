"""Chartboost's Mediation Reporting API: metrics over days by network type, and its limit on requests.

The limit holds for all runs of a project together: the times of the last requests are kept in a file.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, assert_never

from filelock import FileLock

from reconciler.apis.reports import DayRange, answered_otherwise, failure, is_alarming, more_rows, words_beside
from reconciler.errors import ApiError, ApiRejected, Interrupted, ProjectError, UnreadableAnswer
from reconciler.files import disk
from reconciler.http.auth import Credentials, Service
from reconciler.http.client import ApiClient
from reconciler.http.exchange import (
    AnswerError,
    AuthFailed,
    CallResult,
    NoResponse,
    Request,
    RequestNotSent,
    Response,
    decode,
    encode,
    folded,
    is_count,
    is_total,
    plain,
    server_message,
)
from reconciler.http.retry import RetryPolicy
from reconciler.ports import Clock

_NAP: Final = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit: `requests` in any `seconds`."""

    requests: int
    seconds: float


def recent(times: Sequence[float], now: float, rate: Rate) -> list[float]:
    """The times (seconds since the epoch) that still count; those of a clock that has since been set back do not."""
    return sorted(time for time in times if now - rate.seconds < time <= now)


def wait_seconds(times: Sequence[float], now: float, rate: Rate) -> float:
    """Seconds until one more request may go out, given the `recent` ones."""
    return max(0.0, times[-rate.requests] + rate.seconds - now) if len(times) >= rate.requests else 0.0


class RequestLimit:
    """Keeps requests within a rate. Safe for threads, and for runs of one project at the same time.

    `told` is called with the seconds of a wait before it begins. Raises `ProjectError` if the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        rate: Rate,
        clock: Clock,
        *,
        told: Callable[[float], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._rate = rate
        self._clock = clock
        self._told = told
        self._stopped = stopped

    def acquire(self) -> None:
        """Wait until a request may be sent, and count it as sent. Raises `Interrupted`."""
        is_told = False
        while (seconds := self._try_acquire()) > 0:
            if not is_told:
                self._told(seconds)
                is_told = True
            if self._stopped():
                raise Interrupted("stopped while waiting for the API's rate limit")
            self._clock.sleep(min(seconds, _NAP))

    def _try_acquire(self) -> float:
        """Count a request if it may be sent: 0 then, else the seconds to wait."""
        try:
            folder = disk.make_folder(self._path.parents[1], self._path.parent.name)
            with FileLock(disk.check(folder, f"{self._path.name}.lock")):
                now = self._clock.now().timestamp()
                times = recent(self._read(), now, self._rate)
                seconds = wait_seconds(times, now, self._rate)
                if not seconds:
                    self._write([*times, now])
                return seconds
        except OSError as error:
            raise ProjectError(f"{self._path.name} cannot be written: {error.strerror or error}") from error

    def _read(self) -> list[float]:
        try:
            times = json.loads(disk.read(self._path.parent, self._path.name))
            return [float(time) for time in times]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def _write(self, times: Sequence[float]) -> None:
        disk.write(self._path.parent, self._path.name, json.dumps(times).encode())


NetworkType: TypeAlias = Literal["bidding", "mediation"]

NETWORK_TYPES: Final[tuple[NetworkType, ...]] = ("bidding", "mediation")
METRICS: Final[Mapping[NetworkType, Sequence[str]]] = {
    "bidding": ("requests", "valid_bids", "winning_bids", "impressions", "estimated_earnings"),
    "mediation": ("requests", "responses", "impressions", "estimated_earnings"),
}
"""What is asked for, and may be (Mediation Reporting page, parameter compatibility). Ratios are computed by whoever
wants them: the API's are rounded."""
DIMENSIONS: Final = (
    *("app", "helium_placement_name", "placement_type", "demand_source", "country", "partner_placement_name"),
)
_DISPENSABLE: Final = "partner_placement_name"
"""A dimension that the vendor's page marks with a missing footnote. Where the API refuses it, it is left out."""

RATE: Final = Rate(requests=36, seconds=600.0)
"""Below the API's 40 requests in 10 minutes (documented for its v1)."""
PATIENCE: Final = RetryPolicy(deadline=1800.0, read=180.0)
"""A call may have to wait for its turn, and the server is given time to add up a month."""

_AUDIENCE: Final = "https://public.api.gateway.chartboost.com"
_PATH: Final = "/v2/publisher/metrics"
_LATER: Final = "try again later; what was fetched is kept"
_REFUSED: Final = "nothing was stored of this answer; try again later, or mend what it names"
_NOT_WHOLE: Final = "nothing was stored of this answer; fetch fewer days, or name the apps (reports.chartboostApps)"
_LOOK: Final = "look at what answers at CHARTBOOST_API_URL; nothing was concluded from it"


def token_call(credentials: Credentials) -> Request:
    """Asks for a token; may be repeated."""
    body = {
        "client_id": credentials.client_id.reveal(),
        "client_secret": credentials.client_secret.reveal(),
        "audience": _AUDIENCE,
        "grant_type": "client_credentials",
    }
    return Request("POST", TOKEN_PATHS[0], body=encode(body))


TOKEN_PATHS: Final = ("/oauth/token", "/v5/oauth/token")
"""Where tokens are given: at the server of the vendor's page, and at the API's own, as public clients have it."""


MEDIATION: Final = Service(
    name="Chartboost",
    variable="CHARTBOOST_API_URL",
    example="https://helium-api.chartboost.com",
    keys="check CHARTBOOST_CLIENT_ID and CHARTBOOST_CLIENT_SECRET: API v5 credentials under Access Management",
    token=token_call,
    token_variable="CHARTBOOST_AUTH_URL",  # noqa: S106 - a variable's name
    token_example="https://chartboost.us.auth0.com",  # noqa: S106 - a URL
    elsewhere="tokens are given at "
    + " or ".join(TOKEN_PATHS)
    + ", the latter at the API's own host, as in https://helium-api.chartboost.com/v5/oauth/token",
)


def body_of(
    span: DayRange, network: NetworkType, *, dated: bool, apps: Sequence[str], partner: bool
) -> Mapping[str, Any]:
    """What is asked: rows by day or, not `dated`, totals over the span. Days are UTC, as DT's are."""
    dimensions = [name for name in DIMENSIONS if partner or name != _DISPENSABLE]
    return {
        "dimensions": ["date", *dimensions] if dated else dimensions,
        "metrics": list(METRICS[network]),
        "filters": {**({"apps": list(apps)} if apps else {}), "network_type": network},
        "date_min": span.first.isoformat(),
        "date_max": span.last.isoformat(),
        "timezone": "UTC",
    }


class WordsAlone(ApiRejected):
    """An answer without rows says something that explains nothing: whether there are rows is not known."""


class Chartboost:
    """Metrics of one publisher. `client` speaks to the API, keeps its rate limit, and is the caller's to close.

    `told` is called with a sentence for what the API refused, or said beside its rows.
    """

    def __init__(
        self, client: ApiClient, *, apps: Sequence[str] = (), told: Callable[[str], None] = lambda _: None
    ) -> None:
        self._client = client
        self._apps = tuple(apps)
        self._told = told
        self._partner: dict[NetworkType, bool] = dict.fromkeys(NETWORK_TYPES, True)

    def rows(self, span: DayRange, network: NetworkType, *, dated: bool) -> Sequence[Mapping[str, Any]] | None:
        """The API's rows of a span of at most 30 days; None where they are too many for one answer.

        Raises `ApiError` (`ApiRejected` in the server's words) and `CredentialsError`.
        """
        partner = self._partner[network]
        body = body_of(span, network, dated=dated, apps=self._apps, partner=partner)
        exchange = self._send(body)
        if partner and isinstance(exchange.end, Response) and may_blame_partner(exchange.end):
            bare = body_of(span, network, dated=dated, apps=self._apps, partner=False)
            without = self._send(bare)
            if not _has_status(without, 400):
                if _has_status(without, 200):
                    self._partner[network] = False
                    self._told(f"Chartboost gives no {_DISPENSABLE} for {network}: {self._words(exchange.end)}")
                body, exchange = bare, without
        return self._rows_of(exchange, body)

    def ask(self, body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
        """The rows of one question; None where they are too many for one answer. Raises as `rows` does."""
        return self._rows_of(self._send(body), body)

    def _send(self, body: Mapping[str, Any]) -> CallResult:
        return self._client.call(Request("POST", _PATH, body=encode(body)))

    def _rows_of(self, exchange: CallResult, body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
        if isinstance(exchange.end, NoResponse) and exchange.end.final:
            return None
        call = Request("POST", _PATH)
        rows, beside = self._whole(call, self._reply(call, exchange), body)
        if beside:
            span = DayRange(date.fromisoformat(body["date_min"]), date.fromisoformat(body["date_max"]))
            self._told(f"Chartboost says beside its rows of {span}: {beside}")
        return rows

    def _reply(self, call: Request, exchange: CallResult) -> Response:
        match exchange.end:
            case Response(status=200) as reply:
                return reply
            case Response() as reply:
                said = exchange.with_wait(f"{call}: HTTP {reply.status}: {self._words(reply)}")
                if reply.status < 400:
                    raise UnreadableAnswer(said, hint=_LOOK)
                if reply.status == 429 or reply.status >= 500:
                    raise ApiError(said, hint=exchange.hint(_LATER))
                raise ApiRejected(said, hint=exchange.hint("mend what it names"))
            case RequestNotSent(why=why) | NoResponse(why=why):
                raise ApiError(f"{call}: {why}", hint=_LATER)
            case AuthFailed(error=error):
                raise error
            case never:
                assert_never(never)

    def _whole(
        self, call: Request, reply: Response, asked: Mapping[str, Any]
    ) -> tuple[Sequence[Mapping[str, Any]], str]:
        """The rows of an answer that can be believed to hold all of them, and what it says beside them.

        An answer that says that something failed is none, and neither is one without rows that says anything else.
        The vendor's page knows no pages, so an answer that speaks of more is refused: nobody can ask for the rest.
        """
        try:
            answer = decode(reply.body)
            told = folded(answer) if isinstance(answer, dict) else {}
        except AnswerError as error:
            raise UnreadableAnswer(f"{call}: {error}", hint=_LOOK) from None
        rows, beside = told.get("data"), {key: part for key, part in told.items() if key != "data"}
        if failed := failure(beside):
            raise ApiRejected(f"{call}: {self._client.redacted(failed)}", hint=_REFUSED)
        if rows is None and _counts_none(beside):
            rows = []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UnreadableAnswer(f"{call}: the answer holds no list of rows", hint=_LOOK)
        if more := more_rows(beside, len(rows), reply.headers):
            raise UnreadableAnswer(f"{call}: the answer is not the whole: {more}", hint=_NOT_WHOLE)
        network = asked.get("filters", {}).get("network_type", "all")
        question = {**asked, "currency": "USD", "network_type": network}
        texts = {key: part for key, part in question.items() if isinstance(part, str)}
        if other := answered_otherwise(beside, texts):
            raise UnreadableAnswer(f"{call}: it answers another question: {other}", hint=_REFUSED)
        words = self._client.redacted(words_beside(beside, question))
        if words and (not rows or is_alarming(words)):
            kind = ApiRejected if is_alarming(words) else WordsAlone
            raise kind(f"{call}: {'' if rows else 'no rows, but '}{words}", hint=_REFUSED)
        return rows, words

    def _words(self, reply: Response) -> str:
        return self._client.redacted(server_message(reply.status, reply.body))


def rows_by_range(
    chartboost: Chartboost, span: DayRange, *, dated: bool
) -> Iterator[tuple[DayRange, Mapping[NetworkType, Sequence[Mapping[str, Any]]]]]:
    """The rows of a span by network type, in parts where one answer does not hold them: totals come for each part."""
    waiting = [span]
    while waiting:
        part = waiting.pop()
        told: dict[NetworkType, Sequence[Mapping[str, Any]]] = {}
        for network in NETWORK_TYPES:
            rows = chartboost.rows(part, network, dated=dated)
            if rows is None:
                break
            told[network] = rows
        if len(told) == len(NETWORK_TYPES):
            yield part, told
        elif len(part) > 1:
            waiting.extend(reversed(part.halves()))
        else:
            raise UnreadableAnswer(f"Chartboost's rows of {part} are more than can be read", hint="name its apps")


def may_blame_partner(reply: Response) -> bool:
    """Whether a refusal may be for the dispensable dimension: it names that, dimensions, or nothing that was sent."""
    if reply.status != 400:
        return False
    text = reply.body.decode(errors="replace").lower()
    return _DISPENSABLE in text or "dimension" in text or not _NAMES_ANOTHER.search(text)


_NAMES_ANOTHER: Final = re.compile(
    r"(?<![a-z])(?:date|date_min|date_max|dates?|days?|range|timezone|time zone|apps?|helium_placement_name"
    r"|placement_type|demand_source|country|filters?|network_type|metrics?|responses|valid_bids|winning_bids"
    r"|impressions|estimated_earnings|token|audience)(?![a-z])"
)
"""Words by which a refusal names something else."""


def _has_status(exchange: CallResult, status: int) -> bool:
    return isinstance(exchange.end, Response) and exchange.end.status == status


def _counts_none(beside: Mapping[str, Any]) -> bool:
    """Whether what stands beside the rows counts them, and counts none."""
    counts = [part for key, part in beside.items() if is_total(plain(key)) and is_count(part)]
    return bool(counts) and not any(map(float, counts))
