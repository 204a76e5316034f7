"""The input of all assessments of a run (`DiffContext`), and the inventory of a run's resources.

The input is the three states, what is derived of them, and the options. The inventory has every declared, owned or live
resource once.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, assert_never

from reconciler.diff.change import FieldChange
from reconciler.diff.look_alikes import Orphan, suspected_apps, suspected_renames
from reconciler.diff.resolve import Crossed, Found, NotFound, Resolution, resolve_apps, resolve_placements
from reconciler.model.address import Address, Kind, address_order, app_of, kind_of, placement_address
from reconciler.model.journal import NO_CREATES, PastCreates
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import DesiredApp, DesiredState, LiveResource, LiveState, OnDrift, live_app_address

HOLD_CONFLICTS: Final = "--hold-conflicts"

LATELY: Final = timedelta(minutes=10)
"""How long after its creation a resource that is not shown counts as not visible yet, and not as gone."""

DOUBT: Final = (
    "the account's list left out resources that do exist, so nothing is made or deleted here; plan again later"
)


@dataclass(frozen=True, slots=True)
class DriftRule:
    """What becomes of fields that live moved in since the last apply: what `safety.onDrift` says.

    With `holds_conflicts` those that the manifest has changed as well are held, unless `on_drift` is "overwrite".
    """

    on_drift: OnDrift = "overwrite"
    holds_conflicts: bool = False

    def holds(self, change: FieldChange) -> bool:
        """Whether a change of a field is held."""
        match self.on_drift:
            case "hold":
                return is_drift(change)
            case "warn":
                return self.holds_conflicts and change.origin == "conflict"
            case "overwrite":
                return False
            case _:
                assert_never(self.on_drift)

    @property
    def name(self) -> str:
        """The setting or flag that holds changes."""
        return "safety.onDrift: hold" if self.on_drift == "hold" else HOLD_CONFLICTS


OVERWRITE: Final = DriftRule()


def is_drift(change: FieldChange) -> bool:
    """Whether live has moved away from what was last applied, whatever the manifest asks for by now."""
    return change.origin in {"drift", "conflict"}


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What an assessment needs beside the three states.

    `now` is in UTC. `doubtful` holds ids of apps whose placement lists left out what exists, `""` standing for the app
    list itself: nothing is created or deleted there. `recreate` makes owned resources that are gone again. `past` is
    what the journal says of creates, and `settle_seconds` how long one is given to appear. `drift` is what becomes
    of fields that live moved in, and `unread` why there may be more manifests than were read.
    """

    now: datetime
    quarantine_days: float = 14
    doubtful: frozenset[str] = frozenset()
    recreate: bool = False
    past: PastCreates = NO_CREATES
    settle_seconds: float = 30
    drift: DriftRule = OVERWRITE
    unread: str | None = None

    @property
    def settled_after(self) -> timedelta:
        """How long after its sending a create of unknown outcome may be taken for not done, where no list shows it."""
        return self.past.settled_after(self.settle_seconds)

    def made_lately(self, kind: Kind, resource_id: str) -> datetime | None:
        """When a resource was made, if that is so lately that the account may not show it yet."""
        at = self.past.made.get((kind, resource_id))
        return at if at is not None and self.now - at < max(self.settled_after, LATELY) else None

    def hidden_since(self, kind: Kind, resource_id: str) -> datetime | None:
        """When a resource was made, if that is so lately and no reading has shown it since."""
        return None if (kind, resource_id) in self.past.shown else self.made_lately(kind, resource_id)


@dataclass(frozen=True, slots=True)
class DiffContext:
    """The three states, and what was derived from them once.

    `by_app` groups the ledger, `resolutions` are those of the app blocks, `claimed` the live app ids they stand for,
    `orphans` the owned live apps that none of them names; `suspects` tells which of these a new block may be.
    """

    desired: DesiredState
    live: LiveState
    ledger: Ledger
    options: DiffOptions
    by_app: Mapping[Address, Mapping[Address, LedgerEntry]]
    resolutions: Mapping[Address, Resolution]
    claimed: frozenset[str]
    orphans: Mapping[Address, LiveResource]
    suspects: Mapping[Address, Address]

    @property
    def today(self) -> date:
        """The day (UTC) that decides which acceptances still hold."""
        return self.options.now.date()

    def entries(self, app: Address) -> Ledger:
        """What the ledger holds of an app and its placements."""
        return self.by_app.get(app, {})


def context_of(desired: DesiredState, live: LiveState, ledger: Ledger, options: DiffOptions) -> DiffContext:
    """The three states, and which live app each app block stands for."""
    resolutions = resolve_apps(desired.apps, live.apps, ledger)
    claimed = claimed_ids(resolutions)
    orphans = _orphan_apps(desired, live, ledger, claimed)
    suspects = suspected_apps((app for app in desired.apps if _is_new(app, resolutions[app.address])), orphans, ledger)
    return DiffContext(desired, live, ledger, options, by_app(ledger), resolutions, claimed, orphans, suspects)


def by_app(ledger: Ledger) -> Mapping[Address, Ledger]:
    """The entries of each app and of its placements."""
    grouped: dict[Address, dict[Address, LedgerEntry]] = {}
    for address, entry in ledger.items():
        grouped.setdefault(app_of(address), {})[address] = entry
    return grouped


def claimed_ids(resolutions: Mapping[Address, Resolution]) -> frozenset[str]:
    """The ids of live resources that are some block's, though it may be unclear which one's."""
    return frozenset(_claimed_ids(resolutions.values()))


def _claimed_ids(resolutions: Iterable[Resolution]) -> Iterator[str]:
    for each in resolutions:
        if isinstance(each, Found):
            yield each.live.id
        elif isinstance(each, Crossed):
            yield each.id


def _is_new(app: DesiredApp, resolution: Resolution) -> bool:
    """Whether a block would make an app; beside a look-alike it does not."""
    return app.state == "present" and isinstance(resolution, NotFound) and not resolution.alike.free


def _orphan_apps(
    desired: DesiredState, live: LiveState, ledger: Ledger, claimed: Container[str]
) -> Mapping[Address, LiveResource]:
    """Owned live apps that no block names, by their address in the ledger; `claimed` ids are those blocks stand for."""
    by_id = {app.id: app for app in live.apps}
    declared = {app.address for app in desired.apps}
    return {
        address: by_id[entry.id]
        for address, entry in ledger.items()
        if kind_of(address) == "app" and address not in declared and entry.id in by_id and entry.id not in claimed
    }


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


def suspected_placements(
    app: DesiredApp, resolutions: Mapping[Address, Resolution], orphans: Iterable[Orphan]
) -> Mapping[Address, LedgerEntry]:
    """For each block of an app that stands for no placement yet, the orphan that it may be under another name."""
    blocks = (each for each in app.placements or () if each.state == "present")
    return suspected_renames([each for each in blocks if isinstance(resolutions[each.address], NotFound)], orphans)


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One resource. `id` is the live one's, else the ledger's; `status` the live one's, None where it is not live."""

    address: Address
    id: str | None
    declared: bool
    owned: bool
    live: bool
    status: str | None = None

    @property
    def kind(self) -> Kind:
        """Whether it is an app or a placement."""
        return kind_of(self.address)


def inventory(desired: DesiredState, live: LiveState, ledger: Ledger) -> tuple[InventoryRow, ...]:
    """All resources in the order of addresses and ids.

    A live resource goes by the address of the block that stands for it, else by the ledger's, else by its own identity.
    """
    addresses = dict(_addresses(desired, live, ledger))
    declared = {app.address: app.state for app in desired.apps}
    declared |= {each.address: each.state for app in desired.apps for each in app.placements or ()}
    owned = {(entry.kind, entry.id) for entry in ledger.values()}
    rows = [
        InventoryRow(
            address, each.id, address in declared, (each.kind, each.id) in owned, live=True, status=_status(each)
        )
        for each, address in ((each, addresses[each.kind, each.id]) for each in live.resources())
    ]
    shown = {row.address for row in rows}
    for address in {*declared, *ledger} - shown:
        entry = ledger.get(address)
        is_gone = entry is not None and (entry.kind, entry.id) not in addresses
        if is_gone or declared.get(address) == "present":
            rows.append(
                InventoryRow(address, entry.id if entry and is_gone else None, address in declared, is_gone, live=False)
            )
    return tuple(sorted(rows, key=lambda row: (address_order(row.address), row.id or "")))


def _status(live: LiveResource) -> str | None:
    status = live.fields.get("status")
    return status if isinstance(status, str) else None


def _addresses(desired: DesiredState, live: LiveState, ledger: Ledger) -> Iterator[tuple[tuple[Kind, str], Address]]:
    """The address of every live resource, by kind and id."""
    by_ledger = {(entry.kind, entry.id): address for address, entry in ledger.items()}
    apps = resolve_apps(desired.apps, live.apps, ledger)
    named = _addresses_by_id(apps)
    blocks = {app.address: app for app in desired.apps}
    entries = by_app(ledger)
    for app in live.apps:
        address = named.get(app.id) or by_ledger.get(("app", app.id)) or live_app_address(app)
        yield ("app", app.id), address
        listed = live.placements.get(app.id, ())
        own = _placement_addresses(blocks.get(address) if app.id in named else None, listed, entries.get(address, {}))
        for each in listed:
            address_inside = (
                own.get(each.id) or by_ledger.get(("placement", each.id)) or placement_address(address, each.name)
            )
            yield ("placement", each.id), address_inside


def _placement_addresses(
    app: DesiredApp | None, listed: Sequence[LiveResource], entries: Ledger
) -> Mapping[str, Address]:
    if app is None or not app.placements:
        return {}
    return _addresses_by_id(resolve_placements(app.placements, app.address, listed, entries))


def _addresses_by_id(resolutions: Mapping[Address, Resolution]) -> dict[str, Address]:
    return {found.live.id: address for address, found in resolutions.items() if isinstance(found, Found)}
