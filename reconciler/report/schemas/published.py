"""The JSON Schemas (draft-07) of the documents, by the file they are kept in."""

from typing import Any, Final

from pydantic import BaseModel

from reconciler.manifest.schema import schema_of
from reconciler.report.schemas.account import HistoryDocument, ListDocument, PingDocument
from reconciler.report.schemas.drift import DriftDocument
from reconciler.report.schemas.floors import BacktestDocument, FloorsDocument
from reconciler.report.schemas.outcomes import FindingsDocument, FmtDocument, ResultDocument
from reconciler.report.schemas.plan import PlanDocument
from reconciler.report.schemas.pull import PullDocument
from reconciler.report.schemas.rehearsal import RehearsalDocument
from reconciler.report.schemas.reports import FetchDocument, ImportDocument, WrittenDocument

_DOCUMENTS: Final[dict[str, tuple[type[BaseModel], str]]] = {
    "backtest.schema.json": (BacktestDocument, "Backtest of floor suggestions (floors backtest --format json)"),
    "drift.schema.json": (DriftDocument, "Audit (drift --format json)"),
    "fetch.schema.json": (FetchDocument, "Fetched reports (floors fetch --format json)"),
    "findings.schema.json": (FindingsDocument, "Findings (validate --format json)"),
    "floors.schema.json": (FloorsDocument, "Floor suggestions (floors suggest --format json)"),
    "fmt.schema.json": (FmtDocument, "Manifests put in order (fmt --format json)"),
    "history.schema.json": (HistoryDocument, "The journal (history --format json)"),
    "import.schema.json": (ImportDocument, "Imported evidence (reports import --format json)"),
    "list.schema.json": (ListDocument, "Resources (list --format json)"),
    "ping.schema.json": (PingDocument, "What the credentials see (ping --format json)"),
    "plan.schema.json": (PlanDocument, "Plan (plan --format json, plan --out)"),
    "pull.schema.json": (PullDocument, "Adoption (pull --format json)"),
    "rehearsal.schema.json": (RehearsalDocument, "Rehearsal of a plan (rehearse --format json)"),
    "result.schema.json": (ResultDocument, "Result (apply --format json)"),
    "written.schema.json": (WrittenDocument, "Written floors (floors write --format json)"),
}


def document_schemas() -> dict[str, dict[str, Any]]:
    """A schema for each document."""
    return {file: schema_of(model, title) for file, (model, title) in _DOCUMENTS.items()}
