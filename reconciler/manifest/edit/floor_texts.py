"""New floors -> manifests that declare just these, and are sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from reconciler.errors import EditError
from reconciler.manifest.edit.apply import apply_edits
from reconciler.manifest.edit.floor_sites import FIELD
from reconciler.manifest.edit.floors import FloorChange, floor_edits
from reconciler.manifest.load import load_desired
from reconciler.manifest.settings import Settings
from reconciler.manifest.text import ManifestText
from reconciler.model.address import Address
from reconciler.model.desired import DesiredApp, DesiredPlacement, Source
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.model.floors import Floors
from reconciler.model.value import Fields

_Block: TypeAlias = DesiredApp | DesiredPlacement


@dataclass(frozen=True, slots=True)
class FloorTexts:
    """The manifests that change, with their new bytes, and the floor changes that are in them.

    Findings that are errors are of changes that could not be written; warnings tell what else there is to know.
    """

    texts: tuple[ManifestText, ...]
    written: tuple[FloorChange, ...]
    findings: tuple[Finding, ...]


def write_floors(
    settings: Settings, settings_text: ManifestText, manifests: Sequence[ManifestText], changes: Sequence[FloorChange]
) -> FloorTexts:
    """The manifests with new floors, read again to see that these and nothing else were declared anew.

    A file that would not be sound with its new floors, as with a ladder whose rungs would cross, stays as it is; the
    findings say why. The manifests are ones that `load_desired` found no error in. Nothing is raised for any change.
    """
    made = floor_edits(settings, manifests, changes)
    texts: list[ManifestText] = []
    written: list[FloorChange] = []
    findings = list(made.findings)
    for text in manifests:
        if text.file not in made.files:
            continue
        asked = made.files[text.file]
        try:
            new = ManifestText(text.file, apply_edits(text.data, asked.edits, text.file))
            _check(_declared(settings, settings_text, text), _declared(settings, settings_text, new), asked.changes)
        except EditError as wrong:
            findings += wrong.findings
            continue
        texts.append(new)
        written += asked.changes
    return FloorTexts(tuple(texts), tuple(written), tuple(sorted(findings, key=finding_order)))


def _declared(settings: Settings, settings_text: ManifestText, text: ManifestText) -> Mapping[Address, _Block]:
    """The block of each app and placement of one file."""
    loaded = load_desired(settings, settings_text, [text])
    if loaded.state is None:
        raise EditError([finding for finding in loaded.findings if finding.severity == "error"])
    found: dict[Address, _Block] = {}
    for app in loaded.state.apps:
        found[app.address] = app
        found.update((placement.address, placement) for placement in app.placements or ())
    return found


def _check(before: Mapping[Address, _Block], after: Mapping[Address, _Block], changes: Sequence[FloorChange]) -> None:
    """Raises `EditError` where the blocks differ in more, or less, than the changes."""
    wanted: dict[Address, Fields] = {address: block.fields for address, block in before.items()}
    for change in changes:
        fields = wanted[change.address]
        table = cast("Floors", fields[FIELD])
        wanted[change.address] = {**fields, FIELD: {**table, change.country: change.price}}
    wrong = sorted(address for address, block in after.items() if wanted.get(address) != block.fields)
    if wrong or len(wanted) != len(after):
        source = after[wrong[0]].source if wrong else Source("", 1)
        message, hint = "the new floors would change something else, too", "edit it by hand"
        address = wrong[0] if wrong else ""
        raise EditError([Finding(source.file, source.line, 1, "edit-unsure", message, address=address, hint=hint)])
