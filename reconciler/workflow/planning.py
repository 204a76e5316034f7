"""From the states to a plan."""

from datetime import datetime

from reconciler.diff.block import View
from reconciler.diff.reconcile import owned_count, verdicts_on
from reconciler.diff.verdict import collect, select
from reconciler.model.desired import DesiredState
from reconciler.model.glob import selector
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.plan.plan import Origin, Plan, build
from reconciler.ports import LiveReader
from reconciler.workflow.observing import Selection, nothing_selected, observe


def make_plan(
    desired: DesiredState, reader: LiveReader, ledger: Ledger, origin: Origin, selection: Selection
) -> tuple[Plan, LiveState]:
    """Read the account, and say what an apply would do. Writes nothing.

    Raises `ApiError` for what cannot be read, and `ProjectError` for a selection that nothing matches.
    """
    wanted = selector(selection.only)
    observation = observe(desired, reader, ledger, selection)
    view = View(
        datetime.fromisoformat(origin.created_at),
        desired.safety.quarantine_days,
        observation.doubtful,
        selection.recreate,
    )
    verdicts = list(verdicts_on(desired, observation.live, ledger, view))
    chosen = select(verdicts, wanted)
    if selection.only and not chosen:
        raise nothing_selected(selection)
    return build(collect(chosen, owned_count(verdicts)), origin), observation.live
