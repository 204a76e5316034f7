"""The account of a rehearsal: what an apply came to, what it left behind, and whether the plan holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.diff.change import Held
from reconciler.errors import ReconcilerError
from reconciler.model.address import kind_of
from reconciler.model.outcome import Result
from reconciler.plan.aftermath import Aftermath, Moved
from reconciler.plan.codec import field_to_json
from reconciler.report.document import result_document
from reconciler.report.line import Line, Span, Tone, line
from reconciler.report.text import after_text, before_text, result_lines

REHEARSAL_FORMAT: Final = "reconciler.rehearsal/1"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of a rehearsal.

    `error` is what ended the run before its end, if anything did; `exit_code` what apply would have returned. `api` is
    where the seed was read. `requests` and `faults` count calls by name, and faults that struck by what they did.
    `held` is what the plan left waiting.
    """

    api: str
    run: str
    results: Sequence[Result]
    aftermath: Aftermath
    exit_code: int
    error: ReconcilerError | None = None
    requests: Mapping[str, int] = field(default_factory=dict)
    faults: Mapping[str, int] = field(default_factory=dict)
    held: Sequence[Held] = ()


def rehearsal_document(rehearsal: Rehearsal) -> dict[str, Any]:
    """`reconciler.rehearsal/1`: the result as apply tells it, and the sandbox account afterwards."""
    left = rehearsal.aftermath
    return {
        "format": REHEARSAL_FORMAT,
        "api": rehearsal.api,
        "exitCode": rehearsal.exit_code,
        "error": None if rehearsal.error is None else rehearsal.error.message,
        "result": result_document(rehearsal.results, rehearsal.run),
        "account": {
            "made": [_moved(each) for each in left.made],
            "changed": [_moved(each) for each in left.changed],
            "deleted": [_moved(each) for each in left.deleted],
            "twins": [{"address": each.address, "ids": list(each.ids)} for each in left.twins],
        },
        "fulfilled": not left.unfulfilled,
        "unfulfilled": [{"address": each.address, "why": each.why} for each in left.unfulfilled],
        "requests": dict(rehearsal.requests),
        "faults": dict(rehearsal.faults),
    }


def _moved(moved: Moved) -> dict[str, Any]:
    return {
        "kind": kind_of(moved.address),
        "address": moved.address,
        "id": moved.id,
        "planned": moved.planned,
        "fields": [field_to_json(each) for each in moved.fields],
    }


def rehearsal_lines(rehearsal: Rehearsal) -> Iterator[Line]:
    """The results as apply prints them, then the sandbox account, then whether the plan holds there."""
    yield from result_lines(rehearsal.results, rehearsal.run, held=rehearsal.held)
    yield ()
    yield from _account_lines(rehearsal.aftermath)
    yield line(f"  {_counted('requests', rehearsal.requests)}; {_counted('faults', rehearsal.faults)}")
    yield ()
    left = rehearsal.aftermath.unfulfilled
    if left:
        yield line(Span("The plan does not hold there:", "strong"))
        yield from (line(f"  {each.address}: {each.why}") for each in left)
    else:
        yield line(Span("The plan holds there, field by field.", "strong"))
    yield line(Span(f"{rehearsal.api} was only read; apply would have exited {rehearsal.exit_code}.", "faint"))


def _account_lines(left: Aftermath) -> Iterator[Line]:
    yield line(Span("The sandbox's account afterwards:", "strong"))
    for moved in left.made:
        yield from _moved_lines("made", "add", moved)
    for moved in left.changed:
        yield from _moved_lines("changed", "change", moved)
    for moved in left.deleted:
        yield from _moved_lines("deleted", "remove", moved)
    if not (left.made or left.changed or left.deleted):
        yield line("  as before")
    for twins in left.twins:
        yield line("  ", Span("twins", "blocked"), f" {twins.address}", Span(f"  ids {', '.join(twins.ids)}", "faint"))
    if not left.twins:
        yield line("  no twins")


def _moved_lines(word: str, tone: Tone, moved: Moved) -> Iterator[Line]:
    unplanned = Span("" if moved.planned else "  not in the plan", "blocked")
    yield line("  ", Span(word, tone), f" {moved.address}", Span(f"  id {moved.id}", "faint"), unplanned)
    for change in moved.fields:
        yield line(f"      {change.path}: {before_text(change)} -> {after_text(change)}")


def _counted(what: str, counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    return f"{what}: {parts}" if parts else f"no {what}"
