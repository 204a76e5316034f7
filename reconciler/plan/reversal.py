"""Undoing a past run by its journal: a plan that restores what it changed, where the account is still as it left it.

The plan is an ordinary one, bound to what is live now: guards, staleness and locks hold for it as for any. What cannot
be undone, or moved since, is named in the notes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, cast

from reconciler.diff.change import Change, Deactivate, FieldChange, Note, Update
from reconciler.model.address import Address, address_order, app_of, kind_of, placement_address
from reconciler.model.field import WRITABLE, fields_from_json
from reconciler.model.habits import TARGETING, UNKNOWN_HABITS, AccountHabits, dependents, is_reset
from reconciler.model.journal import PastRun, PastStep
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import LiveResource, LiveState, Source
from reconciler.model.value import ABSENT, Absent, Fields, Floors, Value, complete, value_text
from reconciler.plan.aftermath import MADE_BY_WHAT_IS_UNDONE, PUTS_BACK, WAS_ACTIVE, restoring_changes
from reconciler.plan.plan import Plan, PlanOrigin

TRIED = frozenset({"applied", "normalised", "unverified", "unknown", None})
"""Outcomes of steps that have, or may have, changed something; None: the run was killed before it was recorded."""

GONE_FOR_GOOD = "was deleted, and nothing brings it back"


@dataclass(frozen=True, slots=True)
class ReversalContext:
    """What a reversal is computed from.

    `sources` are the places of blocks, `protected` the addresses that must not be set inactive. `habits` hold what
    updates may have reset.
    """

    live: LiveState
    ledger: Ledger
    sources: Mapping[Address, Source] = field(default_factory=dict)
    protected: AbstractSet[Address] = frozenset()
    habits: AccountHabits = UNKNOWN_HABITS


@dataclass(frozen=True, slots=True)
class Reversal:
    """The plan that undoes a run, and the leaves that are to be as before, by address.

    `leaves` holds those that are as before by now, too: manifests may still ask for what the run did.
    """

    plan: Plan
    leaves: Mapping[Address, tuple[FieldChange, ...]]


def is_undoable(step: PastStep) -> bool:
    """Whether there may be a way back from a step."""
    return (
        bool(step.reset)
        or step.unchecked
        or (step.outcome in TRIED and step.action in {"create", "update", "deactivate"})
    )


def reversal(run: PastRun, earlier: Sequence[PastRun], context: ReversalContext, origin: PlanOrigin) -> Reversal:
    """Undo one run; `earlier` are those before it, for values that the account does not show."""
    builder = _ReversalBuilder(context, run.run, earlier)
    for step in run.steps:
        builder.add_step(step)
    changes = sorted(builder.changes, key=lambda each: address_order(each.address))
    notes = sorted(builder.notes, key=lambda each: (address_order(each.address), each.text))
    return Reversal(Plan(origin, tuple(changes), notes=tuple(notes), owned=len(context.ledger)), builder.leaves)


class _ReversalBuilder:
    """Collects the changes, notes and restored leaves of a reversal, one step of the run after another."""

    def __init__(self, context: ReversalContext, run: str, earlier: Sequence[PastRun]) -> None:
        self.changes: list[Change] = []
        self.notes: list[Note] = []
        self.leaves: dict[Address, tuple[FieldChange, ...]] = {}
        self._ground, self._run = context, run
        self._earlier = earlier
        self._by_id = context.live.by_id()
        self._owners = {(entry.kind, entry.id): entry for entry in context.ledger.values()}

    def add_step(self, step: PastStep) -> None:
        """Ask for what undoes a step, or note why nothing does."""
        if step.action == "delete" and step.outcome in TRIED:
            if step.id is not None and (kind_of(step.address), step.id) not in self._by_id:
                self._add_note(step.address, f"id {step.id} {GONE_FOR_GOOD}")
            return
        if step.outcome not in TRIED and not (step.outcome == "failed" and step.action in {"update", "deactivate"}):
            return
        if step.id is None:
            if step.action == "create":
                self._add_note(step.address, "nobody knows whether it was made: look in the console")
            return
        key = kind_of(step.address), step.id
        resource = self._by_id.get(key)
        entry = self._owners.get(key) or self._stand_in(step)
        if resource is None:
            self._add_note(step.address, f"id {step.id} is gone from the account: nothing is undone")
        elif entry is None:
            self._add_note(step.address, f"id {step.id} is not managed any more: nothing is undone")
        elif step.action == "create":
            self._reverse_create(resource, entry)
        elif step.action in {"update", "deactivate"}:
            self._reverse_change(step, resource, entry)

    def _stand_in(self, step: PastStep) -> LedgerEntry | None:
        """What the first update of a resource was to put into the ledger, where its end was never recorded."""
        is_open = step.action == "update" and (step.outcome in {None, "unknown"} or step.reset or step.unchecked)
        is_free = step.address in self._ground.sources and step.address not in self._ground.ledger
        return LedgerEntry(step.address, step.id, {}) if step.id is not None and is_open and is_free else None

    def _add_note(self, address: Address, text: str) -> None:
        self.notes.append(Note(address, text))

    def _reverse_create(self, resource: LiveResource, entry: LedgerEntry) -> None:
        address = entry.address
        if address in self._ground.protected or entry.protect:
            self._add_note(address, "it was made by this run, and is protected: it is not set inactive")
            return
        self.leaves[address] = (FieldChange("status", resource.fields.get("status"), "inactive", "pending"),)
        if resource.fields.get("status") == "inactive":
            self._add_note(address, "it was made by this run, and is inactive by now")
            return
        self._add_note(address, "nothing that was made is deleted: it is set inactive")
        source = self._ground.sources.get(address)
        why = MADE_BY_WHAT_IS_UNDONE
        self.changes.append(Deactivate(address, resource.id, why, resource.digest(), resource.app_id, source))

    def _reverse_change(self, step: PastStep, resource: LiveResource, entry: LedgerEntry) -> None:
        try:
            before, after = fields_from_json(step.before), fields_from_json(step.after)
        except (ValueError, ArithmeticError):
            self._add_note(entry.address, "what was there before cannot be read in the journal: nothing is undone")
            return
        lost = {**_lost_fields(step, before, resource), **self._remembered(resource)}
        before = {**self._sent_before(step, after), **before}
        back = _FieldReversal(before, after, resource.fields, entry)
        send = back.fields_to_send()
        lost.update(back.fields_that_follow(send))
        if step.outcome == "failed":
            if send:
                told = f"its step failed, and yet {_joined(send)} is as it was asked for: it is left alone"
                self._add_note(entry.address, told)
            if lost:
                self._add_update({}, resource, entry, lost)
            return
        for text in back.notes:
            self._add_note(entry.address, text)
        if back.leaves:
            self.leaves[entry.address] = tuple(back.leaves)
        if send or lost:
            self._add_update(send, resource, entry, lost)

    def _add_update(self, send: Fields, resource: LiveResource, entry: LedgerEntry, lost: Fields) -> None:
        """Ask for what is to be again: fields that the run has sent, and those that it has reset without (`lost`)."""
        address = entry.address
        is_protected = address in self._ground.protected or entry.protect
        if send.get("status") == "inactive" and is_protected:
            self._add_note(address, "it was switched on by this run, and is protected: it is not set inactive")
            send = {name: value for name, value in send.items() if name != "status"}
        becomes = address
        if "name" in send:
            becomes = placement_address(app_of(address), str(send["name"]))
            if becomes != address and becomes in self._ground.ledger:
                self._add_note(address, f"its name before, {send['name']}, is another's by now: it keeps its own")
                send, becomes = {name: value for name, value in send.items() if name != "name"}, address
        if not (send or lost):
            return
        declared = {**entry.applied, **send}
        send = {**lost, **send}
        if "floorPrices" in send and isinstance(entry.applied.get("floorPrices"), Mapping):
            leaves = [each for each in self.leaves.get(address, ()) if each.field == "floorPrices"]
            declared["floorPrices"] = with_leaves(entry.applied["floorPrices"], leaves)
        self.changes.append(
            Update(
                becomes,
                resource.id,
                self._ground.sources.get(address),
                tuple(restoring_changes(send, resource.fields)),
                send,
                declared,
                resource.digest(),
                app_id=resource.app_id,
                protect=entry.protect,
                renamed_from=address if becomes != address else None,
                reason=WAS_ACTIVE if send == {"status": "active"} else PUTS_BACK,
            )
        )

    def _remembered(self, resource: LiveResource) -> Fields:
        """What the run may have reset of a resource by the journal, and nothing has put back since."""
        every = self._ground.habits.lost_by(resource)
        return {name: was for update, left in every if update.run == self._run for name, was in left.items()}

    def _sent_before(self, step: PastStep, after: Fields) -> Fields:
        """What earlier runs have last sent of these fields: for those that the account does not show."""
        last_sent: dict[str, Value] = {}
        for run in self._earlier:
            for each in run.steps:
                if each.id == step.id and kind_of(each.address) == kind_of(step.address) and each.outcome in TRIED:
                    known = {name: value for name, value in each.after.items() if name in after}
                    try:
                        last_sent.update(fields_from_json(known))
                    except (ValueError, ArithmeticError):
                        continue
        return last_sent


def _lost_fields(step: PastStep, before: Fields, resource: LiveResource) -> Fields:
    """What a step has reset without sending it, as it was: what it told, and of an unseen one what looks like it."""
    is_unseen = step.outcome is None or step.unchecked
    names = step.reset or (before.keys() - step.after.keys() if is_unseen else ())
    return {
        name: before[name]
        for name in names
        if name in before and name in WRITABLE[resource.kind] and resource.fields.get(name) != before[name]
        if step.reset or is_reset(name, before[name], resource.fields.get(name, ABSENT))
    }


_SWITCHED: Final = frozenset({"targetingEnabled", *TARGETING})


class _FieldReversal:
    """Which fields of a resource go back to what they were, and what is to be said of the others."""

    def __init__(self, before: Fields, after: Fields, now: Fields, entry: LedgerEntry) -> None:
        self.notes: list[str] = []
        self.leaves: list[FieldChange] = []
        self._before, self._after, self._now, self._entry = before, after, now, entry

    def fields_to_send(self) -> Fields:
        """The fields to send, whole."""
        fields: dict[str, Value] = {}
        for name in sorted(self._after):
            was, sent = self._before.get(name, ABSENT), self._after[name]
            if isinstance(was, Absent):
                self.notes.append(f"{name} was not shown before, so nobody knows what to put back")
            elif was != sent:
                wanted = self._wanted_value(name, was, sent)
                if not isinstance(wanted, Absent):
                    fields[name] = wanted
        return fields

    def fields_that_follow(self, send: Fields) -> Fields:
        """What went with the fields that are put back, without being sent: targeting, or its switch."""
        fields: dict[str, Value] = {}
        for name in sorted(dependents(self._after, self._before) if send.keys() & _SWITCHED else ()):
            was, now = self._before.get(name), self._now.get(name)
            if was is None or was == now:
                continue
            if now is None or name == "targetingEnabled":
                fields[name] = was
                self.leaves.append(FieldChange(name, now, was, "pending"))
            else:
                self._note_moved(name, None, now)
        return fields

    def _wanted_value(self, name: str, was: Value, sent: Value) -> Value | Absent:
        """What a field is to be again; ABSENT where it stays as it is."""
        now, kept = self._now.get(name, ABSENT), self._entry.kept.get(name, ABSENT)
        if name == "floorPrices" and all(isinstance(each, Mapping) for each in (was, sent, now)):
            tables = [complete(cast("Floors", each)) for each in (was, sent, now)]
            return self._wanted_floors(tables[0], tables[1], tables[2], kept)
        if isinstance(now, Absent) and sent is not None and self._entry.applied.get(name, ABSENT) != sent:
            self.notes.append(f"{name} is not shown, so nobody knows whether it is still as the run left it")
            return ABSENT
        leaf = FieldChange(name, None if isinstance(now, Absent) else now, was, "pending")
        if now == was:
            self.leaves.append(leaf)
            return ABSENT
        if isinstance(now, Absent) or now in (sent, kept):
            self.leaves.append(leaf)
            return was
        self._note_moved(name, sent, now)
        return ABSENT

    def _wanted_floors(self, was: Floors, sent: Floors, now: Floors, kept: Value | Absent) -> Value | Absent:
        """The live table with the lines of before, where they are still as the run left them."""
        keeps = complete(cast("Floors", kept)) if isinstance(kept, Mapping) else {}
        table: dict[str, Decimal] = dict(now)
        for country in sorted(was.keys() | sent.keys()):
            old, new, there = was.get(country), sent.get(country), now.get(country)
            if old == new:
                continue
            path = f"floorPrices.{country}"
            if there in (new, keeps.get(country, new)) or there == old:
                self.leaves.append(FieldChange(path, there, old, "pending"))
                if old is None:
                    table.pop(country, None)
                else:
                    table[country] = old
            else:
                self._note_moved(path, new, there)
        return ABSENT if table == now else table

    def _note_moved(self, path: str, sent: Value, now: Value) -> None:
        self.notes.append(
            f"{path} is {value_text(now)} by now, and the run left it {value_text(sent)}: it is left alone"
        )


def with_leaves(declared: Value, leaves: Iterable[FieldChange]) -> Value:
    """A declared value with the leaves as they are to be: those of floors line by line, any other field whole."""
    for each in leaves:
        _, _, country = each.path.partition(".")
        if not country or not isinstance(declared, Mapping):
            declared = each.after
        elif each.after is None:
            declared = {name: value for name, value in declared.items() if name != country}
        else:
            declared = {**declared, country: each.after}
    return declared


def declared_again(fields: Fields, leaves: Iterable[FieldChange]) -> Fields:
    """What a block would declare with leaves as they were before the run; fields that it does not name stay unnamed."""
    changed = dict(fields)
    for each in leaves:
        if each.field in fields:
            changed[each.field] = with_leaves(changed.get(each.field), [each])
    return changed


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def undo_counts(run: PastRun) -> Iterator[tuple[str, int]]:
    """What of a run may be undone, in numbers: steps that have a way back, and deletes, which have none."""
    yield "undoable", sum(map(is_undoable, run.steps))
    yield "deleted", sum(step.action == "delete" and step.outcome in TRIED for step in run.steps)
