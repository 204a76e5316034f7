"""A project that is opened: its manifests, the account, the store, each made when it is asked for."""

import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler import __version__, disk
from reconciler.api.environment import Environment
from reconciler.api.observer import Notice, Observer
from reconciler.api.process import SystemClock, collect_rarely, collector_paused, connections_within_limit
from reconciler.api.unread import doubts_about
from reconciler.cache import Cache
from reconciler.errors import InvalidManifests, ProjectError
from reconciler.manifest.assemble import Loaded
from reconciler.manifest.recall import Forgetful, Memory, recall_desired, recall_settings
from reconciler.model.desired import DesiredState
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.project import STATE_FOLDER, ProjectFiles, find_manifests
from reconciler.yaml.text import ManifestText

if TYPE_CHECKING:
    from reconciler.dt.client import DtClient
    from reconciler.dt.gateway import DtGateway, DtReader
    from reconciler.floors.record import Records
    from reconciler.manifest.settings import Settings
    from reconciler.model.ledger import AccountId, Ledger
    from reconciler.model.live import LiveState
    from reconciler.plan.plan import Origin
    from reconciler.ports import Clock, Store

DEFAULT_PARALLELISM: Final = 8

log = logging.getLogger("reconciler")


@dataclass(frozen=True, slots=True)
class WorkspaceOptions:
    """What a workspace works with besides its files.

    `parallelism`: calls side by side at most. `owns_process`: nothing else runs in this process, so that the garbage
    collector and the limit on open files may be set for the whole of it.
    """

    environment: Environment
    observer: Observer
    clock: "Clock"
    parallelism: int = DEFAULT_PARALLELISM
    owns_process: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str] | None, observer: Observer | None, parallelism: int) -> "WorkspaceOptions":
        """Those of the machine's clock and of these variables, else a copy of the process's own."""
        environment = Environment(dict(Environment().variables if environ is None else environ))
        return cls(environment, observer or Observer(), SystemClock(), parallelism)


class Workspace:
    """What operations need of the world. The settings are read once; manifests, ledger and account when asked for."""

    def __init__(self, files: ProjectFiles, options: WorkspaceOptions) -> None:
        self.root: Path = files.root
        self.settings_text: ManifestText = files.settings
        self.environment = options.environment
        self.observer = options.observer
        self.clock = options.clock
        self.parallelism = options.parallelism
        self._owns_process = options.owns_process
        self._parsed: tuple[Settings | None, tuple[Finding, ...]] | None = None

    def warn(self, message: str) -> None:
        """Tell the observer of what may be wrong."""
        self.observer.notice(Notice(message, "warning"))

    def inform(self, message: str) -> None:
        """Tell the observer of what is good to know."""
        self.observer.notice(Notice(message))

    def settings(self) -> "Settings":
        """The project's settings. Raises `InvalidManifests`."""
        settings, findings = self._read_settings(self.settings_text)
        if settings is None or not settings.sound:
            raise InvalidManifests(findings)
        return settings

    def _read_settings(self, text: ManifestText) -> "tuple[Settings | None, tuple[Finding, ...]]":
        """`load_settings`, once for each project."""
        if self._parsed is None:
            from reconciler.manifest.settings import load_settings  # noqa: PLC0415 - pydantic and YAML cost 0.2 s

            self._parsed = load_settings(text)
        return self._parsed

    def validate(self) -> Loaded:
        """The manifests with all findings; settings that cannot be read leave no state. What was read is remembered."""
        memory = self._memory()
        loaded = self._recalled(memory)
        memory.save()
        return loaded

    def load(self, *, remember: bool = True) -> tuple[Loaded, DesiredState]:
        """What the manifests declare, and the findings, which are warnings and go to the observer.

        What an earlier load has read is not read again; `remember` lets later ones know of this one. Raises
        `InvalidManifests`, and then nothing was written.
        """
        memory = self._memory()
        loaded = self._recalled(memory)
        if loaded.state is None:
            raise InvalidManifests(loaded.findings)
        self.observer.findings(loaded.findings)
        if remember:
            memory.save()
        return loaded, loaded.state

    def desired(self, *, remember: bool = True) -> DesiredState:
        """The same without the findings."""
        return self.load(remember=remember)[1]

    def _memory(self) -> Cache | Forgetful:
        return Cache(self.root / STATE_FOLDER / "cache") if self.environment.wants_cache else Forgetful()

    def _recalled(self, memory: Memory) -> Loaded:
        outline, findings = recall_settings(self.settings_text, memory, self._read_settings)
        if outline is None:
            return self._without_settings(findings)
        files = ProjectFiles(self.root, self.settings_text)
        manifests = find_manifests(self.root, outline.manifests)
        doubts = doubts_about(files, manifests, outline.manifests, self.environment.variables)
        with collector_paused():
            loaded = recall_desired(outline, self.settings_text, manifests.texts, memory, self._read_settings)
            if self._owns_process:
                gc.freeze()  # what is declared lives to the end: the collector need not walk it again and again
        found = sorted((*manifests.findings, *loaded.findings, *doubts), key=finding_order)
        state = None if manifests.findings else loaded.state
        if state is not None and doubts:
            first = doubts[0]
            state = replace(state, unread=f"{first.file}:{first.line}: {first.message}")
        return Loaded(state, (*findings, *found))

    def _without_settings(self, findings: Sequence[Finding]) -> Loaded:
        from reconciler.manifest.load import findings_without_settings  # noqa: PLC0415 - as for the settings
        from reconciler.manifest.settings_models import USUAL_MANIFESTS  # noqa: PLC0415

        usual = find_manifests(self.root, USUAL_MANIFESTS)
        others = (*usual.findings, *findings_without_settings(self.settings_text, usual.texts))
        return Loaded(None, (*findings, *sorted(others, key=finding_order)))

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
        if self._owns_process:
            collect_rarely()
        bound = connections_within_limit(self.parallelism, raises=self._owns_process)
        with DtClient(url, credentials, clock=self.clock, read_only=read_only, parallelism=bound) as client:
            yield client
            log.info("requests: %s", ", ".join(f"{number} {call}" for call, number in client.requests().items()))

    def store(self, publisher_id: str | None) -> "Store":
        """Ledger, journal and lock of a publisher's account: the project's files, or the database of the environment.

        Without a publisher the files are read whosever they are. Raises `ProjectError` for a name that is no store's,
        and `StoreError` where the database's library is missing.
        """
        from reconciler.store.files import FileStore  # noqa: PLC0415 - not needed without an account
        from reconciler.store.postgres import SCHEMES, open_store  # noqa: PLC0415

        url = self.environment.secret("RECONCILER_STORE")
        if url is None:
            account = None if publisher_id is None else self.account(publisher_id)
            return FileStore(self.root, self.clock, account=account)
        if not url.reveal().startswith(SCHEMES):
            raise ProjectError(
                "RECONCILER_STORE names no store that there is",
                hint="postgresql://USER:PASSWORD@HOST/DATABASE; unset, the store is files in the project",
            )
        return open_store(url, publisher_id or self.settings().publisher_id, self.api(), self.clock)

    def account(self, publisher_id: str) -> "AccountId":
        """Whose ledger and journal belong to this run. Raises `ProjectError` for a URL that cannot be used."""
        from reconciler.model.ledger import AccountId  # noqa: PLC0415 - as above

        return AccountId.of(publisher_id, self.api())

    def api(self) -> str:
        """Scheme, host and port of the Management API, in one spelling."""
        from reconciler.dt.origin import origin  # noqa: PLC0415 - as above

        return origin(self.environment.management_url).url

    def price_evidence(self) -> "Records":
        """What spoke for the floors that were written from suggestions; empty where none were. Raises `UnfitFile`."""
        from reconciler.floors.record import RECORD_NAME, records_from_text  # noqa: PLC0415 - for plans only

        try:
            return records_from_text(disk.read(self.root, RECORD_NAME).decode())
        except (OSError, UnicodeDecodeError):
            return {}

    def origin(self, desired: DesiredState) -> "Origin":
        """What a plan made now is made from and for."""
        from reconciler.plan.plan import Origin  # noqa: PLC0415 - as above

        return Origin(__version__, self._now(), desired.publisher_id, self.api(), desired.digest)

    def stamp(self, origin: "Origin") -> "Origin":
        """The same origin for a plan that is made now."""
        return replace(origin, tool=__version__, created_at=self._now())

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")

    def warn_of_empty_account(self, ledger: "Ledger", live: "LiveState") -> None:
        """Warn where the account shows no app at all although the ledger knows resources of it."""
        if ledger and not live.apps:
            self.warn(NOTHING_LIVE)


NOTHING_LIVE: Final = "the account shows no app at all: if there should be some, check publisherId and the credentials"


def _refuse_placeholder(publisher_id: str) -> None:
    """Raise `ProjectError` for an id that is no publisher's: no account is asked with it."""
    from reconciler.manifest.outline import WHERE_PUBLISHERS_ARE, is_no_publisher  # noqa: PLC0415 - as above

    if is_no_publisher(publisher_id):
        told = f'publisherId "{publisher_id}" in reconciler.yaml is no publisher\'s: fill in yours [unknown-publisher]'
        raise ProjectError(told, hint=WHERE_PUBLISHERS_ARE)
