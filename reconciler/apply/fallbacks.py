"""What a whole resource is sent without, where the account refuses it: values that nobody could have written.

An account may show what it does not take: a price below the least one, a country that it does not know, an empty list.
To leave one such value out costs less than to leave everything else reset.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from reconciler.adopt.forms import undeclarable, without_lines
from reconciler.manifest.layer import COUNTRIES
from reconciler.model.habits import TARGETING
from reconciler.model.state import LiveResource
from reconciler.model.value import MINIMUM, WORLDWIDE, Fields, Value, value_text

REFUSALS: Final = frozenset({400, 409, 422})
"""HTTP statuses by which values are refused; others are of the caller, or of the moment."""

RESERVED: Final = frozenset({"XK"})
"""Codes in common use that ISO 3166 has not given out, and that an account may refuse."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A whole resource without what may be refused: `told` names what is left out, and so lost; empty where nothing is.

    `before` and `sent` are those of the update without what is left out, to compare readings with.
    """

    body: Fields
    before: LiveResource
    sent: Fields
    told: str = ""


def fallbacks(body: Fields, before: LiveResource, sent: Fields) -> Iterator[Fallback]:
    """What to send instead of a whole resource that was refused, one after the other."""
    kept = {name: value for name, value in body.items() if value is not None}  # what is left out is off, too
    if kept != body:
        yield Fallback(kept, before, sent)
    lines = _doubtful_lines(kept.get("floorPrices"))
    doubtful = undeclarable(before.kind, {**before.fields, **kept}).keys() - sent.keys() - {"name", "floorPrices"}
    fields = {name: value for name, value in kept.items() if name in doubtful}
    if not (lines or fields):
        return
    lost = [f"floorPrices.{country} (was {value_text(amount)})" for country, amount in sorted(lines.items())]
    lost += [f"{name} (was {value_text(value)})" for name, value in sorted(fields.items())]
    told = f"the account refuses what it had itself: {', '.join(lost)}; left out, it is reset: see to it in the console"
    less, before_less, sent_less = (_without(each, lines, fields) for each in (kept, before.fields, sent))
    yield Fallback(less, replace(before, fields=before_less), sent_less, told)


def _doubtful_lines(floors: Value) -> Mapping[str, Decimal]:
    """The lines of a table of floors that an account may have and not take."""
    if not isinstance(floors, Mapping):
        return {}
    return {
        country: amount
        for country, amount in floors.items()
        if isinstance(amount, Decimal)
        if amount < MINIMUM or (country != WORLDWIDE and (country not in COUNTRIES or country in RESERVED))
    }


def _without(fields: Fields, lines: Mapping[str, Decimal], names: Fields) -> Fields:
    """Fields without some, and without lines of floors; an empty table is none."""
    left = {name: value for name, value in fields.items() if name not in names}
    if lines and "floorPrices" in left:
        table = without_lines(left["floorPrices"], lines)
        left = {name: value for name, value in left.items() if name != "floorPrices" or table}
        if table:
            left["floorPrices"] = table
    return left


EMPTY_REFUSED: Final = (
    "an empty list may be what is refused: switch targeting off altogether (targetingEnabled: false), "
    "or turn {} off in the console"
)


def advice(status: int, sent: Fields) -> str | None:
    """What to do about a refused update that turns one of two kinds of targeting off."""
    off = [name for name in TARGETING if name in sent and sent[name] is None]
    return EMPTY_REFUSED.format(" and ".join(off)) if off and status in REFUSALS else None
