"""Carry out a plan, and make the plan that would undo it.

Apart from the making of plans, which must not wait for what only writes take.
"""

from dataclasses import dataclass, field

from reconciler.apply.context import Apps, CancellationToken, ExecutionContext, LiveIndex, UpdateModes
from reconciler.apply.executor import Execution, execute
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits
from reconciler.model.ledger import Ledger
from reconciler.model.state import LiveState
from reconciler.plan.aftermath import undo_plan
from reconciler.plan.plan import Plan, PlanOrigin
from reconciler.ports import Clock, Gateway, Listener, RunStore


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """A plan, the account and the ledger that it was made on, and where it is carried out.

    `run` holds the lock. `settle_seconds`: how long a doubtful create may take to appear. Whoever is asked to stop
    cancels `cancellation`. `habits`: what is known of how the account takes updates.
    """

    plan: Plan
    live: LiveState
    ledger: Ledger
    gateway: Gateway
    run: RunStore
    settle_seconds: float = 30
    cancellation: CancellationToken = field(default_factory=CancellationToken)
    habits: AccountHabits = UNKNOWN_HABITS


def carry_out_plan(request: ApplyRequest, clock: Clock, listener: Listener, parallelism: int = 8) -> Execution:
    """Update the ledger with what was observed, and carry out every change that is not blocked.

    At most `parallelism` steps run at once.
    """
    plan, run = request.plan, request.run
    if plan.remember or plan.forget:
        run.remember(plan.remember, plan.forget)
    ledger = {**request.ledger, **{entry.address: entry for entry in plan.remember}}
    context = ExecutionContext(
        request.gateway,
        run,
        clock,
        LiveIndex.of(request.live, ledger),
        ledger,
        Apps(),
        request.cancellation,
        request.settle_seconds,
        updates=UpdateModes(request.habits),
    )
    return execute(plan, context, listener, parallelism)


def make_undo_plan(request: ApplyRequest, execution: Execution, after: LiveState, origin: PlanOrigin) -> Plan:
    """The plan that would undo an execution, bound to the account as it was read at the end of it."""
    return undo_plan(request.plan, execution.results, request.live.by_id(), after.by_id(), request.ledger, origin)
