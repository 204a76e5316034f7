"""The events of the journal: intents and results of steps, past runs, and creates of unknown outcome."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any, Final, Literal

from reconciler.model.address import Address, Kind, app_of, kind_of
from reconciler.model.habits import FOREIGN, UNCHECKED
from reconciler.model.ledger import LedgerEntry
from reconciler.model.value import Fields, Value

Outcome = Literal["applied", "normalised", "failed", "skipped", "blocked", "unverified", "unknown"]
"""applied: done and seen. normalised: done, and the account keeps another value than it was given. failed: surely not
as wanted. skipped: not tried. blocked: cannot be tried. unverified: taken, but not (or not all of it) shown back.
unknown: nobody can tell; a person has to look."""


@dataclass(frozen=True, slots=True)
class Result:
    """One step of an apply. `attempts` counts write calls sent; `error` says what went wrong or is unverified.

    `wanted` and `kept` hold, by dotted path, what was asked for and what the account keeps instead (`normalised`).
    `reset` names fields that the step was not to change, and that are not as before after it; `unchecked` says that it
    was not sent all that was there, and that nobody has seen what became of the rest.
    """

    address: Address
    action: str
    outcome: Outcome
    id: str | None = None
    attempts: int = 0
    error: str | None = None
    wanted: Mapping[str, Value] = field(default_factory=dict)
    kept: Mapping[str, Value] = field(default_factory=dict)
    reset: tuple[str, ...] = ()
    unchecked: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the step took effect."""
        return self.outcome in DONE


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that is about to be sent: what, where, and all that was there before.

    `whole`: beside `sends` the call holds what can be written of `before`.
    """

    address: Address
    action: str
    id: str | None
    attempt: int
    sends: Fields
    before: Fields
    whole: bool = False


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a step, and its changes to the ledger.

    `entry` is to be stored (None: nothing new), the addresses in `forget` are no longer owned. `suspects` are ids that
    a create of unknown outcome may have made.
    """

    result: Result
    entry: LedgerEntry | None = None
    forget: tuple[Address, ...] = ()
    suspects: tuple[str, ...] = ()


UNREAD: Final = "unread"
"""The event that stands for a line that cannot be read."""


@dataclass(frozen=True, slots=True)
class PastStep:
    """One step of a past run. `outcome` None: it was never recorded.

    `before` and `after` are field values as JSON: all that was there, and what was sent to change it. `reset` names
    fields of `before` that the step was not to change, and did; `unchecked`: nobody has seen whether it did.
    """

    at: str
    address: Address
    action: str
    id: str | None = None
    outcome: str | None = None
    attempts: int = 0
    error: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    reset: tuple[str, ...] = ()
    unchecked: bool = False

    @property
    def changed_before(self) -> Mapping[str, Any]:
        """What was there before of what the step changed; of a delete, everything."""
        told = {*self.after, *self.reset}
        return {name: value for name, value in self.before.items() if not told or name in told}


@dataclass(frozen=True, slots=True)
class PastRun:
    """One past run; `ended_at` None: it was killed, or is still running."""

    run: str
    started_at: str
    who: Mapping[str, str]
    steps: tuple[PastStep, ...] = ()
    ended_at: str | None = None


def past_runs(events: Iterable[Mapping[str, Any]]) -> list[PastRun]:
    """The runs of journal events, oldest first."""
    runs: dict[str, PastRun] = {}
    steps: dict[str, dict[tuple[str, str], PastStep]] = {}
    for event in events:
        if event.get("event") == UNREAD:
            continue
        name = str(event.get("run", ""))
        run = runs.setdefault(name, PastRun(name, str(event.get("at", "")), {}))
        match event.get("event"):
            case "run-started":
                runs[name] = replace(run, who=event.get("who") or {})
            case "run-ended":
                runs[name] = replace(run, ended_at=str(event.get("at", "")))
            case "intent" | "ended":
                _apply_event(steps.setdefault(name, {}), event)
            case _:
                pass
    return [replace(run, steps=tuple(steps.get(name, {}).values())) for name, run in runs.items()]


def _apply_event(steps: dict[tuple[str, str], PastStep], event: Mapping[str, Any]) -> None:
    """Apply an intent or a result to its step, in place. Of several intents the first says what was there before."""
    address, action = Address(str(event.get("address", ""))), str(event.get("action", ""))
    earlier = steps.get((address, action)) or steps.get((address, "create"))
    step = earlier or PastStep(str(event.get("at", "")), address, action)
    if event["event"] == "intent":
        step = replace(
            step,
            id=event.get("id") or step.id,
            before={**_told_before(event, step), **step.before},
            after={**step.after, **(event.get("after") or {})},
        )
    else:
        step = replace(
            step,
            id=event.get("id") or step.id,
            outcome=event.get("outcome"),
            attempts=int(event.get("attempts") or 0),
            error=event.get("error"),
            reset=tuple(name for name in event.get("reset") or () if isinstance(name, str)),
            unchecked=bool(event.get(UNCHECKED)),
        )
    steps[step.address, step.action] = step


def _told_before(event: Mapping[str, Any], step: PastStep) -> Mapping[str, Any]:
    """What an intent says was there before; of a resource that the same step makes, only what the call changes."""
    before, after = event.get("before") or {}, event.get("after") or {}
    return before if step.action != "create" else {name: before[name] for name in after if name in before}


def runs_of_resource(runs: Iterable[PastRun], address: Address) -> Iterator[PastRun]:
    """The part of each run that concerns a resource, under this address or, by its ids, under an earlier one."""
    everything = list(runs)
    ids = {step.id for run in everything for step in run.steps if step.address == address and step.id is not None}
    kind = kind_of(address)
    for run in everything:
        steps = tuple(
            step for step in run.steps if step.address == address or (step.id in ids and kind_of(step.address) == kind)
        )
        if steps:
            yield replace(run, steps=steps)


DONE: Final = frozenset({"applied", "normalised", "unverified"})
"""Outcomes of steps that took effect."""


def runs_not_done(runs: Iterable[PastRun]) -> Iterator[PastRun]:
    """The steps of each run that were not done, or whose outcome is not known; runs without any are left out."""
    for run in runs:
        steps = tuple(step for step in run.steps if step.outcome not in DONE)
        if steps:
            yield replace(run, steps=steps)


def runs_since(runs: Iterable[PastRun], first: datetime) -> Iterator[PastRun]:
    """The runs with an event at that time or later, or with a time that cannot be read."""
    for run in runs:
        times = [_parse_time(text) for text in (run.started_at, run.ended_at, *(step.at for step in run.steps)) if text]
        if any(at is None or at >= first for at in times):
            yield run


def run_named(runs: Sequence[PastRun], named: str) -> PastRun:
    """The run of that name, or the only one whose name begins with it. Raises ValueError for none or several."""
    matching = [run for run in runs if run.run == named] or [run for run in runs if named and run.run.startswith(named)]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise ValueError(f"no run is called {named!r}")
    raise ValueError(
        f"{named!r} begins the names of {len(matching)} runs: {', '.join(run.run for run in matching[:3])}"
    )


def lag_event(seconds: float) -> dict[str, Any]:
    """The event of a lag: so many seconds after its creation a resource was not in the account's lists."""
    return {"event": "lag", "seconds": round(seconds, 3)}


def listed_event(app: Address | None, ids: Iterable[str]) -> dict[str, Any]:
    """The event of a list before a create in it: the ids of the placements of an app, or of all apps (None)."""
    return {"event": "listed", "app": app, "ids": sorted(ids)}


def shown_event(made: Iterable[tuple[Kind, str]]) -> dict[str, Any]:
    """The event of created resources, by kind and id, that the account's lists have shown."""
    return {"event": "shown", "ids": sorted(f"{kind} {resource_id}" for kind, resource_id in made)}


@dataclass(frozen=True, slots=True)
class UnclearCreate:
    """A create of an earlier run whose outcome is not known.

    `sent_at` is when it was last sent (UTC), `suspects` are ids that it may have made, `before` those that its list
    held before it was sent (None: not known).
    """

    sent_at: datetime
    suspects: tuple[str, ...] = ()
    before: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class PastCreates:
    """What the journal says of creates.

    `unclear`: those whose outcome is not known, by address. `made`: when each id was made, by kind and id.
    `shown`: what of that has been in a list since. `lag_seconds`: the longest that the account's lists are known not to
    have shown something new.
    """

    unclear: Mapping[Address, UnclearCreate] = field(default_factory=dict)
    made: Mapping[tuple[Kind, str], datetime] = field(default_factory=dict)
    lag_seconds: float = 0.0
    shown: frozenset[tuple[Kind, str]] = frozenset()

    def settle_seconds(self, least: float) -> float:
        """The seconds a new resource is given to appear in lists: at least `least`, and twice the longest lag seen."""
        return max(least, min(2 * self.lag_seconds, SETTLE_AT_MOST))

    def settled_after(self, least: float) -> timedelta:
        """The time after which a create of unknown outcome counts as not done, where no list shows it.

        Three times the settle time, and at least half a minute: a list may lag by an unknown time.
        """
        return timedelta(seconds=max(3 * self.settle_seconds(least), LEAST_SETTLED_SECONDS))


NO_CREATES: Final = PastCreates()


def past_creates(events: Iterable[Mapping[str, Any]]) -> PastCreates:
    """The creates in journal events. Malformed events and times are ignored.

    Of events that this checkout did not write (`foreign`) only those count that put a create in doubt: they can delay a
    step, and never make one count as done.
    """
    past = _CreateHistory()
    for event in events:
        if not event.get(FOREIGN) or (event.get("event"), event.get("outcome")) in DOUBTS:
            past.take(event)
    shown = frozenset(key for key in past.made if " ".join(key) in past.shown)
    return PastCreates(past.unclear, past.made, past.lag_seconds, shown)


class _CreateHistory:
    """Collects the creates of a journal, event by event."""

    def __init__(self) -> None:
        self.unclear: dict[Address, UnclearCreate] = {}
        self.made: dict[tuple[Kind, str], datetime] = {}
        self.lag_seconds = 0.0
        self.shown: set[str] = set()
        self._listed: dict[tuple[str, Address | None], frozenset[str]] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Apply one event."""
        at, run = _parse_time(event.get("at")), str(event.get("run"))
        match event:
            case {"event": "listed", "ids": [*ids]}:
                self._listed[run, event.get("app")] = frozenset(map(str, ids))
            case {"event": "intent", "action": "create", "address": str(address)} if at is not None:
                self._sent(Address(address), at, run)
            case {"event": "ended", "action": "create", "address": str(address), "outcome": str(outcome)}:
                self._ended(Address(address), outcome, event, at)
            case {"event": "ended", "address": str(address), "entry": {"id": str()}}:
                self.unclear.pop(Address(address), None)
            case {"event": "remembered", "entries": [*entries]}:
                for entry in entries:
                    if isinstance(entry, Mapping):
                        self.unclear.pop(Address(str(entry.get("address"))), None)
            case {"event": "shown", "ids": [*ids]}:
                self.shown.update(map(str, ids))
            case {"event": "lag", "seconds": int() | float() as seconds} if 0 < seconds < LAG_AT_MOST:
                self.lag_seconds = max(self.lag_seconds, float(seconds))
            case _:
                pass

    def _sent(self, address: Address, at: datetime, run: str) -> None:
        where = app_of(address) if kind_of(address) == "placement" else None
        unclear = self.unclear.get(address) or UnclearCreate(at, (), self._listed.get((run, where)))
        self.unclear[address] = replace(unclear, sent_at=at)

    def _ended(self, address: Address, outcome: str, event: Mapping[str, Any], at: datetime | None) -> None:
        unclear, suspects, resource_id = self.unclear.get(address), event.get("suspects"), event.get("id")
        if outcome != "unknown":
            self.unclear.pop(address, None)
            if isinstance(resource_id, str) and at is not None:
                self.made[kind_of(address), resource_id] = at
        elif unclear is not None and isinstance(suspects, list):
            ids = tuple(suspect for suspect in suspects if isinstance(suspect, str))
            self.unclear[address] = replace(unclear, suspects=tuple(dict.fromkeys((*unclear.suspects, *ids))))


def seconds_to_settle(addresses: Iterable[Address], past: PastCreates, now: datetime, least: float) -> float:
    """Seconds until unclear creates at these addresses have had their time to appear; 0 where there are none.

    Never longer than that time, even if the clock was changed.
    """
    wait = past.settled_after(least)
    waits = (past.unclear[address].sent_at + wait - now for address in addresses if address in past.unclear)
    return max(0.0, min(wait, max(waits, default=timedelta())).total_seconds())


DOUBTS: Final = (("intent", None), ("ended", "unknown"))
"""Events, with the outcomes they tell of, that leave a create in doubt."""

LAG_AT_MOST: Final = 3600
"""Seconds; a longer lag in a journal is ignored."""

SETTLE_AT_MOST: Final = 600
"""The most seconds that a run waits for a resource to appear."""

LEAST_SETTLED_SECONDS: Final = 30
"""The least seconds after which a create of unknown outcome counts as not done."""


def _parse_time(text: Any) -> datetime | None:
    """A time in UTC; None for what is none, has no time zone, or is in the last possible year."""
    try:
        at = datetime.fromisoformat(text)
        return None if at.tzinfo is None or at.year >= MAXYEAR else at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
