"""Chartboost's rows become tables: checked one by one, countries and formats in our words, prices exact."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.reporting.chartboost import NetworkType
from reconciler.reporting.countries import alpha2
from reconciler.reporting.days import Span

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS: Final[Mapping[str, str]] = {
    "interstitial": "Interstitial",
    "rewarded": "Rewarded",
    "rewarded_interstitial": "Rewarded",
    "rewarded_video": "Rewarded",
    "banner": "Banner",
    "adaptive_banner": "Banner",
    "mrec": "MREC",
    "medium_rectangle": "MREC",
}
"""Their placement types and ours; one that is not here stays what it is: their list grows."""
_CENT: Final = Decimal("0.000001")
_COUNTED: Final = ("requests", "responses", "valid_bids", "winning_bids", "impressions")
_MOST: Final = 2**62


@dataclass(slots=True)
class Pile:
    """Rows that belong together: good ones, and those set aside with their reasons."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    quarantined: Counter[str] = field(default_factory=Counter)
    aside: list[Mapping[str, Any]] = field(default_factory=list)
    unknown_countries: Counter[str] = field(default_factory=Counter)


def piles(
    told: Mapping[NetworkType, Sequence[Mapping[str, Any]]], span: Span, *, dated: bool
) -> Mapping[date | None, Pile]:
    """The rows of both answers for a span, by day; without days, all of them under None.

    A row whose day cannot be read is set aside with those of the first day.
    """
    found: dict[date | None, Pile] = {day: Pile() for day in (span.days() if dated else (None,))}
    for network, rows in told.items():
        for row in rows:
            day, wrong = _day(row, span) if dated else (None, "")
            _sort(found[day], row, network, day, wrong)
    return found


def _sort(pile: Pile, told: Mapping[str, Any], network: NetworkType, day: date | None, wrong: str) -> None:
    try:
        if wrong:
            raise ValueError(wrong)  # noqa: TRY301 - one way out for all that is wrong with a row
        row = _row(told, network, day)
    except ValueError as reason:
        pile.quarantined[str(reason)] += 1
        pile.aside.append({"reason": str(reason), **{str(key): str(value)[:200] for key, value in told.items()}})
        return
    pile.rows.append(row)
    if row["country"] is None:
        pile.unknown_countries[str(told.get("country") or "")[:40]] += 1


def write_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """The rows as a Parquet file."""
    import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.2 s
    from pyarrow import parquet  # noqa: PLC0415

    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema()), path, compression="zstd")


def schema() -> "pa.Schema":
    """The columns of a file of Chartboost's rows. `country` is alpha-2, `earnings` USD; a day of None is a total."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    texts = ("app", "network", "source", "placement", "partner_placement", "format", "country")
    counts = [(name, pa.int64()) for name in _COUNTED]
    return pa.schema(
        [*((name, pa.string()) for name in texts), ("day", pa.date32()), *counts, ("earnings", pa.decimal128(18, 6))]
    )


def _row(told: Mapping[str, Any], network: NetworkType, day: date | None) -> Mapping[str, Any]:
    source, kind = _text(told.get("demand_source")), _text(told.get("placement_type")) or ""
    if source is None:
        raise ValueError("no demand source")
    return {
        "app": _text(told.get("app")),
        "network": network,
        "source": source.lower(),
        "placement": _text(told.get("helium_placement_name")),
        "partner_placement": _text(told.get("partner_placement_name")),
        "format": FORMATS.get(kind.lower(), kind),
        "country": alpha2(_text(told.get("country"))),
        "day": day,
        **{name: _count(told, name) for name in _COUNTED},
        "earnings": _earnings(told.get("estimated_earnings", 0 if told.get("impressions") == 0 else None)),
    }


def _text(value: Any) -> str | None:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text or None


def _day(told: Mapping[str, Any], span: Span) -> tuple[date, str]:
    """The day of a row, or else the first day and what is wrong with the row."""
    try:
        day = date.fromisoformat(str(told.get("date"))[:10])
    except ValueError:
        return span.first, "the date is none"
    return (day, "") if span.first <= day <= span.last else (span.first, "of another day")


def _count(told: Mapping[str, Any], name: str) -> int:
    """A number of things; one that is not told counts as none, but for those that every row must have."""
    value = told.get(name)
    if value is None and name not in {"requests", "impressions"}:
        return 0
    number = _number(value, f"the {name.replace('_', ' ')} are no number")
    if number < 0:
        raise ValueError(f"the {name.replace('_', ' ')} are negative")
    if number != number.to_integral_value() or number > _MOST:
        raise ValueError(f"the {name.replace('_', ' ')} are no whole number")
    return int(number)


def _earnings(value: Any) -> Decimal:
    number = _number(value, "the earnings are no number")
    if number < 0:
        raise ValueError("the earnings are negative")
    if number > 10**11:
        raise ValueError("the earnings are beyond belief")
    return number.quantize(_CENT)


def _number(value: Any, wrong: str) -> Decimal:
    try:
        number = Decimal("NaN" if isinstance(value, bool) else str(value))
    except InvalidOperation:
        raise ValueError(wrong) from None
    if not number.is_finite():
        raise ValueError(wrong)
    return number
