"""From a plan to results, and to the plan that would undo them."""

from dataclasses import dataclass, field

from reconciler.apply.context import Apps, CancellationToken, ExecutionContext, LiveIndex
from reconciler.apply.executor import Execution, execute
from reconciler.diff.change import Create
from reconciler.model.journal import PastCreates, past_creates, seconds_to_settle
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.plan.plan import Origin, Plan
from reconciler.plan.undo import undo_plan
from reconciler.ports import Clock, Gateway, LedgerReader, Listener, RunStore


def let_settle(store: LedgerReader, clock: Clock, settle_seconds: float, plan: Plan | None = None) -> PastCreates:
    """Wait until what earlier runs may have created had its time to appear in the account's lists.

    With a plan: only for what that would create. Returns what the journal says of creates.
    """
    past = past_creates(store.events())
    creates = (change.address for change in plan.changes if isinstance(change, Create)) if plan else past.unclear
    seconds = seconds_to_settle(creates, past, clock.now(), settle_seconds)
    if seconds > 0:
        clock.sleep(seconds)
    return past


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a plan is carried out: how many steps side by side, and how long a doubtful create may take to appear.

    `brake` is there to be pulled by whoever is asked to stop.
    """

    clock: Clock
    listener: Listener
    parallelism: int = 8
    settle_seconds: float = 30
    brake: CancellationToken = field(default_factory=CancellationToken)


def carry_out_plan(
    plan: Plan, live: LiveState, gateway: Gateway, store: RunStore, ledger: Ledger, conditions: Conditions
) -> Execution:
    """Bring the ledger up to what was seen, and carry out every change that is not blocked."""
    if plan.remember or plan.forget:
        store.remember(plan.remember, plan.forget)
    known = {**ledger, **{entry.address: entry for entry in plan.remember}}
    brake, settle_seconds = conditions.brake, conditions.settle_seconds
    site = ExecutionContext(
        gateway, store, conditions.clock, LiveIndex.of(live, known), known, Apps(), brake, settle_seconds
    )
    return execute(plan, site, conditions.listener, conditions.parallelism)


@dataclass(frozen=True, slots=True)
class Before:
    """How the account and the ledger were before a run."""

    live: LiveState
    ledger: Ledger


def undo_of(plan: Plan, execution: Execution, after: LiveState, before: Before, origin: Origin) -> Plan:
    """The plan that would undo an execution, bound to the account as it was read at the end of it."""
    return undo_plan(plan, execution.results, before.live.by_id(), after.by_id(), before.ledger, origin)
