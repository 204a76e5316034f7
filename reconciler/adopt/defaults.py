"""Values that most placements of an account have -> the defaults of a project that begins with it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.adopt.forms import form_of, unsayable
from reconciler.manifest.edit.apply import apply_edits
from reconciler.manifest.edit.changes import SetValue, Writable
from reconciler.manifest.text import ManifestText
from reconciler.model.field import PLACEMENT_TYPES
from reconciler.model.live import LiveResource, LiveState
from reconciler.model.value import ABSENT, Value, to_json

_OF_ALL: Final = ("coppa", "status")
_OF_TYPES: Final = ("creativeTypes", "bannerRefresh", "skipability")
"""Fields whose repetition is habit rather than a decision for each placement."""


def with_defaults(settings: ManifestText, live: LiveState) -> ManifestText:
    """Settings that have `defaults` with both of its keys, their values replaced by what the account repeats."""
    placements = [each for app in live.apps for each in live.placements.get(app.id, ())]
    by_type: dict[str, Writable] = {}
    for kind in PLACEMENT_TYPES:
        alike = [each for each in placements if each.fields.get("placementType") == kind]
        if repeated := _repeated(alike, _OF_TYPES):
            by_type[kind] = repeated
    path = (0, "defaults")
    edits = [SetValue((*path, "placements"), _repeated(placements, _OF_ALL)), SetValue((*path, "byType"), by_type)]
    return ManifestText(settings.file, apply_edits(settings.data, edits, settings.file))


def _repeated(placements: Sequence[LiveResource], names: Iterable[str]) -> Mapping[str, Writable]:
    """The fields that every placement shows, with the value that more than half of them have."""
    found: dict[str, Writable] = {}
    for name in names:
        shown = [each.fields.get(name, ABSENT) for each in placements]
        values: dict[str, Value] = {str(to_json(value)): value for value in shown if value is not ABSENT}
        counts = Counter(str(to_json(value)) for value in shown if value is not ABSENT)
        for said, number in counts.most_common(1):
            whole = sum(counts.values()) == len(placements)
            if whole and 2 * number > len(placements) > 1 and not unsayable("placement", {name: values[said]}):
                found[name] = form_of(name, values[said], {})
    return found
