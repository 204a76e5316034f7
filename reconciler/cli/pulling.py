"""What adopting an account takes, for `pull` and for `init --from-live` alike."""

from collections.abc import Sequence
from typing import Final

from reconciler.adopt.adoption import Account, Adoption, Declared, adopt
from reconciler.adopt.wishes import Frame
from reconciler.cli.session import Session
from reconciler.errors import InvalidManifests
from reconciler.manifest.load import load_desired
from reconciler.model.journal import past_creates
from reconciler.model.live import LiveState
from reconciler.ports import RunStore
from reconciler.project import Project, folder_names, read_manifests, write_manifest
from reconciler.report.adoption import adoption_document, adoption_lines
from reconciler.workflow.carrying_out import let_settle
from reconciler.workflow.observing import observe_account

DIFFERENCES: Final = 2
INCOMPLETE: Final = 3
SCHEMA: Final = "schemas/manifest.schema.json"


def declared(session: Session, project: Project) -> Declared:
    """The project as it stands. Raises `InvalidManifests`: nothing is adopted into manifests with errors."""
    settings = session.settings(project)
    manifests = read_manifests(project.root, settings.manifests)
    loaded = load_desired(settings, project.settings, manifests)
    if loaded.state is None:
        raise InvalidManifests(loaded.findings)
    taken = folder_names(project.root, settings.manifests)
    has_schemas = (project.root / SCHEMA).is_file()
    return Declared(Frame(settings, project.settings), tuple(manifests), loaded.state, frozenset(taken), has_schemas)


def pulled(session: Session, project: Project, stands: Declared, apps: Sequence[str], *, check: bool) -> Adoption:
    """What was written, files before the ledger; with `check` what would be. Raises `LockHeld` and as reading does."""
    store, parallelism = session.store(project), session.options.parallelism
    with session.reader(stands.state.publisher_id) as reader:
        if check:
            ledger = store.ledger()
            live = observe_account(reader, ledger, apps, parallelism)
            past = past_creates(store.events())
            return adopt(stands, Account(live, ledger, session.clock.now(), whole=not apps, past=past))
        with store.run(session.environment.who()) as run:
            past = let_settle(store, session.clock, stands.state.safety.settle_seconds)
            ledger = store.ledger()
            live = observe_account(reader, ledger, apps, parallelism)
            account = Account(live, ledger, session.clock.now(), whole=not apps, past=past)
            return _kept(project, run, adopt(stands, account))


def begun(session: Session, project: Project, stands: Declared, live: LiveState) -> Adoption:
    """What was written of an account that has just been read."""
    store = session.store(project)
    with store.run(session.environment.who()) as run:
        return _kept(project, run, adopt(stands, Account(live, store.ledger(), session.clock.now())))


def _kept(project: Project, run: RunStore, adoption: Adoption) -> Adoption:
    for text in adoption.texts:
        write_manifest(project.root, text)
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
