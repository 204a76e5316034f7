"""The journal as text, JSON (`reconciler.history/1`), Markdown and CSV, and the list of runs that can be undone."""

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, Final

from reconciler.model.document import AddressText, Count, Document, Shape, itself, key
from reconciler.model.journal import Outcome, PastRun, PastStep
from reconciler.plan.reversal import is_undoable, undo_counts
from reconciler.render.markdown import (
    LIMIT,
    LimitedDocument,
    Section,
    SectionItem,
    listed,
    name,
    row,
    sentence,
    table,
    value,
)
from reconciler.render.plan_text import OUTCOME_TONES, step_text
from reconciler.render.text import Line, Span, counted, line, table_cell, whole_lines

UNRECORDED: Final = "unrecorded"


def history_lines(runs: Sequence[PastRun], empty: str = "") -> Iterator[Line]:
    """Run by run, oldest first: when, who, and each step with its values before and after; idle runs are left out.

    `empty` is what is said where there is none, other than that nothing was ever applied.
    """
    busy = [run for run in runs if run.steps]
    if not busy:
        yield line(empty or "nothing has been applied yet")
    for run in busy:
        who = " ".join(f"{fact}={value}" for fact, value in sorted(run.who.items()))
        unfinished = "" if run.ended_at is not None else "  (not ended)"
        yield line(Span(run.started_at, "strong"), f"  run {run.run}", Span(f"  {who}{unfinished}", "faint"))
        for step in run.steps:
            yield from _step_lines(step)


def _step_lines(step: PastStep) -> Iterator[Line]:
    outcome = step.outcome or UNRECORDED
    id_text = f"  id {step.id}" if step.id is not None else ""
    error_text = f": {step.error}" if step.error else ""
    tone = OUTCOME_TONES.get(outcome, "blocked")
    yield line(
        "  ",
        Span(outcome, tone),
        f" {step_text(step.action, step.address, step.outcome)}",
        Span(id_text, "faint"),
        error_text,
    )
    for field, before, after in _field_values(step):
        yield line(f"      {field}: {before} -> {after}")


def undo_lines(runs: Sequence[PastRun]) -> Iterator[Line]:
    """Runs of which something may be undone, oldest first: when, who, and how many steps have a way back."""
    if not runs:
        yield line("there is nothing to undo")
    for run in runs:
        counts = dict(undo_counts(run))
        who = " ".join(f"{fact}={value}" for fact, value in sorted(run.who.items()))
        yield line(Span(run.run, "strong"), f"  {run.started_at}", Span(f"  {who}" if who else "", "faint"))
        gone = f", {counted(counts['deleted'], 'delete')} without a way back" if counts["deleted"] else ""
        yield line(f"  {counted(counts['undoable'], 'step')} to undo{gone}: {_undoable_steps(run)}")
    if runs:
        yield line(Span("`reconciler undo RUN` shows what it would put back, and asks", "faint"))


def _undoable_steps(run: PastRun) -> str:
    steps = list(dict.fromkeys(f"{step.action} {step.address}" for step in run.steps if is_undoable(step)))
    more = f" and {len(steps) - FEW} more" if len(steps) > FEW else ""
    return ", ".join(steps[:FEW]) + more


FEW: Final = 3
"""Steps of a run that a line names."""


class PastStepJson(Shape):
    """One step of a past run."""

    at: str = key("When it was begun, ISO 8601 in UTC.")
    address: AddressText = key("The resource's address then.")
    action: str = key("What was to be done.")
    id: str | None = key("The server's id, where one is known.")
    outcome: Outcome | None = key("What came of it; null where that was never recorded.")
    attempts: Count = key("Write calls that were sent.")
    error: str | None = key("What went wrong or is unverified.")
    before: dict[str, Any] = key("The live values before, by field.", lambda step: step.changed_before)
    after: dict[str, Any] = key("The values that were sent, by field.")


class PastRunJson(Shape):
    """One past run."""

    run: str = key("The run's name in the journal.")
    started_at: str = key("When it began, ISO 8601 in UTC.")
    ended_at: str | None = key("When it ended; null where it was killed, or is still at work.")
    who: dict[str, str] = key("Who ran it, as far as the environment said: user, commit, ref, job, ...")
    steps: list[PastStepJson] = key("Its steps, in the order in which they were begun.")


class HistoryDocument(Document, format="reconciler.history/1", title="The journal (history --format json)"):
    """What the journal tells."""

    runs: list[PastRunJson] = key("Runs, oldest first.", itself)


def history_markdown(runs: Sequence[PastRun], limit: int = LIMIT) -> str:
    """Run by run, the latest first, a table of its steps; what does not fit is counted."""
    busy = [run for run in reversed(runs) if run.steps]
    sheet = LimitedDocument(f"### History: {counted(len(busy), 'run')}\n", limit)
    for run in busy:
        who = listed([name(f"{fact} {value}") for fact, value in sorted(run.who.items())])
        unfinished = "" if run.ended_at is not None else " (not ended)"
        who_line = f"\n{who}\n" if who else ""
        head = f"\n#### {name(run.started_at)}, run {name(run.run)}{unfinished}\n{who_line}"
        titles = table("outcome", "step", "id", "values", "why")
        sheet.write([Section(head + titles, [_step_row(run, step) for step in run.steps])])
    return sheet.text(" `reconciler history` tells everything.")


def _step_row(run: PastRun, step: PastStep) -> SectionItem:
    values = "; ".join(f"{field}: {before} -> {after}" for field, before, after in _field_values(step))
    cells = (
        name(step.outcome or UNRECORDED),
        name(step_text(step.action, step.address, step.outcome)),
        name(step.id or ""),
        value(values),
        sentence(step.error or ""),
    )
    return SectionItem(row(*cells), ("step", f"{run.run} {step.address} {step.action}"))


def _field_values(step: PastStep) -> Iterator[tuple[str, str, str]]:
    """The fields of a step, each with its value before and after as JSON."""
    for field in sorted(step.after):
        before = json.dumps(step.before.get(field), ensure_ascii=False)
        yield field, before, json.dumps(step.after[field], ensure_ascii=False)


COLUMNS: Final = (
    *("startedAt", "run", "who", "at", "address", "action", "outcome", "id", "attempts", "field", "before", "after"),
    "error",
)


def history_csv(runs: Sequence[PastRun]) -> str:
    """A line for each field of each step, oldest first, values as JSON; a step without fields has one line."""
    out = StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for run in runs:
        who = " ".join(f"{fact}={fact_value}" for fact, fact_value in sorted(run.who.items()))
        for step in run.steps:
            about = (run.started_at, run.run, who, step.at, step.address, step.action, step.outcome or UNRECORDED)
            for values in list(_field_values(step)) or [("", "", "")]:
                cells = (*about, step.id or "", str(step.attempts), *values, step.error or "")
                lines.writerow([table_cell(cell) for cell in cells])
    return whole_lines(out.getvalue().rstrip("\n"))
