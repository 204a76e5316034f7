"""The journal as text and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from reconciler.model.journal import PastRun, PastStep
from reconciler.report.line import Line, Span, line
from reconciler.report.text import OUTCOME_TONES

HISTORY_FORMAT: Final = "reconciler.history/1"


def history_lines(runs: Sequence[PastRun]) -> Iterator[Line]:
    """Run by run, oldest first: when, who, and each step with its values before and after; idle runs are left out."""
    busy = [run for run in runs if run.steps]
    if not busy:
        yield line("nothing has been applied yet")
    for run in busy:
        who = " ".join(f"{fact}={value}" for fact, value in sorted(run.who.items()))
        unfinished = "" if run.ended_at is not None else "  (not ended)"
        yield line(Span(run.started_at, "strong"), f"  run {run.run}", Span(f"  {who}{unfinished}", "faint"))
        for step in run.steps:
            yield from _step_lines(step)


def _step_lines(step: PastStep) -> Iterator[Line]:
    outcome = step.outcome or "unrecorded"
    named = f"  id {step.id}" if step.id is not None else ""
    told = f": {step.error}" if step.error else ""
    tone = OUTCOME_TONES.get(outcome, "blocked")
    yield line("  ", Span(outcome, tone), f" {step.action} {step.address}", Span(named, "faint"), told)
    for name in sorted(step.after):
        before = json.dumps(step.before.get(name), ensure_ascii=False)
        yield line(f"      {name}: {before} -> {json.dumps(step.after[name], ensure_ascii=False)}")


def history_document(runs: Sequence[PastRun]) -> dict[str, Any]:
    """`reconciler.history/1`: runs, oldest first, with their steps."""
    return {"format": HISTORY_FORMAT, "runs": [_run(run) for run in runs]}


def _run(run: PastRun) -> dict[str, Any]:
    return {
        "run": run.run,
        "startedAt": run.started_at,
        "endedAt": run.ended_at,
        "who": dict(run.who),
        "steps": [asdict(step) for step in run.steps],
    }
