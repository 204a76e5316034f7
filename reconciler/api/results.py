"""What operations on a project and its account come to.

Each result is frozen. `to_dict` gives the JSON document that the command of the same name prints, `to_arrow` its rows
as a table; columns are named as in the document.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.arrow import Columns, flat, table
from reconciler.model.journal import DONE

if TYPE_CHECKING:
    from pyarrow import Table

    from reconciler.model.desired import DesiredState
    from reconciler.model.diagnostic import Finding
    from reconciler.model.outcome import Result
    from reconciler.plan.guard import Refusal
    from reconciler.plan.plan import Plan, Summary


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
        from reconciler.report.document import findings_document  # noqa: PLC0415 - for those who ask, here and below

        return findings_document(self.findings)

    def to_arrow(self) -> "Table":
        """A row for each finding."""
        columns: Columns = {
            "severity": "text", "code": "text", "file": "text", "line": "count", "column": "count", "address": "text",
            "message": "text", "hint": "text",
        }  # fmt: skip
        return table(columns, self.to_dict()["findings"])


INCOMPLETE: Final = 3
"""The exit code of a command that has left something undone."""

_OF_FIELD: Final[Columns] = {"path": "text", "before": "json", "after": "json"}


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan, what of the project's limits and policies it exceeds, and the warnings of the manifests.

    What waits for leave is in `plan.held` and not among `plan.changes`.
    """

    plan: "Plan"
    refusals: "tuple[Refusal, ...]" = ()
    findings: "tuple[Finding, ...]" = ()

    @property
    def refused(self) -> bool:
        """Whether an apply of it as it is would raise `Refused`."""
        return any(each.binding for each in self.refusals)

    @property
    def summary(self) -> "Summary":
        """Changes by action, and what is held or left alone, in numbers."""
        from reconciler.plan.plan import summary  # noqa: PLC0415

        return summary(self.plan)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.plan/1`."""
        from reconciler.plan.codec import plan_to_json  # noqa: PLC0415

        return plan_to_json(self.plan)

    def to_text(self) -> str:
        """The same as the text of a file, which `load_plan` and `reconciler apply FILE` read."""
        from reconciler.plan.codec import plan_text  # noqa: PLC0415

        return plan_text(self.plan)

    def to_arrow(self) -> "Table":
        """A row for each field of each change, values as JSON; one row for a change without fields."""
        columns: Columns = {"action": "text", "address": "text", "id": "text", **_OF_FIELD, "origin": "text"}
        return table(columns, flat(self.to_dict()["changes"]))


RESULT_COLUMNS: Final[Columns] = {
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
        return not self.declined and all(each.outcome in DONE for each in self.results)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.result/1`."""
        from reconciler.report.document import result_document  # noqa: PLC0415

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
