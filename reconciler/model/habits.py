"""How an account takes updates, as far as runs have found out: the vendor's pages leave it open.

An update may merge what it sends into what is there, or replace all of it. What is known lets an update send no more
than it must, and no less than keeps everything else as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from reconciler.model.address import Address, Kind, kind_of
from reconciler.model.value import ABSENT, MINIMUM, WORLDWIDE, Absent, Value

UpdateMode: TypeAlias = Literal["merges", "replaces"]
"""merges: fields that an update does not send stay as they are. replaces: they go back to their defaults."""

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class AccountHabits:
    """What is known of an account's updates: their mode by kind, None where it is not known.

    `floors_merge`: a table of floors leaves lines that it does not name as they are. `lost` holds the updates, by kind
    and id, that have reset what they were not sent, or may have, and were not followed by another.
    """

    updates: Mapping[Kind, UpdateMode] = field(default_factory=dict)
    floors_merge: bool = False
    lost: Mapping[tuple[Kind, str], "LostUpdate"] = field(default_factory=dict)

    def mode(self, kind: Kind) -> UpdateMode | None:
        """How updates of this kind are taken; None where that is not known."""
        return self.updates.get(kind)

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
    """An update that has reset fields, or whose end was never recorded, and so may have.

    `before` holds, as JSON, what was there of what it was not sent; `names` the fields that are known to have been
    reset, empty where that is not known.
    """

    run: str
    before: Mapping[str, Any]
    names: tuple[str, ...] = ()


UNKNOWN_HABITS: Final = AccountHabits()

UNSET: Final[tuple[Value | Absent, ...]] = (ABSENT, None, False, "", (), {WORLDWIDE: MINIMUM}, {})
"""Values that a field falls back to when something resets it."""


def is_reset(name: str, was: Value, shown: Value | Absent) -> bool:
    """Whether a field went back to what it is in a new resource: unset, and of the status: active."""
    return (was not in UNSET and shown in UNSET) or (name == "status" and was == "inactive" and shown == "active")


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
    lost: dict[tuple[Kind, str], LostUpdate] = {}
    for event in events:
        if event.get("event") == LEARNED:
            learned = habits_from_json(event)
            habits = habits.joined(learned.cautious() if event.get(FOREIGN) else learned)
        elif event.get("action") in _UPDATES and not event.get(FOREIGN):
            _note_update(lost, event)
    return replace(habits, lost=lost)


_UPDATES: Final = ("update", "deactivate")


def _note_update(lost: dict[tuple[Kind, str], LostUpdate], event: Mapping[str, Any]) -> None:
    """Apply the intent or the end of an update to those that may have lost something, in place."""
    match event:
        case {"event": "intent", "address": str(address), "id": str(resource_id), "before": {**before}}:
            after = event.get("after") or {}
            unsent = {str(name): value for name, value in before.items() if name not in after}
            lost[kind_of(Address(address)), resource_id] = LostUpdate(str(event.get("run")), unsent)
        case {"event": "ended", "address": str(address), "id": str(resource_id)}:
            update = lost.pop((kind_of(Address(address)), resource_id), None)
            names = tuple(name for name in event.get("reset") or () if isinstance(name, str))
            if names and update is not None:
                lost[kind_of(Address(address)), resource_id] = replace(update, names=names)
        case _:
            pass


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
    updates: dict[Kind, UpdateMode] = {kind: said[kind] for kind in _KINDS if said.get(kind) in get_args(UpdateMode)}
    return AccountHabits(updates, raw.get("floors") == "merges")
