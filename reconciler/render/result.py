"""Results as JSON, Markdown, text and pages: of an apply, a rehearsal, `validate` and `fmt`.

Documents: `reconciler.result/1`, `reconciler.rehearsal/1`, `reconciler.findings/1` and `reconciler.fmt/1`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Final

from reconciler.diff.change import HeldChange
from reconciler.errors import ReconcilerError
from reconciler.model.address import Kind, kind_of
from reconciler.model.diagnostic import Finding, Severity, finding_order
from reconciler.model.document import AddressText, Count, Document, Form, Shape, Values, itself, key
from reconciler.model.journal import Outcome, Result
from reconciler.model.value import ABSENT
from reconciler.plan.aftermath import Aftermath, ResourceChange
from reconciler.plan.document import FieldChangeJson
from reconciler.plan.plan import PlanOrigin, ReviewEntry
from reconciler.render.html import Tile, count_badges, page
from reconciler.render.markdown import (
    FOLD_END,
    LIMIT,
    LimitedDocument,
    Section,
    SectionItem,
    fold,
    listed,
    marker,
    name,
    place,
    row,
    sentence,
    table,
)
from reconciler.render.plan_markdown import held_section
from reconciler.render.plan_text import OUTCOME_TONES, after_text, before_text, outcome_text, result_lines
from reconciler.render.text import Line, Span, Tone, counted, line


class ResultSummaryJson(Shape, by=itemgetter):
    """How many steps came to each outcome."""

    applied: Count = key("Done, and seen to be done.")
    normalised: Count = key("Done; the account keeps another value than it was given.")
    failed: Count = key("Surely not as wanted.")
    skipped: Count = key("Not tried.")
    blocked: Count = key("Could not be tried.")
    unverified: Count = key("Taken by the server, but not all of it shown back.")
    unknown: Count = key("Nobody can tell; a person has to look.")


class ResultJson(Shape):
    """One step and what came of it."""

    address: AddressText = key("The resource's address.")
    action: str = key("What was to be done.")
    outcome: Outcome = key("What came of it.")
    id: str | None = key("The server's id, where one is known.")
    attempts: Count = key("Write calls that were sent.")
    error: str | None = key("What went wrong or is unverified.")
    wanted: Values | None = key(
        "What was asked for, by dotted path, where the account keeps something else.",
        lambda result: result.wanted if result.kept else ABSENT,
        optional=True,
    )
    kept: Values | None = key(
        "What the account keeps instead, by dotted path.", lambda result: result.kept or ABSENT, optional=True
    )


class ResultDocument(Document, format="reconciler.result/1", title="Result (apply --format json)"):
    """What came of an apply, step by step."""

    run: str = key("The run's name in the journal.")
    summary: ResultSummaryJson = key("The steps in numbers.", lambda results: Counter(each.outcome for each in results))
    results: list[ResultJson] = key("Every step, in the order of addresses.", itself)
    undo: str | None = key("The path of the plan that would undo it.")


def result_document(results: Sequence[Result], run: str, undo: str | None = None) -> dict[str, Any]:
    """`reconciler.result/1`: the result of each step; `undo` is the path of the plan that would undo the run."""
    return ResultDocument.write(results, run=run, undo=undo)


class FindingJson(Shape, order="file line column code message severity address hint"):
    """What is wrong, where, and what to do about it."""

    file: str = key("The file, relative to the project.")
    line: Count = key("Its line, from 1.")
    column: Count = key("Its column, from 1.")
    address: str | None = key("The resource it is about, where one is known.", lambda found: found.address or None)
    severity: Severity = key("Errors have to be mended, warnings deserve a look.")
    code: str = key("What kind of finding it is; stays the same between versions.")
    message: str = key("What is wrong.")
    hint: str | None = key("What to do about it.", lambda found: found.hint or None)


class FindingsDocument(Document, format="reconciler.findings/1", title="Findings (validate --format json)"):
    """What `validate` found."""

    findings: list[FindingJson] = key("Every finding, by place.", itself)


def findings_document(findings: Iterable[Finding]) -> dict[str, Any]:
    """What `validate` found; `address` and `hint` are null where there is none."""
    return FindingsDocument.write(findings)


class FmtDocument(Document, format="reconciler.fmt/1", title="Manifests put in order (fmt --format json)"):
    """What `fmt` did to manifests."""

    written: bool = key("false where it was only checked.")
    files: list[str] = key("The manifests that change, relative to the project.", itself)


DONE = "applied"


def result_markdown(  # noqa: PLR0913 - what a result is made of
    results: Sequence[Result],
    run: str,
    undo: str | None,
    origin: PlanOrigin,
    key: str = "",
    *,
    limit: int = LIMIT,
    held: Sequence[HeldChange] = (),
    left: str = "",
) -> str:
    """The results for a comment: what was not simply applied, the worst on top, what was held, and the rest folded.

    `left` is the last line, if any, which says for programs what was reviewed and not done.
    """
    facts = [f"run {name(run)}", "" if undo is None else f"undo: reconciler apply {name(undo)}"]
    head = f"{marker('apply', origin, key)}\n### {outcome_text(results)}\n\n{listed(facts)}\n"
    sheet = LimitedDocument(head, limit, f"\n{left}\n" if left else "")
    worst = [*WORST_FIRST, *OUTCOME_TONES]
    told = [each for each in results if each.outcome != DONE or each.error]
    others = sorted(told, key=lambda each: worst.index(each.outcome))
    done = [each for each in results if each.outcome == DONE and not each.error]
    sheet.write([
        Section(table("outcome", "step", "id", "why"), [_undone_row(each) for each in others]),
        held_section(held),
        Section(fold(f"{len(done)} applied") + table("step", "id"), [_done_row(each) for each in done], FOLD_END),
    ])  # fmt: skip
    return sheet.text(" `reconciler history` tells everything.")


def unreviewed_markdown(more: Sequence[ReviewEntry], origin: PlanOrigin, key: str = "", limit: int = LIMIT) -> str:
    """Why nothing was applied, for a comment: what the plan would do beyond the reviewed one."""
    text = "The account or the manifests have changed since the plan was reviewed. A new plan has to be reviewed."
    title = f"Nothing was applied: {counted(len(more), 'step')} not reviewed"
    sheet = LimitedDocument(f"{marker('apply', origin, key)}\n### {title}\n\n{text}\n", limit)
    items = [
        SectionItem(row(name(each.address), sentence(each.text)), ("step", f"{each.address} {each.text}"))
        for each in more
    ]
    sheet.write([Section(table("address", "what was not reviewed"), items)])
    return sheet.text(" The log of the job names everything.")


WORST_FIRST = ("unknown", "failed", "unverified", "normalised", "blocked", "skipped")


def _undone_row(result: Result) -> SectionItem:
    cells = [f"**{result.outcome}**", _step_text(result), name(result.id or ""), sentence(result.error or "")]
    return SectionItem(row(*cells), (result.outcome, f"{result.action} {result.address}"))


def _done_row(result: Result) -> SectionItem:
    return SectionItem(
        row(_step_text(result), name(result.id or "")), (result.outcome, f"{result.action} {result.address}")
    )


def _step_text(result: Result) -> str:
    address = name(result.address)
    return address if result.action == result.outcome else f"{name(result.action)} {address}"


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
    held: Sequence[HeldChange] = ()


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


def rehearsal_lines(rehearsal: Rehearsal) -> Iterator[Line]:
    """The results as `apply` prints them, the sandbox account afterwards, and whether the plan holds there."""
    yield from result_lines(rehearsal.results, rehearsal.run, held=rehearsal.held)
    yield ()
    yield from _account_lines(rehearsal.aftermath)
    yield line(f"  {_counts_text('requests', rehearsal.requests)}; {_counts_text('faults', rehearsal.faults)}")
    yield ()
    unfulfilled = rehearsal.aftermath.unfulfilled
    if unfulfilled:
        yield line(Span("The plan does not hold there:", "strong"))
        yield from (line(f"  {each.address}: {each.why}") for each in unfulfilled)
    else:
        yield line(Span("The plan holds there, field by field.", "strong"))
    yield line(Span(f"{rehearsal.api} was only read; apply would have exited {rehearsal.exit_code}.", "faint"))


def _account_lines(aftermath: Aftermath) -> Iterator[Line]:
    yield line(Span("The sandbox's account afterwards:", "strong"))
    for moved in aftermath.made:
        yield from _moved_lines("made", "add", moved)
    for moved in aftermath.changed:
        yield from _moved_lines("changed", "change", moved)
    for moved in aftermath.deleted:
        yield from _moved_lines("deleted", "remove", moved)
    if not (aftermath.made or aftermath.changed or aftermath.deleted):
        yield line("  as before")
    for twins in aftermath.twins:
        yield line("  ", Span("twins", "blocked"), f" {twins.address}", Span(f"  ids {', '.join(twins.ids)}", "faint"))
    if not aftermath.twins:
        yield line("  no twins")


def _moved_lines(word: str, tone: Tone, moved: ResourceChange) -> Iterator[Line]:
    unplanned = Span("" if moved.planned else "  not in the plan", "blocked")
    yield line("  ", Span(word, tone), f" {moved.address}", Span(f"  id {moved.id}", "faint"), unplanned)
    for change in moved.fields:
        yield line(f"      {change.path}: {before_text(change)} -> {after_text(change)}")


def _counts_text(what: str, counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    return f"{what}: {parts}" if parts else f"no {what}"


def findings_markdown(findings: Sequence[Finding], summary: str, key: str = "", limit: int = LIMIT) -> str:
    """The findings for a comment, errors first; `summary` is one line of our own."""
    sheet = LimitedDocument(f"{marker('validate', None, key)}\n### {summary}\n", limit)
    errors_first = sorted(findings, key=lambda each: each.severity)
    items = [_finding_row(number, each) for number, each in enumerate(errors_first)]
    sheet.write([Section(table("", "place", "what", "about"), items)])
    return sheet.text(" `reconciler validate` tells everything.")


def _finding_row(number: int, finding: Finding) -> SectionItem:
    hint = f" ({sentence(finding.hint)})" if finding.hint else ""
    cells = [
        f"**{finding.severity}**",
        place(finding.file, finding.line, finding.column),
        f"{sentence(finding.message)}{hint} {name(f'[{finding.code}]')}",
        name(finding.address),
    ]
    return SectionItem(row(*cells), (finding.severity, str(number)))


SEVERITIES: Final[dict[str, Tone]] = {"error": "remove", "warning": "change"}


def findings_page(findings: Iterable[Finding], title: str = "Findings") -> str:
    """The whole page; an empty one says that nothing was found."""
    ordered = sorted(findings, key=finding_order)
    errors = sum(finding.severity == "error" for finding in ordered)
    warnings = len(ordered) - errors
    files = [(name, list(group)) for name, group in groupby(ordered, key=lambda finding: finding.file)]
    values = {
        "title": title,
        "lead": f"{counted(errors, 'error')} and {counted(warnings, 'warning')} in {counted(len(files), 'file')}.",
        "facts": [],
        "tiles": [
            Tile(errors, "error" if errors == 1 else "errors", "remove"),
            Tile(warnings, "warning" if warnings == 1 else "warnings", "change"),
            Tile(len(files), "file" if len(files) == 1 else "files"),
        ],
        "searched": "files, addresses, findings",
        "files": [
            {"name": name, "findings": group, "counts": count_badges((each.severity for each in group), SEVERITIES)}
            for name, group in files
        ],
        "closing": "waterfall-reconciler",
    }
    return page("findings.html", values)
