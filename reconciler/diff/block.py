"""One block of a manifest against what it stands for: the verdicts on a single app or placement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from reconciler.diff.change import Blocked, Create, FieldChange, Held, Note, Update
from reconciler.diff.compare import IN_SYNC, Comparison, compare, covers, field_changes
from reconciler.diff.drifted import OVERWRITE, DriftRule, on_drift, told_value, with_applied_leaves, without_held
from reconciler.diff.identity import Found, Missing, NotFound
from reconciler.diff.retire import STOPS_APP, Retiring, protected, retire
from reconciler.diff.unclear import unread, unresolved
from reconciler.diff.verdict import Forget, InSync, Remember, Verdict
from reconciler.model.address import Address, Kind, kind_of
from reconciler.model.desired import DesiredApp, DesiredPlacement
from reconciler.model.field import FIELDS, REQUIRED_TO_CREATE
from reconciler.model.journal import NO_CREATES, PastCreates
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.likeness import folded_app
from reconciler.model.live import IDENTITY, LiveResource
from reconciler.model.value import ABSENT, Fields

Block: TypeAlias = DesiredApp | DesiredPlacement


@dataclass(frozen=True, slots=True)
class View:
    """What reconciling needs beside the three states.

    `now` is in UTC. `doubtful` holds ids of apps whose placement lists left out what exists, `""` standing for the app
    list itself: nothing is created or deleted there. `recreate` makes owned resources that are gone again. `past` is
    what the journal says of creates, and `settle_seconds` how long one is given to appear. `drift` is what becomes
    of fields that live moved in, and `unread` why there may be more manifests than were read.
    """

    now: datetime
    quarantine_days: float = 14
    doubtful: frozenset[str] = frozenset()
    recreate: bool = False
    past: PastCreates = NO_CREATES
    settle_seconds: float = 30
    drift: DriftRule = OVERWRITE
    unread: str | None = None

    @property
    def settled_after(self) -> timedelta:
        """How long after its sending a create of unknown outcome may be taken for not done, where no list shows it."""
        return self.past.settled_after(self.settle_seconds)

    def made_lately(self, kind: Kind, resource_id: str) -> datetime | None:
        """When a resource was made, if that is so lately that the account may not show it yet."""
        at = self.past.made.get((kind, resource_id))
        return at if at is not None and self.now - at < max(self.settled_after, LATELY) else None

    def hidden_since(self, kind: Kind, resource_id: str) -> datetime | None:
        """When a resource was made, if that is so lately and no reading has shown it since."""
        return None if (kind, resource_id) in self.past.shown else self.made_lately(kind, resource_id)


LATELY: Final = timedelta(minutes=10)
"""How long after its creation a resource that is not shown counts as not visible yet, and not as gone."""

DOUBT = "the account's list left out resources that do exist, so nothing is made or deleted here; plan again later"


def in_place(block: Block, found: Found, ledger: Ledger, view: View) -> Iterator[Verdict]:
    """Verdicts on a present block whose live resource is known."""
    live = found.live
    if not live.is_readable and (why := unread(live, declared_fields(block))) is not None:
        yield Blocked(block.address, why, live.id, source=block.source)
        return
    entry = entry_of(block.address, found, ledger)
    kind = kind_of(block.address)
    compared = compare(kind, block.fields, live.fields, entry, block.lifecycle, view.now.date())
    result = _guarded(block, without_held(compared, view.drift))
    remembered = _remembered(block, live, entry, result)
    yield from kept_notes(block.address, result.kept)
    for accepted in result.accepted:
        until = f" until {accepted.drift.until}" if accepted.drift.until else ""
        yield Note(block.address, f"{accepted.change.path}: drift accepted{until} ({accepted.drift.reason})")
    fixed = [change for change in result.fixed if not is_spelling(kind, change)]
    for change in result.fixed:
        if change not in fixed:
            yield Note(block.address, f"live {change.field} is {change.before!r}: {_why_so_spelled(change)}")
    if fixed:
        yield Blocked(block.address, _remedies(block, fixed), live.id, tuple(fixed), block.source)
    yield from on_drift(block, found, result, view.drift)
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
    if not fixed and not result.drifted:
        yield InSync(block.address)
    if remembered != entry:
        yield Remember(remembered)
    if found.renamed_from is not None:
        yield Forget(found.renamed_from, block.address)


def declared_fields(block: Block) -> list[str]:
    """The fields of a block that are compared at all."""
    return [name for name in block.fields if not covers(name, block.lifecycle.ignore_changes)]


def kept_notes(address: Address, kept: Sequence[FieldChange]) -> Iterator[Note]:
    """What the account keeps instead of what the manifest asks for, one note for each leaf.

    Platform and bundle are the address of an app, and stay in the manifest as they are.
    """
    for leaf in kept:
        asked, shown = told_value(leaf.after), told_value(leaf.before)
        is_identity = kind_of(address) == "app" and leaf.path in {"platform", "bundle"}
        what_then = "the block stands for it all the same" if is_identity else "`pull` takes that over"
        yield Note(address, f"{leaf.path}: asked for {asked}, the account keeps {shown}; {what_then}")


def entry_of(address: Address, found: Found, ledger: Ledger) -> LedgerEntry | None:
    """What the ledger knows of this very resource; an entry for another id says nothing about this one."""
    for known in (ledger.get(address), ledger.get(found.renamed_from) if found.renamed_from else None):
        if known is not None and known.id == found.live.id:
            return known
    return None


def is_spelling(kind: Kind, change: FieldChange) -> bool:
    """Whether a difference that nothing can change is none: an app's name is the store's own, its identity folded."""
    if kind != "app":
        return False
    told, wanted = str(change.before or ""), str(change.after or "")
    match change.path:
        case "name":
            return True
        case "platform":
            return folded_app(told, "") == folded_app(wanted, "")
        case "bundle":
            return folded_app("", told) == folded_app("", wanted)
        case _:
            return False


def _why_so_spelled(change: FieldChange) -> str:
    if change.field == "name":
        return str(FIELDS["app"]["name"].remedy)
    return "the account spells it otherwise, and nothing can change that; it is taken for this app all the same"


def to_create(block: Block, needs: Fields, view: View, scope: str, resolution: NotFound | Missing) -> Create | Blocked:
    """The creation of a block; `needs` are values for required fields that the block does not declare.

    `scope` is the app id whose list would show it (`""` for apps). What is alike without being another block's holds it
    up: made beside that, it may be a second one of the same.
    """
    if resolution.alike.free or resolution.alike.nameless:
        return unresolved(block, resolution)
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
        reason=None if isinstance(resolution, NotFound) else f"made again: {_why_lost(resolution)}",
        distinct=block.lifecycle.distinct,
        beside=resolution.alike.claimed,
    )


def not_visible_yet(block: Block, resource_id: str, view: View) -> Blocked | None:
    """A block whose resource was made moments ago and never shown: the account's reads may lag behind its writes.

    None where that is not so, and it counts as missing.
    """
    made = view.hidden_since(kind_of(block.address), resource_id)
    if made is None:
        return None
    text = (
        f"not visible yet: id {resource_id} was made at {made:%H:%M:%S} UTC, and the account does not show it so far; "
        "nothing is made in its place, plan again later"
    )
    return Blocked(block.address, text, resource_id, source=block.source)


def _why_lost(missing: Missing) -> str:
    return f"id {missing.id} is {missing.taken_by} now" if missing.taken_by else f"id {missing.id} is gone"


def to_retire(block: Block, found: Found, ledger: Ledger, view: View, scope: str) -> Iterator[Verdict]:
    """Verdicts on a tombstone whose resource still lives."""
    known = entry_of(block.address, found, ledger)
    entry = None if known is None else known.moved_to(block.address)
    going = Retiring(block.address, found.live, "declared absent", entry, may_delete=True, source=block.source)
    guarded = block.lifecycle.protect or (entry is not None and entry.protect)
    verdicts: tuple[Verdict, ...] = (protected(going),) if guarded else tuple(retirement(going, view, scope))
    yield from verdicts
    if found.renamed_from is not None:
        yield Forget(found.renamed_from, block.address)
    if entry is not None and entry != known and not any(isinstance(each, Remember) for each in verdicts):
        yield Remember(entry)


def retirement(going: Retiring, view: View, scope: str) -> Iterator[Verdict]:
    """The next step of a removal, held back where the account's list is in doubt."""
    if (why := unread(going.live, (*IDENTITY[going.live.kind], "status"))) is not None:
        yield Blocked(going.address, why, going.live.id, source=going.source)
        return
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
    return replace(result, changes=changes, fixed=(*result.fixed, *held), send=send)


def _remembered(block: Block, live: LiveResource, entry: LedgerEntry | None, result: Comparison) -> LedgerEntry:
    """The ledger entry once all that can be changed is as declared; for what is fixed, the old values stay."""
    stuck = {change.field for change in result.fixed}
    applied = block.fields
    if stuck:
        before = entry.applied if entry is not None else {}
        applied = {name: value for name, value in applied.items() if name not in stuck}
        applied.update({name: before[name] for name in stuck & before.keys()})
    if result.drifted and entry is not None:
        applied = with_applied_leaves(applied, result.drifted, entry.applied)
    unconfirmed = entry.unconfirmed if entry is not None else frozenset()
    still = {name for name in unconfirmed if name in applied and live.fields.get(name) is None}
    protect = block.lifecycle.protect
    return LedgerEntry(
        block.address, live.id, applied, frozenset(still), protect=protect, kept=_kept(entry, applied, live)
    )


def _kept(entry: LedgerEntry | None, applied: Fields, live: LiveResource) -> Fields:
    """What the account keeps instead of what it was given, as long as the same is asked for and not there."""
    if entry is None or not entry.kept:
        return {}
    return {
        name: value
        for name, value in entry.kept.items()
        if name in applied and applied[name] == entry.applied.get(name) and live.fields.get(name) != applied[name]
    }


def _remedies(block: Block, fixed: list[FieldChange]) -> str:
    specs = FIELDS[kind_of(block.address)]
    told = []
    for name in dict.fromkeys(change.field for change in fixed):
        remedy = specs[name].remedy or "it is protected; take `protect` out of its lifecycle first"
        told.append(f"{name}: {remedy}")
    return "; ".join(told)
