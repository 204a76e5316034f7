"""Adopt an account: write manifests and ledger that declare what is live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.adopt.adoption import Adoption, adopt
from reconciler.adopt.fresh import AccountSnapshot, DeclaredProject
from reconciler.api.environment import collector_paused
from reconciler.api.results import ColumnTypes, table
from reconciler.api.unread_files import find_doubts, read_unread_texts
from reconciler.api.workspace import Workspace
from reconciler.errors import InvalidManifests, ProjectError, WrongAccount
from reconciler.files.project import ProjectFiles, find_manifests, folder_names, write_manifests
from reconciler.manifest.checked_edits import ProjectContext
from reconciler.manifest.load import load_desired
from reconciler.manifest.project_settings import is_no_publisher
from reconciler.model.journal import past_creates
from reconciler.model.ledger import Ledger
from reconciler.model.state import LiveState
from reconciler.ports import RunStore
from reconciler.workflow.lookup import is_id
from reconciler.workflow.observe import check_ledger, observe_account
from reconciler.workflow.plan import wait_to_settle
from reconciler.yaml.apply_edits import apply_edits
from reconciler.yaml.edits import AddEntry, SetValue
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import ManifestText

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

    `theirs` takes what is live where the manifest has moved since the last apply, too. Settings that do not say whose
    account it is get the publisher of the first app that is named by its id. Raises `LockHeld`, and `ApiError` for what
    cannot be read.
    """
    _complete_settings(workspace, apps, check=check)
    project = load_declared(workspace)
    store = workspace.store(project.state.publisher_id)
    with workspace.reader(project.state.publisher_id) as reader:
        if check:
            ledger = store.ledger()
            _warn_of_doubts(workspace, project, ledger)
            live = observe_account(reader, ledger, apps, workspace.parallelism)
            past = past_creates(store.events())
            check_ledger(project.state, live, ledger, past)
            account = AccountSnapshot(live, ledger, workspace.clock.now(), not apps, past, theirs, store.habits())
            return _pull_result(project, adopt(project, account), checked=True)
        with store.run(workspace.environment.who()) as run:
            past = wait_to_settle(store, workspace.clock, project.state.safety.settle_seconds)
            ledger = store.ledger()
            _warn_of_doubts(workspace, project, ledger)
            live = observe_account(reader, ledger, apps, workspace.parallelism)
            check_ledger(project.state, live, ledger, past)
            account = AccountSnapshot(live, ledger, workspace.clock.now(), not apps, past, theirs, store.habits())
            return _pull_result(
                project, _write_adoption(workspace, run, project, adopt(project, account)), checked=False
            )


def find_publisher(workspace: Workspace, app_id: str) -> str:
    """Whose account an app is in, by its id, and the list of that account's apps, which has to hold it.

    Raises `ProjectError` where there is no such app or nobody says whose it is, and `WrongAccount` for a list without
    it: the keys are then another publisher's.
    """
    with workspace.reader(None) as reader:
        app = reader.find("app", app_id)
        if app is None:
            raise ProjectError(f"--app {app_id}: no such app is in the account", hint=_AN_ID)
        if app.publisher_id is None or is_no_publisher(app.publisher_id):
            raise ProjectError(f"--app {app_id}: the account does not say whose it is", hint=_FILL_IN)
        listed = reader.of_publisher(app.publisher_id).apps()
    if all(each.id != app_id for each in listed):
        raise WrongAccount(
            f"app {app_id} is said to be publisher {app.publisher_id}'s, and the list of that publisher's apps does "
            "not hold it",
            hint="check whose keys DT_CLIENT_ID and DT_CLIENT_SECRET are; nothing was written",
        )
    return app.publisher_id


_AN_ID: Final = "give the id of one of your apps, as the console shows it"
_FILL_IN: Final = "put publisherId into reconciler.yaml; the console shows it under User Profile"


def _complete_settings(workspace: Workspace, apps: Sequence[str], *, check: bool) -> None:
    """Where the settings do not say whose account it is, write what an app that is named by its id says of that."""
    app_id = next((each for each in apps if is_id(each)), None)
    if app_id is None or workspace.publisher_if_known() is not None:
        return
    publisher_id = find_publisher(workspace, app_id)
    before = workspace.settings_text
    workspace.use_settings(_with_publisher(before, publisher_id))
    if not check:
        write_manifests(workspace.root, [before], [workspace.settings_text])
    written = "would be written to" if check else "was written to"
    workspace.inform(f"publisherId {publisher_id} {written} {before.file}: app {app_id} is in that account")


def _with_publisher(settings: ManifestText, publisher_id: str) -> ManifestText:
    """Settings with this publisher, and every other byte as it was."""
    root = parse(settings).documents[0].value
    at = (0, "publisherId")
    edit: SetValue | AddEntry
    edit = SetValue(at, publisher_id) if at[1] in root else AddEntry((0,), at[1], publisher_id, after="version")
    return ManifestText(settings.file, apply_edits(settings.data, [edit], settings.file))


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
