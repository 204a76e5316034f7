"""Identity applied to apps and placements: the blocks of one scope, and the live resources they stand for."""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.diff.identity import Key, Resolution, Wanted
from reconciler.diff.resolve import resolve
from reconciler.model.address import Address, placement_address
from reconciler.model.desired import DesiredApp, DesiredPlacement
from reconciler.model.ledger import Ledger
from reconciler.model.likeness import folded_app, folded_placement
from reconciler.model.live import LiveResource


def resolve_apps(
    apps: Iterable[DesiredApp], live: Iterable[LiveResource], ledger: Ledger
) -> Mapping[Address, Resolution]:
    """The live app of each app block."""
    return resolve([_wanted_app(app) for app in apps], live, ledger, _app_key, _folded_app)


def resolve_placements(
    placements: Sequence[DesiredPlacement], app: Address, live: Iterable[LiveResource], ledger: Ledger
) -> Mapping[Address, Resolution]:
    """The live placement of each placement block of one app."""
    return resolve(
        [_wanted_placement(app, each) for each in placements], live, ledger, _placement_key, _folded_placement
    )


def _app_key(app: LiveResource) -> Key:
    return str(app.fields.get("platform", "")), str(app.fields.get("bundle", ""))


def _placement_key(placement: LiveResource) -> Key:
    return (placement.name,)


def _folded_app(key: Key) -> Key:
    platform, bundle = key
    return folded_app(platform, bundle)


def _folded_placement(key: Key) -> Key:
    return folded_placement(*key)


def _wanted_app(app: DesiredApp) -> Wanted:
    key = (str(app.fields["platform"]), str(app.fields["bundle"]))
    return Wanted(app.address, key, app.pin, state=app.state, distinct=app.lifecycle.distinct)


def _wanted_placement(app: Address, placement: DesiredPlacement) -> Wanted:
    old = placement.renamed_from
    return Wanted(
        placement.address,
        (str(placement.fields["name"]),),
        placement.pin,
        former=None if old is None else placement_address(app, old),
        former_key=None if old is None else (old,),
        state=placement.state,
        distinct=placement.lifecycle.distinct,
    )
