"""Read an account while its manifests are still being read: the list of apps, and those of apps whose blocks are known.

Nothing is concluded from these answers, and no error of theirs is raised, before somebody asks for them as of a
`LiveReader`. So findings on manifests come first, whatever the account says.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Protocol, TypeAlias, TypeVar

from reconciler.diff.resolve import Key, app_identity, app_key
from reconciler.model.address import Kind
from reconciler.model.state import DesiredApp, DesiredPlacement, LiveResource
from reconciler.ports import LiveReader

Answer = TypeVar("Answer")
Blocks: TypeAlias = Sequence[DesiredPlacement]
Listed: TypeAlias = Sequence[LiveResource]


class EarlyReader(LiveReader, Protocol):
    """A reader that can be asked for a list and go on to the next before the answer is read."""

    def ask(self, app_id: str, *, expected: bool, blocks: Blocks | None = None) -> Callable[[], Listed]:
        """Ask for the placements of an app, and return what reads the answer; it gives or raises as `placements`."""
        ...


class Prefetch:
    """A `LiveReader` over another one, which has asked already for some of what is wanted of it.

    An answer that was asked for ahead is given once; whoever asks again gets a new one. `close` waits for nothing:
    `then` is called when no call is under way any more.
    """

    def __init__(self, reader: EarlyReader, parallelism: int, then: Callable[[], object]) -> None:
        self._reader = reader
        self._workers = _Workers(parallelism, then)
        self._lock = Lock()
        self._expected: list[DesiredApp] = []
        self._known: _KnownApps | None = None
        self._lists: dict[str, tuple[Blocks | None, Future[Callable[[], Listed]]]] = {}
        self._apps: Future[tuple[LiveResource, ...]] | None = self._workers.submit(self._read_apps)

    def expect(self, apps: Iterable[DesiredApp]) -> None:
        """Ask for the lists of these apps as soon as the list of apps is there, if their blocks declare placements."""
        with self._lock:
            if self._known is None:
                self._expected += apps
            else:
                self._ask_ahead(apps, self._known)

    def close(self) -> None:
        """Leave what has not begun."""
        self._workers.close()

    def apps(self) -> tuple[LiveResource, ...]:
        """As of the reader."""
        asked, self._apps = self._apps, None
        return self._reader.apps() if asked is None else asked.result()

    def placements(self, app_id: str, *, expected: bool, blocks: Blocks | None = None) -> Sequence[LiveResource]:
        """As of the reader."""
        return self.ask(app_id, expected=expected, blocks=blocks)()

    def find(self, kind: Kind, resource_id: str) -> LiveResource | None:
        """As of the reader."""
        return self._reader.find(kind, resource_id)

    def ask(self, app_id: str, *, expected: bool, blocks: Blocks | None = None) -> Callable[[], Sequence[LiveResource]]:
        """Ask for a list, if nobody has, and return what waits for it and gives it or raises as the reader does."""
        with self._lock:
            known, asked = self._lists.pop(app_id, (None, None))
        if asked is None or known is not blocks:
            asked = self._workers.submit(partial(self._reader.ask, app_id, expected=expected, blocks=blocks))
            return partial(_read, asked)
        if not expected:
            return partial(_read, asked)
        return partial(_believed, asked, partial(self._reader.placements, app_id, expected=expected, blocks=blocks))

    def _read_apps(self) -> tuple[LiveResource, ...]:
        apps = self._reader.apps()
        with self._lock:
            self._known = _KnownApps(apps)
            self._ask_ahead(self._expected, self._known)
        return apps

    def _ask_ahead(self, apps: Iterable[DesiredApp], known: "_KnownApps") -> None:
        for app in apps:
            app_id = known.id_of(app) if app.placements is not None or app.state == "absent" else None
            if app_id is not None and app_id not in self._lists:
                blocks = app.placements or None
                ask = partial(self._reader.ask, app_id, expected=False, blocks=blocks)
                self._lists[app_id] = blocks, self._workers.submit(ask)


def _read(asked: Future[Callable[[], Listed]]) -> Listed:
    return asked.result()()


def _believed(asked: Future[Callable[[], Listed]], again: Callable[[], Listed]) -> Listed:
    """The list asked for; where it is empty although some are expected, what a reading that knows this makes of it."""
    return _read(asked) or again()


class _KnownApps:
    """The live apps by what a block may say of them."""

    def __init__(self, apps: Iterable[LiveResource]) -> None:
        self._ids: set[str] = set()
        self._by_key: dict[Key, list[str]] = {}
        for app in apps:
            self._ids.add(app.id)
            self._by_key.setdefault(app_key(app), []).append(app.id)

    def id_of(self, app: DesiredApp) -> str | None:
        """The live app of a block, by its pin or as the only one of its identity; None where that is not plain."""
        if app.pin is not None:
            return app.pin if app.pin in self._ids else None
        ids = self._by_key.get(app_identity(app).key, [])
        return ids[0] if len(ids) == 1 else None


class _Workers:
    """Threads that nothing waits for at the end of a process: an answer that never comes keeps nobody."""

    def __init__(self, most: int, then: Callable[[], object]) -> None:
        self._most, self._then = most, then
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = Lock()
        self._threads = self._busy = 0
        self._closed = False

    def submit(self, function: Callable[[], Answer]) -> "Future[Answer]":
        """The function's answer, or what it raises, once a thread has called it."""
        future: Future[Answer] = Future()
        with self._lock:
            if self._threads < self._most:
                self._threads += 1
                Thread(target=self._work, name="read", daemon=True).start()
        self._tasks.put(partial(_carry_out, function, future))
        return future

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            was_closed, self._closed = self._closed, True
            is_idle = not self._busy
        for _ in range(self._threads):
            self._tasks.put(None)
        if is_idle and not was_closed:
            self._then()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            with self._lock:
                if self._closed:
                    return
                self._busy += 1
            task()
            with self._lock:
                self._busy -= 1
                is_last = self._closed and not self._busy
            if is_last:
                self._then()


def _carry_out(function: Callable[[], Answer], future: "Future[Answer]") -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is asked for
        future.set_exception(error)
