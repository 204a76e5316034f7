"""One step of a plan: whether it may be tried, and who carries it out."""

from typing import assert_never

from reconciler.apply.changing import deactivating, deleting, updating
from reconciler.apply.create import Doubtful
from reconciler.apply.creating import creating
from reconciler.apply.ending import result
from reconciler.apply.site import Site
from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.model.address import app_of, kind_of
from reconciler.model.outcome import Ended


def carry_out(change: Change, site: Site) -> Ended | Doubtful:
    """Do one step, or tell why it was not tried."""
    refusal = _why_not(change, site)
    if refusal is not None:
        return Ended(result(change, "skipped", error=refusal))
    match change:
        case Create():
            return creating(change, site)
        case Update():
            return updating(change, site)
        case Deactivate():
            return deactivating(change, site)
        case Delete():
            return deleting(change, site)
        case Blocked():
            return Ended(result(change, "blocked", error=change.reason))
        case _:
            assert_never(change)


def _why_not(change: Change, site: Site) -> str | None:
    app = app_of(change.address)
    if isinstance(change, Blocked):
        return None
    if site.brake.reason is not None:
        return site.brake.reason
    if app in site.apps.failed and app != change.address:
        return f"its app {app} was not applied"
    if app in site.apps.occupied and app == change.address:
        return "not all of its placements could be removed"
    needs_app = isinstance(change, Create) and kind_of(change.address) == "placement" and change.app_id is None
    if needs_app and app not in site.apps.ids:
        return f"its app {app} does not exist"
    return None
