"""Where steps are carried out: the ports, what was seen before, and the brake that stops further writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from reconciler.model.address import Address
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource, LiveState
from reconciler.ports import Clock, Gateway, RunStore


class Brake:
    """Stops further writes; the first reason stays. Calls in flight are not touched by it."""

    def __init__(self) -> None:
        self._reason: str | None = None

    def pull(self, reason: str) -> None:
        """Let no further write begin."""
        self._reason = self._reason or reason

    @property
    def reason(self) -> str | None:
        """Why no write may begin any more; None while they may."""
        return self._reason


@dataclass(frozen=True, slots=True)
class Seen:
    """The live resources that a plan was made or checked against, by id, and the ids of each list."""

    by_id: Mapping[str, LiveResource]
    listed: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, live: LiveState) -> "Seen":
        """What a live state shows; the list of apps goes by the empty id."""
        everything = [*live.apps, *(each for placements in live.placements.values() for each in placements)]
        listed = {app: frozenset(each.id for each in placements) for app, placements in live.placements.items()}
        return cls({each.id: each for each in everything}, {**listed, "": frozenset(app.id for app in live.apps)})


@dataclass(slots=True)
class Apps:
    """What becomes known of apps during a run, by address. Safe to share between workers.

    `failed`: not as their placements need them. `occupied`: still hold placements that were to be removed.
    """

    ids: dict[Address, str] = field(default_factory=dict)
    failed: set[Address] = field(default_factory=set)
    occupied: set[Address] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def made(self, app: Address, app_id: str) -> None:
        """Remember the id of an app."""
        with self._lock:
            self.ids[app] = app_id

    def gave_up(self, app: Address) -> None:
        """Remember that an app is not as its placements need it."""
        with self._lock:
            self.failed.add(app)

    def keeps(self, app: Address) -> None:
        """Remember that a placement of an app could not be removed."""
        with self._lock:
            self.occupied.add(app)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything a step needs. `settle_seconds` is how long an ambiguous create is given to appear."""

    gateway: Gateway
    store: RunStore
    clock: Clock
    seen: Seen
    ledger: Ledger
    apps: Apps
    brake: Brake
    settle_seconds: float = 5
