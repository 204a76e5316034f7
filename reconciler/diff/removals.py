"""Removal of tombstones and pruned resources: deactivate, wait for the quarantine, delete.

Nothing is deleted that was not inactive for the whole quarantine before.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias

from reconciler.diff.change import Blocked, Contradiction, Deactivate, Delete, HeldChange, Note
from reconciler.diff.context import DOUBT, DiffContext, DiffOptions
from reconciler.diff.look_alikes import unreadable_reason
from reconciler.model.address import Address, kind_of
from reconciler.model.checked import instant
from reconciler.model.habits import AccountHabits
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import IDENTITY, DesiredResource, DesiredState, LiveResource, LiveState, Prune, Source
from reconciler.model.value import value_text

STOPS_APP: Final = "this stops every ad request of the app, and deletes its experiments that have not begun"
"""What the vendor does when an app is set inactive; only the first half can be taken back."""

SHORTER_QUARANTINE: Final = "an apply after that, or a smaller safety.quarantineDays"

READ_ALL: Final = (
    "a pattern in `manifests` for each file, none that matches nothing, and no empty manifest; or `state: absent` for "
    "what is to go"
)
NOTHING_DECLARED: Final = (
    "owned, but no manifest names it any more; it stays as it is, as nothing is pruned while no app is declared"
)

RemovalVerdict: TypeAlias = Deactivate | Delete | HeldChange | Blocked | Note | Contradiction


@dataclass(frozen=True, slots=True)
class RemovalStage:
    """How far the removal of a live resource is: the next verdict, and the ledger entry to keep, if any."""

    step: RemovalVerdict
    remember: LedgerEntry | None = None

    @property
    def acts(self) -> bool:
        """Whether the next apply has something to do, or would have, were it not forbidden."""
        return isinstance(self.step, Deactivate | Delete | Blocked)


@dataclass(frozen=True, slots=True)
class _RemovalCandidate:
    """A live resource to be removed: why, its ledger entry, and whether it may be deleted in the end."""

    address: Address
    live: LiveResource
    reason: str
    entry: LedgerEntry | None
    may_delete: bool
    source: Source | None = None

    def delete(self) -> Delete:
        """The deletion, for when the quarantine is over."""
        return Delete(self.address, self.live.id, self.reason, self.live.digest(), self.live.app_id, self.source)


def removal_of_tombstone(
    block: DesiredResource, live: LiveResource, known: LedgerEntry | None, context: DiffContext, scope: str
) -> RemovalStage:
    """The removal of a resource that is declared absent; `known` is its ledger entry, under whatever address.

    `scope` is the id of the app whose list shows the resource (`""` for apps), here and below.
    """
    entry = None if known is None else known.moved_to(block.address)
    candidate = _RemovalCandidate(block.address, live, "declared absent", entry, may_delete=True, source=block.source)
    if block.lifecycle.protect or (entry is not None and entry.protect):
        reason = f"{candidate.reason}, but it is protected; take `protect` out of its lifecycle and apply that first"
        stage = RemovalStage(Blocked(candidate.address, reason, live.id, source=candidate.source))
    else:
        stage = _blocked_by_contents(_guarded_stage(candidate, context.options, scope), context)
    return replace(stage, remember=entry) if stage.remember is None and entry != known else stage


def removal_of_undeclared(
    entry: LedgerEntry, live: LiveResource, prune: Prune | None, context: DiffContext, scope: str
) -> RemovalStage:
    """What becomes of an owned resource that no block names; `prune` is None where no app is declared at all."""
    if entry.protect:
        text = "no manifest names it any more; it is protected, so it stays as it is"
    elif prune is None:
        text = NOTHING_DECLARED
    elif prune == "report":
        text = "owned, but no manifest names it any more; `prune: report` leaves it as it is"
    else:
        reason = f"no manifest names it, prune: {prune}"
        candidate = _RemovalCandidate(entry.address, live, reason, entry, may_delete=prune == "delete")
        stage, options = _guarded_stage(candidate, context.options, scope), context.options
        return _blocked_by_contents(
            stage if options.unread is None else _held_for_unread(stage, options.unread), context
        )
    updated = _with_quarantine_reset(replace(entry, orphaned=True), live)
    return RemovalStage(Note(entry.address, text), None if updated == entry else updated)


def removal_with_app(entry: LedgerEntry, live: LiveResource, app: RemovalStage | None) -> RemovalStage | None:
    """The removal of an owned placement whose app is being removed: it is deleted with the app, and not before."""
    if app is None or not isinstance(app.step, Delete):
        return None
    reason = f"its app is {app.step.reason}"
    return RemovalStage(Delete(entry.address, live.id, reason, live.digest(), live.app_id, app.step.source))


def _guarded_stage(candidate: _RemovalCandidate, options: DiffOptions, scope: str) -> RemovalStage:
    """The next step of a removal, held back where the account's list is in doubt."""
    if (why := unreadable_reason(candidate.live, (*IDENTITY[candidate.live.kind], "status"))) is not None:
        return RemovalStage(Blocked(candidate.address, why, candidate.live.id, source=candidate.source))
    stage = _next_stage(candidate, options)
    if isinstance(stage.step, Deactivate) and (why := options.why_unsendable(candidate.live)) is not None:
        return RemovalStage(Blocked(candidate.address, why, candidate.live.id, source=candidate.source))
    if scope in options.doubtful and not isinstance(stage.step, HeldChange | Note):
        return RemovalStage(Blocked(candidate.address, DOUBT, candidate.live.id, source=candidate.source))
    return replace(stage, remember=None) if stage.remember == candidate.entry else stage


def _next_stage(candidate: _RemovalCandidate, options: DiffOptions) -> RemovalStage:
    """The next step of a removal, doubts aside.

    Active: deactivate. Inactive for less than the quarantine, or for a time nobody knows: the delete is held, from now
    on where unknown. Inactive for longer: delete.
    """
    address, live, entry = candidate.address, candidate.live, candidate.entry
    if live.fields.get("status") != "inactive":
        reason = f"{candidate.reason}; {STOPS_APP}" if kind_of(address) == "app" else candidate.reason
        step = Deactivate(address, live.id, reason, live.digest(), live.app_id, candidate.source)
        return RemovalStage(step, None if entry is None else _with_quarantine_reset(entry, live))
    orphaned = candidate.source is None
    if not candidate.may_delete:
        marked = None if entry is None else replace(entry, orphaned=orphaned)
        return RemovalStage(Note(address, f"{candidate.reason}; it is inactive already"), marked)
    since = entry.inactive_since if entry is not None else None
    started = instant(since) if since is not None else options.now
    ends_at = started + timedelta(days=options.quarantine_days)
    if options.now >= ends_at:
        return RemovalStage(candidate.delete())
    why = f"{candidate.reason}; inactive, in quarantine until {ends_at:%Y-%m-%d %H:%M} UTC"
    base = entry or LedgerEntry(address, live.id, {})
    updated = replace(base, id=live.id, orphaned=orphaned, inactive_since=started.isoformat(timespec="seconds"))
    return RemovalStage(HeldChange(candidate.delete(), "quarantineDays", why, SHORTER_QUARANTINE), updated)


def _with_quarantine_reset(entry: LedgerEntry, live: LiveResource) -> LedgerEntry:
    """The entry; without its quarantine where the resource is active again, as that has to begin anew then."""
    return entry if live.fields.get("status") == "inactive" else replace(entry, inactive_since=None)


def _held_for_unread(stage: RemovalStage, unread_manifests: str) -> RemovalStage:
    """The step, held while there may be a manifest that names the resource and was not read."""
    step = stage.step
    if not isinstance(step, Deactivate | Delete):
        return RemovalStage(step)
    reason = f"{step.reason}; but not all manifests may have been read: {unread_manifests}"
    return RemovalStage(HeldChange(step, "manifests", reason, READ_ALL))


def _blocked_by_contents(stage: RemovalStage, context: DiffContext) -> RemovalStage:
    """The removal; where it deletes an app, blocked by placements in it that are not ours to delete, or protected."""
    deletion = stage.step
    if not isinstance(deletion, Delete) or kind_of(deletion.address) == "placement":
        return stage
    listed = context.live.placements.get(deletion.id)
    if listed is None or deletion.id in context.options.doubtful:
        return RemovalStage(Blocked(deletion.address, DOUBT, deletion.id, source=deletion.source))
    owned = {entry.id: entry for entry in context.entries(deletion.address).values() if entry.kind == "placement"}
    strangers = [each.id for each in listed if each.id not in owned]
    guarded = _protected_placements(deletion.address, context.desired)
    kept = [each.id for each in listed if each.id in owned and _is_protected(owned[each.id], guarded)]
    if not (strangers or kept):
        return stage
    whose = f"placements {', '.join(strangers or kept)} in it are {'not ours' if strangers else 'protected'}"
    reason = f"{deletion.reason}, but {whose}; remove them in the console first"
    return RemovalStage(Blocked(deletion.address, reason, deletion.id, source=deletion.source))


def _is_protected(entry: LedgerEntry, guarded: Container[Address]) -> bool:
    return entry.protect or entry.address in guarded


def _protected_placements(app: Address, desired: DesiredState) -> frozenset[Address]:
    """The placements of an app whose blocks ask for protection."""
    blocks = (each for block in desired.apps if block.address == app for each in block.placements or ())
    return frozenset(each.address for each in blocks if each.lifecycle.protect)


def lost_notes(live: LiveState, ledger: Ledger, habits: AccountHabits) -> Iterator[Note]:
    """What earlier updates have reset without being told to, and is not as before again."""
    by_id = live.by_id() if habits.lost else {}
    entries = {(entry.kind, entry.id): entry for entry in ledger.values()} if habits.lost else {}
    for key in habits.lost:
        resource, entry = by_id.get(key), entries.get(key)
        if resource is None:
            continue
        for update, left in habits.lost_by(resource, () if entry is None else entry.applied):
            values = ", ".join(f"{name} (was {value_text(was)})" for name, was in sorted(left.items()))
            what = f"run {update.run} {update.how} what it did not send: {values}"
            text = f"{what}; `reconciler undo {update.run}` puts it back"
            yield Note(update.address if entry is None else entry.address, text)
