"""What commands need of the world, built once: the project, its manifests, the API, the store, the talk."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import __version__, disk
from reconciler.cache import Cache
from reconciler.cli.clock import SystemClock
from reconciler.cli.collector import collect_rarely, collector_paused, connections_within_limit
from reconciler.cli.console import Console
from reconciler.cli.logs import log_to_stderr
from reconciler.cli.options import Options
from reconciler.cli.progress import Place
from reconciler.cli.settings import Environment
from reconciler.cli.unread import doubts_about
from reconciler.errors import InvalidManifests, ProjectError
from reconciler.manifest.assemble import Loaded
from reconciler.manifest.recall import Forgetful, Memory, recall_desired, recall_settings
from reconciler.model.desired import DesiredState
from reconciler.model.diagnostic import finding_order
from reconciler.project import (
    STATE_FOLDER,
    Project,
    find_manifests,
    find_project,
    find_settings,
    folder_in_repository,
)

if TYPE_CHECKING:
    from reconciler.dt.client import DtClient
    from reconciler.dt.gateway import DtGateway, DtReader
    from reconciler.floors.record import Records
    from reconciler.manifest.settings import Settings
    from reconciler.model.ledger import AccountId
    from reconciler.plan.plan import Origin, Plan
    from reconciler.ports import Store

log = logging.getLogger("reconciler")


@dataclass(frozen=True, slots=True)
class Session:
    """One call of a command."""

    options: Options
    console: Console
    environment: Environment
    clock: SystemClock

    @classmethod
    def of(cls, options: Options) -> "Session":
        """The session for a command called with these options."""
        log_to_stderr(options.verbosity, options.log_format)
        return cls(options, Console(no_color=options.no_color), Environment(), SystemClock())

    def place(self) -> Place:
        """Where progress is told."""
        as_json = self.options.log_format == "json"
        return Place(self.clock, self.console.talk, as_json, self.options.no_color)

    def project(self) -> Project:
        """The project. Raises `ProjectError`."""
        return find_project(Path.cwd(), self.options.project)

    def root(self) -> Path:
        """The project's root, whether or not its settings can be read. Raises `ProjectError` without a project."""
        return find_settings(Path.cwd(), self.options.project).parent.resolve()

    def root_if_any(self) -> Path | None:
        """The same; None without a project."""
        try:
            return self.root()
        except ProjectError:
            return None

    def folder(self) -> str:
        """The project's folder in its repository, as tools that show code name files; empty without a project."""
        try:
            return folder_in_repository(self.root())
        except ProjectError:
            return ""

    def project_name(self) -> str:
        """What tells the project from others: its folder in the repository, or that of the repository itself."""
        return self.folder() or self.root().name

    def settings(self, project: Project) -> "Settings":
        """Its settings. Raises `InvalidManifests`."""
        from reconciler.manifest.settings import load_settings  # noqa: PLC0415 - pydantic and YAML cost 0.2 s

        settings, findings = load_settings(project.settings)
        if settings is None or not settings.sound:
            raise InvalidManifests(findings)
        return settings

    def loaded(self, project: Project) -> Loaded:
        """The manifests, with all findings; settings that cannot be read leave no state."""
        memory = self._memory(project)
        loaded = self._recalled(project, memory)
        memory.save()
        return loaded

    def desired(self, project: Project, *, remember: bool = True) -> DesiredState:
        """What the manifests declare; warnings are told. Raises `InvalidManifests`, and then nothing was written.

        What an earlier load has read is not read again; `remember` lets later ones know of this one.
        """
        return self.checked(project, remember=remember)[1]

    def checked(self, project: Project, *, remember: bool = True) -> tuple[Loaded, DesiredState]:
        """The same with the findings, which are warnings."""
        memory = self._memory(project)
        loaded = self._recalled(project, memory)
        if loaded.state is None:
            raise InvalidManifests(loaded.findings)
        self.console.findings(loaded.findings, to_answer=False)
        if remember:
            memory.save()
        return loaded, loaded.state

    def _memory(self, project: Project) -> Cache | Forgetful:
        return Cache(project.root / STATE_FOLDER / "cache") if self.environment.wants_cache else Forgetful()

    def _recalled(self, project: Project, memory: Memory) -> Loaded:
        outline, findings = recall_settings(project.settings, memory)
        if outline is None:
            from reconciler.manifest.load import findings_without_settings  # noqa: PLC0415 - as for the settings
            from reconciler.manifest.settings_models import USUAL_MANIFESTS  # noqa: PLC0415

            usual = find_manifests(project.root, USUAL_MANIFESTS)
            others = (*usual.findings, *findings_without_settings(project.settings, usual.texts))
            return Loaded(None, (*findings, *sorted(others, key=finding_order)))
        manifests = find_manifests(project.root, outline.manifests)
        doubts = doubts_about(project, manifests, outline.manifests, self.environment.variables)
        with collector_paused():
            loaded = recall_desired(outline, project.settings, manifests.texts, memory)
            gc.freeze()  # what is declared lives to the end: the collector need not walk it, now or again and again
        found = sorted((*manifests.findings, *loaded.findings, *doubts), key=finding_order)
        state = None if manifests.findings else loaded.state
        if state is not None and doubts:
            first = doubts[0]
            state = replace(state, unread=f"{first.file}:{first.line}: {first.message}")
        return Loaded(state, (*findings, *found))

    @contextmanager
    def gateway(self, publisher_id: str) -> Iterator["DtGateway"]:
        """The Management API, until the context is left. Raises `CredentialsError` without credentials."""
        from reconciler.dt.gateway import DtGateway  # noqa: PLC0415 - httpx costs 0.15 s, and validate needs none

        _refuse_placeholder(publisher_id)
        with self._client() as client:
            yield DtGateway(client, publisher_id)

    @contextmanager
    def reader(self, publisher_id: str) -> Iterator["DtReader"]:
        """The same over a transport that lets nothing but reads and the call for a token out."""
        from reconciler.dt.gateway import DtReader  # noqa: PLC0415 - as above

        _refuse_placeholder(publisher_id)
        with self._client(read_only=True) as client:
            yield DtReader(client, publisher_id)

    @contextmanager
    def _client(self, *, read_only: bool = False) -> Iterator["DtClient"]:
        from reconciler.dt.client import DtClient  # noqa: PLC0415
        from reconciler.web.auth import Credentials  # noqa: PLC0415 - as above

        credentials = Credentials(
            self.environment.required_secret("DT_CLIENT_ID"), self.environment.required_secret("DT_CLIENT_SECRET")
        )
        url = self.environment.management_url
        collect_rarely()
        bound = connections_within_limit(self.options.parallelism)
        with DtClient(url, credentials, clock=self.clock, read_only=read_only, parallelism=bound) as client:
            yield client
            log.info("requests: %s", ", ".join(f"{number} {call}" for call, number in client.requests().items()))

    def price_evidence(self, project: Project) -> "Records":
        """What spoke for the floors that were written from suggestions; empty where none were. Raises `UnfitFile`."""
        from reconciler.floors.record import RECORD_NAME, records_from_text  # noqa: PLC0415 - for plans only

        try:
            return records_from_text(disk.read(project.root, RECORD_NAME).decode())
        except (OSError, UnicodeDecodeError):
            return {}

    def store(self, project: Project, publisher_id: str | None) -> "Store":
        """Ledger, journal and lock of a publisher's account: the project's files, or the database of the environment.

        Without a publisher the files are read whosever they are. Raises `ProjectError` for a name that is no store's,
        and `StoreError` where the database's library is missing.
        """
        from reconciler.store.files import FileStore  # noqa: PLC0415 - not needed without an account
        from reconciler.store.postgres import SCHEMES, open_store  # noqa: PLC0415

        url = self.environment.secret("RECONCILER_STORE")
        if url is None:
            account = None if publisher_id is None else self.account(publisher_id)
            return FileStore(project.root, self.clock, account=account)
        if not url.reveal().startswith(SCHEMES):
            raise ProjectError(
                "RECONCILER_STORE names no store that there is",
                hint="postgresql://USER:PASSWORD@HOST/DATABASE; unset, the store is files in the project",
            )
        return open_store(url, publisher_id or self.settings(project).publisher_id, self.api(), self.clock)

    def account(self, publisher_id: str) -> "AccountId":
        """Whose ledger and journal belong to this run. Raises `ProjectError` for a URL that cannot be used."""
        from reconciler.model.ledger import AccountId  # noqa: PLC0415 - as above

        return AccountId.of(publisher_id, self.api())

    def plan_in(self, file: Path) -> "Plan":
        """The plan in a file. Raises `PlanUnusable`."""
        from reconciler.given import read_text  # noqa: PLC0415 - for saved plans only
        from reconciler.plan.codec import plan_from_text  # noqa: PLC0415 - as above

        return plan_from_text(read_text(file, self.root_if_any()))

    def stamp(self, origin: "Origin") -> "Origin":
        """The same origin for a plan that is made now."""
        return replace(origin, tool=__version__, created_at=self._now())

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")

    def origin(self, desired: DesiredState) -> "Origin":
        """What a plan made now is made from and for."""
        from reconciler.plan.plan import Origin  # noqa: PLC0415 - as above

        return Origin(
            __version__,
            self._now(),
            desired.publisher_id,
            self.api(),
            desired.digest,
        )

    def tell_nothing_live(self) -> None:
        """Warn that the account shows no app at all."""
        from reconciler.report.line import Span  # noqa: PLC0415 - rarely needed

        told = "the account shows no app at all: if there should be some, check publisherId and the credentials"
        self.console.talk(Span("warning: ", "change"), told)

    def api(self) -> str:
        """Scheme, host and port of the Management API, in one spelling."""
        from reconciler.dt.origin import origin  # noqa: PLC0415 - as above

        return origin(self.environment.management_url).url


def _refuse_placeholder(publisher_id: str) -> None:
    """Raise `ProjectError` for an id that is no publisher's: no account is asked with it."""
    from reconciler.manifest.outline import WHERE_PUBLISHERS_ARE, is_no_publisher  # noqa: PLC0415 - as above

    if is_no_publisher(publisher_id):
        told = f'publisherId "{publisher_id}" in reconciler.yaml is no publisher\'s: fill in yours [unknown-publisher]'
        raise ProjectError(told, hint=WHERE_PUBLISHERS_ARE)
