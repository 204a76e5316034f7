"""The sandbox as a running server, on the loopback address alone, and the initial contents of its account.

An account begins with the demo, as a generated one of any size, or with resources read from another account.
"""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from reconciler.errors import ProjectError, ReconcilerError, UsageError, os_reason
from reconciler.model.state import LiveResource, LiveState
from reconciler.model.value import fields_to_json
from reconciler.sandbox.account import SandboxAccount, StoredResource
from reconciler.sandbox.exchange import ClientCredentials, RefusalError, Routes, complete_placement
from reconciler.sandbox.fault_script import FaultScript
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.front import SandboxApplication, Server
from reconciler.sandbox.management import DEFAULT_PUBLISHER, Management
from reconciler.sandbox.market import Market
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.report_apis import MediationReports, UserReports

SEEDS: Final = ("demo",)
_ID: Final = re.compile(r"0|[1-9]\d{0,16}", re.ASCII)
_FIRST_GENERATED_APP: Final = 300_000
_FIRST_GENERATED_PLACEMENT: Final = 1_000_000


def seed_named(account: SandboxAccount, name: str) -> None:
    """Put a named seed into the account. Raises `UsageError` for an unknown name."""
    if name not in SEEDS:
        raise UsageError(f"there is no seed {name!r}", hint=f"known seeds: {', '.join(SEEDS)}")
    content = files("reconciler.sandbox").joinpath(f"data/{name}.json").read_bytes()
    seed_resources(account, json.loads(content))


def seed_resources(
    account: SandboxAccount, resources: Iterable[Mapping[str, Any]], *, publisher_id: str = DEFAULT_PUBLISHER
) -> None:
    """Put resources with their ids into the account.

    Each is `{"kind", "id", "appId" (placements), "fields"}`, its fields in the program's canonical JSON form: what
    `fields_to_json` gives for a live resource. Blocks that are None are off.
    """
    account.load(_stored_resource(resource, publisher_id) for resource in resources)


def seed_live(account: SandboxAccount, live: LiveState, publisher_id: str) -> None:
    """Put the live state of another account into this one, under the same ids.

    Raises `ProjectError` for an id that this server cannot keep as it is: a number without leading zeros.
    """
    seed_resources(account, map(_as_resource, live.resources()), publisher_id=publisher_id)


def _as_resource(live: LiveResource) -> dict[str, Any]:
    for resource_id in filter(None, (live.id, live.app_id)):
        if not _ID.fullmatch(resource_id):
            raise ProjectError(f"{live.kind} id {resource_id}: the sandbox keeps numbers as ids, and no others")
    fields = fields_to_json(live.fields)
    if live.kind == "placement":
        try:
            complete_placement(fields)
        except RefusalError:
            # Targeting that aims at nothing: this server takes it for none, as it could not be written to otherwise.
            fields["targetingEnabled"] = False
    return {"kind": live.kind, "id": live.id, "appId": live.app_id, "fields": fields}


def generated(apps: int, placements_per_app: int) -> Iterator[dict[str, Any]]:
    """Resources of an account of any size, in the form that `seed_resources` takes; the same for the same numbers."""
    for place in range(apps):
        app_id = str(_FIRST_GENERATED_APP + place)
        yield {"kind": "app", "id": app_id, "fields": _generated_app(place)}
        for tier in range(placements_per_app):
            placement_id = str(_FIRST_GENERATED_PLACEMENT + place * placements_per_app + tier)
            fields = _generated_placement(place, tier)
            yield {"kind": "placement", "id": placement_id, "appId": app_id, "fields": fields}


def _stored_resource(resource: Mapping[str, Any], publisher_id: str) -> StoredResource:
    if resource["kind"] == "placement":
        return StoredResource(
            "placement", str(resource["id"]), complete_placement(resource["fields"]), str(resource["appId"])
        )
    fields = {name: value for name, value in resource["fields"].items() if value is not None}
    return StoredResource("app", str(resource["id"]), {"publisherId": publisher_id, **fields})


def _generated_app(place: int) -> dict[str, Any]:
    return {
        "platform": "android",
        "bundle": f"com.studio.game{place:05d}",
        "name": f"Game {place:05d}",
        "category1": "Puzzle",
        "category2": "Casual",
        "coppa": False,
        "status": "active",
        "rewardedAdUrl": "https://example.com/reward?user_id={{USER_ID}}&amount={{AMOUNT}}&sig={{SIG}}",
    }


def _generated_placement(place: int, tier: int) -> dict[str, Any]:
    top = 0.5 + (place * 7 + tier * 13) % 100 / 10
    floors = {"WW": 0.01, "US": top, "GB": top * 0.8, "DE": top * 0.7, "JP": top * 0.6, "BR": top * 0.2}
    fields: dict[str, Any] = {
        "name": f"level_end_{tier:03d}",
        "placementType": ("Interstitial", "Rewarded", "Banner", "MREC")[tier % 4],
        "status": "active",
        "coppa": False,
        "floorPrices": {country: max(0.01, round(price, 2)) for country, price in floors.items()},
        "targetingEnabled": True,
        "geo": {"include": False, "countries": ["BT", "SG"]},
        "capping": {"value": 12, "unit": "hour"},
        "pacing": {"value": 30, "unit": "second"},
    }
    match fields["placementType"]:
        case "Interstitial":
            fields["creativeTypes"] = ["display", "video"]
        case "Rewarded":
            fields["ssrConfig"] = {"currency": "coins", "amount": 10 + tier}
        case "Banner":
            fields["bannerRefresh"] = 45
        case _:
            pass
    return fields


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
