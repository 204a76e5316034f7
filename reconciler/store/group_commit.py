"""Group commit: threads that wait for the disk at the same time share one sync, and none waits for two."""

from collections.abc import Callable
from threading import Lock


class _Turn:
    """One thread's wait. `leads`: whoever led before has left it to sync, for itself and for whoever waits by then."""

    __slots__ = ("error", "leads", "over")

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.leads = False
        self.over = Lock()
        self.over.acquire()


class GroupCommit:
    """Calls `sync` for many threads at once, one call at a time.

    The first who comes leads. Whoever comes while a sync is under way, which may have begun too early for what they
    wrote, waits for the next one; the first of them leads that. So each thread is woken once, where threads that queue
    for a lock around the sync would be woken one after the other.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._lock = Lock()
        self._is_under_way = False
        self._waiting: list[_Turn] = []

    def wait(self) -> None:
        """Return when a sync has ended that began after this was called. Raises the `OSError` that it ended with."""
        turn = _Turn()
        with self._lock:
            self._waiting.append(turn)
            is_first, self._is_under_way = not self._is_under_way, True
        # Decided under the lock: the leader may make this turn the next one's leader before the line below is reached.
        if not is_first:
            turn.over.acquire()
        if is_first or turn.leads:
            self._lead()
        if turn.error is not None:
            raise turn.error

    def _lead(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting, []
        error: OSError | None = OSError("it was broken off")
        try:
            self._sync()
            error = None
        except OSError as wrong:
            error = wrong
        finally:
            with self._lock:
                heir = self._waiting[0] if self._waiting else None
                self._is_under_way = heir is not None
            if heir is not None:
                heir.leads = True
                heir.over.release()
            for turn in group:
                turn.error = error
                turn.over.release()
