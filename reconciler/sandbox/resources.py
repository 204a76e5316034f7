"""What the account holds: resources as a server keeps them, and as they were, for servers whose reads lag.

Values are in the form in which the account stores them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Any, Final

from reconciler.model.address import Kind
from reconciler.model.floors import MINIMUM
from reconciler.sandbox.quirks import Quirks


@dataclass(frozen=True, slots=True)
class Stored:
    """An app or placement as the account holds it. `created` is in seconds since the epoch, 0 where it was seeded."""

    kind: Kind
    id: str
    fields: Mapping[str, Any]
    app_id: str | None = None
    created: float = 0.0


class Past:
    """What resources were before they were changed or deleted, in memory alone.

    `span` is for how many seconds that is kept; 0 keeps nothing. Not safe to share without a lock.
    """

    def __init__(self) -> None:
        self.span = 0.0
        self._versions: dict[tuple[Kind, str], list[tuple[float, Stored]]] = {}
        self._ended: dict[tuple[Kind, str], tuple[float, Stored]] = {}

    def changed(self, now: float, was: Stored) -> None:
        """Until now a resource was as given."""
        if self.span:
            versions = self._versions.setdefault((was.kind, was.id), [])
            versions.append((now, was))
            while versions[0][0] <= now - self.span:
                del versions[0]

    def ended(self, now: float, was: Stored) -> None:
        """The resource is deleted now, and was as given until then."""
        if self.span:
            self.changed(now, was)
            self._ended[was.kind, was.id] = now, was

    def as_of(self, moment: float, current: Stored) -> Stored:
        """What a resource was at a moment; one that is younger, as it was made."""
        versions = self._versions.get((current.kind, current.id), ())
        return next((was for until, was in versions if until > moment), current)

    def listed(self, moment: float, current: Iterable[Stored], belongs: Callable[[Stored], bool]) -> list[Stored]:
        """A list as it was at a moment, by id: what is in it now, and what belongs there and was deleted since."""
        gone = [was for at, was in self._ended.values() if at > moment and belongs(was)]
        return sorted((self.as_of(moment, each) for each in (*current, *gone)), key=lambda each: int(each.id))

    def clear(self) -> None:
        """Forget all of it."""
        self._versions.clear()
        self._ended.clear()


_NAMES: Final[Mapping[str, Callable[[str], str]]] = {
    "sent": str,
    "lower": str.lower,
    "trim": str.strip,
    "cut16": lambda name: name[:16],
    "dashes": lambda name: name.replace("_", "-"),
    "escape": escape,
}


def kept(sent: Mapping[str, Any], quirks: Quirks) -> dict[str, Any]:
    """The fields that are stored of those that were sent."""
    stored = dict(sent)
    for name in ("name", "bundle"):
        if isinstance(stored.get(name), str):
            stored[name] = _NAMES[quirks.names](stored[name])
    if isinstance(stored.get("floorPrices"), Mapping):
        stored["floorPrices"] = _floors(stored["floorPrices"], quirks)
    return stored


def _floors(sent: Mapping[str, float], quirks: Quirks) -> dict[str, float]:
    lines = {**quirks.adds, **{name: price for name, price in sent.items() if name not in quirks.drops}}
    return {name: _rounded(price, quirks.prices) for name, price in lines.items()} if quirks.prices else lines


def _rounded(price: float, step: float) -> float:
    """The multiple of a step that is nearest, and never less than the least price there is."""
    of, to = Decimal(str(price)), Decimal(str(step))
    return float(max(MINIMUM, (of / to).quantize(Decimal(1), ROUND_HALF_UP) * to))


def same_to_a_server(one: Stored, other: Stored) -> bool:
    """Whether a server that makes nothing twice takes two resources for one: of a like name, or a like bundle."""
    return (one.kind, one.app_id, _identity(one)) == (other.kind, other.app_id, _identity(other))


def _identity(resource: Stored) -> tuple[str, ...]:
    names = ("name",) if resource.kind == "placement" else ("platform", "bundle")
    return tuple(str(resource.fields.get(name, "")).strip().casefold().replace("_", "-") for name in names)
