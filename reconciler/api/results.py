"""Results of operations as values with `to_dict` and `to_arrow`, and the observer of an operation."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from reconciler.errors import ProjectError
from reconciler.model.diagnostic import Finding

if TYPE_CHECKING:
    from reconciler.model.rows import ColumnType
    from reconciler.plan.aftermath import Forecast
    from reconciler.plan.gate import Refusal
    from reconciler.plan.plan import Plan, ReviewEntry

Verb: TypeAlias = Literal["apply", "fetch", "report"]
"""What has steps: `apply` (and `undo` and `rehearse`), whose steps are changes, `fetch`, whose steps are days, and
`report`, whose steps are `Step`s: parts of an answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of an answer that is about to be asked for, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class StepEnd:
    """A part of an answer that is there."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about an operation that is under way. A warning says that something may be wrong."""

    message: str
    level: Literal["info", "warning"] = "info"


class StepListener(Protocol):
    """Is called for each step. Implementations of `ports.Listener` and of the listener of a fetch fit."""

    def planned(self, steps: int) -> None:
        """`steps` steps are about to be tried."""
        ...

    def begun(self, step: Any) -> None:
        """One of them is about to be tried. Called from any thread."""
        ...

    def ended(self, end: Any) -> None:
        """One of them came to its end. Called from any thread, one call at a time."""
        ...


class Observer:
    """Is called while an operation runs. Every method does nothing: override those that you need.

    An exception raised in a method ends the operation, except in `begun` and `ended`: do not raise there.
    """

    def notice(self, notice: Notice) -> None:
        """A notice that is worth showing."""

    def findings(self, findings: Sequence[Finding]) -> None:
        """Warnings of the manifests, and, once manifests are written, what could not be written."""

    def plan_made(self, plan: "Plan", refusals: "Sequence[Refusal]") -> None:
        """The plan that `apply` or `undo` has made and is about to carry out, unless a limit or a person refuses."""

    def exceeded(self, refusals: "Sequence[Refusal]") -> None:
        """Limits that a plan which was made before exceeds, and that let it pass."""

    def unreviewed(self, plan: "Plan", entries: "Sequence[ReviewEntry]") -> None:
        """What a plan does that was not reviewed; `StalePlan` is raised next."""

    def forecast(self, forecast: "Forecast") -> None:
        """What carrying out the plan will cost. Only for a plan that writes."""

    def finished(self, result: "ApplyResult") -> None:
        """The result of a plan, before the lock is released; also where an error is raised next."""

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[Any]:
        """Wraps the time in which steps are carried out.

        Within it `stop` may be called, from any thread or signal handler: no further step begins, those in flight are
        finished and recorded, and `Interrupted` is raised.
        """
        del stop
        return nullcontext()

    def progress(self, verb: Verb) -> AbstractContextManager[StepListener]:
        """Wraps the time in which steps are carried out; its value is called for each step. Default: this observer."""
        del verb
        return nullcontext(self)

    def planned(self, steps: int) -> None:
        """`steps` steps are about to be tried."""

    def begun(self, step: Any) -> None:
        """One of them is about to be tried: a change of a plan, or a partition of a fetch. Called from any thread."""

    def ended(self, end: Any) -> None:
        """One of them came to its end: a `Result`, or an outcome of a fetch. Called from any thread, one at a time."""


if TYPE_CHECKING:
    from pyarrow import Table

ColumnTypes: TypeAlias = "Mapping[str, ColumnType]"

_EXTRA: Final = "floors"


def table(columns: ColumnTypes, rows: Iterable[Mapping[str, Any]]) -> "Table":
    """A table with these columns, and null where a row does not have one.

    Raises `ProjectError` where PyArrow is not installed; its hint names the extra that brings it.
    """
    if find_spec("pyarrow") is None:
        from reconciler.installed import how_to_add  # noqa: PLC0415 - for the error only

        raise ProjectError("tables are made with pyarrow: not installed", hint=how_to_add(_EXTRA))
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s, for those who ask for a table

    types = {
        "text": pa.string(), "count": pa.int64(), "number": pa.float64(), "flag": pa.bool_(), "day": pa.date32(),
        "json": pa.string(),
    }  # fmt: skip
    listed = list(rows)
    arrays = [
        pa.array([_cell(row.get(name), kind) for row in listed], type=types[kind]) for name, kind in columns.items()
    ]
    return pa.table(arrays, names=list(columns))


def parquet_bytes(rows: "Table") -> bytes:
    """A table as the bytes of a Parquet file."""
    from io import BytesIO  # noqa: PLC0415 - for files only

    from pyarrow import parquet  # noqa: PLC0415 - as above

    out = BytesIO()
    parquet.write_table(rows, out, compression="zstd")
    return out.getvalue()


def one_row_per_field(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """A row for each of the `fields` of a row; the row itself where it has none."""
    for row in rows:
        fields: Iterable[Mapping[str, Any]] = row.get("fields") or ({},)
        yield from ({**row, **field} for field in fields)


def _cell(value: Any, kind: "ColumnType") -> Any:
    """A value as PyArrow takes it in a column of this type."""
    if value is None:
        return None
    if kind == "json":
        return json.dumps(value, sort_keys=True)
    return float(value) if kind == "number" else value


if TYPE_CHECKING:
    from pyarrow import Table

    from reconciler.model.diagnostic import Finding
    from reconciler.model.journal import Result
    from reconciler.model.rows import Rows
    from reconciler.model.state import DesiredState
    from reconciler.plan.gate import Refusal
    from reconciler.plan.plan import Plan, PlanSummary


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What is wrong with a project's files. `desired` is what they declare, None where any finding is an error."""

    findings: "tuple[Finding, ...]"
    desired: "DesiredState | None"

    @property
    def errors(self) -> "tuple[Finding, ...]":
        """The findings that stop every other operation."""
        return tuple(each for each in self.findings if each.severity == "error")

    @property
    def warnings(self) -> "tuple[Finding, ...]":
        """The other findings."""
        return tuple(each for each in self.findings if each.severity != "error")

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.findings/1`."""
        from reconciler.render.result import findings_document  # noqa: PLC0415 - for those who ask, here and below

        return findings_document(self.findings)

    def to_arrow(self) -> "Table":
        """A row for each finding."""
        columns: ColumnTypes = {
            "severity": "text", "code": "text", "file": "text", "line": "count", "column": "count", "address": "text",
            "message": "text", "hint": "text",
        }  # fmt: skip
        return table(columns, self.to_dict()["findings"])


INCOMPLETE: Final = 3
"""The exit code of a command that has left something undone."""

_OF_FIELD: Final[ColumnTypes] = {"path": "text", "before": "json", "after": "json"}


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan, the limits and policies of the project that it exceeds, and warnings of the manifests.

    Changes that wait for permission or for a time are in `plan.held`, not in `plan.changes`.
    """

    plan: "Plan"
    refusals: "tuple[Refusal, ...]" = ()
    findings: "tuple[Finding, ...]" = ()

    @property
    def refused(self) -> bool:
        """Whether an apply of it as it is would raise `Refused`."""
        return any(each.binding for each in self.refusals)

    @property
    def summary(self) -> "PlanSummary":
        """Changes by action, and what is held or left alone, in numbers."""
        from reconciler.plan.plan import summary  # noqa: PLC0415

        return summary(self.plan)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.plan/1`."""
        from reconciler.plan.document import plan_to_json  # noqa: PLC0415

        return plan_to_json(self.plan)

    def to_text(self) -> str:
        """The same as the text of a file, which `load_plan` and `reconciler apply FILE` read."""
        from reconciler.plan.document import plan_text  # noqa: PLC0415

        return plan_text(self.plan)

    def to_arrow(self) -> "Table":
        """A row for each field of each change, values as JSON; one row for a change without fields."""
        columns: ColumnTypes = {"action": "text", "address": "text", "id": "text", **_OF_FIELD, "origin": "text"}
        return table(columns, one_row_per_field(self.to_dict()["changes"]))


RESULT_COLUMNS: Final[ColumnTypes] = {
    "address": "text", "action": "text", "outcome": "text", "id": "text", "attempts": "count", "error": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What came of carrying out a plan, in the order of addresses, with what was left out of it as stale.

    `undo` is the path, relative to the project, of the plan that would undo the run; None where nothing was written.
    `declined`: whoever was asked for approval said no, and nothing was tried. `left` tells a later run what of a
    reviewed plan is left to do, and is empty where no review was asked for.
    """

    run: str
    plan: "Plan"
    results: "tuple[Result, ...]" = ()
    undo: str | None = None
    declined: bool = False
    left: str = ""

    @property
    def is_done(self) -> bool:
        """Whether every step was done."""
        return not self.declined and all(each.is_done for each in self.results)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.result/1`."""
        from reconciler.render.result import result_document  # noqa: PLC0415

        return result_document(self.results, self.run, self.undo)

    def to_arrow(self) -> "Table":
        """A row for each step."""
        return table(RESULT_COLUMNS, self.to_dict()["results"])


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What came of undoing a run. `apply` is None where nothing in the account was to be undone.

    `declined`: whoever was asked said no. `manifests_done` is False where old values were to be written into manifests
    and some could not be.
    """

    run: str
    apply: ApplyResult | None = None
    declined: bool = False
    manifests_done: bool = True

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.declined and self.manifests_done and (self.apply is None or self.apply.is_done)

    def to_dict(self) -> dict[str, Any] | None:
        """`reconciler.result/1` of the apply; None where nothing was carried out."""
        return None if self.apply is None else self.apply.to_dict()


@dataclass(frozen=True, slots=True)
class RowsResult:
    """A table as the answer of a report. `is_whole`: hardly anything was left out of it; its notes say what was."""

    rows: "Rows"
    is_whole: bool = True

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.rows/1`."""
        from reconciler.render.rows import rows_document  # noqa: PLC0415

        return rows_document(self.rows)

    def to_arrow(self) -> "Table":
        """The rows; numbers as floats."""
        return table({column.name: column.type for column in self.rows.columns}, self.rows.records())
