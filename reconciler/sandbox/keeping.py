"""What a server makes of the values it is sent: names, bundles and floors that it keeps otherwise.

Values are in the form in which the account stores them.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Any, Final

from reconciler.model.floors import MINIMUM
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.stored import Stored

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
