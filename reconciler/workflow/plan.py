"""Make plans and audits from declared, live and recorded state, and plan anew. Imports nothing that writes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from reconciler.diff.change import AllInSync, Blocked, Contradiction, Create, Verdict, one_by_one
from reconciler.diff.changes import owned_count, select, summed_verdicts_on, verdicts_on
from reconciler.diff.context import DiffOptions, DriftRule, context_of
from reconciler.diff.removals import lost_notes
from reconciler.errors import WrongAccount
from reconciler.model.address import Address, address_order, app_of, kind_of, selector
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits
from reconciler.model.journal import NO_CREATES, PastCreates, past_creates, seconds_to_settle
from reconciler.model.ledger import Ledger
from reconciler.model.state import DesiredState, LiveState
from reconciler.plan.plan import Plan, PlanOrigin, build
from reconciler.plan.revalidate import CurrentState
from reconciler.ports import Clock, LedgerReader, LiveReader
from reconciler.workflow.observe import Observation, check_ledger, observe, observe_plan_targets
from reconciler.workflow.selection import Selection, nothing_selected

if TYPE_CHECKING:
    from reconciler.diff.audit import Audit


def make_plan(
    desired: DesiredState,
    reader: LiveReader,
    ledger: Ledger,
    origin: PlanOrigin,
    selection: Selection,
    past_of: Callable[[], PastCreates] = PastCreates,
) -> tuple[Plan, LiveState]:
    """Read the account, and say what an apply would do. Writes nothing.

    `past_of` gives what the journal says of creates; it is asked only where something would be made, or is missing.
    Raises `ApiError` for what cannot be read, and `ProjectError` for a selection that nothing matches.
    """
    wanted = selector(selection.only)
    observation = observe(desired, reader, ledger, selection, compared=True)
    options = options_of(desired, observation, origin, selection.habits)
    options = replace(options, recreate=selection.recreate)
    if selection.overwrite_drift and options.drift.on_drift == "hold":
        options = replace(options, drift=DriftRule("warn"))
    elif selection.hold_conflicts:
        options = replace(options, drift=replace(options.drift, holds_conflicts=True))
    verdicts = summed_verdicts_on(desired, observation.live, ledger, options)
    _check_contradictions(verdicts)
    if not {Create, Blocked}.isdisjoint(map(type, verdicts)):
        past = past_of()
        if not selection.recreate:
            check_ledger(desired, observation.live, ledger, past)
        if past.unclear or past.made:
            verdicts = summed_verdicts_on(desired, observation.live, ledger, replace(options, past=past))
    chosen = select(one_by_one(verdicts), wanted) if selection.only else verdicts
    if selection.only and not chosen:
        raise nothing_selected(selection)
    lost = (note for note in lost_notes(observation.live, ledger, selection.habits) if wanted(note.address))
    return build([*chosen, *lost], owned_count(verdicts), origin), observation.live


def _check_contradictions(verdicts: Iterable[Verdict | AllInSync]) -> None:
    """Raise `WrongAccount` where the ledger contradicts the account."""
    contradictions = [each for each in verdicts if isinstance(each, Contradiction)]
    contradictions.sort(key=lambda each: address_order(each.address))
    if contradictions:
        lines = "\n".join(f"{each.address}: {each.reason}" for each in contradictions[:MOST_TOLD])
        more = f"\nand {len(contradictions) - MOST_TOLD} more" if len(contradictions) > MOST_TOLD else ""
        raise WrongAccount(
            f"the ledger contradicts the account:\n{lines}{more}",
            hint="nothing was written; a ledger that was copied from another project or account does not belong here",
        )


MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class PlanningContext:
    """The reader, the ledger, and what the journal says of creates (`past`) and updates that a plan is made with."""

    reader: LiveReader
    ledger: Ledger
    past: PastCreates = NO_CREATES
    habits: AccountHabits = UNKNOWN_HABITS


def replan(
    plan: Plan, desired: DesiredState, context: PlanningContext, origin: PlanOrigin, parallelism: int
) -> CurrentState:
    """Plan again for an earlier plan: read again what it depends on, and compare.

    Raises `ApiError` for what cannot be read or believed.
    """
    observation = observe_plan_targets(plan, desired, context.reader, context.ledger, parallelism)
    options = options_of(desired, observation, origin, context.habits)
    options = replace(options, recreate=True, past=context.past)
    protected = {app.address for app in desired.apps if app.lifecycle.protect}
    blocks = (block for app in desired.apps for block in app.placements or ())
    protected |= {block.address for block in blocks if block.lifecycle.protect}
    verdicts = verdicts_on(desired, observation.live, context.ledger, options)
    _check_contradictions(verdicts)
    fresh = build(verdicts, owned_count(verdicts), origin)
    return CurrentState(observation.live, context.ledger, fresh, frozenset(protected))


def options_of(
    desired: DesiredState, observation: Observation, origin: PlanOrigin, habits: AccountHabits
) -> DiffOptions:
    """The options of a comparison: time, limits of the project, and what of the observation is doubtful."""
    now, safety = datetime.fromisoformat(origin.created_at), desired.safety
    return DiffOptions(
        now,
        safety.quarantine_days,
        observation.doubtful,
        settle_seconds=safety.settle_seconds,
        drift=DriftRule(safety.on_drift),
        unread=desired.unread,
        habits=habits,
    )


FIRST_PAUSE: Final = 2.0
"""Seconds until an account is read again for what an earlier run may have made; each further pause is twice as long."""


def make_settled_plan(
    read_plan: Callable[[], tuple[Plan, LiveState]],
    context: PlanningContext,
    settle_seconds: float,
    clock: Clock,
    tell: Callable[[str], None],
) -> tuple[Plan, LiveState]:
    """A plan that does not repeat a create of an earlier run whose result may still appear.

    `read_plan` reads the account and plans. While the plan holds such a create the account is read again, until it
    shows the resource or the time is over; `tell` gets a message about the wait.
    """
    pause = FIRST_PAUSE
    plan, live = read_plan()
    seconds_left = _seconds_to_look(plan, context, clock.now(), settle_seconds)
    over = clock.monotonic() + seconds_left
    if seconds_left > 0:
        tell(
            f"looking for what an earlier run may have created and the account does not show, "
            f"for {seconds_left:.0f} s at most"
        )
    while any(_repeated_creates(plan, context)) and (seconds_left := over - clock.monotonic()) > 0:
        clock.sleep(min(pause, seconds_left))
        pause *= 2
        plan, live = read_plan()
    return plan, live


def _repeated_creates(plan: Plan, context: PlanningContext) -> Iterator[tuple[Address, datetime | None]]:
    """What the plan creates although an earlier run has sent it, and when that made it (None: nobody knows whether)."""
    for each in plan.changes:
        if isinstance(each, Create):
            entry = context.ledger.get(each.address)
            created_at = None if entry is None else context.past.made.get((entry.kind, entry.id))
            if created_at is not None or each.address in context.past.unclear:
                yield each.address, created_at


def _seconds_to_look(plan: Plan, context: PlanningContext, now: datetime, settle_seconds: float) -> float:
    """How long until all that a plan creates anew had its time to appear."""
    repeated = list(_repeated_creates(plan, context))
    unclear = (address for address, created_at in repeated if created_at is None)
    settle = timedelta(seconds=context.past.settle_seconds(settle_seconds))
    seconds = (
        min(created_at + settle - now, settle).total_seconds() for _, created_at in repeated if created_at is not None
    )
    return max(0.0, seconds_to_settle(unclear, context.past, now, settle_seconds), *seconds)


def make_audit(
    desired: DesiredState,
    reader: LiveReader,
    ledger: Ledger,
    origin: PlanOrigin,
    selection: Selection,
    past_of: Callable[[], PastCreates] = PastCreates,
) -> "Audit":
    """Read the account, and say what in it is not as it was last applied. Writes nothing.

    `past_of` gives what the journal says of creates; it is asked only where something is missing.
    Raises `ApiError` for what cannot be read, and `ProjectError` for a selection that nothing matches.
    """
    from reconciler.diff.classes import audit_account  # noqa: PLC0415 - plans, which are asked for more often, have none

    owned = frozenset(app_of(address) for address in ledger if kind_of(address) == "placement")
    observation = observe(desired, reader, ledger, selection, owned)
    options = options_of(desired, observation, origin, selection.habits)

    def audit_with(options: DiffOptions) -> "Audit":
        context = context_of(desired, observation.live, ledger, options)
        return audit_account(context, origin.created_at, origin.publisher_id, origin.api, selector(selection.only))

    audit = audit_with(options)
    if any(item.of == "missing" for item in audit.items):
        audit = audit_with(replace(options, past=past_of()))
    if selection.only and not audit.items:
        raise nothing_selected(selection)
    wanted = selector(selection.only)
    lost = (note for note in lost_notes(observation.live, ledger, selection.habits) if wanted(note.address))
    return replace(audit, notes=(*audit.notes, *lost))


def wait_to_settle(store: LedgerReader, clock: Clock, settle_seconds: float, plan: Plan | None = None) -> PastCreates:
    """Wait until what earlier runs may have created has had its time to appear in the account's lists.

    With a plan: only for what that would create. Returns the creates in the journal.
    """
    past = past_creates(store.events())
    creates = (change.address for change in plan.changes if isinstance(change, Create)) if plan else past.unclear
    seconds = seconds_to_settle(creates, past, clock.now(), settle_seconds)
    if seconds > 0:
        clock.sleep(seconds)
    return past
