"""A plan by risk: changes sorted into removals and blocked, floor updates, others; a summary of a large plan; findings.

Risk first: what takes resources off the air or cannot be done, then what moves floors.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Final, Literal, TypeAlias

from reconciler.diff.change import Action, Blocked, Change, Create, Deactivate, Delete, HeldChange, Update, action_of
from reconciler.model.address import Address, app_of
from reconciler.model.diagnostic import Finding
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan
from reconciler.render.plan_text import (
    SIGNS,
    change_lines,
    held_lines,
    held_title,
    outlook_line,
    plan_lines,
    refusal_line,
    summary_text,
    unmanaged_line,
)
from reconciler.render.text import Line, Span, counted, line

Grave: TypeAlias = Delete | Deactivate | Blocked
CountKey = Literal["create", "update", "deactivate", "delete", "blocked", "floors"]

READABLE: Final = 500
"""More lines of a plan than this nobody reads: it is told by app and kind instead."""

_GRAVITY: Final[tuple[CountKey, ...]] = ("delete", "deactivate", "blocked", "floors")


@dataclass(frozen=True, slots=True)
class Triage:
    """The changes of a plan, each in one list.

    `grave` has deletes first, then deactivations, then what is blocked; within these, and in `floors` (updates that
    touch floors) and `rest`, the order is that of addresses.
    """

    grave: tuple[Grave, ...]
    floors: tuple[Update, ...]
    rest: tuple[Create | Update, ...]


@dataclass(frozen=True, slots=True)
class AppCounts:
    """How many changes of each action an app has; `floors` of the updates touch floors."""

    app: Address
    counts: Counter[CountKey]


def triage(changes: Iterable[Change]) -> Triage:
    """The changes by how much they can cost."""
    grave: list[Grave] = []
    floors: list[Update] = []
    rest: list[Create | Update] = []
    for change in changes:
        match change:
            case Delete() | Deactivate() | Blocked():
                grave.append(change)
            case Update() if moves_floors(change):
                floors.append(change)
            case Create() | Update():
                rest.append(change)
    ranks: Mapping[Action, int] = {"delete": 0, "deactivate": 1, "blocked": 2}
    return Triage(tuple(sorted(grave, key=lambda each: ranks[action_of(each)])), tuple(floors), tuple(rest))


def moves_floors(change: Change) -> bool:
    """Whether a live resource gets other floors; a first floor of a new one moves none."""
    return isinstance(change, Update) and any(field.field == "floorPrices" for field in change.fields)


def by_app(changes: Iterable[Change]) -> list[AppCounts]:
    """The changes counted by app, the apps with the gravest ones first."""
    counted = [
        AppCounts(app, Counter(_count_keys(list(group))))
        for app, group in groupby(changes, key=lambda each: app_of(each.address))
    ]
    return sorted(counted, key=lambda each: (_gravity(each), each.app))


def _count_keys(changes: Iterable[Change]) -> Iterable[CountKey]:
    for change in changes:
        yield action_of(change)
        if moves_floors(change):
            yield "floors"


def _gravity(app: AppCounts) -> int:
    return next((rank for rank, kind in enumerate(_GRAVITY) if app.counts[kind]), len(_GRAVITY))


def is_large(plan: Plan) -> bool:
    """Whether a plan has more than `READABLE` changes, held changes, unmanaged resources and notes."""
    return len(plan.changes) + len(plan.held) + len(plan.unmanaged) + len(plan.notes) > READABLE


SHOWN: Final = 100
"""Lines of a list in the summary of a large plan."""


def plan_overview(plan: Plan, refusals: Sequence[Refusal] = (), *, whole: bool = False) -> Iterator[Line]:
    """The plan as by `plan_lines`; a large one as a summary by app, unless `whole` is set.

    Without `whole`, unmanaged resources are counted.
    """
    if whole or not is_large(plan):
        return plan_lines(plan, refusals, whole=whole)
    return _summary_lines(plan, refusals)


def _summary_lines(plan: Plan, refusals: Sequence[Refusal]) -> Iterator[Line]:
    sorts = triage(plan.changes)
    yield from _list_lines("To be looked at first", sorts.grave)
    yield from _list_lines("Floors that move", sorts.floors)
    yield from _app_count_lines(by_app(plan.changes))
    yield from _held_section(plan.held)
    if plan.unmanaged:
        yield unmanaged_line(plan)
    if plan.notes:
        yield line(Span(f"Notes ({len(plan.notes)})", "strong"), ": not shown here.")
    yield from map(refusal_line, sorted(refusals, key=lambda each: not each.binding)[:SHOWN])
    if len(refusals) > SHOWN:
        yield line(f"and {len(refusals) - SHOWN} more breaks of limits and policies")
    yield ()
    yield from outlook_line(plan, refusals)
    yield line(Span(summary_text(plan), "strong"))
    yield line(Span("This is a summary by app; -v shows every change.", "faint"))


def _list_lines(title: str, changes: Sequence[Change]) -> Iterator[Line]:
    """The changes below a title, cut to about `SHOWN` lines."""
    if not changes:
        return
    yield line(Span(f"{title} ({len(changes)}):", "strong"))
    shown = lines = 0
    for change in changes:
        change_part = list(change_lines(change, change.address))
        if lines and lines + len(change_part) > SHOWN:
            break
        yield from change_part[:SHOWN]
        if len(change_part) > SHOWN:
            yield line(f"      and {counted(len(change_part) - SHOWN, 'line')} more")
        shown, lines = shown + 1, lines + len(change_part)
    if shown < len(changes):
        yield line(f"  and {len(changes) - shown} more")
    yield ()


def _held_section(held: Sequence[HeldChange]) -> Iterator[Line]:
    if not held:
        return
    yield line(Span(f"{held_title(held)}:", "strong"))
    shown = held[: SHOWN // 3]  # three lines each
    yield from chain.from_iterable(map(held_lines, shown))
    if len(held) > len(shown):
        yield line(f"  and {len(held) - len(shown)} more")
    yield ()


def _app_count_lines(apps: Sequence[AppCounts]) -> Iterator[Line]:
    if not apps:
        return
    yield line(Span("By app, the gravest first:", "strong"))
    yield from map(_app_line, apps[:SHOWN])
    others = apps[SHOWN:]
    if others:
        total = sum(each.counts[action] for each in others for action in SIGNS)
        yield line(f"  and {counted(len(others), 'app')} more with {counted(total, 'change')}")
    yield ()


def _app_line(app: AppCounts) -> Line:
    counts: Iterable[tuple[str | Span, ...]] = (
        (", ", Span(f"{sign} {app.counts[action]} {action}", tone))
        for action, (sign, tone) in SIGNS.items()
        if app.counts[action]
    )
    floors = f" ({app.counts['floors']} of floors)" if app.counts["floors"] else ""
    return line("  ", Span(app.app, "strong"), ": ", *tuple(chain.from_iterable(counts))[1:], floors)


SETTINGS: Final = "reconciler.yaml"
"""Where limits, policies and pruning stand: the place of what has no block in a manifest."""


def plan_findings(plan: Plan, refusals: Sequence[Refusal] = ()) -> tuple[Finding, ...]:
    """Refusals and warnings, deletes, deactivations, what is blocked and what is held, in this order."""
    places = {each.address: _place(each) for each in plan.changes}
    return (
        *(_refusal_finding(each, places) for each in refusals),
        *_grave_findings(plan.changes),
        *map(_held_finding, plan.held),
    )


def _refusal_finding(refusal: Refusal, places: Mapping[Address, tuple[str, int]]) -> Finding:
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


def _grave_findings(changes: Sequence[Change]) -> Iterator[Finding]:
    for change in triage(changes).grave:
        file, line = _place(change)
        match change:
            case Delete():
                message = f"{change.address} (id {change.id}) will be deleted for good: {change.reason}"
                yield Finding(file, line, 1, "plan-delete", message, "warning", change.address)
            case Deactivate():
                message = f"{change.address} (id {change.id}) will be deactivated: {change.reason}"
                yield Finding(file, line, 1, "plan-deactivate", message, "warning", change.address)
            case Blocked():
                message = f"{change.address} is blocked: {change.reason}"
                yield Finding(file, line, 1, "plan-blocked", message, "error", change.address)


def _held_finding(held: HeldChange) -> Finding:
    file, line = _place(held.change)
    message = f"{held.address} (id {held.change.id}) is held, its {action_of(held.change)} is not sent: {held.reason}"
    return Finding(file, line, 1, "plan-held", message, "warning", held.address, f"what would allow it: {held.switch}")


def _place(change: Change) -> tuple[str, int]:
    return (SETTINGS, 1) if change.source is None else (change.source.file, change.source.line)
