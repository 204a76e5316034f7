"""From the states to an audit."""

from collections.abc import Callable
from dataclasses import replace

from reconciler.audit.audit import Audit
from reconciler.audit.walk import audited
from reconciler.model.address import app_of, kind_of
from reconciler.model.desired import DesiredState
from reconciler.model.glob import selector
from reconciler.model.journal import PastCreates
from reconciler.model.ledger import Ledger
from reconciler.plan.plan import Origin
from reconciler.ports import LiveReader
from reconciler.workflow.observing import Selection, nothing_selected, observe
from reconciler.workflow.planning import view_of


def take_audit(
    desired: DesiredState,
    reader: LiveReader,
    ledger: Ledger,
    origin: Origin,
    selection: Selection,
    past_of: Callable[[], PastCreates] = PastCreates,
) -> Audit:
    """Read the account, and say what in it is not as it was last applied. Writes nothing.

    `past_of` gives what the journal says of creates; it is asked only where something is missing.
    Raises `ApiError` for what cannot be read, and `ProjectError` for a selection that nothing matches.
    """
    owned = frozenset(app_of(address) for address in ledger if kind_of(address) == "placement")
    observation = observe(desired, reader, ledger, selection, owned)
    view = view_of(desired, observation, origin)
    audit = audited(desired, observation.live, ledger, view, origin, selector(selection.only))
    if any(item.of == "missing" for item in audit.items):
        view = replace(view, past=past_of())
        audit = audited(desired, observation.live, ledger, view, origin, selector(selection.only))
    if selection.only and not audit.items:
        raise nothing_selected(selection)
    return audit
