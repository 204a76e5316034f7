"""Identity applied to apps and placements: the blocks of one scope, and the live resources they stand for."""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.diff.identity import Key, Resolution, Wanted, resolve
from reconciler.model.address import Address, placement_address
from reconciler.model.desired import DesiredApp, DesiredPlacement
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource


def resolve_apps(
    apps: Iterable[DesiredApp], live: Iterable[LiveResource], ledger: Ledger
) -> Mapping[Address, Resolution]:
    """The live app of each app block."""
    return resolve([_wanted_app(app) for app in apps], live, ledger, _app_key)


def resolve_placements(
    placements: Sequence[DesiredPlacement], app: Address, live: Iterable[LiveResource], ledger: Ledger
) -> Mapping[Address, Resolution]:
    """The live placement of each placement block of one app."""
    return resolve([_wanted_placement(app, each) for each in placements], live, ledger, _placement_key)


def _app_key(app: LiveResource) -> Key:
    return str(app.fields.get("platform", "")), str(app.fields.get("bundle", ""))


def _placement_key(placement: LiveResource) -> Key:
    return (placement.name,)


def _wanted_app(app: DesiredApp) -> Wanted:
    return Wanted(app.address, (str(app.fields["platform"]), str(app.fields["bundle"])), app.pin)


def _wanted_placement(app: Address, placement: DesiredPlacement) -> Wanted:
    old = placement.renamed_from
    return Wanted(
        placement.address,
        (str(placement.fields["name"]),),
        placement.pin,
        former=None if old is None else placement_address(app, old),
        former_key=None if old is None else (old,),
    )
