"""The plan and the result of an apply as text: a tree by app with old and new values, outcomes, summaries."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain, groupby
from typing import Final

from reconciler.diff.change import (
    Action,
    Blocked,
    Change,
    Create,
    Delete,
    FieldChange,
    HeldChange,
    Update,
    action_of,
    id_of,
)
from reconciler.model.address import Address, app_of, kind_of, name_of
from reconciler.model.field import PRICED, TURN_OFF
from reconciler.model.journal import Result
from reconciler.model.value import WORLDWIDE, Value, percent_change, to_json
from reconciler.plan.aftermath import Forecast, obstacles
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan, summary
from reconciler.render.text import Line, Span, Tone, counted, line

SIGNS: Final[Mapping[Action, tuple[str, Tone]]] = {
    "create": ("+", "add"),
    "update": ("~", "change"),
    "deactivate": ("-", "remove"),
    "delete": ("x", "remove"),
    "blocked": ("!", "blocked"),
}

ORIGINS: Final[Mapping[str, str]] = {
    "pending": "",
    "drift": "changed in the account",
    "conflict": "changed in the account and in the manifest",
    "unknown": "never applied by us",
}


def plan_lines(plan: Plan, refusals: Sequence[Refusal] = (), *, whole: bool = True) -> Iterator[Line]:
    """The plan as a tree by app, its notes, what would refuse it, and one line of numbers.

    Unless it is `whole`, what is unmanaged is counted and not named.
    """
    for app, changes in groupby(plan.changes, key=lambda change: app_of(change.address)):
        yield from _app_lines(app, list(changes))
        yield ()
    if plan.held:
        yield line(Span(f"{held_title(plan.held)}:", "strong"))
        yield from chain.from_iterable(map(held_lines, plan.held))
        yield ()
    if plan.unmanaged and not whole:
        yield unmanaged_line(plan)
        yield ()
    elif plan.unmanaged:
        yield line(Span(f"Not in any manifest ({len(plan.unmanaged)}), left alone:", "strong"))
        yield from (line(f"  {each.address}", Span(f"  id {each.id}", "faint")) for each in plan.unmanaged)
        yield ()
    if plan.notes:
        yield line(Span("Notes:", "strong"))
        yield from (line(f"  {note.address}: {note.text}") for note in plan.notes)
        yield ()
    yield from map(refusal_line, refusals)
    if refusals:
        yield ()
    yield from outlook_line(plan, refusals)
    yield line(Span(summary_text(plan), "strong"))


def unmanaged_line(plan: Plan) -> Line:
    """How many live resources are in no manifest."""
    return line(Span(f"Not in any manifest ({len(plan.unmanaged)}), left alone", "strong"), "; -v lists them.")


def held_title(held: Sequence[HeldChange]) -> str:
    """The title of the list of held changes."""
    return f"Held ({len(held)}), nothing of it is sent"


def held_lines(held: HeldChange) -> Iterator[Line]:
    """A change that is held, what it waits for, and what would allow it."""
    yield from change_lines(replace(held.change, reason=held.reason), held.address)
    yield line(f"      what would allow it: {held.switch}")


def refusal_line(refusal: Refusal) -> Line:
    """A limit or policy that a plan exceeds, and the switch that would allow it."""
    label = Span("apply would refuse: ", "blocked") if refusal.binding else Span("warning: ", "change")
    return line(label, f"{refusal.message} [{refusal.limit}]; what would allow it: {refusal.switch}")


def summary_text(plan: Plan) -> str:
    """The plan in one line."""
    counts = summary(plan)
    if not plan.changes:
        held = f", {counts.held} held" if counts.held else ""
        return f"No changes: {counts.unchanged} as declared, {counts.unmanaged} unmanaged{held}."
    parts = [
        f"{number} to {word}"
        for number, word in (
            (counts.create, "create"),
            (counts.update, "update"),
            (counts.deactivate, "deactivate"),
            (counts.delete, "delete"),
        )
        if number
    ]
    if counts.blocked:
        parts.append(f"{counts.blocked} blocked")
    if counts.held:
        parts.append(f"{counts.held} held")
    return f"Plan: {', '.join(parts)}; {counts.unchanged} unchanged, {counts.unmanaged} unmanaged."


def _app_lines(app: Address, changes: Iterable[Change]) -> Iterator[Line]:
    yield line(Span(app, "strong"))
    for change in changes:
        what = "the app" if kind_of(change.address) == "app" else name_of(change.address)
        yield from change_lines(change, what)


def change_lines(change: Change, what: str) -> Iterator[Line]:
    """A change with its fields; `what` is how its resource is called there."""
    action = action_of(change)
    sign, tone = SIGNS[action]
    resource_id = id_of(change)
    place = f"  {change.source.file}:{change.source.line}" if change.source is not None else ""
    id_text = f"  id {resource_id}" if resource_id is not None else ""
    yield line("  ", Span(f"{sign} {action}", tone), f" {what}", Span(f"{id_text}{place}", "faint"))
    if change.reason is not None:
        yield line(f"      {change.reason}")
    if isinstance(change, Update) and change.renamed_from is not None:
        yield line(f"      known as {change.renamed_from} before")
    if not isinstance(change, Delete):
        for field in change.fields:
            yield _field_line(change, field)
            if field.evidence is not None:
                yield line(Span(f"        {field.evidence}", "faint"))


def _field_line(change: Change, field: FieldChange) -> Line:
    before, after = before_text(field), after_text(field)
    if isinstance(change, Create):
        return line(f"      {field.path}: {after}")
    percent, origin = percent_text(field), origin_text(change, field)
    return line(
        f"      {field.path}: {before} -> {after}{f' ({percent})' if percent else ''}",
        Span(f"  {origin}" if origin else "", "faint"),
    )


def origin_text(change: Change, field: FieldChange) -> str:
    """Why a field differs, in words; empty where that is what one expects."""
    expected = isinstance(change, Create) or (isinstance(change, Blocked) and field.origin == "unknown")
    return "" if expected else ORIGINS[field.origin]


def percent_text(field: FieldChange) -> str:
    """How far a floor moves; empty where there was none, and for other fields."""
    if not (field.field in PRICED and isinstance(field.before, Decimal | int)):
        return ""
    if not isinstance(field.after, Decimal | int):
        return ""
    percent = percent_change(Decimal(field.before), Decimal(field.after))
    return "" if percent is None else f"{percent:+.0f} %"


def before_text(field: FieldChange) -> str:
    """The live value of a leaf; in place of a floor that is not there, the one that holds."""
    return shown(field.before, field.path, field.worldwide.before)


def after_text(field: FieldChange) -> str:
    """The wanted value of a leaf; in place of a floor that will not be there, the one that holds then."""
    return shown(field.after, field.path, field.worldwide.after)


def shown(value: Value, path: str = "", worldwide: Decimal | None = None) -> str:
    """A value as a person reads it; `worldwide` is the floor that holds where a country's own is not there."""
    match value:
        case None:
            return _shown_nothing(path, worldwide)
        case bool():
            return "true" if value else "false"
        case Decimal() | int():
            return str(to_json(value))
        case str():
            return value if value and value.strip() == value else repr(value)
        case tuple():
            return f"[{', '.join(value)}]"
        case Mapping():
            return f"{{{', '.join(f'{key}: {shown(part)}' for key, part in sorted(value.items()))}}}"


def _shown_nothing(path: str, worldwide: Decimal | None) -> str:
    name, _, country = path.partition(".")
    if name in PRICED:
        instead = country != WORLDWIDE and worldwide is not None
        return f"(none; WW {to_json(worldwide)} holds)" if instead else "(none)"
    return "(off)" if path in TURN_OFF else "(unset)"


OUTCOME_TONES: Final[Mapping[str, Tone]] = {
    "applied": "add",
    "normalised": "change",
    "unverified": "change",
    "failed": "blocked",
    "unknown": "blocked",
    "blocked": "blocked",
    "skipped": "faint",
}


def result_line(result: Result) -> Line:
    """A step with its outcome."""
    id_text = f"  id {result.id}" if result.id is not None else ""
    error_text = f": {result.error}" if result.error else ""
    outcome = Span(result.outcome, OUTCOME_TONES[result.outcome])
    step = step_text(result.action, result.address, result.outcome)
    return line("  ", outcome, f" {step}", Span(id_text, "faint"), error_text)


def step_text(action: str, address: str, outcome: str | None) -> str:
    """A step beside its outcome: action and address, or the address alone where the outcome repeats the action."""
    return address if action == outcome else f"{action} {address}"


def _held_line(held: HeldChange) -> Line:
    """A change that was not carried out because it waits."""
    what = f" {action_of(held.change)} {held.address}"
    reason = f": {held.reason}; what would allow it: {held.switch}"
    return line("  ", Span("held:", "faint"), what, Span(f"  id {held.change.id}", "faint"), reason)


def forecast_text(cost: Forecast, parallelism: int) -> str:
    """What an apply will cost, in one line."""
    minutes = cost.seconds / 60
    time = f"{minutes:.1f} minutes" if minutes >= 1 else f"{max(1, round(cost.seconds))} s"
    return f"about {counted(cost.calls, 'call')} and {time}, {parallelism} side by side at most"


def outcome_text(results: Sequence[Result]) -> str:
    """The outcomes of an apply, counted, in one line."""
    counts: Counter[str] = Counter(each.outcome for each in results)
    counts_text = ", ".join(f"{counts[name]} {name}" for name in OUTCOME_TONES if counts[name])
    return f"Apply: {counts_text or 'nothing to do'}."


def result_lines(
    results: Sequence[Result], run: str, undo: str | None = None, held: Sequence[HeldChange] = ()
) -> Iterator[Line]:
    """Every step that was not simply applied, what was held, one line of numbers, and how to undo it."""
    yield from (result_line(each) for each in results if each.outcome != "applied" or each.error)
    yield from map(_held_line, held)
    yield line(Span(outcome_text(results), "strong"), Span(f"  run {run}", "faint"))
    if undo is not None:
        yield line(Span(f"undo: reconciler apply {undo}", "faint"))


def not_carried_out(plan: Plan, refusals: Sequence[Refusal] = ()) -> str:
    """What of a plan would not be carried out, and why; empty where all of it would be."""
    counts = summary(plan)
    if "refused" in obstacles(plan, refusals):
        return "Apply would carry out nothing of this: a safety limit or a policy refuses it."
    left_out = [f"{counts.blocked} blocked"] if counts.blocked else []
    left_out += [f"{counts.held} held"] if counts.held else []
    if not left_out:
        return ""
    going = len(plan.changes) - counts.blocked
    part = counted(going, "change") + " of this" if going else "nothing of this"
    return f"Apply would carry out {part}, and leave out {' and '.join(left_out)}."


def outlook_line(plan: Plan, refusals: Sequence[Refusal] = ()) -> Iterator[Line]:
    """`not_carried_out` as a line; none where everything would be carried out."""
    text = not_carried_out(plan, refusals)
    if text:
        yield line(Span(text, "blocked"))
