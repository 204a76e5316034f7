"""The sandbox as a running server, on the loopback address alone."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from reconciler.errors import ReconcilerError, os_reason
from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.exchange import ClientCredentials, Routes
from reconciler.sandbox.fault_script import FaultScript
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.front import SandboxApplication, Server
from reconciler.sandbox.management import Management
from reconciler.sandbox.market import Market
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.report_apis import MediationReports, UserReports
from reconciler.sandbox.seed import seed_named

LOOPBACK: Final = "127.0.0.1"
DEMO_MARKET: Final = 3408
"""A market in which the demo's floors are some too low, some too high, some right, and some without evidence."""
_START_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """How a sandbox runs.

    `port` 0 takes any that is free, `database` None keeps the account in memory, `seed` fills an empty account,
    `latency` is in seconds for every call. `credentials` is the one client id and secret taken; None takes any but the
    secret `wrong`. `chance` seeds the faults that strike by probability, `market` what the reports tell.
    """

    port: int = 0
    database: Path | None = None
    seed: str | None = None
    latency: float = 0.0
    faults: tuple[Fault, ...] = ()
    quirks: Quirks = field(default_factory=Quirks)
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    chance: int = 0
    market: int = DEMO_MARKET


def serve(options: SandboxOptions, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then end cleanly. `announce` is called with the base URL once it can be reached.

    Raises `ProjectError` for a database that cannot be used, `UsageError` for an unknown seed and `ReconcilerError`
    for a port that is taken.
    """
    with closing(_account(options)) as account, _listen(options.port) as listening:
        Server(_front(options, account, listening), listening, lambda: announce(_url(listening))).run()


class RunningSandbox:
    """A sandbox in a thread of this process, from entering to leaving the context.

    `url` is its base URL; `account` its state, to be read and changed directly. `fill` puts things into the account
    before the first call. Raises what `serve` raises.
    """

    def __init__(
        self, options: SandboxOptions | None = None, *, fill: Callable[[SandboxAccount], None] | None = None
    ) -> None:
        options = options or SandboxOptions()
        with ExitStack() as opened:
            self.account = opened.enter_context(closing(_account(options)))
            if fill is not None:
                fill(self.account)
            listening = opened.enter_context(_listen(options.port))
            self.url = _url(listening)
            self._listens = threading.Event()
            self._front = _front(options, self.account, listening)
            self._server = Server(self._front, listening, self._listens.set)
            self._opened = opened.pop_all()
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listens.wait(_START_SECONDS):
            raise RuntimeError("the sandbox did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def follow(self, script: FaultScript) -> None:
        """Replace the script of faults, from the next request on."""
        self._front.script = script

    def stop(self) -> None:
        """End the server and close the account's file. Stopping twice is harmless."""
        if self._thread.is_alive():
            self._server.end()
            self._thread.join()
        self._opened.close()


def _account(options: SandboxOptions) -> SandboxAccount:
    account = SandboxAccount(options.database)
    try:
        if options.seed is not None and not account.apps():
            seed_named(account, options.seed)
    except BaseException:
        account.close()
        raise
    return account


def _front(options: SandboxOptions, account: SandboxAccount, listening: socket.socket) -> SandboxApplication:
    script = FaultScript(options.faults, seed=options.chance)
    return SandboxApplication(account, _routes(options, account, _url(listening)), script, options.latency)


def _routes(options: SandboxOptions, account: SandboxAccount, url: str) -> Routes:
    """The calls of all three APIs: no two have a path in common."""
    keys, market = ClientCredentials(options.credentials), Market(account, options.market)
    management = Management(account, options.quirks, keys, options.chance)
    management.warm()
    reports = UserReports(account, market, options.quirks, keys, url)
    return {
        **management.routes(),
        **reports.routes(),
        **MediationReports(account, market, options.quirks, keys).routes(),
    }


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is: else each answer waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        raise ReconcilerError(
            f"port {port} of {LOOPBACK} cannot be used: {os_reason(error)}",
            hint="choose another --port; 0 takes any free one",
        ) from error
    return listening


def _url(listening: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listening.getsockname()[1]}"
