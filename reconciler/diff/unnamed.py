"""What no block names: orphans (owned, unnamed), strangers, apps under a suspected new identity, and what is gone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.diff.block import DOUBT, View, retirement
from reconciler.diff.change import Blocked, Delete, Note, Unmanaged
from reconciler.diff.identity import Resolution
from reconciler.diff.retire import Retiring, still_known
from reconciler.diff.unclear import look_alikes, nameless
from reconciler.diff.verdict import Forget, Remember, Verdict
from reconciler.model.address import Address, kind_of
from reconciler.model.desired import DesiredApp, DesiredState, Prune
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.live import LiveResource, LiveState, live_app_address

LEFT_ALONE: Final = (
    "owned, but no manifest names it any more: the block of its app declares no placements; it stays as it is, "
    "until it is declared there, with `state: absent` if it is to go"
)
GONE_UNMANAGED: Final = (
    "gone from the account, as it is from the manifests; its ledger entry stays while the block of its app declares "
    "no placements"
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the verdicts of one run stand on: the three states, and what was derived from them once.

    `by_app` groups the ledger, `resolutions` are those of the app blocks, `claimed` the live app ids they stand for,
    `orphans` the owned live apps that none of them names.
    """

    desired: DesiredState
    live: LiveState
    ledger: Ledger
    view: View
    by_app: Mapping[Address, Mapping[Address, LedgerEntry]]
    resolutions: Mapping[Address, Resolution]
    claimed: frozenset[str]
    orphans: Mapping[Address, LiveResource]


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


def renamed_app(app: DesiredApp, orphans: Mapping[Address, LiveResource], ledger: Ledger) -> Blocked | None:
    """A new app with the name of one whose block vanished: a changed bundle, most likely, which nothing can change."""
    for address, resource in orphans.items():
        same = resource.fields.get("platform") == app.fields["platform"] and resource.name == app.fields.get("name")
        if same and not ledger[address].orphaned:
            reason = (
                f"suspected new identity of {address} (id {resource.id}), which no manifest names any more: a bundle "
                "cannot be changed; put the old one back, or, if this is a new app, apply the old one's removal first"
            )
            return Blocked(app.address, reason, resource.id, source=app.source)
    return None


def unnamed_apps(ground: Ground) -> Iterator[Verdict]:
    """Verdicts on live apps that no block names; without a single app block nothing is pruned."""
    desired, ledger = ground.desired, ground.ledger
    prune: Prune = desired.prune if desired.apps else "report"
    addresses = {resource.id: address for address, resource in ground.orphans.items()}
    held = look_alikes(desired.apps, ground.resolutions)
    for resource in ground.live.apps:
        if resource.id in ground.claimed:
            continue
        address = addresses.get(resource.id)
        yield Unmanaged(address or live_app_address(resource), resource.id)
        yield from nameless(resource, address or live_app_address(resource))
        if address is not None and resource.id not in held:
            for verdict in orphaned(ledger[address], resource, prune, ground.view, ""):
                yield from whole_app(verdict, ground) if isinstance(verdict, Delete) else (verdict,)


def orphaned(entry: LedgerEntry, resource: LiveResource, prune: Prune, view: View, scope: str) -> Iterator[Verdict]:
    """Verdicts on an owned resource that no block names any more."""
    if entry.protect:
        yield Note(entry.address, "no manifest names it any more; it is protected, so it stays as it is")
    elif prune == "report":
        yield Note(entry.address, "owned, but no manifest names it any more; `prune: report` leaves it as it is")
    else:
        going = Retiring(
            entry.address, resource, f"no manifest names it, prune: {prune}", entry, may_delete=prune == "delete"
        )
        yield from retirement(going, view, scope)
        return
    kept = still_known(replace(entry, orphaned=True), resource)
    if kept is not None and kept != entry:
        yield Remember(kept)


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
