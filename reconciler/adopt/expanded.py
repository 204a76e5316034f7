"""Desired state -> a manifest that declares the same with nothing left to expand: no defaults, groups or waterfalls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from reconciler.adopt.forms import form_of
from reconciler.manifest.order import APP_KEYS, PLACEMENT_KEYS
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address
from reconciler.model.desired import DesiredApp, DesiredPlacement, DesiredState, Lifecycle
from reconciler.model.value import to_json
from reconciler.yaml.edit.changes import Writable

Wanted = Callable[[Address], bool]


def expanded_blocks(desired: DesiredState, settings: Settings, wanted: Wanted) -> list[Mapping[str, Writable]]:
    """The blocks of a manifest for the wanted addresses, in the order of addresses.

    An app that is wanted comes with all its placements; one of which placements alone are wanted, with these. Beside
    the project's settings the manifest is read as the same apps and placements; only where a block stands, and which
    placements are rungs of a ladder, is not in it.
    """
    kinds = {kind for kind, layers in settings.defaults.items() if any(over.lifecycle is not None for over in layers)}
    return list(_apps(desired, frozenset(kinds), wanted))


def _apps(desired: DesiredState, kinds: frozenset[str | None], wanted: Wanted) -> Iterator[Mapping[str, Writable]]:
    for app in desired.apps:
        within = app.placements or ()
        chosen = within if wanted(app.address) else tuple(each for each in within if wanted(each.address))
        if chosen or wanted(app.address):
            yield _app_block(app, chosen, desired, kinds)


def _app_block(
    app: DesiredApp, chosen: Sequence[DesiredPlacement], desired: DesiredState, kinds: frozenset[str | None]
) -> Mapping[str, Writable]:
    said: dict[str, Writable] = {name: form_of(name, value, {}) for name, value in app.fields.items()}
    if app.pin is not None:
        said["appId"] = app.pin
    if app.state != "present":
        said["state"] = app.state
    if app.prune != desired.prune:
        said["prune"] = app.prune
    if app.lifecycle != Lifecycle():
        said["lifecycle"] = lifecycle_form(app.lifecycle)
    if app.placements is not None:
        said["placements"] = [_placement_block(each, kinds) for each in chosen]
    return {name: said[name] for name in APP_KEYS if name in said}


def _placement_block(block: DesiredPlacement, kinds: frozenset[str | None]) -> Mapping[str, Writable]:
    said: dict[str, Writable] = {name: form_of(name, value, {}) for name, value in block.fields.items()}
    if block.pin is not None:
        said["placementId"] = block.pin
    if block.renamed_from is not None:
        said["renamedFrom"] = block.renamed_from
    if block.state != "present":
        said["state"] = block.state
    if block.lifecycle != Lifecycle() or block.fields.get("placementType") in kinds:
        said["lifecycle"] = lifecycle_form(block.lifecycle)
    return {name: said[name] for name in PLACEMENT_KEYS if name in said}


def plain(value: Writable) -> Any:
    """What a manifest says as JSON has it: exact prices as numbers."""
    match value:
        case str() | None | bool() | int() | float() | Decimal():
            return to_json(value) if isinstance(value, Decimal) else value
        case Mapping():
            return {key: plain(part) for key, part in value.items()}
        case _:
            return [plain(part) for part in value]


def lifecycle_form(lifecycle: Lifecycle) -> Mapping[str, Writable]:
    """A lifecycle as a manifest says it; what is not so is left out."""
    said: dict[str, Writable] = {}
    if lifecycle.ignore_changes:
        said["ignoreChanges"] = sorted(lifecycle.ignore_changes)
    if lifecycle.protect:
        said["protect"] = True
    if lifecycle.distinct:
        said["distinct"] = True
    if lifecycle.accept_drift:
        said["acceptDrift"] = [
            {
                "field": drift.path,
                "reason": drift.reason,
                **({"until": drift.until.isoformat()} if drift.until is not None else {}),
            }
            for drift in lifecycle.accept_drift
        ]
    return said
