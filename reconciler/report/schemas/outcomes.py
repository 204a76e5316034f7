"""`reconciler.result/1`, `reconciler.findings/1` and `reconciler.fmt/1`."""

from typing import Any, Literal

from pydantic import Field

from reconciler.model.diagnostic import Severity
from reconciler.model.outcome import Outcome
from reconciler.report.schemas.shape import Address, Count, Shape


class ResultSummary(Shape):
    """How many steps came to each outcome."""

    applied: Count = Field(description="Done, and seen to be done.")
    normalised: Count = Field(description="Done; the account keeps another value than it was given.")
    failed: Count = Field(description="Surely not as wanted.")
    skipped: Count = Field(description="Not tried.")
    blocked: Count = Field(description="Could not be tried.")
    unverified: Count = Field(description="Taken by the server, but not all of it shown back.")
    unknown: Count = Field(description="Nobody can tell; a person has to look.")


class Result(Shape):
    """One step and what came of it."""

    address: Address = Field(description="The resource's address.")
    action: str = Field(description="What was to be done.")
    outcome: Outcome = Field(description="What came of it.")
    id: str | None = Field(description="The server's id, where one is known.")
    attempts: Count = Field(description="Write calls that were sent.")
    error: str | None = Field(description="What went wrong or is unverified.")
    wanted: dict[str, Any] | None = Field(
        default=None, description="What was asked for, by dotted path, where the account keeps something else."
    )
    kept: dict[str, Any] | None = Field(default=None, description="What the account keeps instead, by dotted path.")


class ResultDocument(Shape):
    """What came of an apply, step by step."""

    format: Literal["reconciler.result/1"] = Field(description="Name and version of this format.")
    run: str = Field(description="The run's name in the journal.")
    summary: ResultSummary = Field(description="The steps in numbers.")
    results: list[Result] = Field(description="Every step, in the order of addresses.")
    undo: str | None = Field(description="The path of the plan that would undo it.")


class Finding(Shape):
    """What is wrong, where, and what to do about it."""

    file: str = Field(description="The file, relative to the project.")
    line: Count = Field(description="Its line, from 1.")
    column: Count = Field(description="Its column, from 1.")
    address: str | None = Field(description="The resource it is about, where one is known.")
    severity: Severity = Field(description="Errors have to be mended, warnings deserve a look.")
    code: str = Field(description="What kind of finding it is; stays the same between versions.")
    message: str = Field(description="What is wrong.")
    hint: str | None = Field(description="What to do about it.")


class FindingsDocument(Shape):
    """What `validate` found."""

    format: Literal["reconciler.findings/1"] = Field(description="Name and version of this format.")
    findings: list[Finding] = Field(description="Every finding, by place.")


class FmtDocument(Shape):
    """What `fmt` did to manifests."""

    format: Literal["reconciler.fmt/1"] = Field(description="Name and version of this format.")
    written: bool = Field(description="false where it was only checked.")
    files: list[str] = Field(description="The manifests that change, relative to the project.")
