"""What only one block of all files may say: an address, a pin, a former name."""

from dataclasses import dataclass, field
from typing import Final

from reconciler.manifest.expand import ExpandedApp
from reconciler.manifest.hints import shown
from reconciler.manifest.node import Map
from reconciler.manifest.report import Reporter
from reconciler.manifest.text import Place

_CODES: Final = {
    "app": "duplicate-address",
    "placement": "duplicate-address",
    "appId": "duplicate-pin",
    "placementId": "duplicate-pin",
    "renamedFrom": "duplicate-rename",
}
_HINTS: Final = {
    "duplicate-address": "one block per address: merge the two",
    "duplicate-pin": "an id belongs to one block",
    "duplicate-rename": "one placement cannot become two",
}


@dataclass(frozen=True, slots=True)
class Claims:
    """Who said it first. The order of files decides which of two is reported, so load them in order.

    Places are kept rather than what stands there, so that each file's values can go once it is read.
    """

    _first: dict[tuple[str, str], tuple[str, Place]] = field(default_factory=dict)

    def claim(self, app: ExpandedApp, reporter: Reporter) -> None:
        """Report what an earlier block has claimed."""
        desired = app.desired
        about = reporter.about(desired.address)
        self._claim("app", desired.address, app.raw, "bundle", about)
        if desired.pin is not None:
            self._claim("appId", desired.pin, app.raw, "appId", about)
        for placement in app.placements:
            one, raw = placement.desired, placement.raw
            about = reporter.about(one.address)
            self._claim("placement", one.address, raw, "name", about)
            if one.pin is not None:
                self._claim("placementId", one.pin, raw, "placementId", about)
            if one.renamed_from is not None:
                self._claim("renamedFrom", f"{desired.address}/{one.renamed_from}", raw, "renamedFrom", about)

    def _claim(self, what: str, said: str, raw: Map, key: str, about: Reporter) -> None:
        here = (about.file, raw.value_place(key))
        first = self._first.setdefault((what, said), here)
        if first is not here:
            code = _CODES[what]
            message = f"{what} {shown(said)} is declared at {first[0]}:{first[1].line} already"
            about.error(here[1], code, message, _HINTS[code])
