"""Applies that are killed at a chosen point: `python killer.py URL FOLDER PARALLELISM POINT...`, a process of its own.

A point is a moment before or after a line of the journal, a request, or a file of the store. For each point the account
of that number is applied by a child that kills itself with SIGKILL there, and then by an ordinary run. Prints a line of
JSON for each: the point, whether the child was killed, and the outcomes of the ordinary run. Point 0 kills nobody and
tells how many points there are.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.builders import origin
from support.histories import Nobody
from support.thirty import Thirty, thirty
from support.wire import KEYS

from reconciler.api.environment import SystemClock
from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.model.journal import past_creates
from reconciler.model.state import LiveState
from reconciler.plan.plan import Plan
from reconciler.ports import Clock
from reconciler.store.files import FileStore
from reconciler.workflow.apply import ApplyRequest, carry_out_plan
from reconciler.workflow.plan import PlanningContext, make_plan, make_settled_plan
from reconciler.workflow.selection import Selection

SETTLE_SECONDS = 0.05


class HurriedClock(SystemClock):
    """A clock on which a second passes between any two looks, so that the ledger is written after every step."""

    def __init__(self) -> None:
        self._looks = 0

    def monotonic(self) -> float:
        self._looks += 1
        return float(self._looks)


class LaterClock(SystemClock):
    """A clock that is two minutes ahead, when all that an earlier run created had its time to appear."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=2)


class Points:
    """Counts the moments at which the process may be killed, and kills it at one of them."""

    def __init__(self, fatal: int) -> None:
        self.passed = 0
        self._fatal = fatal
        self._lock = Lock()

    def point(self) -> None:
        with self._lock:
            self.passed += 1
            if self.passed == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(self) -> Iterator[None]:
        """One moment before, one after."""
        self.point()
        yield
        self.point()

    def wrapped(self, port: Any) -> "Wrapped":
        """A port with a moment before and after each of its calls."""
        return Wrapped(port, self)

    def watch(self, folder: Path) -> None:
        """Count the opening and the renaming of files in a folder, too."""
        begins = str(folder)

        def heard(event: str, arguments: tuple[Any, ...]) -> None:
            if event in {"open", "os.rename"} and str(arguments[0]).startswith(begins):
                self.point()

        sys.addaudithook(heard)


class Wrapped:
    """Any port; every call passes two points."""

    def __init__(self, port: Any, points: Points) -> None:
        self._port = port
        self._points = points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def called(*arguments: Any, **named: Any) -> Any:
            with self._points.around():
                return found(*arguments, **named)

        return called


def applied(case: Thirty, url: str, root: Path, parallelism: int, points: Points, clock: Clock) -> dict[str, str]:
    """Plan and carry out, as the command does; outcomes by address."""
    store = FileStore(root, HurriedClock())
    with DtClient(url, KEYS, clock=clock) as client, store.run({}) as run:
        gateway = points.wrapped(DtGateway(client, case.publisher))
        ledger, past = store.ledger(), past_creates(store.events())
        chosen = Selection(parallelism=parallelism)

        def read_plan() -> tuple[Plan, LiveState]:
            made_at = origin(clock.now().isoformat(timespec="seconds"))
            return make_plan(case.desired, gateway, ledger, made_at, chosen, lambda: past)

        ground = PlanningContext(gateway, ledger, past)
        plan, live = make_settled_plan(read_plan, ground, SETTLE_SECONDS, clock, str)
        request = ApplyRequest(plan, live, ledger, gateway, points.wrapped(run), SETTLE_SECONDS)
        execution = carry_out_plan(request, clock, Nobody(), parallelism)
    return {str(each.address): each.outcome for each in execution.results}


def killed(case: Thirty, url: str, root: Path, parallelism: int, fatal: int) -> tuple[bool, int]:
    """Apply in a child that may kill itself: whether it did, and how many points it passed where it did not."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        points = Points(fatal)
        points.watch(root)
        applied(case, url, root, parallelism, points, SystemClock())
        os.write(writes, str(points.passed).encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as told:
        passed = told.read()
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, int(passed or 0)


def main() -> None:
    url, folder, parallelism = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    for point in map(int, sys.argv[4:]):
        case, root = thirty(point), folder / str(point)
        case.write_ledger(root)
        died, passed = killed(case, url, root, parallelism, point)
        outcomes = applied(case, url, root, parallelism, Points(0), LaterClock())
        sys.stdout.write(json.dumps({"point": point, "died": died, "passed": passed, "outcomes": outcomes}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
