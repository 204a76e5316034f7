"""An account that outlives its killers: a sandbox in this process, and applies that are killed in another."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.thirty import STEPS, as_declared, thirty
from support.wire import Wire, twins

from reconciler.api.environment import SystemClock
from reconciler.sandbox.server import seed_resources
from reconciler.store.files import FileStore

KILLER = Path(__file__).with_name("killer.py")


class Kills:
    """Kills applies of thirty steps, each in an account of its own."""

    def __init__(self, wire: Wire, folder: Path) -> None:
        self._wire = wire
        self._folder = folder
        self._wire.holds()

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator["Kills"]:
        """A sandbox for them, until the context is left."""
        with Wire.running() as wire:
            yield cls(wire, folder)

    def points(self, parallelism: int) -> int:
        """How many points an undisturbed apply passes."""
        (told,) = self._run(parallelism, [0])
        assert told["died"] is False
        assert told["outcomes"] == {}, "a second run after an undisturbed one has nothing to do"
        journal = (self._folder / "0" / ".reconciler" / "journal.jsonl").read_text().splitlines()
        ended = [line for line in journal if '"event":"ended"' in line]
        assert len(ended) == STEPS
        return int(told["passed"])

    def at(self, parallelism: int, points: Iterable[int]) -> list[int]:
        """Kill an apply at each of the points; those that were reached. Raises AssertionError where a law is broken."""
        reached = []
        for told in self._run(parallelism, list(points)):
            assert told["died"] or told["passed"], f"the apply that was to be killed at {told['point']} failed"
            self._mended(told)
            if told["died"]:
                reached.append(told["point"])
        return reached

    def _run(self, parallelism: int, points: list[int]) -> Iterator[dict[str, Any]]:
        for point in points:
            case = thirty(point)
            seed_resources(self._wire.account, case.resources, publisher_id=case.publisher)
        called = [sys.executable, str(KILLER), self._wire.sandbox.url, str(self._folder), str(parallelism)]
        with subprocess.Popen([*called, *map(str, points)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                yield json.loads(line)
        assert process.returncode == 0

    def _mended(self, told: dict[str, Any]) -> None:
        point = told["point"]
        case = thirty(point)
        publishers = {each.id: str(each.fields["publisherId"]) for each in self._wire.account.apps()}
        live = case.of(self._wire.truth(), publishers)
        assert set(told["outcomes"].values()) <= {"applied"}, (point, told["outcomes"])
        assert twins(live) == [], point
        ledger = FileStore(self._folder / str(point), SystemClock()).ledger()
        assert not (wrong := as_declared(case, live, ledger)), (point, wrong)
        assert [path.name for path in (self._folder / str(point)).glob(".*.tmp")] == [], point
