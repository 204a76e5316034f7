"""What the steps of a run share: the ports, what was seen before, and what becomes known while the run goes on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock
from typing import Final

from reconciler.apply.verify import Verification
from reconciler.diff.change import Change, Create, Deactivate, Delete, Update, action_of, id_of
from reconciler.errors import ApiError, CredentialsError
from reconciler.model.address import Address, Kind, address_order, kind_of
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits, UpdateMode
from reconciler.model.journal import Outcome, Result, StepResult
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import ById, LiveResource, LiveState
from reconciler.model.value import Fields, Value
from reconciler.ports import Clock, Gateway, RunStore

NO_LEDGER: Final[Ledger] = {}


class CancellationToken:
    """Stops further writes; the first reason is kept. Calls in flight are finished."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self.interrupted = False

    def cancel(self, reason: str) -> None:
        """Stop all further writes; `reason` is the error of each step that is then skipped."""
        self._reason = self._reason or reason

    def interrupt(self) -> None:
        """Stop all further writes because the user asked for it. May be called at any moment, and repeatedly."""
        self.interrupted = True
        self.cancel("not tried: the run was interrupted")

    @property
    def reason(self) -> str | None:
        """Why no write may begin any more; None while they may."""
        return self._reason


@dataclass(frozen=True, slots=True)
class LiveIndex:
    """The live resources that a plan was made or checked against, by kind and id, and the ids of each list.

    `returned` holds the fields that the account showed a value of, by placement type (None: apps). `known` holds every
    id that was there before the run, by kind: those in the lists, and those in the ledger.
    """

    by_id: ById
    listed: Mapping[str, frozenset[str]]
    returned: Mapping[Value, frozenset[str]] = field(default_factory=dict)
    known: Mapping[Kind, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, live: LiveState, ledger: Ledger = NO_LEDGER) -> "LiveIndex":
        """What a live state shows; the list of apps goes by the empty id."""
        by_id = live.by_id()
        listed = {app: frozenset(each.id for each in listed) for app, listed in live.placements.items()}
        known: dict[Kind, set[str]] = {"app": set(), "placement": set()}
        for kind, resource_id in by_id:
            known[kind].add(resource_id)
        for entry in ledger.values():
            known[entry.kind].add(entry.id)
        return cls(
            by_id,
            {**listed, "": frozenset(app.id for app in live.apps)},
            _returned_fields(by_id.values()),
            {kind: frozenset(ids) for kind, ids in known.items()},
        )

    def fields_returned_for(self, fields: Fields) -> frozenset[str]:
        """The fields that the account is known to return for such a resource as one with these fields."""
        return self.returned.get(fields.get("placementType"), frozenset())


def _returned_fields(everything: Iterable[LiveResource]) -> Mapping[Value, frozenset[str]]:
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

    def add_id(self, app: Address, app_id: str) -> None:
        """Remember the id of an app."""
        with self._lock:
            self.ids[app] = app_id

    def mark_failed(self, app: Address) -> None:
        """Remember that an app is not as its placements need it."""
        with self._lock:
            self.failed.add(app)

    def mark_occupied(self, app: Address) -> None:
        """Remember that a placement of an app could not be removed."""
        with self._lock:
            self.occupied.add(app)


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A point of a run: its place in the order of all of them, and the seconds of the monotonic clock."""

    order: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CreatedResource:
    """A resource that a create of this run made. `app_id`: the app it is in, None for an app.

    `began` is when its call began: it cannot be older than that.
    """

    address: Address
    id: str
    app_id: str | None
    began: Moment


class CreatedResources:
    """The resources that the creates of a run made, by kind and id. Safe to share between workers.

    `mixed`: an answer gave an id that was another resource's, so ids alone are not believed any more.
    """

    def __init__(self) -> None:
        self._by_id: dict[tuple[Kind, str], CreatedResource] = {}
        self._lock = Lock()
        self.mixed = False

    def claim(self, created: CreatedResource) -> bool:
        """Take an id for a create; False where another create of this run has it already."""
        with self._lock:
            holder = self._by_id.setdefault((kind_of(created.address), created.id), created)
            return holder.address == created.address

    def release(self, address: Address, resource_id: str) -> None:
        """Remove an id that turned out to be another resource's."""
        with self._lock:
            holder = self._by_id.get((kind_of(address), resource_id))
            if holder is not None and holder.address == address:
                del self._by_id[kind_of(address), resource_id]

    def all(self) -> tuple[CreatedResource, ...]:
        """All of them, in the order of their addresses."""
        with self._lock:
            return tuple(sorted(self._by_id.values(), key=lambda each: address_order(each.address)))


class UpdateModes:
    """What a run knows, and finds out, of how the account takes updates. Safe to share between workers.

    The first update of a kind whose mode is not known goes alone (`turn`); the others wait for what it finds out. Where
    it could not tell (`give_up`), they go on without, and the reading after the run looks at all of them. Where it
    could not even be read (`go_blind`), nothing is left out of any further update.
    """

    def __init__(self, known: AccountHabits = UNKNOWN_HABITS) -> None:
        self._known = known
        self._given_up: set[Kind] = set()
        self._blind: set[Kind] = set()
        self._lock = Lock()
        self._turns: Mapping[Kind, Lock] = {"app": Lock(), "placement": Lock()}

    def mode(self, kind: Kind) -> UpdateMode | None:
        """How updates of a kind are taken; None where that is not known."""
        with self._lock:
            return self._known.mode(kind)

    @property
    def floors_merge(self) -> bool:
        """Whether lines of floors that a table does not name are known to stay."""
        with self._lock:
            return self._known.floors_merge

    @contextmanager
    def turn(self, kind: Kind, *, surely: bool) -> Iterator[bool]:
        """Wait until the mode of a kind is known, or this update is the one to find it out, which is what it gives.

        One that `surely` tells it is sent to find it out even where others could not.
        """
        is_probe = False
        if self._is_open(kind, surely=surely):
            self._turns[kind].acquire()
            is_probe = self._is_open(kind, surely=surely)
            if not is_probe:
                self._turns[kind].release()
        try:
            yield is_probe
        finally:
            if is_probe:
                self._turns[kind].release()

    def _is_open(self, kind: Kind, *, surely: bool) -> bool:
        with self._lock:
            is_given_up = kind in self._blind or (kind in self._given_up and not surely)
            return self._known.mode(kind) is None and not is_given_up

    def give_up(self, kind: Kind) -> None:
        """An update that was read back told nothing of the mode: no further one of its sort is to find it out."""
        with self._lock:
            self._given_up.add(kind)

    def go_blind(self, kind: Kind) -> None:
        """An update could not be read back: as long as the mode is not known, updates send whole resources."""
        with self._lock:
            self._blind.add(kind)

    def sends_whole(self, live: LiveResource) -> bool:
        """Whether an update of a resource sends all of it: the account replaces, or may, and it is not to be tried.

        It is not where it could not be read, and on a resource that an earlier update may have reset.
        """
        with self._lock:
            mode = self._known.mode(live.kind)
            is_in_doubt = live.kind in self._blind or (live.kind, live.id) in self._known.lost
            return mode == "replaces" or (mode is None and is_in_doubt)

    def seen_in(self, resources: Iterable[LiveResource]) -> AccountHabits:
        """What resources tell of updates of earlier runs that nobody has seen the end of."""
        with self._lock:
            return self._known.seen_in(resources)

    def learn(self, habits: AccountHabits) -> bool:
        """Take over what was found out; whether any of it is new."""
        with self._lock:
            before, self._known = self._known, self._known.joined(habits)
            return before != self._known


@dataclass(frozen=True, slots=True)
class Write:
    """A write that the reading after the run is to confirm.

    `sent` went out, `before` was there, `said` is what the answer spoke of, `doubt` why the answer is not believed
    (None: it is). `entry` makes the ledger entry for what is found in the end, by the id and what is seen of it. `id`
    is None for a create that is not known to have made anything. `live` is the resource before an update, and `told`
    what is to be said of an update that is well in the end. `unchecked`: it left out what may have been reset by that,
    and nobody has seen what became of it yet.
    """

    change: Create | Update | Deactivate
    id: str | None
    app_id: str | None
    sent: Fields
    entry: Callable[[str, Verification], LedgerEntry]
    before: Fields = field(default_factory=dict)
    said: Fields = field(default_factory=dict)
    doubt: str | None = None
    live: LiveResource | None = None
    told: str | None = None
    unchecked: bool = False


@dataclass(frozen=True, slots=True)
class UnconfirmedDelete:
    """A delete after which the resource was still shown. `doubt`: why its answer is not believed."""

    change: Delete
    doubt: str | None = None


class Unconfirmed:
    """Step results that the reading after the run is to confirm. Safe to share between workers."""

    def __init__(self) -> None:
        self._all: list[tuple[Write | UnconfirmedDelete, StepResult]] = []
        self._lock = Lock()

    def add(self, write: Write | UnconfirmedDelete, ended: StepResult) -> StepResult:
        """Remember the provisional result of a step, and return it."""
        if isinstance(write, Write) and write.unchecked:
            ended = replace(ended, result=replace(ended.result, unchecked=True))
        with self._lock:
            self._all.append((write, ended))
        return ended

    def all(self) -> tuple[tuple[Write | UnconfirmedDelete, StepResult], ...]:
        """All of them, in the order of their addresses."""
        with self._lock:
            return tuple(sorted(self._all, key=lambda each: address_order(each[0].change.address)))


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """Everything a step needs.

    `settle_seconds` is how long what was written is given to appear where it is read. `asked` holds what the creates of
    the plan request: names by the address of their app, and bundles under the empty text. `updates` is what is known of
    the account's updates. `turns` is held by each step while it calls, and bounds how many do at once.
    """

    gateway: Gateway
    store: RunStore
    clock: Clock
    seen: LiveIndex
    ledger: Ledger
    apps: Apps
    cancellation: CancellationToken
    settle_seconds: float = 30
    created: CreatedResources = field(default_factory=CreatedResources)
    unconfirmed: Unconfirmed = field(default_factory=Unconfirmed)
    asked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    order: Iterator[int] = field(default_factory=count)
    updates: UpdateModes = field(default_factory=UpdateModes)
    turns: AbstractContextManager[object] = field(default_factory=nullcontext)

    def moment(self) -> Moment:
        """Now, later than every moment before."""
        return Moment(next(self.order), self.clock.monotonic())

    def listed_before(self, app_id: str | None) -> frozenset[str]:
        """The ids that a list held before the run: the placements of an app, or all apps."""
        return self.seen.listed.get(app_id or "", frozenset())


def result(
    change: Change, outcome: Outcome, *, made: str | None = None, attempts: int = 0, error: str | None = None
) -> Result:
    """The result of a step; `made` is the id of a resource that had none before."""
    return Result(change.address, action_of(change), outcome, made or id_of(change), attempts, error)


def read_back(kind: Kind, resource_id: str, context: ExecutionContext) -> LiveResource | str | None:
    """The resource as it is now, None where it is surely not there, or a text that says why nobody can tell."""
    try:
        return context.gateway.find(kind, resource_id)
    except (ApiError, CredentialsError) as error:
        return f"reading it back failed: {error.message}"


def read_anyhow(live: LiveResource, context: ExecutionContext) -> LiveResource | str | None:
    """A resource as it is now; where the reading by its id does not show it, as the list that it is in does."""
    shown = read_back(live.kind, live.id, context)
    if isinstance(shown, LiveResource):
        return shown
    try:
        listed = read_list(live.app_id, context)
    except (ApiError, CredentialsError):
        return shown
    return next((each for each in listed if each.id == live.id), shown)


def read_list(app_id: str | None, context: ExecutionContext) -> Sequence[LiveResource]:
    """The list that shows a resource: the placements of an app, or all apps. Raises `ApiError` and the like."""
    if app_id is None:
        return context.gateway.apps()
    return context.gateway.placements(app_id, expected=bool(context.listed_before(app_id)))


FIRST_PAUSE: Final = 1.0
"""Seconds between the first two readings of what lags; each further pause is twice as long."""


def wait_for(seconds: float, context: ExecutionContext) -> None:
    """Wait, but not much longer than until all further writes are stopped."""
    end = context.clock.monotonic() + seconds
    while context.cancellation.reason is None and (seconds_left := end - context.clock.monotonic()) > 0:
        context.clock.sleep(min(seconds_left, FIRST_PAUSE))
