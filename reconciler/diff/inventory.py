"""The inventory: every declared, owned or live resource once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.diff.context import by_app
from reconciler.diff.resolve import Found, Resolution, resolve_apps, resolve_placements
from reconciler.model.address import Address, Kind, address_order, kind_of, placement_address
from reconciler.model.desired import DesiredApp, DesiredState
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource, LiveState, live_app_address


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
