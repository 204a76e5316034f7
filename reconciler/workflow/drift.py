"""From the states to an audit."""

from collections.abc import Callable
from dataclasses import replace

from reconciler.diff.audit import Audit
from reconciler.diff.classes import audited
from reconciler.diff.context import DiffOptions, context_of
from reconciler.model.address import app_of, kind_of
from reconciler.model.desired import DesiredState
from reconciler.model.glob import selector
from reconciler.model.journal import PastCreates
from reconciler.model.ledger import Ledger
from reconciler.plan.plan import Origin
from reconciler.ports import LiveReader
from reconciler.workflow.observing import Selection, nothing_selected, observe
from reconciler.workflow.planning import options_of


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
    options = options_of(desired, observation, origin)

    def audit_with(options: DiffOptions) -> Audit:
        context = context_of(desired, observation.live, ledger, options)
        return audited(context, origin.created_at, origin.publisher_id, origin.api, selector(selection.only))

    audit = audit_with(options)
    if any(item.of == "missing" for item in audit.items):
        audit = audit_with(replace(options, past=past_of()))
    if selection.only and not audit.items:
        raise nothing_selected(selection)
    return audit
