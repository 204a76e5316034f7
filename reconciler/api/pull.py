"""Adopt an account: write manifests and ledger that declare what is live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.adopt.adoption import Adoption, adopt
from reconciler.adopt.fresh import AccountSnapshot, DeclaredProject
from reconciler.api.environment import collector_paused
from reconciler.api.results import ColumnTypes, table
from reconciler.api.workspace import Workspace, find_doubts, read_unread_texts
from reconciler.errors import InvalidManifests
from reconciler.files.project import ProjectFiles, find_manifests, folder_names, write_manifests
from reconciler.manifest.checked_edits import ProjectContext
from reconciler.manifest.load import load_desired
from reconciler.model.journal import past_creates
from reconciler.model.ledger import Ledger
from reconciler.model.state import LiveState
from reconciler.ports import RunStore
from reconciler.workflow.observe import check_ledger, observe_account
from reconciler.workflow.plan import wait_to_settle

if TYPE_CHECKING:
    from pyarrow import Table

SCHEMA: Final = "schemas/manifest.schema.json"


@dataclass(frozen=True, slots=True)
class PullResult:
    """What was adopted of the account; with `checked` what would be. `before` holds the manifests as they were."""

    adoption: Adoption
    before: Mapping[str, bytes]
    checked: bool

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.pull/1`."""
        from reconciler.render.pull import PullDocument  # noqa: PLC0415

        return PullDocument.write(self.adoption, written=not self.checked)

    def to_arrow(self) -> "Table":
        """A row for each value taken over, and one without a path for each resource that no block stood for."""
        document = self.to_dict()
        rows = [{"address": address} for address in document["adopted"]]
        columns: ColumnTypes = {"address": "text", "path": "text", "live": "json", "declared": "json"}
        return table(columns, [*rows, *document["changes"]])


def load_declared(workspace: Workspace) -> DeclaredProject:
    """The project as it stands. Raises `InvalidManifests`: nothing is adopted into manifests with errors."""
    settings, text = workspace.settings(), workspace.settings_text
    files = ProjectFiles(workspace.root, text)
    manifest_files = find_manifests(workspace.root, settings.manifests)
    doubts = find_doubts(files, manifest_files, settings.manifests, workspace.environment.variables)
    manifests = manifest_files.valid_texts()
    with collector_paused():
        loaded = load_desired(settings, text, manifests)
    if loaded.state is None:
        raise InvalidManifests(loaded.findings)
    return DeclaredProject(
        ProjectContext(settings, text),
        tuple(manifests),
        loaded.state,
        frozenset(folder_names(workspace.root, settings.manifests)),
        (workspace.root / SCHEMA).is_file(),
        tuple(doubts),
        tuple(read_unread_texts(files, doubts)),
    )


def pull(workspace: Workspace, apps: Sequence[str], *, check: bool, theirs: bool) -> PullResult:
    """Write what is live, files before the ledger; with `check` say what would be written.

    `theirs` takes what is live where the manifest has moved since the last apply, too. Raises `LockHeld`, and
    `ApiError` for what cannot be read.
    """
    project = load_declared(workspace)
    store = workspace.store(project.state.publisher_id)
    with workspace.reader(project.state.publisher_id) as reader:
        if check:
            ledger = store.ledger()
            _warn_of_doubts(workspace, project, ledger)
            live = observe_account(reader, ledger, apps, workspace.parallelism)
            past = past_creates(store.events())
            check_ledger(project.state, live, ledger, past)
            account = AccountSnapshot(live, ledger, workspace.clock.now(), not apps, past, theirs)
            return _pull_result(project, adopt(project, account), checked=True)
        with store.run(workspace.environment.who()) as run:
            past = wait_to_settle(store, workspace.clock, project.state.safety.settle_seconds)
            ledger = store.ledger()
            _warn_of_doubts(workspace, project, ledger)
            live = observe_account(reader, ledger, apps, workspace.parallelism)
            check_ledger(project.state, live, ledger, past)
            account = AccountSnapshot(live, ledger, workspace.clock.now(), not apps, past, theirs)
            return _pull_result(
                project, _write_adoption(workspace, run, project, adopt(project, account)), checked=False
            )


def _warn_of_doubts(workspace: Workspace, project: DeclaredProject, ledger: Ledger) -> None:
    """Warn that there may be more manifests; that there are none yet is no news where nothing is owned."""
    is_new = not (project.manifests or ledger)
    workspace.observer.findings([each for each in project.doubts if not is_new or each.code == "unread-manifest"])


def read_account(workspace: Workspace, publisher_id: str) -> LiveState:
    """The whole account, for a project that does not exist yet."""
    with workspace.reader(publisher_id) as reader:
        return observe_account(reader, {}, (), workspace.parallelism)


def adopt_live(workspace: Workspace, live: LiveState) -> PullResult:
    """Write what was just read of an account into a project that is new."""
    project = load_declared(workspace)
    store = workspace.store(project.state.publisher_id)
    with store.run(workspace.environment.who()) as run:
        adoption = adopt(project, AccountSnapshot(live, store.ledger(), workspace.clock.now()))
        return _pull_result(project, _write_adoption(workspace, run, project, adoption), checked=False)


def _write_adoption(workspace: Workspace, run: RunStore, project: DeclaredProject, adoption: Adoption) -> Adoption:
    write_manifests(workspace.root, project.manifests, adoption.texts)
    if adoption.remember or adoption.forget:
        run.remember(adoption.remember, adoption.forget)
    return adoption


def _pull_result(project: DeclaredProject, adoption: Adoption, *, checked: bool) -> PullResult:
    return PullResult(adoption, {text.file: text.data for text in project.manifests}, checked)
