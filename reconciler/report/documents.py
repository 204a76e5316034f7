"""Every JSON document that commands print, for whoever publishes or checks their schemas."""

from typing import Final

from reconciler.model.document import Document
from reconciler.plan.document import PlanDocument
from reconciler.report.adoption import PullDocument
from reconciler.report.audit.document import DriftDocument
from reconciler.report.document import FindingsDocument, FmtDocument, ResultDocument
from reconciler.report.floors.document import BacktestDocument, FloorsDocument, WrittenDocument
from reconciler.report.history import HistoryDocument
from reconciler.report.inventory import ListDocument, PingDocument
from reconciler.report.rehearsal import RehearsalDocument
from reconciler.report.reports_document import FetchDocument, ImportDocument

DOCUMENTS: Final[tuple[type[Document], ...]] = (
    BacktestDocument,
    DriftDocument,
    FetchDocument,
    FindingsDocument,
    FloorsDocument,
    FmtDocument,
    HistoryDocument,
    ImportDocument,
    ListDocument,
    PingDocument,
    PlanDocument,
    PullDocument,
    RehearsalDocument,
    ResultDocument,
    WrittenDocument,
)
