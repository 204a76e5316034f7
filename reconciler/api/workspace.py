"""The workspace of an operation: settings, manifests with the load cache, API clients, the store and the observer."""

import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from reconciler import __version__
from reconciler.api.environment import (
    MANAGEMENT_KEYS,
    Environment,
    SystemClock,
    collector_paused,
    connections_within_limit,
)
from reconciler.api.results import Notice, Observer
from reconciler.api.unread_files import find_doubts
from reconciler.api.worker_process import Functions, ThisProcess, Worker, WorkerPool
from reconciler.errors import InvalidManifests, ProjectError
from reconciler.files import disk
from reconciler.files.project import SETTINGS_NAME, STATE_FOLDER, ProjectFiles, find_manifests, search_manifests
from reconciler.manifest.assemble import Loaded
from reconciler.manifest.cached_load import (
    ManifestCache,
    NullCache,
    ReadElsewhere,
    bytes_reader,
    load_desired_cached,
    load_settings_cached,
)
from reconciler.manifest.project_settings import (
    WHERE_PUBLISHERS_ARE,
    ProjectSettings,
    is_no_publisher,
    lacks_publisher_alone,
)
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.model.state import DesiredApp, DesiredState
from reconciler.store.seal import Cache
from reconciler.yaml.scalar import ManifestText

if TYPE_CHECKING:
    from reconciler.apis.management.gateway import AskJudge, DtClient, DtGateway, DtReader
    from reconciler.floors.current_floors import EvidenceRecords
    from reconciler.manifest.settings import Settings
    from reconciler.model.ledger import AccountId, Ledger
    from reconciler.model.state import LiveState
    from reconciler.plan.plan import PlanOrigin
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


class LoadListener(Protocol):
    """Is told what is known while manifests are read, before it is known whether all of them are sound."""

    def functions(self, settings: ProjectSettings) -> "Functions":
        """What it asks a worker of."""

    def settings_read(self, settings: ProjectSettings, worker: "Worker") -> None:
        """The settings are sound, and this worker can be asked. It is the listener's to close."""

    def apps_read(self, apps: Sequence[DesiredApp]) -> None:
        """These are the apps of a file without errors."""


class Workspace:
    """What operations need of the world. The settings are read once; manifests, ledger and account when asked for.

    Without `files` there is no project: its settings are empty, and what is kept lies in a folder of the user's.
    """

    def __init__(self, files: ProjectFiles | None, options: WorkspaceOptions) -> None:
        self.is_project = files is not None
        self._files = files
        self.settings_text = ManifestText(SETTINGS_NAME, b"") if files is None else files.settings
        self.environment = options.environment
        self.observer = options.observer
        self.clock = options.clock
        self.parallelism = options.parallelism
        self.owns_process = options.owns_process
        self._parsed: tuple[Settings | None, tuple[Finding, ...]] | None = None

    @property
    def root(self) -> Path:
        """The project's folder; without one the user's own. Raises `ProjectError` where there is neither."""
        return self.environment.user_folder() if self._files is None else self._files.root

    @property
    def state_folder(self) -> Path:
        """The folder of what is kept between runs. Raises as `root`."""
        return self.root / STATE_FOLDER if self.is_project else self.root

    def use_settings(self, text: ManifestText) -> None:
        """Go on with these settings, as they are or will be in the file."""
        self.settings_text, self._parsed = text, None

    def warn(self, message: str) -> None:
        """Pass a warning to the observer."""
        self.observer.notice(Notice(message, "warning"))

    def inform(self, message: str) -> None:
        """Pass a notice to the observer."""
        self.observer.notice(Notice(message))

    def settings(self) -> "Settings":
        """The project's settings. Raises `InvalidManifests`."""
        settings, findings = self._read_settings(self.settings_text)
        if settings is None or not settings.sound:
            raise InvalidManifests(findings)
        return settings

    def publisher_if_known(self) -> str | None:
        """Whose account it is; None outside of a project, and where the settings say only that not.

        Raises `InvalidManifests` for settings with other errors.
        """
        if not self.is_project or lacks_publisher_alone(self._read_settings(self.settings_text)[1]):
            return None
        publisher_id = self.settings().publisher_id
        return None if is_no_publisher(publisher_id) else publisher_id

    def _read_settings(self, text: ManifestText) -> "tuple[Settings | None, tuple[Finding, ...]]":
        """`load_settings`, once for each project."""
        if self._parsed is None:
            from reconciler.manifest.settings import load_settings  # noqa: PLC0415 - pydantic and YAML cost 0.2 s

            self._parsed = load_settings(text)
        return self._parsed

    def validate(self) -> Loaded:
        """The manifests with all findings, and no state where there are errors. Updates the load cache."""
        cache = self.cache()
        loaded = self._load_cached(cache)
        cache.save()
        return loaded

    def load(self, *, remember: bool = True, listener: "LoadListener | None" = None) -> tuple[Loaded, DesiredState]:
        """What the manifests declare, and the findings, which are warnings and go to the observer.

        What an earlier load has read is not read again; `remember` lets later ones know of this one. Where the cache
        has a key of its own, as in CI, they always do. Raises `InvalidManifests`, and then nothing was written.
        """
        cache = self.cache(keeps=remember)
        loaded = self._load_cached(cache, listener)
        if loaded.state is None:
            raise InvalidManifests(loaded.findings)
        self.observer.findings(loaded.findings)
        cache.save()
        return loaded, loaded.state

    def desired(self, *, remember: bool = True) -> DesiredState:
        """The declared state, as by `load`, without the findings."""
        return self.load(remember=remember)[1]

    def cache(self, *, keeps: bool = True) -> Cache | NullCache:
        """What earlier loads have read. One that has a key of its own always keeps what this one reads."""
        if not self.environment.wants_cache:
            return NullCache()
        key = self.environment.cache_key()
        return Cache(self.root / STATE_FOLDER / "cache", key, keeps=keeps or key is not None)

    def _load_cached(self, cache: ManifestCache, listener: "LoadListener | None" = None) -> Loaded:
        settings, findings = load_settings_cached(self.settings_text, cache, self._read_settings)
        if settings is None:
            return self._without_settings(findings)
        files, search = ProjectFiles(self.root, self.settings_text), search_manifests(self.root, settings.manifests)
        listener = listener if settings.sound else None
        worker: Worker | None = None
        if listener is not None:
            functions = {READ: bytes_reader(self.settings_text, self._read_settings), **listener.functions(settings)}
            worker = self._worker(functions, len(search), cache)
            listener.settings_read(settings, worker)  # after which there may be threads
        manifests = search.read()
        doubts = find_doubts(files, manifests, settings.manifests, self.environment.variables)
        with collector_paused(), ExitStack() as stack:
            loaded = load_desired_cached(
                settings,
                self.settings_text,
                manifests.texts,
                cache,
                self._read_settings,
                seen=(lambda _: None) if listener is None else listener.apps_read,
                start=partial(self._elsewhere, worker, stack),
            )
            if self.owns_process:
                gc.freeze()  # what is declared lives to the end: the collector need not walk it again and again
        ordered = sorted((*manifests.findings, *loaded.findings, *doubts), key=finding_order)
        state = None if manifests.findings else loaded.state
        if state is not None and doubts:
            first = doubts[0]
            state = replace(state, unread=f"{first.file}:{first.line}: {first.message}")
        return Loaded(state, (*findings, *ordered))

    def _elsewhere(
        self, worker: "Worker | None", stack: ExitStack, cold: Sequence[ManifestText]
    ) -> ReadElsewhere | None:
        """What has manifests read in other processes: the worker, or others that end with the stack."""
        if worker is None and self.owns_process and sum(len(text.data) for text in cold) >= BYTES_FOR_WORKERS:
            read = bytes_reader(self.settings_text, self._read_settings)
            worker = WorkerPool.fork({READ: read}, MOST_WORKERS) if len(cold) > 1 else None
            if worker is not None:
                stack.callback(worker.close)
        if not isinstance(worker, WorkerPool):
            return None
        ask = worker.ask
        return lambda text: ask(READ, text.file.encode(), text.data)

    def _worker(self, functions: Functions, files: int, cache: ManifestCache) -> Worker:
        """What answers by these functions: one process, or as many as there are CPUs where most is to be read anew."""
        if not self.owns_process or files < MANIFESTS_FOR_A_WORKER:
            return ThisProcess(functions)
        is_known = self._parsed is None and len(cache) > files // 2  # settings that are recalled are of this very build
        return WorkerPool.fork(functions, 1 if is_known else MOST_WORKERS) or ThisProcess(functions)

    def _without_settings(self, findings: Sequence[Finding]) -> Loaded:
        from reconciler.manifest.load import findings_without_settings  # noqa: PLC0415 - as for the settings
        from reconciler.manifest.settings_models import USUAL_MANIFESTS  # noqa: PLC0415

        usual = find_manifests(self.root, USUAL_MANIFESTS)
        rest_findings = (*usual.findings, *findings_without_settings(self.settings_text, usual.texts))
        return Loaded(None, (*findings, *sorted(rest_findings, key=finding_order)))

    @contextmanager
    def gateway(self, publisher_id: str) -> Iterator["DtGateway"]:
        """The Management API, until the context is left. Raises `CredentialsError` without credentials."""
        from reconciler.apis.management.gateway import DtGateway  # noqa: PLC0415 - httpx costs 0.15 s, and validate needs none

        _refuse_placeholder(publisher_id)
        with self._client() as client:
            yield DtGateway(client, publisher_id)

    @contextmanager
    def reader(self, publisher_id: str | None, ask_judge: "AskJudge | None" = None) -> Iterator["DtReader"]:
        """The same over a transport that lets nothing but reads and the call for a token out.

        Without a publisher it reads single resources and the placements of an app, whosever they are. `ask_judge` asks
        another process to compare lists with manifests.
        """
        from reconciler.apis.management.gateway import DtReader  # noqa: PLC0415 - as above

        if publisher_id is not None:
            _refuse_placeholder(publisher_id)
        with self._client(read_only=True) as client:
            yield DtReader(client, publisher_id, ask_judge)

    @contextmanager
    def _client(self, *, read_only: bool = False) -> Iterator["DtClient"]:
        from reconciler.apis.management.gateway import DtClient  # noqa: PLC0415

        credentials = self.environment.credentials(MANAGEMENT_KEYS)
        url = self.environment.management_url
        bound = connections_within_limit(self.parallelism, raises=self.owns_process)
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
        from reconciler.apis.management.origin import origin  # noqa: PLC0415 - as above

        return origin(self.environment.management_url).url

    def price_evidence(self) -> "EvidenceRecords":
        """What spoke for the floors that were written from suggestions; empty where none were. Raises `UnfitFile`."""
        from reconciler.floors.current_floors import RECORD_NAME, records_from_text  # noqa: PLC0415 - for plans only

        try:
            return records_from_text(disk.read(self.root, RECORD_NAME).decode())
        except (OSError, UnicodeDecodeError):
            return {}

    def origin(self, desired: DesiredState) -> "PlanOrigin":
        """What a plan made now is made from and for."""
        from reconciler.plan.plan import PlanOrigin  # noqa: PLC0415 - as above

        return PlanOrigin(__version__, self._now(), desired.publisher_id, self.api(), desired.digest)

    def stamp(self, origin: "PlanOrigin") -> "PlanOrigin":
        """The same origin for a plan that is made now."""
        return replace(origin, tool=__version__, created_at=self._now())

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")

    def warn_of_empty_account(self, ledger: "Ledger", live: "LiveState") -> None:
        """Warn where the account shows no app at all although the ledger knows resources of it."""
        if ledger and not live.apps:
            self.warn(NOTHING_LIVE)


READ: Final = "r"
"""What a worker that reads manifests is asked."""
MANIFESTS_FOR_A_WORKER: Final = 20
"""Manifests; a process takes some milliseconds to begin."""
BYTES_FOR_WORKERS: Final = 200_000
"""Bytes of manifests to be read anew."""
MOST_WORKERS: Final = 4

NOTHING_LIVE: Final = "the account shows no app at all: if there should be some, check publisherId and the credentials"


def _refuse_placeholder(publisher_id: str) -> None:
    """Raise `ProjectError` for an id that is no publisher's: no account is asked with it."""
    if is_no_publisher(publisher_id):
        message = (
            f'publisherId "{publisher_id}" in reconciler.yaml is no publisher\'s: fill in yours [unknown-publisher]'
        )
        raise ProjectError(message, hint=WHERE_PUBLISHERS_ARE)
