"""A plan carried out against fakes: what was called, what was recorded, what came of each step."""

from collections.abc import Mapping
from threading import Lock

from support.builders import ledger_of, plan_for
from support.fake_clock import FakeClock
from support.fake_gateway import NOTHING, PLAIN, FakeGateway, Habits
from support.fake_store import FakeStore

from reconciler.apply.context import (
    Apps,
    CancellationToken,
    CreatedResources,
    ExecutionContext,
    LiveIndex,
    UpdateModes,
)
from reconciler.apply.executor import Execution, execute
from reconciler.model.address import Address
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits
from reconciler.model.journal import Result
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import DesiredApp, LiveState
from reconciler.plan.plan import Plan


class Ears:
    """A `Listener` that remembers. `calls` is how many there were when the last step ended."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.calls = 0
        self._gateway = gateway
        self.steps = 0
        self.results: list[Result] = []
        self._lock = Lock()

    def planned(self, steps: int) -> None:
        self.steps = steps

    def begun(self, step: object) -> None: ...

    def ended(self, result: Result) -> None:
        assert self._lock.acquire(blocking=False), "one call at a time"
        self.results.append(result)
        self.calls = len(self._gateway.calls)
        self._lock.release()


class Scene:
    """An account, a ledger and a run. `execution` and `plan` are those of the last `apply`."""

    def __init__(
        self,
        live: LiveState = NOTHING,
        *entries: LedgerEntry,
        habits: Habits = PLAIN,
        gateway: type[FakeGateway] = FakeGateway,
        store: FakeStore | None = None,
        updates: AccountHabits = UNKNOWN_HABITS,
    ) -> None:
        self.live = live
        self.ledger = ledger_of(*entries)
        self.clock = FakeClock()
        self.gateway = gateway(live, habits, self.clock)
        self.store = store or FakeStore(entries)
        self.ears = Ears(self.gateway)
        self.cancellation = CancellationToken()
        self.created = CreatedResources()
        self.updates = UpdateModes(updates)
        self.plan: Plan
        self.execution: Execution

    def planned(self, *apps: DesiredApp) -> Plan:
        """The plan that the blocks lead to."""
        self.plan = plan_for(apps, self.live, self.ledger)
        return self.plan

    def apply(self, *apps: DesiredApp, parallelism: int = 1) -> Mapping[Address, Result]:
        """Plan for the blocks, and carry it out."""
        return self.carry_out(self.planned(*apps), parallelism)

    def carry_out(self, plan: Plan, parallelism: int = 1) -> Mapping[Address, Result]:
        """Carry out a plan. Results by address."""
        site = ExecutionContext(
            self.gateway,
            self.store,
            self.clock,
            LiveIndex.of(self.live, self.ledger),
            self.ledger,
            Apps(),
            self.cancellation,
            settle_seconds=30,
            created=self.created,
            updates=self.updates,
        )
        self.execution = execute(plan, site, self.ears, parallelism)
        return {result.address: result for result in self.execution.results}

    def steps(self) -> list[str]:
        """The calls of the last plan's steps, without those of the reading after the run."""
        return [call.operation for call in self.gateway.calls[: self.ears.calls]]
