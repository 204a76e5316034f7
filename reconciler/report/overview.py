"""A plan as text that somebody reads: whole, or a large one by app and kind, the dangerous changes first."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from reconciler.diff.change import Change, Held
from reconciler.plan.guard import Refusal
from reconciler.plan.plan import Plan
from reconciler.report.count import counted
from reconciler.report.line import Line, Span, line
from reconciler.report.outlook import outlook_line
from reconciler.report.text import (
    SIGNS,
    change_lines,
    held_lines,
    held_title,
    plan_lines,
    refusal_line,
    summary_text,
    unmanaged_line,
)
from reconciler.report.triage import AppCounts, by_app, is_large, triage

SHOWN: Final = 100
"""Lines of a list in the summary of a large plan."""


def plan_overview(plan: Plan, refusals: Sequence[Refusal] = (), *, whole: bool = False) -> Iterator[Line]:
    """The plan as `plan_lines` tells it, a large one in a page unless the `whole` of it is asked for.

    Without `whole`, what is unmanaged is counted.
    """
    if whole or not is_large(plan):
        return plan_lines(plan, refusals, whole=whole)
    return _summary(plan, refusals)


def _summary(plan: Plan, refusals: Sequence[Refusal]) -> Iterator[Line]:
    sorts = triage(plan.changes)
    yield from _list("To be looked at first", sorts.grave)
    yield from _list("Floors that move", sorts.floors)
    yield from _apps(by_app(plan.changes))
    yield from _held(plan.held)
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


def _list(title: str, changes: Sequence[Change]) -> Iterator[Line]:
    """Changes, as far as they fit into so many lines."""
    if not changes:
        return
    yield line(Span(f"{title} ({len(changes)}):", "strong"))
    told = lines = 0
    for change in changes:
        own = list(change_lines(change, change.address))
        if lines and lines + len(own) > SHOWN:
            break
        yield from own[:SHOWN]
        if len(own) > SHOWN:
            yield line(f"      and {counted(len(own) - SHOWN, 'line')} more")
        told, lines = told + 1, lines + len(own)
    if told < len(changes):
        yield line(f"  and {len(changes) - told} more")
    yield ()


def _held(held: Sequence[Held]) -> Iterator[Line]:
    if not held:
        return
    yield line(Span(f"{held_title(held)}:", "strong"))
    shown = held[: SHOWN // 3]  # three lines each
    yield from chain.from_iterable(map(held_lines, shown))
    if len(held) > len(shown):
        yield line(f"  and {len(held) - len(shown)} more")
    yield ()


def _apps(apps: Sequence[AppCounts]) -> Iterator[Line]:
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
    told: Iterable[tuple[str | Span, ...]] = (
        (", ", Span(f"{sign} {app.counts[action]} {action}", tone))
        for action, (sign, tone) in SIGNS.items()
        if app.counts[action]
    )
    floors = f" ({app.counts['floors']} of floors)" if app.counts["floors"] else ""
    return line("  ", Span(app.app, "strong"), ": ", *tuple(chain.from_iterable(told))[1:], floors)
