"""Creates that were sent more than once: what an earlier try has left behind may come to light later.

One read of each list, at the end of a run, settles it for all of them.
"""

from collections.abc import Iterator

from reconciler.apply.create import carrying, read_list, several
from reconciler.apply.ending import result
from reconciler.apply.site import Site
from reconciler.errors import ApiError, CredentialsError
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Ended


def late_twins(site: Site) -> Iterator[Ended]:
    """Other ends of creates that were sent more than once: for those that were done more than once, or perhaps were.

    Waits for the settle time, unless writes were stopped. An address with several ids is forgotten, so that no later
    run takes one of them for the only one.
    """
    resent = site.resent.all()
    if resent and site.brake.reason is None:
        site.clock.sleep(site.settle_seconds)
    lists = {app_id: _read(app_id, site) for app_id in dict.fromkeys(each.app_id for each in resent)}
    for each in resent:
        listed = lists[each.app_id]
        if isinstance(listed, str):
            why = f"made as {each.id}, but whether an earlier try was too could not be read: {listed}"
            yield Ended(result(each.change, "unknown", made=each.id, attempts=each.attempts, error=why))
            continue
        ids = {other.id for other in carrying(each.change, each.app_id, listed, site)} | {each.id}
        if len(ids) > 1:
            ended = result(each.change, "unknown", attempts=each.attempts, error=several(ids))
            yield Ended(ended, forget=(each.change.address,))


def _read(app_id: str | None, site: Site) -> tuple[LiveResource, ...] | str:
    try:
        return read_list(app_id, site)
    except (ApiError, CredentialsError) as wrong:
        return wrong.message
