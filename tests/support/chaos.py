"""A world in which anything may go wrong: calls fail, lists lie, somebody works in the console, the process dies.

Everything that happens is drawn from one `Random`, so that a seed is a history. It happens at the ports: around a
`FakeGateway`, and around the store on files.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import RLock
from typing import Any

from support.fake_clock import FakeClock
from support.fake_gateway import FakeGateway, Lost, Silent, Trouble

from reconciler.errors import ApiError, StoreError, UnreadableAnswer
from reconciler.model.address import Address, Kind
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Ended, Intent
from reconciler.model.value import Fields
from reconciler.ports import Answer, NotSent, Rejected, RunStore
from reconciler.store.files import FileStore

CALL_SECONDS = 0.05
LATEST = 4.0
"""Seconds within which a new resource shows in lists; the settle time of a run must be longer."""


class Killed(BaseException):
    """The process is gone. Nothing that comes after this in the program has happened."""


@dataclass
class Odds:
    """How likely each thing is at each chance it has, 0..1."""

    fault: float = 0.0
    omission: float = 0.0
    console: float = 0.0
    death: float = 0.0
    lost_store: float = 0.0
    late: float = 0.0


class Fate:
    """What happens next. `died_at` is set by a death: to a copy of the store's folder as a killed process leaves it."""

    def __init__(self, seed: object, clock: FakeClock) -> None:
        self.chance = Random(str(seed))
        self.odds = Odds()
        self.clock = clock
        self.lock = RLock()
        self.dead = False
        self.root: Path | None = None
        self.died_at: Path | None = None
        self.deaths = 0

    def strikes(self, odds: float) -> bool:
        """Whether something of these odds happens now."""
        return odds > 0 and self.chance.random() < odds

    def point(self) -> None:
        """A moment at which the process may die. Once it is dead, it gets no further anywhere."""
        with self.lock:
            if not self.dead and self.strikes(self.odds.death):
                self.dead = True
                self.deaths += 1
                self._leave_behind()
            if self.dead:
                raise Killed

    def _leave_behind(self) -> None:
        if self.root is None:
            return
        copy = self.root.with_name(f"{self.root.name}x")
        shutil.copytree(self.root, copy)
        journal = copy / ".reconciler" / "journal.jsonl"
        if journal.exists() and self.strikes(0.3):
            with journal.open("ab") as file:
                file.write(b'{"address":"android:com.a/north","event":"int')
        self.died_at = copy


KEY = b"of a machine on which copies of a folder stand for what a killed process leaves behind"[:64]


class ChaoticGateway:
    """A `Gateway` that fails by chance. `known` are the ids that lists may leave out without being believed."""

    def __init__(self, account: FakeGateway, fate: Fate, console: "Console") -> None:
        self.account = account
        self.known: frozenset[str] = frozenset()
        self.deleted: list[str] = []
        self.calls = 0
        self._fate = fate
        self._console = console
        self._visible: dict[str, float] = {}

    def apps(self) -> tuple[LiveResource, ...]:
        with self._call():
            self._fail_read()
            return self._as_listed(self.account.apps())

    def placements(self, app_id: str, *, expected: bool) -> tuple[LiveResource, ...]:
        with self._call():
            self._fail_read()
            return self._as_listed(self.account.placements(app_id, expected=expected))

    def find(self, kind: Kind, resource_id: str) -> LiveResource | None:
        with self._call():
            self._fail_read()
            return self.account.find(kind, resource_id)

    def create(self, kind: Kind, fields: Fields, *, app_id: str | None) -> Answer:
        with self._call():
            before = self._ids()
            self._script("create", Silent())
            answer = self.account.create(kind, fields, app_id=app_id)
            for made in self._ids() - before:
                if self._fate.strikes(self._fate.odds.late):
                    self._visible[made] = self._fate.clock.monotonic() + self._fate.chance.uniform(0, LATEST)
            return answer

    def update(self, before: LiveResource, fields: Fields) -> Answer:
        with self._call():
            self._script("update", Silent())
            return self.account.update(before, fields)

    def delete(self, kind: Kind, resource_id: str) -> Answer:
        with self._call():
            self.deleted.append(resource_id)
            self._script("delete")
            return self.account.delete(kind, resource_id)

    @contextmanager
    def _call(self) -> Iterator[None]:
        """One call: it takes time, somebody may be at work meanwhile, and the process may die before or after it."""
        with self._fate.lock:
            self._fate.point()
            self.calls += 1
            self._fate.clock.advance(seconds=CALL_SECONDS)
            if self._fate.strikes(self._fate.odds.console):
                self._console.work(self.account, self._fate.chance)
            yield
            self._fate.point()

    def _fail_read(self) -> None:
        if self._fate.strikes(self._fate.odds.fault):
            raise self._fate.chance.choice([ApiError("HTTP 503"), UnreadableAnswer("an HTML page")])

    def _script(self, operation: Any, *more: Trouble) -> None:
        if not self._fate.strikes(self._fate.odds.fault):
            return
        troubles: list[Trouble] = [
            Lost(committed=True), Lost(committed=True), Lost(committed=False), Lost(committed=False),
            Rejected(409, "no"), NotSent("no connection"), *more,
        ]  # fmt: skip
        self.account.script(operation, self._fate.chance.choice(troubles))

    def _as_listed(self, resources: Sequence[LiveResource]) -> tuple[LiveResource, ...]:
        now = self._fate.clock.monotonic()
        shown = [each for each in resources if self._visible.get(each.id, 0) <= now]
        if self._fate.strikes(self._fate.odds.omission):
            shown = [each for each in shown if each.id not in self.known or self._fate.strikes(0.5)]
        return tuple(shown)

    def _ids(self) -> set[str]:
        state = self.account.state()
        return {each.id for each in state.apps} | {each.id for kept in state.placements.values() for each in kept}


@dataclass
class Console:
    """Somebody at work in the console. `touched`: ids of this run; `edits`: what they set, by id; `made` and `gone`."""

    touched: set[str] = field(default_factory=set)
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def work(self, account: FakeGateway, chance: Random) -> None:
        """One change to a random resource: mostly a field, at times a placement of their own, seldom a removal."""
        state = account.state()
        placements = [each for kept in state.placements.values() for each in kept]
        if not placements:
            return
        target = chance.choice(placements)
        turn = chance.random()
        if turn < 0.05:
            account.remove(target.id)
            self.gone.add(target.id)
            self.touched.add(target.id)
        elif turn < 0.15 and target.app_id is not None:
            name = f"their_own_{len(self.made)}"
            made = account.create(
                "placement", {"name": name, "placementType": "MREC", "coppa": False}, app_id=target.app_id
            )
            assert isinstance(made.id, str)
            self.made.add(made.id)
        else:
            edit = chance.choice([
                {"skipability": chance.choice(["NonSkippable", "Skippable"])},
                {"pacing": {"value": chance.randint(1, 9), "unit": "hour"}},
                {"status": chance.choice(["active", "inactive"])},
                {"capping": None},
            ])  # fmt: skip
            account.meddle(target.id, **edit)
            self.edits.setdefault(target.id, {}).update(edit)
            self.touched.add(target.id)


class ChaoticStore:
    """The store on files, in a process that may die at every line it writes."""

    def __init__(self, root: Path, fate: Fate) -> None:
        self._store = FileStore(root, fate.clock, key=KEY)
        self._fate = fate
        fate.root, fate.died_at, fate.dead = root, None, False

    def ledger(self) -> Ledger:
        return self._store.ledger()

    def events(self) -> Iterator[Mapping[str, Any]]:
        return self._store.events()

    @contextmanager
    def run(self, who: Mapping[str, str]) -> Iterator["_Run"]:
        with self._store.run(who) as run:
            self._fate.point()
            yield _Run(run, self._fate)
            self._fate.point()


class _Run:
    def __init__(self, run: RunStore, fate: Fate) -> None:
        self._run = run
        self._fate = fate
        self.run_id = run.run_id

    def intend(self, intent: Intent) -> None:
        with self._line():
            self._run.intend(intent)

    def end(self, ended: Ended) -> None:
        with self._line():
            self._run.end(ended)

    def remember(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        with self._line():
            self._run.remember(entries, forget)

    @contextmanager
    def _line(self) -> Iterator[None]:
        self._fate.point()
        if self._fate.strikes(self._fate.odds.lost_store):
            raise StoreError("the disk is full")
        yield
        self._fate.point()
