"""How an account takes updates, as far as runs have found out: the vendor's pages leave it open.

An update may merge what it sends into what is there, or replace all of it. What is known lets an update send no more
than it must, and no less than keeps everything else as it is.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from reconciler.model.address import KINDS, Address, Kind, kind_of
from reconciler.model.field import WRITABLE, fields_from_json
from reconciler.model.state import LiveResource
from reconciler.model.value import ABSENT, MINIMUM, WORLDWIDE, Absent, Fields, Value

UpdateMode: TypeAlias = Literal["merges", "replaces"]
"""merges: fields that an update does not send stay as they are. replaces: they go back to their defaults."""


@dataclass(frozen=True, slots=True)
class AccountHabits:
    """What is known of an account's updates: their mode by kind, None where it is not known.

    `floors_merge`: a table of floors leaves lines that it does not name as they are. `lost` holds the updates, by kind
    and id, that have reset what they were not sent, or may have: with the fields that nothing has put back since.
    """

    updates: Mapping[Kind, UpdateMode] = field(default_factory=dict)
    floors_merge: bool = False
    lost: Mapping[tuple[Kind, str], tuple["LostUpdate", ...]] = field(default_factory=dict)

    def mode(self, kind: Kind) -> UpdateMode | None:
        """How updates of this kind are taken; None where that is not known."""
        return self.updates.get(kind)

    def lost_by(self, live: LiveResource, declared: Container[str] = ()) -> Iterator[tuple["LostUpdate", Fields]]:
        """The updates that have reset fields of a resource, or may have, each with the old values that are not back.

        Fields that are `declared` count only where they are known to have been reset.
        """
        unreadable = {name for name, _ in live.unreadable}
        for update in self.lost.get((live.kind, live.id), ()):
            if not update.names and self.mode(live.kind) == "merges":
                continue
            left = {
                name: was
                for name, was in _readable(update.before).items()
                if name in WRITABLE[live.kind] and name not in unreadable
                if name in update.names or (not update.names and name not in declared)
                if _is_other(was, live.fields.get(name, ABSENT), is_known=name in update.names)
            }
            if left:
                yield update, left

    def seen_in(self, resources: Iterable[LiveResource]) -> "AccountHabits":
        """What readings tell of updates that nobody has seen the end of: where a field is unset now, they replace."""
        replacing: set[Kind] = {
            live.kind
            for live in resources
            if (live.kind, live.id) in self.lost and self.mode(live.kind) is None
            for _, left in self.lost_by(live)
            if any(is_reset(name, was, live.fields.get(name, ABSENT)) for name, was in left.items())
        }
        return AccountHabits(dict.fromkeys(replacing, "replaces"))

    def joined(self, other: "AccountHabits") -> "AccountHabits":
        """What both know. `replaces` wins: to send everything is right under either mode."""
        updates = dict(self.updates)
        for kind, mode in other.updates.items():
            if updates.get(kind) != "replaces":
                updates[kind] = mode
        return AccountHabits(updates, self.floors_merge or other.floors_merge, {**self.lost, **other.lost})

    def cautious(self) -> "AccountHabits":
        """The part that makes updates send more, and never less."""
        return AccountHabits(
            {kind: mode for kind, mode in self.updates.items() if mode == "replaces"}, self.floors_merge
        )


@dataclass(frozen=True, slots=True)
class LostUpdate:
    """An update that has reset fields, or that nobody has seen the end of, and so may have.

    `before` holds, as JSON, what was there of what it was not sent; `names` the fields that are known to have been
    reset, empty where that is not known. `was_killed`: it has no end at all.
    """

    run: str
    address: Address
    before: Mapping[str, Any]
    names: tuple[str, ...] = ()
    was_killed: bool = True

    @property
    def how(self) -> str:
        """What it has done, for a sentence about fields that it did not send."""
        if self.names:
            return "has reset"
        return f"{'was killed' if self.was_killed else 'could not be read back'}, and may have reset"

    def without(self, names: Iterable[str]) -> "LostUpdate | None":
        """A copy without fields that are explained; None where nothing is left."""
        explained = frozenset(names)
        before = {name: value for name, value in self.before.items() if name not in explained}
        known = tuple(name for name in self.names if name not in explained)
        return replace(self, before=before, names=known) if before and (known or not self.names) else None


UNKNOWN_HABITS: Final = AccountHabits()

UNSET: Final[tuple[Value | Absent, ...]] = (ABSENT, None, False, "", (), {WORLDWIDE: MINIMUM}, {})
"""Values that a field falls back to when something resets it."""


def is_reset(name: str, was: Value, shown: Value | Absent) -> bool:
    """Whether a field went back to what it is in a new resource: unset, and of the status: active."""
    return (was not in UNSET and shown in UNSET) or (name == "status" and was == "inactive" and shown == "active")


def _is_other(was: Value, shown: Value | Absent, *, is_known: bool) -> bool:
    """Whether a field is not as it was. Where it is not known to have been reset, one that was off or unset may be."""
    if isinstance(shown, Absent) or shown is None:
        return was is not None and (is_known or was not in UNSET)
    return shown != was and (is_known or was is not None)


def _readable(fields: Mapping[str, Any]) -> Fields:
    """Fields of a journal as values; none of them where they cannot be read."""
    try:
        return fields_from_json(fields)
    except (ValueError, ArithmeticError):
        return {}


TARGETING: Final = ("geo", "connectivity")
"""What goes when targeting is switched off, without being sent."""


def dependents(sent: Mapping[str, Any], before: Mapping[str, Any]) -> frozenset[str]:
    """The fields that may change with what is sent, without being sent: targeting and its switch go together."""
    if "targetingEnabled" in sent:
        return frozenset() if sent["targetingEnabled"] else frozenset(TARGETING) - sent.keys()
    if not any(name in sent for name in TARGETING):
        return frozenset()
    is_off = all({**before, **sent}.get(name) is None for name in TARGETING)
    return frozenset({"targetingEnabled"}) if is_off or not before.get("targetingEnabled") else frozenset()


LEARNED: Final = "learned"
"""The event of a journal that says what was found out."""
FOREIGN: Final = "foreign"
"""What an event says, and is true, that this checkout did not write."""


def learned_event(habits: AccountHabits) -> dict[str, Any]:
    """The event of what a run has found out of the account's updates."""
    return {"event": LEARNED, **habits_to_json(habits)}


def habits_of(events: Iterable[Mapping[str, Any]]) -> AccountHabits:
    """What journal events say of the account's updates.

    Of events that this checkout did not write only what is cautious counts: they can make an update send more than it
    has to, and never make it lose anything.
    """
    habits = UNKNOWN_HABITS
    updates = _UpdateHistory()
    for event in events:
        if event.get("event") == LEARNED:
            learned = habits_from_json(event)
            habits = habits.joined(learned.cautious() if event.get(FOREIGN) else learned)
        elif event.get("action") in UPDATING and not event.get(FOREIGN):
            updates.take(event)
    return replace(habits, lost={key: tuple(each) for key, each in updates.lost.items() if each})


UPDATING: Final = ("update", "deactivate", "create")
"""Actions that update: a create may have to send a second call."""


class _UpdateHistory:
    """Collects the updates of a journal that have reset something, or may have, event by event."""

    def __init__(self) -> None:
        self.lost: dict[tuple[Kind, str], list[LostUpdate]] = {}
        self._begun: dict[tuple[Kind, str], _BegunUpdate] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Apply the intent or the end of an update."""
        match event:
            case {"event": "intent", "address": str(address), "id": str(resource_id), "before": {**before}}:
                self._begin(Address(address), resource_id, before, event)
            case {"event": "ended", "address": str(address), "id": str(resource_id)}:
                self._end((kind_of(Address(address)), resource_id), event)
            case _:
                pass

    def _begin(self, address: Address, resource_id: str, before: Mapping[Any, Any], event: Mapping[str, Any]) -> None:
        """Another update begins: of the earlier ones it is remembered what its own reading does not show back."""
        key, run, after = (kind_of(address), resource_id), str(event.get("run")), event.get("after") or {}
        earlier = self._begun.get(key)
        if earlier is not None and earlier.run == run:
            self.lost[key] = earlier.lost
            self._begun[key] = replace(earlier, sent=after)
            return
        known = [
            left
            for each in self.lost.get(key, ())
            if (left := each.without(name for name, was in each.before.items() if before.get(name, ABSENT) == was))
        ]
        remembered = {name for each in known for name in each.before}
        gone = {*after, *remembered, *dependents(after, before)}
        unsent = {str(name): value for name, value in before.items() if name not in gone}
        self.lost[key] = known if event.get("whole") else [*known, LostUpdate(run, address, unsent)]
        self._begun[key] = _BegunUpdate(run, after, self.lost[key])

    def _end(self, key: tuple[Kind, str], event: Mapping[str, Any]) -> None:
        """An update has ended: what it has surely sent is explained, and what it has surely reset is known.

        A later end of the same update counts instead of an earlier one.
        """
        run, outcome = str(event.get("run")), event.get("outcome")
        begun = self._begun.get(key)
        if begun is None or begun.run != run:
            begun = _BegunUpdate(run, {}, self.lost.get(key, []))
        sent = begun.sent if outcome in {"applied", "normalised"} else {}
        names = tuple(name for name in event.get("reset") or () if isinstance(name, str))
        left: list[LostUpdate] = []
        for each in begun.lost:
            if each.run != run:
                left += filter(None, [each.without(sent)])
            elif names or outcome == "unknown" or event.get(UNCHECKED):
                left.append(replace(each, names=names, was_killed=False))
        self.lost[key] = left


@dataclass(frozen=True, slots=True)
class _BegunUpdate:
    """The update of a resource that began last: its run, what it sends, and what was remembered when it began."""

    run: str
    sent: Mapping[str, Any]
    lost: list[LostUpdate]


UNCHECKED: Final = "unchecked"
"""What the end of an update says where nobody has seen what it did to the fields that it was not sent."""


def habits_to_json(habits: AccountHabits) -> dict[str, Any]:
    """Habits as JSON; what is not known is left out."""
    written: dict[str, Any] = {}
    if habits.updates:
        written["updates"] = {kind: habits.updates[kind] for kind in sorted(habits.updates)}
    if habits.floors_merge:
        written["floors"] = "merges"
    return written


def habits_from_json(raw: Mapping[str, Any]) -> AccountHabits:
    """The inverse of `habits_to_json`; other keys and words are of a later version, and left out."""
    said = raw.get("updates")
    said = said if isinstance(said, Mapping) else {}
    updates: dict[Kind, UpdateMode] = {kind: said[kind] for kind in KINDS if said.get(kind) in get_args(UpdateMode)}
    return AccountHabits(updates, raw.get("floors") == "merges")
