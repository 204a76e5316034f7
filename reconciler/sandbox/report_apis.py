"""The two reporting APIs: metrics with a limit of requests, and user reports that appear at a signed URL after a while.

Source: the vendors' Mediation Reporting and User Level Reporting pages; how a file store answers, from S3's reference.
"""

import gzip
import re
from base64 import b64encode
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from math import ceil
from secrets import token_bytes
from typing import Final
from urllib.parse import parse_qsl, quote
from uuid import uuid4

from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.exchange import (
    JSON_TYPE,
    ClientCredentials,
    RefusalError,
    Routes,
    SandboxRequest,
    SandboxResponse,
    json_answer,
)
from reconciler.sandbox.management import DEFAULT_PUBLISHER, NOTHING
from reconciler.sandbox.market import Market, is_complete, is_kept, uniform
from reconciler.sandbox.mediation_query import metrics_rows, parse_query
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.report_rows import user_csv

MEDIATION_TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
METRICS_PATH: Final = "/v2/publisher/metrics"
AUDIENCE: Final = "https://public.api.gateway.chartboost.com"
_MEDIATION: Final = "mediation"
_TOKEN_SECONDS: Final = 86400
_WINDOW_SECONDS: Final = 600.0


class MediationReports:
    """The handlers of the Mediation Reporting API over one account and its market."""

    def __init__(self, account: SandboxAccount, market: Market, quirks: Quirks, keys: ClientCredentials) -> None:
        self._account = account
        self._market = market
        self._quirks = quirks
        self._keys = keys
        self._taken: deque[float] = deque()

    def routes(self) -> Routes:
        """The routes of this API."""
        token_path = f"/v5{MEDIATION_TOKEN_PATH}" if "v5-token" in self._quirks.mediation else MEDIATION_TOKEN_PATH
        return {("POST", token_path): self._token, ("POST", METRICS_PATH): self._metrics}

    def _token(self, call: SandboxRequest) -> SandboxResponse:
        try:
            takes_forms = "form-token" in self._quirks.mediation and not call.body.lstrip().startswith(b"{")
            body = dict(parse_qsl(call.body.decode(errors="replace"))) if takes_forms else call.json()
        except RefusalError:
            return _mediation_refusal(400, "invalid_request", "the body is not a JSON object")
        pair = body.get("client_id"), body.get("client_secret")
        if body.get("grant_type") != "client_credentials":
            return _mediation_refusal(403, "unsupported_grant_type", "the grant type is not client_credentials")
        if not self._keys.fit(*pair):
            return _mediation_refusal(401, "access_denied", "Unauthorized")
        if body.get("audience") != AUDIENCE:
            return _mediation_refusal(403, "access_denied", "the audience is not known here")
        token = self._account.issue_token(_TOKEN_SECONDS, _MEDIATION)
        return json_answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS})

    def _metrics(self, call: SandboxRequest) -> SandboxResponse:
        if not self._account.token_is_good(call.token, _MEDIATION):
            return json_answer(401, {"code": 401, "name": "Unauthorized", "description": "the token is not good"})
        now = self._account.clock()
        if wait := self._wait(now):
            return _too_many(wait)
        self._taken.append(now)
        try:
            query = parse_query(call.json(), now, self._quirks.mediation)
        except RefusalError as refusal:
            return json_answer(
                400, {"code": 400, "name": "Bad Request", "description": refusal.message, **refusal.more}
            )
        rows = metrics_rows(self._account, self._market, query, self._quirks.mediation)
        return json_answer(200, {"data": rows, "process_time": 0.01, "query_time": 0.2, "row_count": len(rows)})

    def _wait(self, now: float) -> int:
        """Whole seconds until another request is accepted, 0 where one is; refused requests do not count."""
        while self._taken and self._taken[0] <= now - _WINDOW_SECONDS:
            self._taken.popleft()
        if len(self._taken) < self._quirks.metrics_calls:
            return 0
        return max(1, ceil(self._taken[-self._quirks.metrics_calls] + _WINDOW_SECONDS - now))


def _too_many(seconds: int) -> SandboxResponse:
    response = json_answer(
        429, {"code": 429, "name": "Too Many Requests", "description": "too many calls in 10 minutes"}
    )
    return SandboxResponse(response.status, response.body, (JSON_TYPE, (b"retry-after", str(seconds).encode())))


def _mediation_refusal(status: int, error: str, why: str) -> SandboxResponse:
    return json_answer(status, {"error": error, "error_description": why})


TOKEN_PATH: Final = "/auth/v1/token"  # noqa: S105 - a path
ORDER_PATH: Final = "/api/v1/report/user-level-data"
FOLDER: Final = f"/group={DEFAULT_PUBLISHER}/"
"""The folder of the files; in the URL its `=` is escaped."""
_USER_LEVEL: Final = "user level"
_MOST_ORDERS: Final = 10_000
_SHARE_PACKED: Final = 0.4
_RANGE: Final = re.compile(r"bytes=(\d{1,15})-")
_XML: Final = ((b"content-type", b"application/xml"),)


@dataclass(slots=True)
class _Order:
    """An ordered report; `target` is the path and query of its URL, `reads` how often that was requested."""

    app_id: str
    day: date
    target: bytes
    expires: float
    number: int
    reads: int = 0


class UserReports:
    """The handlers of the User Level Reporting API, and of the files it writes, over one account and its market.

    `url` is the server's base URL, with which the files' URLs begin.
    """

    def __init__(
        self, account: SandboxAccount, market: Market, quirks: Quirks, keys: ClientCredentials, url: str
    ) -> None:
        self._account = account
        self._market = market
        self._quirks = quirks
        self._keys = keys
        self._url = url
        self._orders: OrderedDict[str, _Order] = OrderedDict()
        self._count = 0

    def routes(self) -> Routes:
        """The routes of this API, and of the folder of the files."""
        return {
            ("POST", TOKEN_PATH): self._token,
            ("POST", ORDER_PATH): self._order,
            ("GET", f"{FOLDER}*"): self._file,
        }

    def _token(self, call: SandboxRequest) -> SandboxResponse:
        try:
            body = call.form_or_json() if self._is_loose else call.json()
        except RefusalError:
            body = {}
        pair = body.get("client_id"), body.get("client_secret")
        if not all(isinstance(part, str) and part for part in pair):
            return json_answer(400, {"error": "invalid_request"})
        if body.get("grant_type") != "client_credentials":
            return json_answer(400, {"error": "unsupported_grant_type"})
        if not self._keys.fit(*pair):
            return json_answer(400, {"error": "invalid_client"})
        seconds = self._quirks.token_seconds
        token = self._account.issue_token(seconds, _USER_LEVEL)
        return json_answer(
            200, {"accessToken": token, "tokenType": "bearer", "expiresIn": self._quirks.token_lifetime(seconds)}
        )

    def _order(self, call: SandboxRequest) -> SandboxResponse:
        if not self._account.token_is_good(call.token, _USER_LEVEL):
            return json_answer(401, {"error": "invalid_token"})
        try:
            app_id, day = self._parse_order(call)
        except RefusalError as refusal:
            return json_answer(400, {"error": "invalid_query", "error_description": refusal.message})
        name = str(uuid4())
        order = self._new_order(name, app_id, day)
        self._orders[name] = order
        if len(self._orders) > _MOST_ORDERS:
            self._orders.popitem(last=False)
        return json_answer(200, {"id": name, "url": self._url + order.target.decode()})

    @property
    def _is_loose(self) -> bool:
        return self._quirks.report_orders == "loose"

    def _parse_order(self, call: SandboxRequest) -> tuple[str, date]:
        body, now = call.json(), self._account.clock()
        if call.query.get("format", "csv" if self._is_loose else None) != "csv":
            raise RefusalError(400, 'Invalid value supplied to : Query/format: "csv"')
        try:
            day = date.fromisoformat(str(body.get("date")))
        except ValueError:
            raise RefusalError(400, "Invalid value supplied to : Query/date: Date") from None
        app_id = body.get("appId")
        if self._is_loose and isinstance(app_id, int):
            app_id = str(app_id)
        if self._quirks.user_level == "off":
            raise RefusalError(400, "User level reporting is not enabled for this app")
        if not isinstance(app_id, str) or self._account.get("app", app_id) is None:
            raise RefusalError(400, "Invalid value supplied to : Query/appId: an app of this publisher")
        if not is_complete(day, now):
            raise RefusalError(400, f"{day} is not complete yet: a day is there at 12:00 UTC of the next")
        if not is_kept(day, now):
            raise RefusalError(400, f"{day} is not kept any more: there are the previous 10 days")
        return app_id, day

    def _new_order(self, name: str, app_id: str, day: date) -> _Order:
        expires = self._account.clock() + self._quirks.report_seconds
        signature = quote(b64encode(token_bytes(20)).decode(), safe="")
        # An escaped tilde and quotes that are not: many a client would spell them in its own way, which does not fit.
        file = f"attachment%3B%20filename*%3DUTF-8''{app_id}%7E{day}.csv"
        target = (
            f"{FOLDER.replace('=', '%3D')}{name}.csv?AWSAccessKeyId=SANDBOX&Expires={int(expires)}"
            f"&response-content-disposition={file}&Signature={signature}"
        )
        self._count += 1
        return _Order(app_id, day, target.encode(), expires, self._count)

    def _file(self, call: SandboxRequest) -> SandboxResponse:
        hop, _, name = call.path.removeprefix(FOLDER).removesuffix(".csv").rpartition("~")
        order = self._orders.get(name)
        if call.authorized:
            return _file_refusal(400, "InvalidArgument", "Only one auth mechanism allowed")
        target = call.target.replace(f"/{hop}~".encode(), b"/", 1) if hop else call.target
        if order is None or order.target != target:
            return _file_refusal(403, "SignatureDoesNotMatch", "The signature does not match the request")
        if order.expires <= self._account.clock():
            return _file_refusal(403, "AccessDenied", "Request has expired")
        hops = int(hop) if hop.isdecimal() else 0
        if hops < self._quirks.report_redirects:
            # A whole URL and one without host in turn: both are met.
            to = call.target.replace(
                f"{hop}~{name}".encode() if hop else name.encode(), f"{hops + 1}~{name}".encode(), 1
            )
            return SandboxResponse(302, b"", ((b"location", (b"" if hops % 2 else self._url.encode()) + to),))
        order.reads += 1
        if order.reads <= self._quirks.report_reads:
            return _PENDING[(order.number + order.reads) % len(_PENDING)]
        return self._part(call, self._report(order))

    def _part(self, call: SandboxRequest, whole: SandboxResponse) -> SandboxResponse:
        """The part of a file that is asked for (`Range: bytes=N-`), else the whole file with what parts are told by."""
        if whole.status != 200 or not self._quirks.report_ranges:
            return whole
        etag = f'"{sha256(whole.body).hexdigest()[:32]}"'
        headers = (*whole.headers, (b"etag", etag.encode()), (b"accept-ranges", b"bytes"))
        asked = _RANGE.fullmatch(call.part)
        if asked is None or call.part_of not in {"", etag}:
            return SandboxResponse(200, whole.body, headers)
        start, size = int(asked[1]), len(whole.body)
        if start >= size:
            return SandboxResponse(416, b"", ((b"content-range", f"bytes */{size}".encode()),))
        told = (b"content-range", f"bytes {start}-{size - 1}/{size}".encode())
        return SandboxResponse(206, whole.body[start:], (*headers, told))

    def _report(self, order: _Order) -> SandboxResponse:
        app = self._account.get("app", order.app_id)
        if app is None:
            return _file_refusal(404, "NoSuchKey", "The specified key does not exist.")
        body = user_csv(self._market, app, order.day, self._quirks)
        if uniform(self._market.seed, app.id, order.day, "packed") < _SHARE_PACKED:
            return SandboxResponse(200, gzip.compress(body, 6, mtime=0), ((b"content-type", b"application/gzip"),))
        return SandboxResponse(200, body, ((b"content-type", b"text/csv"),))


def _file_refusal(status: int, code: str, message: str) -> SandboxResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return SandboxResponse(status, body.encode(), _XML)


_PENDING: Final = (
    _file_refusal(404, "NoSuchKey", "The specified key does not exist."),
    _file_refusal(403, "AccessDenied", "Access Denied"),
    NOTHING,
)
"""The responses of a file store for a file that is not there yet; all three were seen."""
