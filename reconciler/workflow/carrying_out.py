"""From a plan to results, and to the plan that would undo them."""

from dataclasses import dataclass, field

from reconciler.apply.executor import Execution, execute
from reconciler.apply.settling import seconds_to_settle
from reconciler.apply.site import Apps, Brake, Seen, Site
from reconciler.diff.change import Blocked
from reconciler.model.address import app_of
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.plan.plan import Origin, Plan
from reconciler.plan.undo import undo_plan
from reconciler.ports import Clock, Gateway, LedgerReader, Listener, LiveReader, RunStore
from reconciler.workflow.observing import read_lists


def let_settle(store: LedgerReader, clock: Clock, settle_seconds: float) -> None:
    """Wait until what a broken-off run may have created had its time to appear in the account's lists."""
    seconds = seconds_to_settle(store.events(), clock.now(), settle_seconds)
    if seconds > 0:
        clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a plan is carried out: how many steps side by side, and how long a doubtful create may take to appear.

    `brake` is there to be pulled by whoever is asked to stop.
    """

    clock: Clock
    listener: Listener
    parallelism: int = 8
    settle_seconds: float = 5
    brake: Brake = field(default_factory=Brake)


def carry_out_plan(
    plan: Plan, live: LiveState, gateway: Gateway, store: RunStore, ledger: Ledger, conditions: Conditions
) -> Execution:
    """Bring the ledger up to what was seen, and carry out every change that is not blocked."""
    if plan.remember or plan.forget:
        store.remember(plan.remember, plan.forget)
    known = {**ledger, **{entry.address: entry for entry in plan.remember}}
    brake, settle_seconds = conditions.brake, conditions.settle_seconds
    site = Site(gateway, store, conditions.clock, Seen.of(live), known, Apps(), brake, settle_seconds)
    return execute(plan, site, conditions.listener, conditions.parallelism)


@dataclass(frozen=True, slots=True)
class Before:
    """How the account and the ledger were before a run."""

    live: LiveState
    ledger: Ledger


def undo_of(
    plan: Plan, execution: Execution, before: Before, reader: LiveReader, origin: Origin, parallelism: int
) -> Plan:
    """The plan that would undo an execution, bound to the account as it is now: reads the apps it touched again.

    Raises `ApiError` where the account cannot be read.
    """
    touched = [change for change in plan.changes if not isinstance(change, Blocked)]
    made = {each.address: each.id for each in execution.results if each.action == "create" and each.id is not None}
    homes = {(change.app_id or made.get(app_of(change.address))): app_of(change.address) for change in touched}
    to_read = {app_id: app for app_id, app in homes.items() if app_id is not None}
    after = read_lists(reader.apps(), to_read, reader, {}, parallelism, doubtful=set()).live
    return undo_plan(plan, execution.results, Seen.of(before.live).by_id, Seen.of(after).by_id, before.ledger, origin)
