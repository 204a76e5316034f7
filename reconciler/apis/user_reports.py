"""DT's User Level Reporting API: orders a report, waits for it at a signed URL, and streams it to the disk."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never

from reconciler.apis.download import (
    ALLOWED_HOSTS,
    LIMITS,
    MOST_REDIRECTS,
    REDIRECTS,
    CutShort,
    Failed,
    Readiness,
    Ready,
    Redaction,
    SignedUrl,
    SizeLimits,
    TransientFailure,
    checked_url,
    readiness,
    redirected_url,
    unpack,
)
from reconciler.apis.download_file import DownloadFile, Routes
from reconciler.apis.reports import answered_otherwise, failure, words_beside
from reconciler.errors import ApiError, ApiRejected, Interrupted, UnreadableAnswer
from reconciler.http.auth import Credentials, Service
from reconciler.http.client import ApiClient
from reconciler.http.connections import USER_AGENT, receive
from reconciler.http.exchange import (
    AnswerError,
    Attempt,
    AuthFailed,
    CallResult,
    NoResponse,
    Request,
    RequestNotSent,
    Response,
    decode,
    encode,
    folded,
    server_message,
)
from reconciler.http.redaction import discreet
from reconciler.http.retry import retry_after, until_words
from reconciler.http.wire import RequestHeaders, WireRequest
from reconciler.model.secret import Secret
from reconciler.ports import Clock
from reconciler.render.text import visible

if TYPE_CHECKING:
    import httpx

_AGAIN: Final = "run the command again to order it again"
_LIFE: Final = 3 * 3600.0
"""Seconds that a URL is good for (User Level Reporting page): no download takes longer."""
_SPARE: Final = 300.0
"""Seconds before its end at which an order of an earlier run is not waited for any more."""
DISABLED: Final = (
    "user level data is disabled for an app until DT's account manager turns it on; from then on there is data from "
    "six days before"
)
"""What may be behind a refused order, and behind reports without rows."""
_REFUSALS: Final = frozenset((400, 403, 404))
_LONGEST_JOB: Final = 100
_ANEW: Final = "run the command again; an order that is kept is good for three hours, and its file is fetched anew"
_CUTS: Final = 4
"""How often a file is fetched that ends where its connection ended, amid a line."""
_BREAKS: Final = 6
"""Failures in a row after which a download is given up."""
_NAP: Final = 1.0
"""Seconds after which a waiting thread looks whether it should stop."""


@dataclass(frozen=True, slots=True)
class DownloadSettings:
    """How a report is waited for and fetched. Times are seconds; `hosts` is the allow list, see `checked_url`."""

    deadline: float = 3600.0
    first_pause: float = 0.5
    longest_pause: float = 30.0
    connect: float = 10.0
    read: float = 60.0
    hosts: Sequence[str] = ALLOWED_HOSTS
    limits: SizeLimits = LIMITS


_USUAL: Final = DownloadSettings()


@dataclass(frozen=True, slots=True)
class ReceivedReport:
    """A complete report on the disk, unpacked: plain text, not yet checked to be CSV.

    `lines` counts its lines, header included; `digest` is of the bytes as received. `redaction` takes the secrets of
    its order out of what is told of the file.
    """

    path: Path
    lines: int
    digest: str
    job: str = ""
    redaction: Redaction = field(default=Redaction(str), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """A report that was ordered: `url` is where it will be, and a secret; `job` the API's name for the order, if any.

    `remark` is what else the answer said: it explains a report without rows.
    """

    app: str
    day: date
    job: str
    url: Secret = field(repr=False)
    ordered_at: datetime
    remark: str = ""

    def __str__(self) -> str:
        return f"the report of app {self.app} for {self.day}{f' (job {self.job})' if self.job else ''}"

    def is_good(self, now: datetime) -> bool:
        """Whether its URL is good for a while yet."""
        return now - self.ordered_at < timedelta(seconds=_LIFE - _SPARE)


def token_call(credentials: Credentials) -> Request:
    """Asks for a token; may be repeated."""
    body = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id.reveal(),
        "client_secret": credentials.client_secret.reveal(),
    }
    return Request("POST", "/auth/v1/token", body=encode(body))


REPORTING: Final = Service(
    name="the User Level Reporting API",
    variable="DT_REPORTING_URL",
    example="https://reporting.fyber.com",
    keys="check DT_REPORTING_CLIENT_ID and DT_REPORTING_CLIENT_SECRET: the Reporting API keys in the console's "
    "user profile, which are not those of the Management API",
    token=token_call,
)


class DtReports:
    """Reports of one publisher. Threads may share it.

    `client` speaks to the API and is the caller's to close; `transport` makes the httpx transport for signed URLs.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        clock: Clock,
        waiting: DownloadSettings = _USUAL,
        transport: "Callable[[], httpx.BaseTransport] | None" = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._waiting = waiting
        self._transport = transport

    def fetch(
        self, app_id: str, day: date, folder: Path, stopped: Callable[[], bool] = lambda: False
    ) -> ReceivedReport:
        """Order the report of an app and a day, wait for it, and put it in the folder.

        The order is sent once: each starts a job of its own. Raises `CredentialsError`, `ApiError` where there is no
        report to be had (`UnreadableAnswer` where what came is none), `Interrupted` once `stopped` says so, and
        `ProjectError` for a full disk. Nothing whole is left in the folder then.
        """
        return self.receive(self.order(app_id, day), folder, stopped)

    def receive(
        self,
        order: ReportOrder,
        folder: Path,
        stopped: Callable[[], bool] = lambda: False,
        *,
        lasting: bool = False,
    ) -> ReceivedReport:
        """Wait for a report that was ordered, and put it in the folder. Raises as `fetch` does.

        `lasting`: what an earlier run has left of it in the folder is gone on with, and what this one gets stays there.
        """
        redaction = Redaction(self._client.redacted)
        url = self._checked(order.url.reveal(), redaction)
        what, ends, cuts = f"{order}{order.remark}", self._clock.monotonic() + self._waiting.deadline, 0
        while True:
            file = self._wait_for_report(url, folder / "received", what, stopped, redaction, lasting=lasting)
            received = None if file.may_be_cut else self._unpack(file, folder)
            if received is not None:
                break
            cuts += 1
            why = f"{order} ends amid {'its packed data' if file.is_gzip else 'a line'}"
            if cuts >= _CUTS:
                raise ApiError(f"{why}, and nothing says how long it should be, {cuts} times in a row", hint=_ANEW)
            self._wait(self._waiting.first_pause * 2**cuts, ends, why, stopped)
        received = replace(received, job=order.job, redaction=redaction)
        if order.remark and received.lines <= 1:
            raise UnreadableAnswer(f"{order} holds no rows{order.remark}", hint=_AGAIN)
        return received

    def _unpack(self, file: DownloadFile, folder: Path) -> ReceivedReport | None:
        """The report, plain. None where it is packed and cut, and may be so only because its connection ended."""
        if not file.is_gzip:
            return ReceivedReport(file.path, file.lines, file.digest)
        plain = folder / "unpacked"
        try:
            lines = unpack(file.path, plain, self._waiting.limits)
        except CutShort:
            if file.has_known_length:
                raise
            return None
        file.path.unlink()
        return ReceivedReport(plain, lines, file.digest)

    def order(self, app_id: str, day: date) -> ReportOrder:
        """Order a report, once. Raises `CredentialsError`, and `ApiError` where it was not, or may not have been."""
        body = encode({"date": day.isoformat(), "appId": app_id})
        call = Request("POST", "/api/v1/report/user-level-data", {"format": "csv"}, body=body, repeatable=False)
        reply = self._accepted_reply(call, self._client.call(call), f"app {app_id}, {day}")
        try:
            answer = decode(reply.body)
            fields = folded(answer) if isinstance(answer, dict) else {}
        except AnswerError as error:
            raise UnreadableAnswer(f"{call}: {error}", hint=_AGAIN) from None
        url, beside = fields.get("url"), {key: part for key, part in fields.items() if key not in {"id", "url"}}
        job = self._job_text(fields.get("id"))
        named = f"{call} (job {job})" if job else f"{call}"
        redaction = Redaction(self._client.redacted, [url] if isinstance(url, str) else [])
        if failed := failure(beside):
            raise ApiRejected(f"{named}: {redaction(failed)}", hint=_AGAIN)
        if not isinstance(url, str) or not url:
            raise UnreadableAnswer(f"{named}: the answer holds no URL", hint=_AGAIN)
        if other := answered_otherwise(beside, {"date": day.isoformat(), "appId": app_id, "currency": "USD"}):
            raise UnreadableAnswer(f"{named}: the report would be another: {redaction(other)}", hint=_AGAIN)
        try:
            self._checked(url, Redaction(self._client.redacted))
        except UnreadableAnswer as error:
            raise UnreadableAnswer(f"{named}: {error.message}", hint=error.hint) from None
        words = redaction(words_beside(beside, {}))
        remark = f"; the API said of it: {words}" if words else ""
        return ReportOrder(app_id, day, job, Secret(url), self._clock.now(), remark)

    def _checked(self, url: str, redaction: Redaction, before: SignedUrl | None = None) -> SignedUrl:
        """The URL, or where a redirect `before` leads to, if it may be followed; its secrets are told to `redaction`.

        Raises `UnreadableAnswer`.
        """
        origin, hosts = self._client.origin, self._waiting.hosts
        try:
            checked = redirected_url(before, url, origin, hosts) if before else checked_url(url, origin, hosts)
        except UnreadableAnswer as error:
            raise UnreadableAnswer(redaction(error.message), hint=error.hint) from None
        redaction.add(f"{checked.origin.url}{checked.target.decode()}")
        return checked

    def _job_text(self, raw: object) -> str:
        """The name of a job as it may be shown: an opaque text of the network, in which no URL has a place."""
        if isinstance(raw, bool) or not isinstance(raw, str | int):
            return ""
        text = visible(self._client.redacted(str(raw).strip()))
        return "" if len(text) > _LONGEST_JOB or "://" in text or not text.isprintable() else text

    def _accepted_reply(self, call: Request, exchange: CallResult, of: str) -> Response:
        match exchange.end:
            case Response(status=200 | 201 | 202) as reply:
                return reply
            case Response(status=status, body=body):
                refusal = exchange.with_wait(f"HTTP {status}: {self._client.redacted(server_message(status, body))}")
                if status == 408 or status >= 500:
                    raise _unknown_outcome(call, refusal)
                if status == 429:
                    raise ApiError(f"{call}: {refusal}", hint=exchange.hint("try again later; no report was ordered"))
                hint = f"mend what it names; no report was ordered{f'. {DISABLED}' if status in _REFUSALS else ''}"
                raise ApiRejected(f"{call} ({of}): {refusal}", hint=exchange.hint(hint))
            case NoResponse(why=why):
                raise _unknown_outcome(call, why)
            case RequestNotSent(why=why, hint=hint):
                raise ApiError(f"{call}: {why}", hint=hint or "try again later; no report was ordered")
            case AuthFailed(error=error):
                raise error
            case never:
                assert_never(never)

    def _wait_for_report(
        self,
        url: SignedUrl,
        path: Path,
        what: str,
        stopped: Callable[[], bool],
        redaction: Redaction,
        *,
        lasting: bool,
    ) -> DownloadFile:
        ends = self._clock.monotonic() + self._waiting.deadline
        pause, breaks = self._waiting.first_pause, 0
        with (
            closing(Routes(self._transport, redaction)) as routes,
            DownloadFile(path, self._waiting.limits, lasting=lasting) as file,
        ):
            while True:
                state, asked = self._request_once(url, routes, file, stopped, what)
                if isinstance(state, Ready):
                    file.start_over()
                    return file
                if isinstance(state, Failed):
                    raise UnreadableAnswer(f"{what}: {state.why}", hint=state.hint or _AGAIN)
                breaks = breaks + 1 if isinstance(state, TransientFailure) else 0
                if breaks >= _BREAKS:
                    raise ApiError(f"{what}: {state.why}, {breaks} times in a row", hint=_AGAIN)
                self._wait(max(pause, asked), ends, f"{what} was not there in time ({state.why})", stopped)
                pause = min(2 * pause, self._waiting.longest_pause)

    def _request_once(
        self, url: SignedUrl, routes: Routes, file: DownloadFile, stopped: Callable[[], bool], what: str
    ) -> tuple[Readiness, float]:
        """One GET, redirects followed, and the seconds that its answer asks to wait.

        Sent without our token: the signature in the URL is the authorization.
        """
        late = self._clock.monotonic() + _LIFE
        for hop in range(MOST_REDIRECTS + 1):
            with routes.to(url).borrow() as connection:
                request = self._request(url, file)
                end = receive(connection, request, lambda: stopped() or self._clock.monotonic() >= late, file)
            if not isinstance(end, Response):
                file.broke()
            elif end.status == 416:
                file.start_over()
            if stopped():
                raise Interrupted(f"stopped while {what} was fetched")
            location = end.headers.get("location", "") if isinstance(end, Response) and end.status in REDIRECTS else ""
            if not location:
                return self._state(end, file, routes.redaction)
            if hop == MOST_REDIRECTS:
                break
            try:
                url = self._checked(location, routes.redaction, url)
            except UnreadableAnswer as error:
                raise UnreadableAnswer(f"{what} is elsewhere by a redirect; {error.message}", hint=error.hint) from None
        return Failed(f"it redirects more than {MOST_REDIRECTS} times"), 0.0

    def _state(self, end: Attempt, file: DownloadFile, redaction: Redaction) -> tuple[Readiness, float]:
        """What the last answer means, and the seconds that it asks to wait."""
        if not isinstance(end, Response):
            end = replace(end, why=discreet(end.why))
        header = end.headers.get("retry-after") if isinstance(end, Response) else None
        return readiness(end, file.size, file.head, redaction), retry_after(header, self._clock.now()) or 0.0

    def _request(self, url: SignedUrl, file: DownloadFile) -> WireRequest:
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **file.range_headers}
        return WireRequest("GET", url.target, RequestHeaders(headers), None, self._waiting.connect, self._waiting.read)

    def _wait(self, seconds: float, ends: float, late: str, stopped: Callable[[], bool]) -> None:
        if self._clock.monotonic() + seconds >= ends:
            if seconds > self._waiting.longest_pause:
                late += f"; the server asks for no more calls {until_words(seconds, self._clock.now())}"
            raise ApiError(late, hint=_AGAIN)
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            if stopped():
                raise Interrupted("stopped while a report was waited for")
            self._clock.sleep(min(left, _NAP))


def why_failed(error: ApiError) -> str:
    """Why a report is not there, with what may be behind a refused order."""
    return f"{error.message}; {DISABLED}" if DISABLED in error.hint else error.message


def _unknown_outcome(call: Request, why: str) -> ApiError:
    return ApiError(
        f"{call}: nobody knows whether the report was ordered ({why}); it is not ordered a second time in this run",
        hint=_AGAIN,
    )
