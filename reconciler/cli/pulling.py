"""What adopting an account takes, for `pull` and for `init --from-live` alike."""

from collections.abc import Sequence
from typing import Final

from reconciler.adopt.adoption import Adoption, adopt
from reconciler.adopt.inputs import Account, Declared
from reconciler.cli.collector import collector_paused
from reconciler.cli.session import Session
from reconciler.cli.unread import doubts_about, unread_texts
from reconciler.errors import InvalidManifests
from reconciler.manifest.checked_edits import ProjectContext
from reconciler.manifest.load import load_desired
from reconciler.model.journal import past_creates
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.ports import RunStore
from reconciler.project import Project, find_manifests, folder_names, write_manifests
from reconciler.report.adoption import adoption_document, adoption_lines
from reconciler.workflow.carrying_out import let_settle
from reconciler.workflow.observing import check_ledger, observe_account

DIFFERENCES: Final = 2
INCOMPLETE: Final = 3
SCHEMA: Final = "schemas/manifest.schema.json"


def declared(session: Session, project: Project) -> Declared:
    """The project as it stands. Raises `InvalidManifests`: nothing is adopted into manifests with errors."""
    settings = session.settings(project)
    found = find_manifests(project.root, settings.manifests)
    doubts = doubts_about(project, found, settings.manifests, session.environment.variables)
    manifests = found.sound()
    with collector_paused():
        loaded = load_desired(settings, project.settings, manifests)
    if loaded.state is None:
        raise InvalidManifests(loaded.findings)
    taken = folder_names(project.root, settings.manifests)
    has_schemas = (project.root / SCHEMA).is_file()
    return Declared(
        ProjectContext(settings, project.settings),
        tuple(manifests),
        loaded.state,
        frozenset(taken),
        has_schemas,
        tuple(doubts),
        tuple(unread_texts(project, doubts)),
    )


def pulled(
    session: Session, project: Project, stands: Declared, apps: Sequence[str], *, check: bool, theirs: bool = False
) -> Adoption:
    """What was written, files before the ledger; with `check` what would be. Raises `LockHeld` and as reading does.

    `theirs` takes what is live where the manifest has moved since the last apply, too.
    """
    store = session.store(project, stands.state.publisher_id)
    parallelism = session.options.parallelism
    with session.reader(stands.state.publisher_id) as reader:
        if check:
            ledger = store.ledger()
            _tell_doubts(session, stands, ledger)
            live = observe_account(reader, ledger, apps, parallelism)
            past = past_creates(store.events())
            check_ledger(stands.state, live, ledger, past)
            return adopt(stands, Account(live, ledger, session.clock.now(), not apps, past, theirs))
        with store.run(session.environment.who()) as run:
            past = let_settle(store, session.clock, stands.state.safety.settle_seconds)
            ledger = store.ledger()
            _tell_doubts(session, stands, ledger)
            live = observe_account(reader, ledger, apps, parallelism)
            check_ledger(stands.state, live, ledger, past)
            account = Account(live, ledger, session.clock.now(), not apps, past, theirs)
            return _kept(project, run, stands, adopt(stands, account))


def _tell_doubts(session: Session, stands: Declared, ledger: Ledger) -> None:
    """Warn that there may be more manifests; that there are none yet is no news where nothing is owned."""
    is_new = not (stands.manifests or ledger)
    told = [each for each in stands.doubts if not is_new or each.code == "unread-manifest"]
    session.console.findings(told, to_answer=False)


def begun(session: Session, project: Project, stands: Declared, live: LiveState) -> Adoption:
    """What was written of an account that has just been read."""
    store = session.store(project, stands.state.publisher_id)
    with store.run(session.environment.who()) as run:
        return _kept(project, run, stands, adopt(stands, Account(live, store.ledger(), session.clock.now())))


def _kept(project: Project, run: RunStore, stands: Declared, adoption: Adoption) -> Adoption:
    write_manifests(project.root, stands.manifests, adoption.texts)
    if adoption.remember or adoption.forget:
        run.remember(adoption.remember, adoption.forget)
    return adoption


def tell(session: Session, adoption: Adoption, stands: Declared, *, check: bool) -> int:
    """Show an adoption, and say how it went."""
    if not check:
        session.console.give_account()
    if session.options.format == "json":
        session.console.document(adoption_document(adoption, checked=check))
    else:
        before = {text.file: text.data for text in stands.manifests}
        session.console.answer(adoption_lines(adoption, before, checked=check))
    if check and not adoption.is_empty:
        return DIFFERENCES
    return INCOMPLETE if adoption.held else 0
