"""Desired state x live state x ledger -> verdicts on every address, and what they come to."""

from collections.abc import Container, Iterable, Iterator, Mapping

from reconciler.diff.block import View, in_place, let_go, not_visible_yet, to_create, to_retire
from reconciler.diff.change import Blocked, Create, Delete, Note, Unmanaged
from reconciler.diff.earlier_creates import without_unclear_creates
from reconciler.diff.identity import Crossed, Found, Missing, NotFound, PinNotFound, Resolution, Twins
from reconciler.diff.match import resolve_apps, resolve_placements
from reconciler.diff.rename import (
    Orphan,
    left_while_suspected,
    suspected_app,
    suspected_apps,
    suspected_placement,
    suspected_renames,
)
from reconciler.diff.unclear import asides, look_alikes, nameless, unknown_former, unresolved
from reconciler.diff.unnamed import (
    Ground,
    crossed,
    foreign_app,
    gone_apps,
    left_alone,
    orphan_apps,
    orphaned,
    unnamed_apps,
    whole_app,
)
from reconciler.diff.verdict import Contradiction, Forget, Reconciliation, Remember, Verdict, collect, moved_entries
from reconciler.model.address import Address, app_of, kind_of, placement_address
from reconciler.model.desired import DesiredApp, DesiredPlacement, DesiredState
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.live import LiveResource, LiveState
from reconciler.model.value import Fields


def reconcile(desired: DesiredState, live: LiveState, ledger: Ledger, view: View) -> Reconciliation:
    """All that there is to say about the account."""
    verdicts = list(verdicts_on(desired, live, ledger, view))
    return collect(verdicts, owned_count(verdicts))


def owned_count(verdicts: Iterable[Verdict]) -> int:
    """How many live resources blocks or the ledger stand for."""
    strange = (Create, Unmanaged, Note, Remember, Forget, Contradiction)
    return len({each.address for each in verdicts if not isinstance(each, strange)})


def verdicts_on(desired: DesiredState, live: LiveState, ledger: Ledger, view: View) -> Iterator[Verdict]:
    """Verdicts in the order of the blocks; what no block names comes last."""
    ground = ground_of(desired, live, ledger, view)
    verdicts = _verdicts(ground)
    yield from without_unclear_creates(list(verdicts), ground) if view.past.unclear else verdicts


def _verdicts(ground: Ground) -> Iterator[Verdict]:
    verdicts = [each for app in ground.desired.apps for each in _app(app, ground)]
    yield from verdicts
    yield from moved_entries(verdicts, ground.ledger)
    yield from unnamed_apps(ground)
    yield from gone_apps(ground)


def ground_of(desired: DesiredState, live: LiveState, ledger: Ledger, view: View) -> Ground:
    """The three states, and which live app each app block stands for."""
    by_app: dict[Address, dict[Address, LedgerEntry]] = {}
    for address, entry in ledger.items():
        by_app.setdefault(app_of(address), {})[address] = entry
    resolutions = resolve_apps(desired.apps, live.apps, ledger)
    claimed = frozenset(_claimed(resolutions))
    orphans = orphan_apps(desired, live, ledger, claimed)
    suspects = suspected_apps((app for app in desired.apps if _is_new(app, resolutions[app.address])), orphans, ledger)
    return Ground(desired, live, ledger, view, by_app, resolutions, claimed, orphans, suspects)


def _is_new(app: DesiredApp, resolution: Resolution) -> bool:
    """Whether a block would make an app; beside a look-alike it does not."""
    return app.state == "present" and isinstance(resolution, NotFound) and not resolution.alike.free


def _claimed(resolutions: Mapping[Address, Resolution]) -> Iterator[str]:
    """The ids of live resources that are some block's, though it may be unclear which one's."""
    for each in resolutions.values():
        if isinstance(each, Found):
            yield each.live.id
        elif isinstance(each, Crossed):
            yield each.id


def _app(app: DesiredApp, ground: Ground) -> Iterator[Verdict]:
    resolution, view = ground.resolutions[app.address], ground.view
    entries = ground.by_app.get(app.address, {})
    yield from asides(app, resolution)
    match resolution:
        case Found() if app.state == "absent":
            yield from _tombstoned_app(app, resolution, ground)
        case Found():
            yield from in_place(app, resolution, entries, view)
            yield from foreign_app(app, resolution, ground)
            listed = ground.live.placements.get(resolution.live.id)
            if app.placements is not None:
                yield from _placements(app, resolution.live, ground)
            else:
                yield from left_alone(entries, listed)
        case NotFound() | Missing() if app.state == "absent":
            yield from let_go(app, resolution, entries)
        case NotFound():
            old = ground.suspects.get(app.address)
            verdict = (
                to_create(app, {"coppa": False}, view, "", resolution)
                if old is None
                else suspected_app(app, old, ground.orphans[old])
            )
            yield verdict
            yield from _placements_of_new(app, verdict, entries, view)
        case Missing(lost) if (hidden := not_visible_yet(app, lost, view)) is not None:
            yield hidden
            yield from _placements_of_new(app, hidden, entries, view)
        case Missing() if view.recreate:
            again = to_create(app, {"coppa": False}, view, "", resolution)
            yield again
            yield from _placements_of_new(app, again, entries, view)
        case Missing() | PinNotFound() | Twins() | Crossed():
            blocked = unresolved(app, resolution)
            yield blocked
            yield from crossed(blocked, resolution)
            yield from foreign_app(app, resolution, ground)
            yield from _placements_of_new(app, blocked, entries, view)


def _placements(app: DesiredApp, live_app: LiveResource, ground: Ground) -> Iterator[Verdict]:
    listed = ground.live.placements.get(live_app.id)
    entries, view = ground.by_app.get(app.address, {}), ground.view
    if app.placements is None or listed is None:
        return
    resolutions = resolve_placements(app.placements, app.address, listed, entries)
    by_id = {each.id: each for each in listed}
    claimed = set(_claimed(resolutions))
    orphans = orphan_placements(app, listed, claimed, entries)
    suspects = suspected_placements(app, resolutions, orphans)
    needs: Fields = {"coppa": app.fields.get("coppa", live_app.fields.get("coppa", False))}
    for block in app.placements:
        suspect = suspects.get(block.address)
        if suspect is not None:
            yield suspected_placement(block, suspect)
        else:
            yield from _placement(block, resolutions[block.address], entries, view, live_app.id, needs)
            yield from unknown_former(block, resolutions[block.address])
    yield from _on_orphans(app, orphans, suspects, look_alikes(app.placements, resolutions) if orphans else (), ground)
    for resource in listed:
        if resource.id not in claimed:
            address = placement_address(app.address, resource.name)
            yield Unmanaged(address, resource.id)
            yield from nameless(resource, address)
    declared = {each.address for each in app.placements}
    for address, entry in entries.items():
        if kind_of(address) == "placement" and address not in declared and entry.id not in by_id:
            yield Forget(address)


def _on_orphans(
    app: DesiredApp,
    orphans: Iterable[Orphan],
    suspects: Mapping[Address, LedgerEntry],
    alike: Container[str],
    ground: Ground,
) -> Iterator[Verdict]:
    """Verdicts on the owned placements that no block names; `suspects` and `alike` ones may be a block's after all."""
    suspected = {old.address: new for new, old in suspects.items()}
    for orphan in orphans:
        address = orphan.entry.address
        if address in suspected:
            yield Note(address, left_while_suspected(suspected[address]))
        elif orphan.live.id not in alike:
            yield from orphaned(orphan.entry, orphan.live, app.prune, ground.view, orphan.live.app_id or "")


def _placement(
    block: DesiredPlacement, resolution: Resolution, entries: Ledger, view: View, scope: str, needs: Fields
) -> Iterator[Verdict]:
    yield from asides(block, resolution)
    match resolution:
        case Found() if block.state == "absent":
            yield from to_retire(block, resolution, entries, view, scope)
        case Found():
            yield from in_place(block, resolution, entries, view)
        case NotFound() | Missing() if block.state == "absent":
            yield from let_go(block, resolution, entries)
        case NotFound():
            yield to_create(block, needs, view, scope, resolution)
        case Missing(lost) if (hidden := not_visible_yet(block, lost, view)) is not None:
            yield hidden
        case Missing() if view.recreate:
            yield to_create(block, needs, view, scope, resolution)
        case Missing() | PinNotFound() | Twins() | Crossed():
            blocked = unresolved(block, resolution)
            yield blocked
            yield from crossed(blocked, resolution)


def _placements_of_new(app: DesiredApp, parent: Create | Blocked, entries: Ledger, view: View) -> Iterator[Verdict]:
    """Placements of an app that does not exist yet: creates, or blocked together with it."""
    blocks = app.placements or ()
    resolutions = resolve_placements(blocks, app.address, (), entries)
    needs: Fields = {"coppa": app.fields.get("coppa", False)}
    for block in blocks:
        if isinstance(parent, Create):
            yield from _placement(block, resolutions[block.address], entries, view, "", needs)
        elif block.state == "present":
            yield Blocked(block.address, f"its app {app.address} is blocked", block.pin, source=block.source)


def _tombstoned_app(app: DesiredApp, found: Found, ground: Ground) -> Iterator[Verdict]:
    for verdict in to_retire(app, found, ground.ledger, ground.view, ""):
        if isinstance(verdict, Delete):
            yield from whole_app(verdict, ground)
        else:
            yield verdict


def suspected_placements(
    app: DesiredApp, resolutions: Mapping[Address, Resolution], orphans: Iterable[Orphan]
) -> Mapping[Address, LedgerEntry]:
    """For each block of an app that stands for no placement yet, the orphan that it may be under another name."""
    blocks = (each for each in app.placements or () if each.state == "present")
    return suspected_renames([each for each in blocks if isinstance(resolutions[each.address], NotFound)], orphans)


def orphan_placements(
    app: DesiredApp, listed: Iterable[LiveResource], claimed: Container[str], entries: Ledger
) -> list[Orphan]:
    """The owned live placements of an app that no block names; `claimed` ids are those blocks stand for."""
    by_id = {each.id: each for each in listed}
    declared = {block.address for block in app.placements or ()}
    return [
        Orphan(entry, by_id[entry.id])
        for address, entry in entries.items()
        if kind_of(address) == "placement" and address not in declared and entry.id in by_id and entry.id not in claimed
    ]
