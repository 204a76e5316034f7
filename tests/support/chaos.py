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
from typing import Any, Final

from support.fake_clock import FakeClock
from support.fake_gateway import Echoed, FakeGateway, Lost, OldId, Silent, Trouble
from support.habits import CUT, DASHES, ESCAPED, LOWER, TRIMMED, Habits, Keeps, adds, drops, rounded

from reconciler.errors import ApiError, StoreError, UnreadableAnswer
from reconciler.model.address import Address, Kind
from reconciler.model.journal import Intent, StepResult
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import LiveResource
from reconciler.model.value import Fields
from reconciler.ports import Accepted, Answer, NotSent, Rejected, RunStore
from reconciler.store.files import FileStore

CALL_SECONDS = 0.05
SETTLE_SECONDS = 30.0
LONGEST_LAG = 2 * SETTLE_SECONDS
LATEST = 25.0
"""Seconds within which each new resource shows in lists where each has a lag of its own: less than a settle time."""


class Killed(BaseException):
    """The process is gone. Nothing that comes after this in the program has happened."""


@dataclass
class Odds:
    """How likely each thing is at each chance it has, 0..1. `latest_commit` is in seconds: how late a lost create is
    done at most."""

    fault: float = 0.0
    omission: float = 0.0
    console: float = 0.0
    death: float = 0.0
    lost_store: float = 0.0
    late: float = 0.0
    old_id: float = 0.0
    echo: float = 0.0
    late_commit: float = 0.0
    latest_commit: float = 0.0


@dataclass(frozen=True)
class World:
    """How an account behaves from first to last, so that all that lags is over in time for those who wait for it.

    A create that is done late shows within the settle time all the same; one that is done at once, within twice that.
    `jitter`: each new resource has a lag of its own, up to `LATEST`.
    """

    habits: Habits
    latest_commit: float = 0.0
    jitter: float = 0.0

    @property
    def lags(self) -> bool:
        return self.habits.longest_lag > 0 or self.jitter > 0


KEPT_OTHERWISE: tuple[Keeps, ...] = (
    LOWER, TRIMMED, CUT, DASHES, ESCAPED, rounded("1"), drops("US"), adds("DE", "0.3"),
)  # fmt: skip


def some_world(chance: Random) -> World:
    """Lag, values kept otherwise, duplicates removed: some of it, or nothing."""
    kept: dict[str, Any] = {}
    if chance.random() < 0.3:
        kept = {"keeps": chance.choice(KEPT_OTHERWISE), "echoes_normalised": chance.random() < 0.3}
    if chance.random() < 0.05:
        kept["old_ids"] = "dedup"
    behind = chance.choice([(0.0,), (0.0, chance.uniform(0, 12), chance.uniform(0, 12))])
    turn = chance.random()
    if turn < 0.35:
        return World(Habits(**kept), latest_commit=SETTLE_SECONDS - 1)
    if turn < 0.5:
        return World(Habits(**kept), jitter=0.7)
    if turn < 0.65:
        habits = Habits(replicas=behind, seed=chance.random(), find_lag=chance.uniform(0, LATEST), **kept)
        return World(habits, latest_commit=SETTLE_SECONDS - 1 - max(behind))
    lags = {
        "list_lag": chance.uniform(0, LONGEST_LAG),
        "find_lag": chance.choice([0, chance.uniform(0, LONGEST_LAG)]),
        "update_lag": chance.choice([0, chance.uniform(0, 12)]),
    }
    return World(Habits(replicas=behind, seed=chance.random(), **lags, **kept))


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
    """A `Gateway` that fails by chance. `known` are the ids that lists may leave out without being believed.

    `shown` holds the ids that each list showed when it was last read, by app (the list of apps by the empty id).
    `updated` and `deleted` are the ids that were asked for, `old_ids` how many creates were answered with an old one.
    """

    def __init__(self, account: FakeGateway, fate: Fate, console: "Console") -> None:
        self.account = account
        self.known: frozenset[str] = frozenset()
        self.deleted: list[str] = []
        self.updated: list[str] = []
        self.shown: dict[str, frozenset[str]] = {}
        self.old_ids = 0
        self.calls = 0
        self._fate = fate
        self._console = console
        self._visible: dict[str, float] = {}

    def apps(self) -> tuple[LiveResource, ...]:
        with self._call():
            self._fail_read()
            return self._as_listed("", self.account.apps())

    def placements(self, app_id: str, *, expected: bool, blocks: Any = None) -> tuple[LiveResource, ...]:  # noqa: ARG002 - it compares nothing
        with self._call():
            self._fail_read()
            return self._as_listed(app_id, self.account.placements(app_id, expected=expected))

    def find(self, kind: Kind, resource_id: str) -> LiveResource | None:
        with self._call():
            self._fail_read()
            return self.account.find(kind, resource_id)

    def create(self, kind: Kind, fields: Fields, *, app_id: str | None) -> Answer:
        with self._call():
            before = self._ids()
            self._script_create(kind)
            answer = self.account.create(kind, fields, app_id=app_id)
            for made in self._ids() - before:
                if self._fate.strikes(self._fate.odds.late):
                    self._visible[made] = self._fate.clock.monotonic() + self._fate.chance.uniform(0, LATEST)
            return answer

    def update(self, before: LiveResource, fields: Fields) -> Answer:
        with self._call():
            self.updated.append(before.id)
            if self._fate.strikes(self._fate.odds.echo):
                self.account.script("update", Echoed())
            else:
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

    def _script_create(self, kind: Kind) -> None:
        """What is peculiar to creates: an old id is answered, or it is done late; else what strikes any write."""
        fate, chance = self._fate, self._fate.chance
        there = sorted((each.id for each in self._everything() if each.kind == kind), key=int)
        if there and fate.strikes(fate.odds.old_id):
            self.old_ids += 1
            newest = chance.random() < 0.3
            old = there[-1] if newest else chance.choice(there)
            self.account.script("create", OldId(old, made=chance.random() < 0.6, said=chance.random() < 0.5))
        elif fate.strikes(fate.odds.late_commit):
            self.account.script("create", Lost(committed=True, late=chance.uniform(0.1, fate.odds.latest_commit)))
        else:
            redirect = Lost(chance.random() < 0.5, "HTTP 303: see elsewhere")
            conflict = Lost(chance.random() < 0.5, "HTTP 409: a conflict")
            self._script("create", Silent(), redirect, conflict)

    def _script(self, operation: Any, *more: Trouble) -> None:
        if not self._fate.strikes(self._fate.odds.fault):
            return
        troubles: list[Trouble] = [
            Lost(committed=True), Lost(committed=True), Lost(committed=False), Lost(committed=False),
            Rejected(409, "no"), NotSent("no connection"), *more,
        ]  # fmt: skip
        self.account.script(operation, self._fate.chance.choice(troubles))

    def _as_listed(self, home: str, resources: Sequence[LiveResource]) -> tuple[LiveResource, ...]:
        now = self._fate.clock.monotonic()
        shown = [each for each in resources if self._visible.get(each.id, 0) <= now]
        if self._fate.strikes(self._fate.odds.omission):
            shown = [each for each in shown if each.id not in self.known or self._fate.strikes(0.5)]
        self.shown[home] = frozenset(each.id for each in shown)
        return tuple(shown)

    def _ids(self) -> set[str]:
        return {each.id for each in self._everything()}

    def _everything(self) -> Iterator[LiveResource]:
        state = self.account.state()
        yield from state.apps
        for placements in state.placements.values():
            yield from placements


@dataclass
class Console:
    """Somebody at work in the console.

    `touched`: ids of this run; `edits`: what they set, by id; `made`: theirs, as they were made; `gone`: ids.
    """

    touched: set[str] = field(default_factory=set)
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: list[LiveResource] = field(default_factory=list)
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
            assert isinstance(made, Accepted)
            stored = account.resource(str(made.id))
            assert stored is not None
            self.made.append(stored)
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


KEY: Final = b"the same for every folder that a killed run is copied to"
"""What journals are sealed with: a copy stands for the folder itself."""


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

    def end(self, ended: StepResult) -> None:
        with self._line():
            self._run.end(ended)

    def remember(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        with self._line():
            self._run.remember(entries, forget)

    def record_observation(self, event: Mapping[str, Any]) -> None:
        with self._line():
            self._run.record_observation(event)

    @contextmanager
    def _line(self) -> Iterator[None]:
        self._fate.point()
        if self._fate.strikes(self._fate.odds.lost_store):
            raise StoreError("the disk is full")
        yield
        self._fate.point()
