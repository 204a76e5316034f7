"""The Mediation Reporting API: a token from a host of its own elsewhere, and metrics within a limit of calls.

Source: the vendor's Mediation Reporting page.
"""

from collections import deque
from math import ceil
from typing import Final

from reconciler.sandbox.account import Account
from reconciler.sandbox.exchange import JSON_TYPE, Answer, Call, RefusalError, Routes, json_answer
from reconciler.sandbox.keys import Keys
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.reports.asked import asked
from reconciler.sandbox.reports.figures import figures
from reconciler.sandbox.reports.market import Market

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
METRICS_PATH: Final = "/v2/publisher/metrics"
AUDIENCE: Final = "https://public.api.gateway.chartboost.com"
_API: Final = "mediation"
_TOKEN_SECONDS: Final = 86400
_WINDOW_SECONDS: Final = 600.0


class MediationReports:
    """The handlers of the Mediation Reporting API over one account and its market."""

    def __init__(self, account: Account, market: Market, quirks: Quirks, keys: Keys) -> None:
        self._account = account
        self._market = market
        self._quirks = quirks
        self._keys = keys
        self._taken: deque[float] = deque()

    def routes(self) -> Routes:
        """Every call of this API."""
        return {("POST", TOKEN_PATH): self._token, ("POST", METRICS_PATH): self._metrics}

    def _token(self, call: Call) -> Answer:
        try:
            told = call.json()
        except RefusalError:
            return _refused(400, "invalid_request", "the body is not a JSON object")
        pair = told.get("client_id"), told.get("client_secret")
        if told.get("grant_type") != "client_credentials":
            return _refused(403, "unsupported_grant_type", "the grant type is not client_credentials")
        if not self._keys.fit(*pair):
            return _refused(401, "access_denied", "Unauthorized")
        if told.get("audience") != AUDIENCE:
            return _refused(403, "access_denied", "the audience is not known here")
        token = self._account.issue_token(_TOKEN_SECONDS, _API)
        return json_answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS})

    def _metrics(self, call: Call) -> Answer:
        if not self._account.token_is_good(call.token, _API):
            return json_answer(401, {"code": 401, "name": "Unauthorized", "description": "the token is not good"})
        now = self._account.clock()
        if wait := self._wait(now):
            return _too_many(wait)
        self._taken.append(now)
        try:
            told = asked(call.json(), now)
        except RefusalError as refusal:
            return json_answer(
                400, {"code": 400, "name": "Bad Request", "description": refusal.message, **refusal.more}
            )
        rows = figures(self._account, self._market, told)
        return json_answer(200, {"data": rows, "process_time": 0.01, "query_time": 0.2, "row_count": len(rows)})

    def _wait(self, now: float) -> int:
        """Whole seconds until one more call is taken; calls that were refused for their number do not count."""
        while self._taken and self._taken[0] <= now - _WINDOW_SECONDS:
            self._taken.popleft()
        if len(self._taken) < self._quirks.metrics_calls:
            return 0
        return max(1, ceil(self._taken[-self._quirks.metrics_calls] + _WINDOW_SECONDS - now))


def _too_many(seconds: int) -> Answer:
    told = json_answer(429, {"code": 429, "name": "Too Many Requests", "description": "too many calls in 10 minutes"})
    return Answer(told.status, told.body, (JSON_TYPE, (b"retry-after", str(seconds).encode())))


def _refused(status: int, error: str, why: str) -> Answer:
    return json_answer(status, {"error": error, "error_description": why})
