"""`reconciler.result/1`, `reconciler.findings/1` and `reconciler.fmt/1`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from reconciler.model.diagnostic import Finding, Severity
from reconciler.model.document import AddressText, Count, Document, Shape, Values, itself, key
from reconciler.model.outcome import Outcome, Result
from reconciler.model.value import ABSENT

OUTCOMES: Final = ("applied", "normalised", "failed", "skipped", "blocked", "unverified", "unknown")


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
    """What came of an apply, step by step; `undo` is the path of the plan that would undo it."""
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


def fmt_document(files: Sequence[str], *, written: bool) -> dict[str, Any]:
    """The manifests that `fmt` put in order, or would."""
    return FmtDocument.write(files, written=written)
