"""The stored reports, asked for evidence: cells over a window of days."""

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from reconciler.model.evidence import Evidence, Question, Unmatched
from reconciler.warehouse.engines import EMBEDDED, connect
from reconciler.warehouse.query import Query
from reconciler.warehouse.report_store import ReportStore

if TYPE_CHECKING:
    from ibis.backends import BaseBackend


MEMORY: Final = "1GB"


class Warehouse:
    """Reports under a folder, and an engine to ask them with; `close` it, or use it as a context.

    `engine` is a connection string (see `backends`). Raises `ProjectError` where the engine or its library is missing.
    """

    def __init__(self, root: Path, engine: str = EMBEDDED, *, memory: str = MEMORY) -> None:
        self._store = ReportStore(root)
        self._spill = root / "spill"
        self._backend: BaseBackend = connect(engine, memory, self._spill)

    def evidence(self, question: Question) -> tuple[tuple[Evidence, ...], Unmatched]:
        """Evidence for every cell that is asked for, in their order, and what could not be joined.

        Requests come from Chartboost, impressions and revenue from DT, or from Chartboost on days without a report of
        DT's. Days count only where Chartboost was fetched, unless none was, so that both sides speak of the same days.
        `after_requests` are those of the line behind DT that was asked most.
        """
        return Query(self._store, self._backend, question).answer()

    def close(self) -> None:
        """Let go of the engine; a session of Spark may be somebody else's too, and stays."""
        if self._backend.name != "pyspark":
            self._backend.disconnect()
        with suppress(OSError):
            self._spill.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
