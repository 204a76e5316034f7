"""The account of a rehearsal: what an apply came to, what it left behind, and whether the plan holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, Any

from reconciler.diff.change import Held
from reconciler.errors import ReconcilerError
from reconciler.model.address import Kind, kind_of
from reconciler.model.document import AddressText, Count, Document, Form, Shape, itself, key
from reconciler.model.outcome import Result
from reconciler.plan.aftermath import Aftermath, Moved
from reconciler.plan.document import FieldChangeJson
from reconciler.report.document import ResultDocument, result_document
from reconciler.report.line import Line, Span, Tone, line
from reconciler.report.text import after_text, before_text, result_lines


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


class MovedJson(Shape):
    """A resource of the sandbox that is not what it was before."""

    kind: Kind = key("What the resource is.", lambda moved: kind_of(moved.address))
    address: AddressText = key("The resource's address.")
    id: str = key("The server's id.")
    planned: bool = key("Whether the plan speaks of it.")
    fields: list[FieldChangeJson] = key("The fields that differ now.")


class TwinsJson(Shape):
    """Several resources with one identity."""

    address: AddressText = key("The address they share.")
    ids: list[str] = key("Their ids.")


class AftermathJson(Shape):
    """What the run left in the sandbox's account."""

    made: list[MovedJson] = key("Resources that are new.")
    changed: list[MovedJson] = key("Resources with other values than before.")
    deleted: list[MovedJson] = key("Resources that are gone.")
    twins: list[TwinsJson] = key("Identities that more than one resource has.")


class UnfulfilledJson(Shape):
    """A change of the plan that does not hold in the sandbox."""

    address: AddressText = key("The resource's address.")
    why: str = key("What is otherwise.")


class RehearsalDocument(
    Document, format="reconciler.rehearsal/1", title="Rehearsal of a plan (rehearse --format json)"
):
    """What came of carrying out a plan on a sandbox."""

    api: str = key("The API that was read, and only read, to fill the sandbox.")
    exit_code: int = key("What apply would have exited with.")
    error: str | None = key(
        "What ended the run before its end, if anything did.",
        lambda rehearsal: None if rehearsal.error is None else rehearsal.error.message,
    )
    result: Annotated[ResultDocument, Form(write=itself)] = key(
        "The result, as apply tells it.", lambda rehearsal: result_document(rehearsal.results, rehearsal.run)
    )
    account: AftermathJson = key("The sandbox's account afterwards.", attrgetter("aftermath"))
    fulfilled: bool = key(
        "Whether the plan holds there, field by field.", lambda rehearsal: not rehearsal.aftermath.unfulfilled
    )
    unfulfilled: list[UnfulfilledJson] = key("Where it does not.", attrgetter("aftermath.unfulfilled"))
    requests: dict[str, Count] = key("How many calls of each kind were made.")
    faults: dict[str, Count] = key("How many faults struck, by what they did.")


def rehearsal_document(rehearsal: Rehearsal) -> dict[str, Any]:
    """`reconciler.rehearsal/1`: the result as apply tells it, and the sandbox account afterwards."""
    return RehearsalDocument.write(rehearsal)


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
