"""Removal: tombstones and pruning. Nothing is deleted that was not inactive for the whole quarantine before."""

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias

from reconciler.diff.change import Blocked, Contradiction, Deactivate, Delete, HeldChange, Note
from reconciler.diff.context import DOUBT, DiffContext, DiffOptions
from reconciler.diff.look_alikes import unread
from reconciler.model.address import Address, kind_of
from reconciler.model.checked import instant
from reconciler.model.desired import DesiredResource, DesiredState, Prune, Source
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import IDENTITY, LiveResource

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
    """How far a live resource is on its way out: what is done or told next, and what the ledger is to hold of it."""

    step: RemovalVerdict
    remember: LedgerEntry | None = None

    @property
    def acts(self) -> bool:
        """Whether the next apply has something to do, or would have, were it not forbidden."""
        return isinstance(self.step, Deactivate | Delete | Blocked)


@dataclass(frozen=True, slots=True)
class _RemovalCandidate:
    """One live resource on its way out: why, what the ledger knows, and whether it may end in a delete."""

    address: Address
    live: LiveResource
    reason: str
    entry: LedgerEntry | None
    may_delete: bool
    source: Source | None = None

    def delete(self) -> Delete:
        """The end of it."""
        return Delete(self.address, self.live.id, self.reason, self.live.digest(), self.live.app_id, self.source)


def removal_of_tombstone(
    block: DesiredResource, live: LiveResource, known: LedgerEntry | None, context: DiffContext, scope: str
) -> RemovalStage:
    """The removal of a resource that is declared absent; `known` is its ledger entry, under whatever address.

    `scope` is the id of the app whose list shows the resource (`""` for apps), here and below.
    """
    entry = None if known is None else known.moved_to(block.address)
    going = _RemovalCandidate(block.address, live, "declared absent", entry, may_delete=True, source=block.source)
    if block.lifecycle.protect or (entry is not None and entry.protect):
        reason = f"{going.reason}, but it is protected; take `protect` out of its lifecycle and apply that first"
        found = RemovalStage(Blocked(going.address, reason, live.id, source=going.source))
    else:
        found = _of_whole_app(_next(going, context.options, scope), context)
    return replace(found, remember=entry) if found.remember is None and entry != known else found


def removal_of_unnamed(
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
        going = _RemovalCandidate(entry.address, live, reason, entry, may_delete=prune == "delete")
        found, options = _next(going, context.options, scope), context.options
        return _of_whole_app(found if options.unread is None else _waiting(found, options.unread), context)
    kept = _still_known(replace(entry, orphaned=True), live)
    return RemovalStage(Note(entry.address, text), None if kept == entry else kept)


def removal_with_app(entry: LedgerEntry, live: LiveResource, app: RemovalStage | None) -> RemovalStage | None:
    """The removal of an owned placement whose app is on its way out: it is deleted with the app, and not before."""
    if app is None or not isinstance(app.step, Delete):
        return None
    reason = f"its app is {app.step.reason}"
    return RemovalStage(Delete(entry.address, live.id, reason, live.digest(), live.app_id, app.step.source))


def _next(going: _RemovalCandidate, options: DiffOptions, scope: str) -> RemovalStage:
    """The next step of a removal, held back where the account's list is in doubt."""
    if (why := unread(going.live, (*IDENTITY[going.live.kind], "status"))) is not None:
        return RemovalStage(Blocked(going.address, why, going.live.id, source=going.source))
    found = _step(going, options)
    if scope in options.doubtful and not isinstance(found.step, HeldChange | Note):
        return RemovalStage(Blocked(going.address, DOUBT, going.live.id, source=going.source))
    return replace(found, remember=None) if found.remember == going.entry else found


def _step(going: _RemovalCandidate, options: DiffOptions) -> RemovalStage:
    """The next step of a removal, doubts aside.

    Active: deactivate. Inactive for less than the quarantine, or for a time nobody knows: the delete is held, from now
    on where unknown. Inactive for longer: delete.
    """
    address, live, entry = going.address, going.live, going.entry
    if live.fields.get("status") != "inactive":
        reason = f"{going.reason}; {STOPS_APP}" if kind_of(address) == "app" else going.reason
        step = Deactivate(address, live.id, reason, live.digest(), live.app_id, going.source)
        return RemovalStage(step, None if entry is None else _still_known(entry, live))
    orphaned = going.source is None
    if not going.may_delete:
        marked = None if entry is None else replace(entry, orphaned=orphaned)
        return RemovalStage(Note(address, f"{going.reason}; it is inactive already"), marked)
    since = entry.inactive_since if entry is not None else None
    started = instant(since) if since is not None else options.now
    over = started + timedelta(days=options.quarantine_days)
    if options.now >= over:
        return RemovalStage(going.delete())
    why = f"{going.reason}; inactive, in quarantine until {over:%Y-%m-%d %H:%M} UTC"
    known = entry or LedgerEntry(address, live.id, {})
    kept = replace(known, id=live.id, orphaned=orphaned, inactive_since=started.isoformat(timespec="seconds"))
    return RemovalStage(HeldChange(going.delete(), "quarantineDays", why, SHORTER_QUARANTINE), kept)


def _still_known(entry: LedgerEntry, live: LiveResource) -> LedgerEntry:
    """The entry; without its quarantine where the resource is active again, as that has to begin anew then."""
    return entry if live.fields.get("status") == "inactive" else replace(entry, inactive_since=None)


def _waiting(found: RemovalStage, unread_manifests: str) -> RemovalStage:
    """The step, held while there may be a manifest that names the resource and was not read."""
    step = found.step
    if not isinstance(step, Deactivate | Delete):
        return RemovalStage(step)
    reason = f"{step.reason}; but not all manifests may have been read: {unread_manifests}"
    return RemovalStage(HeldChange(step, "manifests", reason, READ_ALL))


def _of_whole_app(found: RemovalStage, context: DiffContext) -> RemovalStage:
    """The removal; where it deletes an app, blocked by placements in it that are not ours to delete, or protected."""
    going = found.step
    if not isinstance(going, Delete) or kind_of(going.address) == "placement":
        return found
    listed = context.live.placements.get(going.id)
    if listed is None or going.id in context.options.doubtful:
        return RemovalStage(Blocked(going.address, DOUBT, going.id, source=going.source))
    owned = {entry.id: entry for entry in context.entries(going.address).values() if entry.kind == "placement"}
    strangers = [each.id for each in listed if each.id not in owned]
    guarded = _guarded(going.address, context.desired)
    kept = [each.id for each in listed if each.id in owned and _is_protected(owned[each.id], guarded)]
    if not (strangers or kept):
        return found
    whose = f"placements {', '.join(strangers or kept)} in it are {'not ours' if strangers else 'protected'}"
    reason = f"{going.reason}, but {whose}; remove them in the console first"
    return RemovalStage(Blocked(going.address, reason, going.id, source=going.source))


def _is_protected(entry: LedgerEntry, guarded: Container[Address]) -> bool:
    return entry.protect or entry.address in guarded


def _guarded(app: Address, desired: DesiredState) -> frozenset[Address]:
    """The placements of an app whose blocks ask for protection."""
    blocks = (each for block in desired.apps if block.address == app for each in block.placements or ())
    return frozenset(each.address for each in blocks if each.lifecycle.protect)
