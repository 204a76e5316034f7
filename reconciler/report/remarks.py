"""What of a plan deserves a look, as findings at places of files: for tools that show code, not plans."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.diff.change import Blocked, Change, Deactivate, Delete, Held, action_of
from reconciler.model.address import Address
from reconciler.model.diagnostic import Finding
from reconciler.plan.guard import Refusal
from reconciler.plan.plan import Plan
from reconciler.report.triage import triage

SETTINGS: Final = "reconciler.yaml"
"""Where limits, policies and pruning stand: the place of what has no block in a manifest."""


def plan_findings(plan: Plan, refusals: Sequence[Refusal] = ()) -> tuple[Finding, ...]:
    """Refusals and warnings, deletes, deactivations, what is blocked and what is held, in this order."""
    places = {each.address: _place(each) for each in plan.changes}
    return (*(_refusal(each, places) for each in refusals), *_grave(plan.changes), *map(_held, plan.held))


def _refusal(refusal: Refusal, places: Mapping[Address, tuple[str, int]]) -> Finding:
    file, line = places.get(refusal.address, (SETTINGS, 1)) if refusal.address is not None else (SETTINGS, 1)
    return Finding(
        file,
        line,
        1,
        "plan-refused" if refusal.binding else "plan-warned",
        f"{refusal.message} [{refusal.limit}]",
        "error" if refusal.binding else "warning",
        refusal.address or "",
        f"what would allow it: {refusal.switch}",
    )


def _grave(changes: Sequence[Change]) -> Iterator[Finding]:
    for change in triage(changes).grave:
        file, line = _place(change)
        match change:
            case Delete():
                told = f"{change.address} (id {change.id}) will be deleted for good: {change.reason}"
                yield Finding(file, line, 1, "plan-delete", told, "warning", change.address)
            case Deactivate():
                told = f"{change.address} (id {change.id}) will be deactivated: {change.reason}"
                yield Finding(file, line, 1, "plan-deactivate", told, "warning", change.address)
            case Blocked():
                told = f"{change.address} is blocked: {change.reason}"
                yield Finding(file, line, 1, "plan-blocked", told, "error", change.address)


def _held(held: Held) -> Finding:
    file, line = _place(held.change)
    told = f"{held.address} (id {held.change.id}) is held, its {action_of(held.change)} is not sent: {held.reason}"
    return Finding(file, line, 1, "plan-held", told, "warning", held.address, f"what would allow it: {held.switch}")


def _place(change: Change) -> tuple[str, int]:
    return (SETTINGS, 1) if change.source is None else (change.source.file, change.source.line)
