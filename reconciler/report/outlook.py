"""What an apply of a plan would not do, in one sentence for every format."""

from collections.abc import Iterator, Sequence

from reconciler.plan.guard import Refusal
from reconciler.plan.outlook import obstacles
from reconciler.plan.plan import Plan, summary
from reconciler.report.count import counted
from reconciler.report.line import Line, Span, line


def not_carried_out(plan: Plan, refusals: Sequence[Refusal] = ()) -> str:
    """What of a plan would not be carried out, and why; empty where all of it would be."""
    counts = summary(plan)
    if "refused" in obstacles(plan, refusals):
        return "Apply would carry out nothing of this: a safety limit or a policy refuses it."
    left = [f"{counts.blocked} blocked"] if counts.blocked else []
    left += [f"{counts.held} held"] if counts.held else []
    if not left:
        return ""
    going = len(plan.changes) - counts.blocked
    done = counted(going, "change") + " of this" if going else "nothing of this"
    return f"Apply would carry out {done}, and leave out {' and '.join(left)}."


def outlook_line(plan: Plan, refusals: Sequence[Refusal] = ()) -> Iterator[Line]:
    """The same as a line; none where everything would be carried out."""
    told = not_carried_out(plan, refusals)
    if told:
        yield line(Span(told, "blocked"))
