"""From the states to a plan."""

from datetime import datetime

from reconciler.diff.block import View
from reconciler.diff.reconcile import owned_count, verdicts_on
from reconciler.diff.verdict import Verdict, collect, select
from reconciler.model.desired import DesiredState
from reconciler.model.glob import selector
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.plan.plan import Origin, Plan, build
from reconciler.plan.revalidate import Now
from reconciler.ports import LiveReader
from reconciler.workflow.observing import Observation, Selection, nothing_selected, observe, observe_ground


def make_plan(
    desired: DesiredState, reader: LiveReader, ledger: Ledger, origin: Origin, selection: Selection
) -> tuple[Plan, LiveState]:
    """Read the account, and say what an apply would do. Writes nothing.

    Raises `ApiError` for what cannot be read, and `ProjectError` for a selection that nothing matches.
    """
    wanted = selector(selection.only)
    observation = observe(desired, reader, ledger, selection)
    verdicts = _verdicts(desired, observation, ledger, origin, recreate=selection.recreate)
    chosen = select(verdicts, wanted)
    if selection.only and not chosen:
        raise nothing_selected(selection)
    return build(collect(chosen, owned_count(verdicts)), origin), observation.live


def plan_anew(
    plan: Plan, desired: DesiredState, reader: LiveReader, ledger: Ledger, origin: Origin, parallelism: int
) -> Now:
    """How things stand for a plan that was made before: what it rests on is read again, and planned anew.

    Raises `ApiError` for what cannot be read or believed.
    """
    observation = observe_ground(plan, desired, reader, ledger, parallelism)
    verdicts = _verdicts(desired, observation, ledger, origin, recreate=True)
    protected = {app.address for app in desired.apps if app.lifecycle.protect}
    blocks = (block for app in desired.apps for block in app.placements or ())
    protected |= {block.address for block in blocks if block.lifecycle.protect}
    fresh = build(collect(verdicts, owned_count(verdicts)), origin)
    return Now(observation.live, ledger, fresh, frozenset(protected))


def _verdicts(
    desired: DesiredState, observation: Observation, ledger: Ledger, origin: Origin, *, recreate: bool
) -> list[Verdict]:
    now = datetime.fromisoformat(origin.created_at)
    view = View(now, desired.safety.quarantine_days, observation.doubtful, recreate)
    return list(verdicts_on(desired, observation.live, ledger, view))
