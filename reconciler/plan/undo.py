"""Undoing an apply that has just ended: a plan that puts live values back to what they were before it.

It is an ordinary plan, bound to what was there after that apply: guards, staleness and locks hold for it as for any.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, FieldChange, Note, Update
from reconciler.diff.compare import field_changes
from reconciler.model.address import Address, address_order, kind_of
from reconciler.model.journal import Result
from reconciler.model.ledger import Ledger
from reconciler.model.live import ById, LiveResource
from reconciler.model.value import ABSENT, Fields, Value
from reconciler.plan.plan import Plan, PlanOrigin

MADE_BY_WHAT_IS_UNDONE: Final = "made by the apply that is undone; a tombstone deletes it later"
"""Why an undo plan sets a resource inactive that the manifests may still declare."""

PUTS_BACK: Final = "puts back what was there before"
WAS_ACTIVE: Final = "was active before"
"""Why it updates what the apply has updated or set inactive."""

_REASONS: Final = frozenset({MADE_BY_WHAT_IS_UNDONE, PUTS_BACK, WAS_ACTIVE})


def is_undo(plan: Plan) -> bool:
    """Whether a plan undoes what an apply did, by the reasons of its changes: no manifest asks for any of them."""
    return bool(plan.changes) and all(change.reason in _REASONS for change in plan.changes)


def undo_plan(
    plan: Plan,
    results: Iterable[Result],
    before: ById,
    after: ById,
    ledger: Ledger,
    origin: PlanOrigin,
) -> Plan:
    """The inverse of what an apply did. `before` and `after` it: what was live; `ledger` as it was before.

    What cannot be undone is named in the notes.
    """
    outcomes = {(result.address, result.action): result for result in results}
    steps: list[Change] = []
    notes: list[Note] = []
    for change in plan.changes:
        for inverse in _inverse(change, outcomes, before, after, ledger):
            if isinstance(inverse, Note):
                notes.append(inverse)
            else:
                steps.append(inverse)
    ordered = sorted(steps, key=lambda each: address_order(each.address))
    return Plan(origin, tuple(ordered), notes=tuple(notes), owned=plan.owned)


def _inverse(
    change: Change,
    outcomes: Mapping[tuple[Address, str], Result],
    before: ById,
    after: ById,
    ledger: Ledger,
) -> Iterator[Change | Note]:
    kind = kind_of(change.address)
    match change:
        case Create():
            result = outcomes.get((change.address, "create"))
            created = after.get((kind, result.id)) if result is not None and result.id is not None else None
            if created is not None:
                why = MADE_BY_WHAT_IS_UNDONE
                yield Deactivate(change.address, created.id, why, created.digest(), created.app_id, change.source)
            elif result is not None and result.outcome == "unknown":
                yield Note(change.address, "nobody knows whether it was made: look in the console")
        case Update():
            result = outcomes.get((change.address, "update"))
            doubtful = result is not None and result.outcome in {"unverified", "unknown"}
            yield from _restoring_update(
                change, before.get((kind, change.id)), after.get((kind, change.id)), ledger, doubtful=doubtful
            )
        case Deactivate():
            now = after.get((kind, change.id))
            if now is not None and now.fields.get("status") == "inactive":
                yield _reactivation(change, now, ledger)
        case Delete():
            if (kind, change.id) not in after and (change.address, "delete") in outcomes:
                yield Note(change.address, f"id {change.id} was deleted, and nothing brings it back")
        case Blocked():
            pass


def _restoring_update(
    change: Update, was: LiveResource | None, now: LiveResource | None, ledger: Ledger, *, doubtful: bool
) -> Iterator[Update | Note]:
    if was is None or now is None:
        return
    known = ledger.get(change.renamed_from or change.address)
    applied = known.applied if known is not None and known.id == change.id else {}
    moved = [name for name in change.send if was.fields.get(name, ABSENT) != now.fields.get(name, ABSENT)]
    send: dict[str, Value] = {name: was.fields[name] for name in moved if name in was.fields}
    if doubtful:
        moved += [name for name in change.send if name not in moved and _is_unshown(name, change.send, now)]
        send.update({name: applied[name] for name in moved if name not in send and name in applied})
    for name in sorted(set(moved) - send.keys()):
        yield Note(change.address, f"{name} was not shown before, so nobody knows what to put back")
    if not send:
        return
    yield Update(
        change.renamed_from or change.address,
        change.id,
        change.source,
        tuple(restoring_changes(send, now.fields)),
        send,
        applied,
        now.digest(),
        app_id=now.app_id,
        protect=known.protect if known is not None else change.protect,
        renamed_from=change.address if change.renamed_from is not None else None,
        reason=PUTS_BACK,
    )


def _is_unshown(name: str, sent: Fields, now: LiveResource) -> bool:
    """Whether a field was sent and the account does not show it: it may have been taken all the same."""
    return sent[name] is not None and now.fields.get(name) is None


def restoring_changes(send: Fields, now: Fields) -> Iterator[FieldChange]:
    """The leaves in which what is there `now` differs from what is to be sent."""
    for name in sorted(send):
        for field in field_changes(name, now.get(name, ABSENT), send[name], None):
            yield replace(field, origin="pending")


def _reactivation(change: Deactivate, now: LiveResource, ledger: Ledger) -> Update:
    known = ledger.get(change.address)
    return Update(
        change.address,
        change.id,
        change.source,
        (FieldChange("status", "inactive", "active", "pending"),),
        {"status": "active"},
        known.applied if known is not None and known.id == change.id else {},
        now.digest(),
        app_id=now.app_id,
        protect=known.protect if known is not None else False,
        reason=WAS_ACTIVE,
    )
