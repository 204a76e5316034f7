"""Read account and ledger of a project while its manifests are still being read, and compare them in another process.

What a plan needs besides is imported later (`api.plan`): while answers are under way.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from reconciler.api.worker_process import Functions, ThisProcess, Worker
from reconciler.api.workspace import Workspace
from reconciler.apis.management.wire.settled import ListRequest, judge, question
from reconciler.errors import ReconcilerError
from reconciler.manifest.project_settings import ProjectSettings
from reconciler.model.ledger import IndexedLedger
from reconciler.model.settled import OutlinedPlacements
from reconciler.model.state import DesiredApp
from reconciler.workflow.prefetch import Prefetch

if TYPE_CHECKING:
    from reconciler.ports import Store


SWITCH_SECONDS: Final = 0.0005
"""Seconds until a thread that computes lets others go on: each answer is taken in several turns, and the next request
waits for that. With Python's own 0.005 a plan of a thousand apps took a twentieth longer."""


class EarlyReading:
    """Reads account and ledger of a project from when its settings are known, while manifests are read.

    Lists are compared with manifests and ledger in another process, where one can be had. Of a plan of some addresses
    (`is_partial`) only the list of apps is asked for ahead.
    """

    def __init__(self, workspace: Workspace, *, is_partial: bool) -> None:
        self.workspace = workspace
        self._is_partial = is_partial
        self._stack = ExitStack()
        self._opened_as: Prefetch | ReconcilerError | None = None
        self._store: Store | ReconcilerError | None = None
        self._worker: Worker = ThisProcess({})
        self._ledger: IndexedLedger | None = None
        self._usual_seconds = sys.getswitchinterval()

    def functions(self, settings: ProjectSettings) -> Functions:
        """What a worker is asked of."""
        return {"j": judge, "q": lambda: _quiet_journal(self.workspace, settings.publisher_id)}

    def settings_read(self, settings: ProjectSettings, worker: Worker) -> None:
        """Ask for a token and for the list of apps, and read the ledger. What keeps it from that is raised later."""
        self._worker, publisher_id = worker, settings.publisher_id
        if self.workspace.owns_process:
            sys.setswitchinterval(SWITCH_SECONDS)
        try:
            reader = self._stack.enter_context(self.workspace.reader(publisher_id, self._ask_judge))
        except ReconcilerError as error:
            self._opened_as = error
        else:
            self._opened_as = Prefetch(reader, self.workspace.parallelism, self._stack.close)
        try:
            self._store = self.workspace.store(publisher_id)
        except ReconcilerError as error:
            self._store = error
        else:
            self._ledger = _read_ahead(self._store, worker)

    def _ask_judge(self, asked: ListRequest, blocks: OutlinedPlacements, body: bytes) -> Callable[[], bytes | None]:
        lines = b"" if self._ledger is None else self._ledger.lines_in(blocks.app).encode()
        return self._worker.ask("j", question(asked), blocks.raw, lines, body)

    def apps_read(self, apps: Sequence[DesiredApp]) -> None:
        """Ask for the placements of these apps."""
        if isinstance(self._opened_as, Prefetch) and not self._is_partial:
            self._opened_as.expect(apps)

    def reader(self) -> Prefetch:
        """The account. Raises what kept it from being asked."""
        match self._opened_as:
            case Prefetch() as reader:
                return reader
            case ReconcilerError() as error:
                raise error
            case None:
                raise ValueError("an account whose settings are not read")

    def store(self) -> "Store":
        """The project's store. Raises what kept it from being opened."""
        match self._store:
            case ReconcilerError() as error:
                raise error
            case None:
                raise ValueError("a store of settings that are not read")
            case store:
                return store

    def close(self) -> None:
        """End the reading; nothing is waited for."""
        if isinstance(self._opened_as, Prefetch):
            self._opened_as.close()
        self._worker.close()
        sys.setswitchinterval(self._usual_seconds)


def _read_ahead(store: "Store", worker: Worker) -> IndexedLedger | None:
    from reconciler.store.files import FileStore  # noqa: PLC0415 - while the first answers are under way

    return store.read_ahead(worker.ask("q")) if isinstance(store, FileStore) else None


def _quiet_journal(workspace: Workspace, publisher_id: str) -> bytes | None:
    from reconciler.store.files import FileStore  # noqa: PLC0415 - as above

    store = workspace.store(publisher_id)
    return store.quiet_journal() if isinstance(store, FileStore) else None
