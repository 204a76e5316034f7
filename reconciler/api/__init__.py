"""The public Python interface: everything that the commands do, as functions and values.

`Project.open` is where to begin. What is exported here is stable under semantic versioning; nothing else of the package
is. Importing this module is cheap: each name is loaded when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from reconciler.api.apply import Approval
    from reconciler.api.drift import DriftResult, InventoryResult
    from reconciler.api.floors import BacktestResult, FloorsWriteResult, SuggestionsResult
    from reconciler.api.ping import KeyCheck, PingResult
    from reconciler.api.plan import load_plan
    from reconciler.api.project import Project
    from reconciler.api.pull import PullResult
    from reconciler.api.rehearse import RehearsalResult
    from reconciler.api.reports import FetchResult, ImportResult
    from reconciler.api.resources import ResourcesResult
    from reconciler.api.results import (
        ApplyResult,
        Notice,
        Observer,
        PlanResult,
        RowsResult,
        UndoResult,
        ValidationResult,
    )
    from reconciler.api.revenue import RevenueResult
    from reconciler.api.undo import HistoryResult
    from reconciler.api.user_report import UserReportResult
    from reconciler.api.user_value import UserValueResult
    from reconciler.model.state import Allowances
    from reconciler.workflow.lookup import FoundResource, MissingResource
    from reconciler.workflow.selection import Selection

_HOMES: Final = {
    "Allowances": "reconciler.model.state",
    "ApplyResult": "reconciler.api.results",
    "Approval": "reconciler.api.apply",
    "BacktestResult": "reconciler.api.floors",
    "DriftResult": "reconciler.api.drift",
    "FetchResult": "reconciler.api.reports",
    "FloorsWriteResult": "reconciler.api.floors",
    "FoundResource": "reconciler.workflow.lookup",
    "HistoryResult": "reconciler.api.undo",
    "ImportResult": "reconciler.api.reports",
    "InventoryResult": "reconciler.api.drift",
    "KeyCheck": "reconciler.api.ping",
    "MissingResource": "reconciler.workflow.lookup",
    "Notice": "reconciler.api.results",
    "Observer": "reconciler.api.results",
    "PingResult": "reconciler.api.ping",
    "PlanResult": "reconciler.api.results",
    "Project": "reconciler.api.project",
    "PullResult": "reconciler.api.pull",
    "RehearsalResult": "reconciler.api.rehearse",
    "ResourcesResult": "reconciler.api.resources",
    "RevenueResult": "reconciler.api.revenue",
    "RowsResult": "reconciler.api.results",
    "Selection": "reconciler.workflow.selection",
    "SuggestionsResult": "reconciler.api.floors",
    "UndoResult": "reconciler.api.results",
    "UserReportResult": "reconciler.api.user_report",
    "UserValueResult": "reconciler.api.user_value",
    "ValidationResult": "reconciler.api.results",
    "load_plan": "reconciler.api.plan",
}

__all__ = [
    "Allowances",
    "ApplyResult",
    "Approval",
    "BacktestResult",
    "DriftResult",
    "FetchResult",
    "FloorsWriteResult",
    "FoundResource",
    "HistoryResult",
    "ImportResult",
    "InventoryResult",
    "KeyCheck",
    "MissingResource",
    "Notice",
    "Observer",
    "PingResult",
    "PlanResult",
    "Project",
    "PullResult",
    "RehearsalResult",
    "ResourcesResult",
    "RevenueResult",
    "RowsResult",
    "Selection",
    "SuggestionsResult",
    "UndoResult",
    "UserReportResult",
    "UserValueResult",
    "ValidationResult",
    "load_plan",
]


def __getattr__(name: str) -> Any:
    """An exported name, loaded now."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
