"""What a whole resource is sent without, where the account refuses it: values that nobody could have written.

An account may show what it does not take: a price below the least one, a country that it does not know, an empty list.
To leave one such value out costs less than to leave everything else reset, and no more is left out than it refuses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations, islice
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
    """What to send instead of a whole resource that was refused, one after the other: each leaves out what is doubtful.

    One kind of it at a time comes first, then more at once, and at last all, after `MOST_TRIES` of these at most.
    """
    kept = {name: value for name, value in body.items() if value is not None}  # what is left out is off, too
    if kept != body:
        yield Fallback(kept, before, sent)
    parts = _doubtful_parts(kept, before, sent)
    several = (chosen for number in range(1, len(parts)) for chosen in combinations(parts, number))
    for chosen in (*islice(several, MOST_TRIES), *([tuple(parts)] if parts else [])):
        yield _without_parts(chosen, kept, before, sent)


MOST_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class _Doubtful:
    """What is doubtful of a resource for one reason: lines of floors, or a field."""

    lines: Mapping[str, Decimal] = field(default_factory=dict)
    fields: Fields = field(default_factory=dict)


def _doubtful_parts(kept: Fields, before: LiveResource, sent: Fields) -> list[_Doubtful]:
    """Floors below the least price, floors of codes that are no country, then each field no manifest can declare."""
    lines = _doubtful_lines(kept.get("floorPrices"))
    below = {country: amount for country, amount in lines.items() if amount < MINIMUM}
    codes = {country: amount for country, amount in lines.items() if country not in below}
    doubtful = undeclarable(before.kind, {**before.fields, **kept}).keys() - sent.keys() - {"name", "floorPrices"}
    fields = [_Doubtful(fields={name: kept[name]}) for name in sorted(doubtful & kept.keys())]
    return [*(_Doubtful(lines=each) for each in (below, codes) if each), *fields]


def _without_parts(chosen: Sequence[_Doubtful], kept: Fields, before: LiveResource, sent: Fields) -> Fallback:
    lines = {country: amount for each in chosen for country, amount in each.lines.items()}
    fields = {name: value for each in chosen for name, value in each.fields.items()}
    lost = [f"floorPrices.{country} (was {value_text(amount)})" for country, amount in sorted(lines.items())]
    lost += [f"{name} (was {value_text(value)})" for name, value in sorted(fields.items())]
    told = f"the account refuses what it had itself: {', '.join(lost)}; left out, it is reset: see to it in the console"
    less, before_less, sent_less = (_without(each, lines, fields) for each in (kept, before.fields, sent))
    return Fallback(less, replace(before, fields=before_less), sent_less, told)


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


EMPTY_REFUSED: Final = "an empty list may be what is refused: {}turn {} off in the console"
_SWITCH_OFF: Final = "switch targeting off altogether (targetingEnabled: false), or "
URL_REFUSED: Final = "that there be no URL may be what is refused: take it out in the console"


def advice(status: int, sent: Fields, before: Fields) -> str | None:
    """What to do about a refused update that turns something off which an account may not let be off."""
    if status not in REFUSALS:
        return None
    off = [name for name in TARGETING if name in sent and sent[name] is None]
    if off and {**before, **sent}.get("targetingEnabled") is not False:
        return EMPTY_REFUSED.format(_SWITCH_OFF, " and ".join(off))
    if off and "targetingEnabled" not in sent:
        return EMPTY_REFUSED.format("", " and ".join(off))
    return URL_REFUSED if "rewardedAdUrl" in sent and sent["rewardedAdUrl"] is None else None
