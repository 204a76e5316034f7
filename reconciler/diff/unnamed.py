"""What no block names: orphans (owned, unnamed), strangers, apps under a suspected new identity, and what is gone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.diff.block import DOUBT, View, retirement
from reconciler.diff.change import Blocked, Deactivate, Delete, Held, Note, Unmanaged
from reconciler.diff.identity import Crossed, Found, Resolution, Twins
from reconciler.diff.rename import left_while_suspected
from reconciler.diff.retire import Retiring, still_known
from reconciler.diff.unclear import look_alikes, nameless
from reconciler.diff.verdict import Contradiction, Forget, Remember, Verdict
from reconciler.model.address import Address, kind_of
from reconciler.model.desired import DesiredApp, DesiredState, Prune
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.likeness import folded_app
from reconciler.model.live import LiveResource, LiveState, live_app_address

LEFT_ALONE: Final = (
    "owned, but no manifest names it any more: the block of its app declares no placements; it stays as it is, "
    "until it is declared there, with `state: absent` if it is to go"
)
NOTHING_DECLARED: Final = (
    "owned, but no manifest names it any more; it stays as it is, as nothing is pruned while no app is declared"
)
GONE_UNMANAGED: Final = (
    "gone from the account, as it is from the manifests; its ledger entry stays while the block of its app declares "
    "no placements"
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the verdicts of one run stand on: the three states, and what was derived from them once.

    `by_app` groups the ledger, `resolutions` are those of the app blocks, `claimed` the live app ids they stand for,
    `orphans` the owned live apps that none of them names; `suspects` tells which of these a new block may be.
    """

    desired: DesiredState
    live: LiveState
    ledger: Ledger
    view: View
    by_app: Mapping[Address, Mapping[Address, LedgerEntry]]
    resolutions: Mapping[Address, Resolution]
    claimed: frozenset[str]
    orphans: Mapping[Address, LiveResource]
    suspects: Mapping[Address, Address]


def orphan_apps(
    desired: DesiredState, live: LiveState, ledger: Ledger, claimed: frozenset[str]
) -> Mapping[Address, LiveResource]:
    """Owned live apps that no block names, by their address in the ledger; `claimed` ids are those blocks stand for."""
    by_id = {app.id: app for app in live.apps}
    declared = {app.address for app in desired.apps}
    return {
        address: by_id[entry.id]
        for address, entry in ledger.items()
        if kind_of(address) == "app" and address not in declared and entry.id in by_id and entry.id not in claimed
    }


def unnamed_apps(ground: Ground) -> Iterator[Verdict]:
    """Verdicts on live apps that no block names; without a single app block nothing is pruned."""
    desired, ledger = ground.desired, ground.ledger
    addresses = {resource.id: address for address, resource in ground.orphans.items()}
    held = look_alikes(desired.apps, ground.resolutions)
    suspected = {old: new for new, old in ground.suspects.items()}
    for resource in ground.live.apps:
        if resource.id in ground.claimed:
            continue
        address = addresses.get(resource.id)
        yield Unmanaged(address or live_app_address(resource), resource.id)
        yield from nameless(resource, address or live_app_address(resource))
        if address is not None and _is_another(ledger[address], resource):
            yield Contradiction(address, _mixed_up(resource, f"take the line of {address} out of the ledger"))
        elif address in suspected:
            yield Note(address, left_while_suspected(suspected[address]))
        elif address is not None and resource.id not in held:
            for verdict in orphaned(ledger[address], resource, desired.prune_of_apps, ground.view, ""):
                yield from whole_app(verdict, ground) if isinstance(verdict, Delete) else (verdict,)


def crossed(blocked: Blocked, resolution: Resolution) -> Iterator[Contradiction]:
    """That ids in the ledger are each other's, for a block that is blocked for it."""
    if isinstance(resolution, Crossed):
        yield Contradiction(blocked.address, blocked.reason)


def foreign_app(app: DesiredApp, resolution: Resolution, ground: Ground) -> Iterator[Contradiction]:
    """That the ledger's id of a block without a pin is an app of another identity, which no app can change."""
    entry = ground.ledger.get(app.address)
    if app.pin is not None or entry is None:
        return
    match resolution:
        case Found(live) if live.id == entry.id:
            known: LiveResource | None = live
        case Twins(ids) if entry.id in ids:
            known = next((each for each in ground.live.apps if each.id == entry.id), None)
        case _:
            return
    if known is not None and _is_another(entry, known):
        way = f"take the line of {app.address} out of the ledger, or pin the app that is meant with `appId`"
        yield Contradiction(app.address, _mixed_up(known, way))


def _is_another(entry: LedgerEntry, live: LiveResource) -> bool:
    """Whether an app has another identity than its entry says, spelling aside and what the account is known to keep."""
    platform, _, bundle = entry.address.partition(":")
    known = (str(entry.kept.get("platform", platform)), str(entry.kept.get("bundle", bundle)))
    told = str(live.fields.get("platform", platform)), str(live.fields.get("bundle", bundle))
    return folded_app(*told) not in {folded_app(*known), folded_app(platform, bundle)}


def _mixed_up(live: LiveResource, way: str) -> str:
    return (
        f"the ledger knows it as id {live.id}, which is {live_app_address(live)}: a bundle cannot be changed, so "
        f"the ids in the ledger are mixed up, or another account's; {way}"
    )


def orphaned(
    entry: LedgerEntry, resource: LiveResource, prune: Prune | None, view: View, scope: str
) -> Iterator[Verdict]:
    """Verdicts on an owned resource that no block names any more; `prune` is None where no app is declared at all."""
    if entry.protect:
        yield Note(entry.address, "no manifest names it any more; it is protected, so it stays as it is")
    elif prune is None:
        yield Note(entry.address, NOTHING_DECLARED)
    elif prune == "report":
        yield Note(entry.address, "owned, but no manifest names it any more; `prune: report` leaves it as it is")
    else:
        going = Retiring(
            entry.address, resource, f"no manifest names it, prune: {prune}", entry, may_delete=prune == "delete"
        )
        steps = retirement(going, view, scope)
        yield from steps if view.unread is None else _waiting(steps, view.unread)
        return
    kept = still_known(replace(entry, orphaned=True), resource)
    if kept is not None and kept != entry:
        yield Remember(kept)


def _waiting(steps: Iterable[Verdict], unread: str) -> Iterator[Verdict]:
    """The next step of a removal, held while there may be a manifest that names the resource and was not read."""
    for step in steps:
        if isinstance(step, Deactivate | Delete):
            yield Held(
                step, "manifests", f"{step.reason}; but not all manifests may have been read: {unread}", READ_ALL
            )
        elif not isinstance(step, Remember):
            yield step


READ_ALL: Final = (
    "a pattern in `manifests` for each file, none that matches nothing, and no empty manifest; or `state: absent` for "
    "what is to go"
)


def left_alone(entries: Ledger, listed: Iterable[LiveResource] | None) -> Iterator[Note]:
    """The owned placements of an app whose block declares none: nothing of them is managed, and each is told.

    So is one whose block moved to another app: a placement stays in the app that it was made in. `listed` is None where
    the list of the app's placements was not read, for which there is no other need.
    """
    here = None if listed is None else {each.id for each in listed}
    for address, entry in entries.items():
        if entry.kind == "placement":
            yield Note(address, LEFT_ALONE if here is None or entry.id in here else GONE_UNMANAGED)


def whole_app(going: Delete, ground: Ground) -> Iterator[Verdict]:
    """The deletion of an app and of the placements it would take with it, each counted and named."""
    listed = ground.live.placements.get(going.id)
    if listed is None or going.id in ground.view.doubtful:
        yield Blocked(going.address, DOUBT, going.id, source=going.source)
        return
    entries = ground.by_app.get(going.address, {}).values()
    owned = {entry.id: entry for entry in entries if entry.kind == "placement"}
    strangers = [each.id for each in listed if each.id not in owned]
    guarded = _guarded(going.address, ground.desired)
    kept = [
        each.id for each in listed if each.id in owned and (owned[each.id].protect or owned[each.id].address in guarded)
    ]
    if strangers or kept:
        whose = f"placements {', '.join(strangers or kept)} in it are {'not ours' if strangers else 'protected'}"
        reason = f"{going.reason}, but {whose}; remove them in the console first"
        yield Blocked(going.address, reason, going.id, source=going.source)
        return
    for resource in listed:
        address = owned[resource.id].address
        reason = f"its app is {going.reason}"
        yield Delete(address, resource.id, reason, resource.digest(), resource.app_id, going.source)
    yield going


def _guarded(app: Address, desired: DesiredState) -> frozenset[Address]:
    """The placements of an app whose blocks ask for protection."""
    blocks = (each for block in desired.apps if block.address == app for each in block.placements or ())
    return frozenset(each.address for each in blocks if each.lifecycle.protect)


def gone_apps(ground: Ground) -> Iterator[Verdict]:
    """Entries of apps that are gone from the account and from the manifests, and of their placements."""
    declared = {app.address for app in ground.desired.apps}
    live_ids = {app.id for app in ground.live.apps}
    for app, entries in ground.by_app.items():
        if app not in declared and app in entries and entries[app].id not in live_ids:
            yield from (Forget(address) for address in entries)
