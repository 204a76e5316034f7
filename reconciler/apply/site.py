"""Where steps are carried out: the ports, what was seen before, and the brake that stops further writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from reconciler.diff.change import Create
from reconciler.model.address import Address, address_order
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource, LiveState
from reconciler.model.value import Fields, Value
from reconciler.ports import Clock, Gateway, RunStore


class Brake:
    """Stops further writes; the first reason stays. Calls in flight are not touched by it."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self.interrupted = False

    def pull(self, reason: str) -> None:
        """Let no further write begin."""
        self._reason = self._reason or reason

    def interrupt(self) -> None:
        """Let no further write begin, as the user asked for. May be called at any moment, and more than once."""
        self.interrupted = True
        self.pull("not tried: the run was interrupted")

    @property
    def reason(self) -> str | None:
        """Why no write may begin any more; None while they may."""
        return self._reason


@dataclass(frozen=True, slots=True)
class Seen:
    """The live resources that a plan was made or checked against, by id, and the ids of each list.

    `returned` holds the fields that the account showed a value of, by placement type (None: apps).
    """

    by_id: Mapping[str, LiveResource]
    listed: Mapping[str, frozenset[str]]
    returned: Mapping[Value, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, live: LiveState) -> "Seen":
        """What a live state shows; the list of apps goes by the empty id."""
        everything = [*live.apps, *(each for placements in live.placements.values() for each in placements)]
        listed = {app: frozenset(each.id for each in placements) for app, placements in live.placements.items()}
        by_id = {each.id: each for each in everything}
        return cls(by_id, {**listed, "": frozenset(app.id for app in live.apps)}, _returned(everything))

    def returned_like(self, fields: Fields) -> frozenset[str]:
        """The fields that the account is known to return for such a resource as one with these fields."""
        return self.returned.get(fields.get("placementType"), frozenset())


def _returned(everything: Iterable[LiveResource]) -> Mapping[Value, frozenset[str]]:
    names: dict[Value, set[str]] = {}
    for each in everything:
        shown = names.setdefault(each.fields.get("placementType"), set())
        shown.update(name for name, value in each.fields.items() if value is not None)
    return {placement_type: frozenset(shown) for placement_type, shown in names.items()}


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
class Again:
    """A create that was sent more than once: `id` is what it is known to have made, after so many `attempts`."""

    change: Create
    app_id: str | None
    id: str
    attempts: int


class Resent:
    """The creates of a run that were sent more than once. Safe to share between workers."""

    def __init__(self) -> None:
        self._all: list[Again] = []
        self._lock = Lock()

    def add(self, again: Again) -> None:
        """Remember one."""
        with self._lock:
            self._all.append(again)

    def all(self) -> tuple[Again, ...]:
        """All of them, in the order of their addresses."""
        with self._lock:
            return tuple(sorted(self._all, key=lambda each: address_order(each.change.address)))


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
    resent: Resent = field(default_factory=Resent)
