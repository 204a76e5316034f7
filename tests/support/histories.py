"""Random histories of an account: runs under chaos, then quiet ones; and what must hold at the end of each.

A history is its seed. `play` raises `Broken`, which names the seed, where something does not hold.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from support.builders import desired_app, desired_placement, desired_state, entry, live_app, live_placement, origin
from support.chaos import ChaoticGateway, ChaoticStore, Console, Fate, Killed, Odds
from support.fake_clock import START, FakeClock
from support.fake_gateway import FakeGateway

from reconciler.apply.executor import Execution
from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.errors import ReconcilerError
from reconciler.model.desired import DesiredApp, DesiredPlacement, DesiredState, Safety
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import LiveResource, LiveState, live_app_address
from reconciler.model.outcome import Result
from reconciler.plan.plan import Plan
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text
from reconciler.workflow.carrying_out import Conditions, carry_out_plan, let_settle
from reconciler.workflow.observing import Selection
from reconciler.workflow.planning import make_plan

SETTLE_SECONDS = 5.0
NAMES = ("north", "lagoon", "quartz", "blimp", "xylo")
TYPES = ("Interstitial", "Rewarded", "Banner")
LONG_AGO, LATELY = ((START - timedelta(days=days)).isoformat(timespec="seconds") for days in (30, 3))
QUIET_RUNS = 3


class Broken(AssertionError):
    """A law that did not hold."""


class Nobody:
    """A `Listener` that does not listen."""

    def planned(self, steps: int) -> None:
        pass

    def ended(self, result: Result) -> None:
        pass


@dataclass
class Tally:
    """What histories came to, in numbers."""

    histories: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    def add(self, other: "Tally") -> None:
        """Count another tally in."""
        self.histories += other.histories
        self.runs.update(other.runs)
        self.outcomes.update(other.outcomes)
        self.calls += other.calls


@dataclass
class Draft:
    """An account and its manifests in the making."""

    chance: Random
    last_id: int = 0
    live: list[LiveResource] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)

    def id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def likely(self, odds: float) -> bool:
        return self.chance.random() < odds


def scratch() -> Path:
    """Where stores live: in memory where the machine has such a place, as every line of a journal is synced."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else Path(tempfile.gettempdir())


def some_fields(chance: Random) -> dict[str, Any]:
    """Fields that a placement may declare or show."""
    fields: dict[str, Any] = {"floorPrices": {"US": chance.choice([1, 2.5, 4]), "WW": chance.choice([0.01, 0.5])}}
    if chance.random() < 0.4:
        fields["capping"] = chance.choice([None, {"value": chance.randint(1, 5), "unit": "day"}])
    if chance.random() < 0.3:
        fields["status"] = chance.choice(["active", "inactive"])
    if chance.random() < 0.3:
        fields["coppa"] = chance.choice([True, False])
    return fields


def some_app(draft: Draft, bundle: str) -> DesiredApp:
    """An app block with placements; some of it live, some of it known, beside things that are neither."""
    chance = draft.chance
    app = desired_app(bundle=bundle, name=bundle.upper(), prune=chance.choice(["report", "deactivate", "delete"]))
    app_id = draft.id() if draft.likely(0.75) else None
    if app_id is not None:
        url = {"rewardedAdUrl": "https://example.com/a"} if draft.likely(0.5) else {}
        draft.live.append(live_app(app_id, bundle=bundle, name=bundle.upper(), **url))
        if draft.likely(0.7):
            draft.entries.append(entry(app, app_id))
    names = chance.sample(NAMES, chance.randint(1, len(NAMES)))
    blocks = [some_placement(draft, app, app_id, name) for name in names]
    if app_id is not None:
        leftovers(draft, app, app_id)
    if app_id is not None and draft.likely(0.12):
        return on_its_way_out(draft, app, app_id)
    return replace(
        app,
        placements=tuple(blocks),
        fields={**app.fields, "rewardedAdUrl": chance.choice(["https://example.com/a", "https://example.com/b"])},
    )


def on_its_way_out(draft: Draft, app: DesiredApp, app_id: str) -> DesiredApp:
    """The block as a tombstone; the app has been inactive for long enough to be deleted."""
    draft.live = [
        live_app(app_id, bundle=str(app.fields["bundle"]), status="inactive") if each.id == app_id else each
        for each in draft.live
    ]
    draft.entries = [each for each in draft.entries if each.id != app_id]
    draft.entries.append(entry(app, app_id, inactive_since=LONG_AGO))
    return replace(app, state="absent", placements=None)


def some_placement(draft: Draft, app: DesiredApp, app_id: str | None, name: str) -> DesiredPlacement:
    chance = draft.chance
    declared = {"placementType": chance.choice(TYPES), "coppa": False, **some_fields(chance)}
    gone = draft.likely(0.12)
    block = desired_placement(name, app=app.address, state="absent" if gone else "present", **declared)
    if app_id is None or draft.likely(0.35):
        if app_id is not None and draft.likely(0.1):
            draft.entries.append(entry(block, draft.id()))
        return block
    shown = declared if draft.likely(0.4) else {**declared, **some_fields(chance)}
    if gone:
        shown = {**shown, "status": chance.choice(["active", "inactive", "inactive"])}
    placement_id = draft.id()
    draft.live.append(live_placement(placement_id, name, app_id=app_id, **shown))
    if draft.likely(0.75):
        since = chance.choice([LONG_AGO, LATELY, None]) if shown.get("status") == "inactive" and gone else None
        draft.entries.append(entry(block, placement_id, inactive_since=since))
    return block


def leftovers(draft: Draft, app: DesiredApp, app_id: str) -> None:
    """What no block names: an orphan (known to the ledger) and a stranger."""
    chance = draft.chance
    if draft.likely(0.3):
        orphan = draft.id()
        status = chance.choice(["active", "inactive"])
        draft.live.append(live_placement(orphan, "waif", app_id=app_id, status=status))
        since = chance.choice([LONG_AGO, None]) if status == "inactive" else None
        block = desired_placement("waif", app=app.address)
        draft.entries.append(entry(block, orphan, orphaned=True, inactive_since=since))
    if draft.likely(0.4):
        stranger = draft.id()
        draft.live.append(live_placement(stranger, "theirs", app_id=app_id, **some_fields(chance)))
        draft.strangers.add(stranger)


class History:
    """One account through its troubles."""

    def __init__(self, seed: object, *, parallelism: int = 1) -> None:
        self.seed = seed
        self.parallelism = parallelism
        self.chance = Random(f"history {seed}")
        self.clock = FakeClock()
        self.fate = Fate(seed, self.clock)
        self.console = Console()
        draft = Draft(self.chance)
        bundles = ["com.a", "com.b"][: self.chance.choice([1, 1, 2])]
        apps = [some_app(draft, bundle) for bundle in bundles]
        if draft.likely(0.3):
            draft.live.append(live_app(draft.id(), bundle="com.stranger"))
            draft.strangers.add(str(draft.last_id))
        self.desired = desired_state(*apps, safety=Safety(settle_seconds=SETTLE_SECONDS))
        self.strangers = draft.strangers
        self.entries = draft.entries
        self.born = {each.id: each for each in draft.live}
        listed = [each for each in draft.live if each.kind == "app"]
        placements = {app.id: tuple(each for each in draft.live if each.app_id == app.id) for app in listed}
        self.account = FakeGateway(LiveState(tuple(listed), placements))
        self.gateway = ChaoticGateway(self.account, self.fate, self.console)
        self.tally = Tally(1)

    def play(self, folder: Path) -> Tally:
        """Live through it in a folder. Raises `Broken`."""
        root = folder / "s"
        root.mkdir()
        (root / LEDGER_NAME).write_text(ledger_text({each.address: each for each in self.entries}))
        for _ in range(self.chance.randint(1, 3)):
            root = self._chaotic_run(root)
        self._come_to_rest(root)
        self.tally.calls = self.gateway.calls
        return self.tally

    def _chaotic_run(self, root: Path) -> Path:
        chance = self.chance
        self.fate.odds = Odds(
            fault=chance.choice([0, 0.1, 0.1, 0.4]),
            omission=chance.choice([0, 0.3]),
            console=chance.choice([0, 0, 0.1]),
            death=chance.choice([0, 0.03, 0.1]),
            lost_store=chance.choice([0, 0, 0.03]),
            late=chance.choice([0, 0.7]),
        )
        try:
            plan, execution = self._run(root, recreate=False)
        except Killed:
            self.tally.runs["killed"] += 1
            root = self.fate.died_at or root
        except ReconcilerError as ended:
            self.tally.runs["failed to plan"] += 1
            self._require("HTTP" in ended.message or "HTML" in ended.message or "disk" in ended.message, ended.message)
        else:
            self.tally.runs["ended"] += 1
            self._exact(plan, execution, quiet=False)
        self._nothing_lost()
        self.clock.advance(seconds=chance.choice([0, 0, 0.5, 60]))
        if chance.random() < 0.1:
            self.clock.advance(days=15)
        if chance.random() < 0.3:
            self.desired = self._moved(self.desired)
        return root

    def _come_to_rest(self, root: Path) -> None:
        late = self.fate.odds.late
        for _ in range(QUIET_RUNS):
            self.fate.odds = Odds(late=late)
            plan, execution = self._run(root, recreate=True)
            self.tally.runs["quiet"] += 1
            self._exact(plan, execution, quiet=True)
            late = 0.0
            self.clock.advance(seconds=SETTLE_SECONDS)
        self.fate.odds = Odds()
        plan, _ = self._run(root, recreate=True)
        left = [change for change in plan.changes if not self._may_stay(change)]
        self._require(not left, f"the plan does not become empty: {left}")
        self._nothing_lost()
        self._converged(root)

    def _run(self, root: Path, *, recreate: bool) -> tuple[Plan, Execution]:
        store = ChaoticStore(root, self.fate)
        self.console.touched.clear()
        self.gateway.deleted.clear()
        with store.run({}) as run:
            let_settle(store, self.clock, SETTLE_SECONDS)
            ledger = store.ledger()
            self.gateway.known = frozenset(each.id for each in ledger.values())
            made_at = origin(self.clock.now().isoformat(timespec="seconds"))
            chosen = Selection(parallelism=self.parallelism, recreate=recreate)
            plan, live = make_plan(self.desired, self.gateway, ledger, made_at, chosen)
            self.planned_deletes = {change.id for change in plan.changes if isinstance(change, Delete)}
            conditions = Conditions(self.clock, Nobody(), self.parallelism, SETTLE_SECONDS)
            return plan, carry_out_plan(plan, live, self.gateway, run, ledger, conditions)

    def _moved(self, desired: DesiredState) -> DesiredState:
        """The manifests after somebody's commit: other floors here and there."""
        chance = self.chance

        def moved(block: DesiredPlacement) -> DesiredPlacement:
            if chance.random() < 0.6:
                return block
            fresh = desired_placement("x", **some_fields(chance)).fields["floorPrices"]
            return replace(block, fields={**block.fields, "floorPrices": fresh})

        return replace(
            desired,
            apps=tuple(
                replace(app, placements=tuple(map(moved, app.placements or ()))) if app.placements else app
                for app in desired.apps
            ),
        )

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}: {what}")

    def _nothing_lost(self) -> None:
        """No twins, nothing deleted that was not planned, strangers as they were."""
        strange = [each for each in self.gateway.deleted if each not in self.planned_deletes]
        self._require(not strange, f"deleted without a plan: {strange}")
        homes = Counter((each.app_id, each.name) for each in self._everything() if each.kind == "placement")
        homes.update((live_app_address(each), "") for each in self._everything() if each.kind == "app")
        twins = [home for home, count in homes.items() if count > 1]
        self._require(not twins, f"twins: {twins}")
        for stranger in (self.strangers | self.console.made) - self.console.gone:
            self._require(self.account.resource(stranger) is not None, f"stranger {stranger} is gone")
        for stranger in self.strangers - self.console.gone:
            wanted = {**self.born[stranger].fields, **self.console.edits.get(stranger, {})}
            shown = self.account.resource(stranger)
            self._require(shown is not None and shown.fields == wanted, f"stranger {stranger} was changed")

    def _everything(self) -> Iterator[LiveResource]:
        state = self.account.state()
        yield from state.apps
        for placements in state.placements.values():
            yield from placements

    def _exact(self, plan: Plan, execution: Execution, *, quiet: bool) -> None:
        """Each outcome is true of the account; a quiet run has no doubtful ones."""
        results = {(each.address, each.action): each for each in execution.results}
        self._require(len(results) == len(plan.changes), "not one result for each change")
        for change in plan.changes:
            if isinstance(change, Blocked):
                continue
            result = next(each for (address, _), each in results.items() if address == change.address)
            self.tally.outcomes[result.outcome] += 1
            if quiet:
                self._require(result.outcome == "applied", f"a quiet run left {result}")
            if result.id not in self.console.touched and getattr(change, "app_id", None) not in self.console.gone:
                self._true(change, result)

    def _true(self, change: Change, result: Result) -> None:
        live = self.account.resource(result.id) if result.id is not None else None
        done = _is_done(change, live)
        if result.outcome == "applied":
            self._require(done, f"{result} is not so: {live}")
        if result.outcome == "failed":
            self._require(not done, f"{result} was done: {live}")
        if result.outcome == "failed" and isinstance(change, Create) and result.id is None:
            names = [each.name for each in self._everything() if each.id not in self.born]
            new = [name for name in names if name == change.send["name"]]
            homes = [each for each in self._everything() if each.name in new and each.app_id == change.app_id]
            self._require(not homes or change.app_id is None, f"{result} was made: {homes}")

    def _may_stay(self, change: Change) -> bool:
        return isinstance(change, Blocked) and ("suspected" in change.reason or "are not ours" in change.reason)

    def _converged(self, root: Path) -> None:
        """Live is as declared, field by field, and the ledger knows every id."""
        ledger = ChaoticStore(root, self.fate).ledger()
        apps = {live_app_address(each): each for each in self._everything() if each.kind == "app"}
        for app in self.desired.apps:
            home = apps.get(app.address)
            if app.state == "absent":
                self._require(home is None or home.fields["status"] == "inactive", f"{app.address} is active")
                continue
            self._require(home is not None, f"{app.address} is not there")
            assert home is not None
            self._as_declared(app, home, ledger)
            named = {each.name: each for each in self._everything() if each.app_id == home.id}
            for block in app.placements or ():
                live = named.get(str(block.fields["name"]))
                if block.state == "absent":
                    self._require(live is None or live.fields["status"] == "inactive", f"{block.address} is active")
                    continue
                self._require(live is not None, f"{block.address} is not there")
                if live is not None and live.fields.get("placementType") == block.fields["placementType"]:
                    self._as_declared(block, live, ledger)

    def _as_declared(self, block: DesiredApp | DesiredPlacement, live: LiveResource, ledger: Any) -> None:
        differ = {name for name, value in block.fields.items() if live.fields.get(name) != value}
        self._require(not differ, f"{block.address} differs in {sorted(differ)}: {live.fields}")
        known = ledger.get(block.address)
        self._require(known is not None and known.id == live.id, f"the ledger has {known} for {live.id}")
        if live.id in self.born:
            touched = self.console.edits.get(live.id, {})
            kept = {**self.born[live.id].fields, **touched}
            moved = {name for name, value in kept.items() if name not in block.fields and live.fields[name] != value}
            self._require(not moved, f"undeclared fields of {block.address} moved: {sorted(moved)}")


def _is_done(change: Change, live: LiveResource | None) -> bool:
    match change:
        case Delete():
            return live is None
        case Deactivate():
            return live is not None and live.fields.get("status") == "inactive"
        case Create() | Update():
            return live is not None and all(live.fields.get(name) == value for name, value in change.send.items())
        case Blocked():
            return False


def play(seed: object, *, parallelism: int = 1) -> Tally:
    """One history from beginning to end. Raises `Broken`."""
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="history-") as folder:
        try:
            return History(seed, parallelism=parallelism).play(Path(folder))
        except Broken:
            raise
        except Exception as bug:
            raise Broken(f"seed {seed}: {type(bug).__name__}: {bug}") from bug
