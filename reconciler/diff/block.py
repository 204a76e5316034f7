"""One block of a manifest against what it stands for: the verdicts on a single app or placement."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from reconciler.diff.change import Blocked, Create, FieldChange, Held, Note, Update
from reconciler.diff.compare import IN_SYNC, Comparison, compare, field_changes
from reconciler.diff.identity import Found, Missing, NotFound, PinNotFound, Twins
from reconciler.diff.retire import STOPS_APP, Retiring, protected, retire
from reconciler.diff.verdict import Forget, InSync, Remember, Verdict
from reconciler.model.address import Address, kind_of
from reconciler.model.desired import DesiredApp, DesiredPlacement
from reconciler.model.field import FIELDS, REQUIRED_TO_CREATE
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.value import ABSENT, Fields

Block: TypeAlias = DesiredApp | DesiredPlacement


@dataclass(frozen=True, slots=True)
class View:
    """What reconciling needs beside the three states.

    `now` is in UTC. `doubtful` holds ids of apps whose placement lists left out what exists, `""` standing for the app
    list itself: nothing is created or deleted there. `recreate` makes owned resources that are gone again.
    """

    now: datetime
    quarantine_days: float = 14
    doubtful: frozenset[str] = frozenset()
    recreate: bool = False


DOUBT = "the account's list left out resources that do exist, so nothing is made or deleted here; plan again later"


def in_place(block: Block, found: Found, ledger: Ledger, view: View) -> Iterator[Verdict]:
    """Verdicts on a present block whose live resource is known."""
    live = found.live
    entry = entry_of(block.address, found, ledger)
    kind = kind_of(block.address)
    result = _guarded(block, compare(kind, block.fields, live.fields, entry, block.lifecycle, view.now.date()))
    remembered = _remembered(block, live, entry, result)
    for accepted in result.accepted:
        until = f" until {accepted.drift.until}" if accepted.drift.until else ""
        yield Note(block.address, f"{accepted.change.path}: drift accepted{until} ({accepted.drift.reason})")
    fixed = [change for change in result.fixed if (kind, change.field) != ("app", "name")]
    for change in result.fixed:
        if change not in fixed:
            yield Note(block.address, f"live name is {change.before!r}: {FIELDS['app']['name'].remedy}")
    if fixed:
        yield Blocked(block.address, _remedies(block, fixed), live.id, tuple(fixed), block.source)
    if result.changes:
        stops = kind == "app" and any((each.path, each.after) == ("status", "inactive") for each in result.changes)
        yield Update(
            block.address,
            live.id,
            block.source,
            result.changes,
            result.send,
            remembered.applied,
            live.digest(),
            app_id=live.app_id,
            protect=block.lifecycle.protect,
            renamed_from=found.renamed_from,
            reason=STOPS_APP if stops else None,
        )
        return
    if not fixed:
        yield InSync(block.address)
    if remembered != entry:
        yield Remember(remembered)
    if found.renamed_from is not None:
        yield Forget(found.renamed_from)


def entry_of(address: Address, found: Found, ledger: Ledger) -> LedgerEntry | None:
    """What the ledger knows of this very resource; an entry for another id says nothing about this one."""
    for known in (ledger.get(address), ledger.get(found.renamed_from) if found.renamed_from else None):
        if known is not None and known.id == found.live.id:
            return known
    return None


def to_create(block: Block, needs: Fields, view: View, scope: str, reason: str | None = None) -> Create | Blocked:
    """The creation of a block; `needs` are values for required fields that the block does not declare.

    `scope` is the app id whose list would show it (`""` for apps).
    """
    kind = kind_of(block.address)
    send = {name: value for name, value in {**needs, **block.fields}.items() if value is not None}
    lacking = [name for name in REQUIRED_TO_CREATE[kind] if name not in send]
    if lacking:
        text = f"it does not exist yet, and {' and '.join(lacking)} must be declared to create it"
        return Blocked(block.address, text, source=block.source)
    if scope in view.doubtful:
        return Blocked(block.address, DOUBT, source=block.source)
    changes = [
        FieldChange(change.path, None, change.after, "pending")
        for name in sorted(send)
        for change in field_changes(name, ABSENT, send[name], None)
    ]
    return Create(
        block.address,
        block.source,
        tuple(changes),
        send,
        block.fields,
        app_id=scope or None,
        protect=block.lifecycle.protect,
        reason=reason,
    )


def unresolved(block: Block, resolution: Missing | PinNotFound | Twins) -> Blocked:
    """A block that stands for nothing that can be named with certainty."""
    pin = "appId" if kind_of(block.address) == "app" else "placementId"
    match resolution:
        case Missing(lost):
            text = (
                f"missing: id {lost} is in the ledger but no longer in the account; "
                "--recreate makes it again under a new id, `state: absent` lets it go"
            )
            return Blocked(block.address, text, lost, source=block.source)
        case PinNotFound(pinned):
            text = f"the pinned {pin} {pinned} is not there; correct the pin, or remove it to go by name"
            return Blocked(block.address, text, pinned, source=block.source)
        case Twins(ids):
            text = f"live ids {' and '.join(ids)} could both be meant; pin one with {pin}"
            return Blocked(block.address, text, source=block.source)


def to_retire(block: Block, found: Found, ledger: Ledger, view: View, scope: str) -> Iterator[Verdict]:
    """Verdicts on a tombstone whose resource still lives."""
    known = entry_of(block.address, found, ledger)
    entry = None if known is None else known.moved_to(block.address)
    going = Retiring(block.address, found.live, "declared absent", entry, may_delete=True, source=block.source)
    guarded = block.lifecycle.protect or (entry is not None and entry.protect)
    verdicts: tuple[Verdict, ...] = (protected(going),) if guarded else tuple(retirement(going, view, scope))
    yield from verdicts
    if found.renamed_from is not None:
        yield Forget(found.renamed_from)
    if entry is not None and entry != known and not any(isinstance(each, Remember) for each in verdicts):
        yield Remember(entry)


def retirement(going: Retiring, view: View, scope: str) -> Iterator[Verdict]:
    """The next step of a removal, held back where the account's list is in doubt."""
    step, remembered = retire(going, view.now, view.quarantine_days)
    if scope in view.doubtful and not isinstance(step, Held | Note):
        yield Blocked(going.address, DOUBT, going.live.id, source=going.source)
        return
    yield step
    if remembered is not None and remembered != going.entry:
        yield Remember(remembered)


def let_go(block: Block, resolution: NotFound | Missing, ledger: Ledger) -> Iterator[Verdict]:
    """Verdicts on a tombstone whose resource is gone."""
    if isinstance(resolution, Missing) or block.address in ledger:
        yield Forget(block.address)
    yield InSync(block.address)


def _guarded(block: Block, result: Comparison) -> Comparison:
    """With protection on, a change to inactive is not made but reported as one that cannot be."""
    if result is IN_SYNC or not block.lifecycle.protect:
        return result
    held = [each for each in result.changes if each.path == "status" and each.after == "inactive"]
    if not held:
        return result
    changes = tuple(change for change in result.changes if change not in held)
    send = {name: value for name, value in result.send.items() if name != "status"}
    return Comparison(changes, (*result.fixed, *held), result.accepted, send)


def _remembered(block: Block, live: LiveResource, entry: LedgerEntry | None, result: Comparison) -> LedgerEntry:
    """The ledger entry once all that can be changed is as declared; for what is fixed, the old values stay."""
    stuck = {change.field for change in result.fixed}
    applied = block.fields
    if stuck:
        before = entry.applied if entry is not None else {}
        applied = {name: value for name, value in applied.items() if name not in stuck}
        applied.update({name: before[name] for name in stuck & before.keys()})
    unconfirmed = entry.unconfirmed if entry is not None else frozenset()
    still = {name for name in unconfirmed if name in applied and live.fields.get(name) is None}
    return LedgerEntry(block.address, live.id, applied, frozenset(still), protect=block.lifecycle.protect)


def _remedies(block: Block, fixed: list[FieldChange]) -> str:
    specs = FIELDS[kind_of(block.address)]
    told = []
    for name in dict.fromkeys(change.field for change in fixed):
        remedy = specs[name].remedy or "it is protected; take `protect` out of its lifecycle first"
        told.append(f"{name}: {remedy}")
    return "; ".join(told)
