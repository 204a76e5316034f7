"""What only one block of all files may say: an address, a pin, a former name."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from reconciler.manifest.report import Reporter
from reconciler.yaml.hints import shown
from reconciler.yaml.text import Place

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


class Claim(NamedTuple):
    """What the block of an address says, and where; nothing said is the address itself."""

    what: str
    address: str
    line: int
    column: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who said it first. The order of files decides which of two is reported, so load them in order."""

    _first: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def claim(self, claims: Iterable[Claim], reporter: Reporter) -> None:
        """Report what an earlier block has claimed."""
        for what, address, line, column, said in claims:
            here = (reporter.file, line)
            first = self._first.setdefault((what, said or address), here)
            if first is not here:
                code = _CODES[what]
                message = f"{what} {shown(said or address)} is declared at {first[0]}:{first[1]} already"
                reporter.about(address).error(Place(line, column), code, message, _HINTS[code])
