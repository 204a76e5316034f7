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
class ApplyRequest:
    """A plan, the account and the ledger that it was made on, and where it is carried out.

    `run` holds the lock. `settle_seconds`: how long a doubtful create may take to appear. Whoever is asked to stop
    cancels `cancellation`.
    """

    plan: Plan
    live: LiveState
    ledger: Ledger
    gateway: Gateway
    run: RunStore
    settle_seconds: float = 30
    cancellation: CancellationToken = field(default_factory=CancellationToken)


def carry_out_plan(request: ApplyRequest, clock: Clock, listener: Listener, parallelism: int = 8) -> Execution:
    """Bring the ledger up to what was seen, and carry out every change that is not blocked.

    So many steps side by side at most.
    """
    plan, run = request.plan, request.run
    if plan.remember or plan.forget:
        run.remember(plan.remember, plan.forget)
    known = {**request.ledger, **{entry.address: entry for entry in plan.remember}}
    context = ExecutionContext(
        request.gateway,
        run,
        clock,
        LiveIndex.of(request.live, known),
        known,
        Apps(),
        request.cancellation,
        request.settle_seconds,
    )
    return execute(plan, context, listener, parallelism)


def undo_of(request: ApplyRequest, execution: Execution, after: LiveState, origin: Origin) -> Plan:
    """The plan that would undo an execution, bound to the account as it was read at the end of it."""
    return undo_plan(request.plan, execution.results, request.live.by_id(), after.by_id(), request.ledger, origin)
