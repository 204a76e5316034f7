"""How steps end: results, and the read-back that settles what an answer leaves open."""

from reconciler.apply.site import Site
from reconciler.diff.change import Change, action_of, id_of
from reconciler.errors import ApiError, CredentialsError
from reconciler.model.address import Kind
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Outcome, Result


def result(
    change: Change, outcome: Outcome, *, made: str | None = None, attempts: int = 0, error: str | None = None
) -> Result:
    """The result of a step; `made` is the id of a resource that had none before."""
    return Result(change.address, action_of(change), outcome, made or id_of(change), attempts, error)


def read_back(kind: Kind, resource_id: str, site: Site) -> LiveResource | str | None:
    """The resource as it is now, None where it is surely not there, or a text that says why nobody can tell."""
    try:
        return site.gateway.find(kind, resource_id)
    except (ApiError, CredentialsError) as wrong:
        return f"reading it back failed: {wrong.message}"
