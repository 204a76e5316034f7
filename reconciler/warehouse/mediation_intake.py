"""Rows of a mediation report as tables: rows are checked, countries and formats normalised, amounts exact."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.apis.mediation_query import COUNTS, EARNINGS
from reconciler.apis.mediation_reports import NetworkType
from reconciler.apis.reports import DayRange
from reconciler.errors import UnreadableAnswer
from reconciler.warehouse.acceptance import (
    MOST_UNREAD,
    NOWHERE,
    STRAY,
    SUM,
    SUMS,
    Figures,
    ParsedRow,
    alpha2,
    distinct_rows,
    parsed_row,
    unread_reason,
)
from reconciler.warehouse.join import source_name

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
"""The vendor's placement types -> ours; an unknown type is kept as it is: the vendor's list grows."""
_CENT: Final = Decimal("0.000001")
_COUNTED: Final = COUNTS
_MOST: Final = 2**62
_NO_DATE: Final = "the date is none"
_PLAIN: Final = re.compile(r"[-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?")
"""A number as programs write it. Thousands marks, currencies and digits of other scripts do not match: their meaning
would be a guess."""


@dataclass(slots=True)
class RowBatch:
    """The rows of a day, or of a total: accepted ones, and those quarantined with their reasons.

    `repeated` counts rows that occurred again, `unread` the figures of unreadable rows as far as they are readable, and
    `misplaced` those of rows with unknown countries, which count as worldwide.
    """

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    quarantined: Counter[str] = field(default_factory=Counter)
    quarantined_rows: list[Mapping[str, Any]] = field(default_factory=list)
    unknown_countries: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    unread: Figures = field(default_factory=Figures)
    misplaced: Figures = field(default_factory=Figures)

    @property
    def figures(self) -> Figures:
        """The sums of its accepted rows."""
        return sum(map(_row_figures, self.rows), Figures())

    @property
    def unread_reason(self) -> str:
        """Why the batch is not accepted; empty where it is."""
        nowhere = self.misplaced
        if not self.rows and (lost := set(self.quarantined) - STRAY):
            return f"none of its {self.quarantined.total():,} rows can be read ({', '.join(sorted(lost))})"
        reasons = {**self.quarantined, **({"of an unknown country": nowhere.rows} if nowhere.rows else {})}
        return unread_reason(self.unread + nowhere, self.figures + self.unread, reasons)

    def quarantine_row(self, source_row: Mapping[str, Any], why: str) -> None:
        """Quarantine a row with the reason, and add its figures to `unread`."""
        self.quarantined[why] += 1
        self.quarantined_rows.append(
            {"reason": why, **{str(key): str(value)[:200] for key, value in source_row.items()}}
        )
        if why not in STRAY and why != NO_FIGURES:
            self.unread += Figures(
                1, *(_figure_or_zero(source_row.get(name)) for name in ("impressions", "estimated_earnings"))
            )


def row_batches(
    answers: Mapping[NetworkType, Sequence[Mapping[str, Any]]], span: DayRange, *, dated: bool
) -> Mapping[date | None, RowBatch]:
    """The rows of both answers for a span, by day; without days, all of them under None.

    A row whose day cannot be read is quarantined with those of the first day. Raises `UnreadableAnswer` where too many
    rows have no readable day, where too many are of days that were not requested, and where both answers hold the same
    rows, so that each would count twice.
    """
    batches: dict[date | None, RowBatch] = {day: RowBatch() for day in (span.days() if dated else (None,))}
    parsed: dict[date | None, list[ParsedRow]] = {day: [] for day in batches}
    for network, rows in answers.items():
        for row in rows:
            day, fault = _parse_day(row, span) if dated else (None, "")
            try:
                if fault:
                    raise ValueError(fault)  # noqa: TRY301 - one way out for all that is wrong with a row
                parsed[day].append(parsed_row(row, _parse_row(row, network, day)))
            except ValueError as error:
                batches[day].quarantine_row(row, str(error))
    total = sum(map(len, answers.values()))
    for why, message in ((_NO_DATE, "{} of {} rows have no readable day: {}"), (_STRAYED, _NOT_ASKED)):
        many = sum(batch.quarantined[why] for batch in batches.values())
        if many > MOST_UNREAD * total:
            raise UnreadableAnswer(message.format(f"{many:,}", f"{total:,}", why), hint=_NOTHING_STORED)
    if twins := _count_in_both([one for day in parsed.values() for one in day]):
        raise UnreadableAnswer(
            f"{twins:,} rows stand in the answers for bidding and for mediation alike: network_type was not heeded",
            hint=_NOTHING_STORED,
        )
    for day, batch in batches.items():
        _fill_batch(batch, parsed[day])
    return batches


_STRAYED: Final = "of another day"
_NOT_ASKED: Final = "{} of {} rows are {} than was asked for"
_NOTHING_STORED: Final = "nothing was stored of this answer; try again later"


def _count_in_both(rows: Sequence[ParsedRow]) -> int:
    """How many rows of one network type are also among those of the other, with equal dimensions and figures."""
    counted: dict[str, set[tuple[Any, ...]]] = {}
    for row in rows:
        figures = tuple(row.row[name] for name in ("requests", "impressions", "earnings"))
        if row.row["impressions"] and row.row["requests"] >= _NO_CHANCE:
            counted.setdefault(row.row["network"], set()).add((row.row["day"], row.names, figures))
    twins = set.intersection(*counted.values()) if len(counted) > 1 else set()
    lines = {names for _, names, _ in twins}
    return len(twins) if len(lines) >= _NO_ACCIDENT and 2 * len(twins) >= min(map(len, counted.values())) else 0


_NO_CHANCE: Final = 10
"""Requests from which equal figures are not a coincidence."""
_NO_ACCIDENT: Final = 3
"""The number of equal lines from which the answers count as the same, rather than the account's own figures."""


def _fill_batch(batch: RowBatch, rows: Sequence[ParsedRow]) -> None:
    distinct = distinct_rows(rows)
    batch.repeated = distinct.repeated
    for why, row in distinct.quarantined:
        batch.quarantine_row(row.told, why)
    for row in distinct.rows:
        name = str(row.told.get("country") or "")
        batch.rows.append(row.row)
        if row.row["country"] is None:
            batch.unknown_countries[name[:40]] += 1
            if name.strip().lower() not in NOWHERE | SUMS:
                batch.misplaced += _row_figures(row.row)


def _row_figures(row: Mapping[str, Any]) -> Figures:
    return Figures(1, row["impressions"], float(row["earnings"]))


def write_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the rows to a Parquet file with the columns of `mediation_schema`."""
    import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.2 s
    from pyarrow import parquet  # noqa: PLC0415

    parquet.write_table(pa.Table.from_pylist(list(rows), schema=mediation_schema()), path, compression="zstd")


def mediation_schema() -> "pa.Schema":
    """The columns of a file of Chartboost's rows. `country` is alpha-2, `earnings` USD; a day of None is a total."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    texts = ("app", "network", "source", "placement", "partner_placement", "format", "country")
    counts = [(name, pa.int64()) for name in _COUNTED]
    return pa.schema(
        [*((name, pa.string()) for name in texts), ("day", pa.date32()), *counts, ("earnings", pa.decimal128(18, 6))]
    )


def _parse_row(source_row: Mapping[str, Any], network: NetworkType, day: date | None) -> Mapping[str, Any]:
    source, kind = (
        _text_or_none(source_row.get("demand_source")) or "",
        _text_or_none(source_row.get("placement_type")) or "",
    )
    currency, said_network = _text_or_none(source_row.get("currency")), _text_or_none(source_row.get("network_type"))
    if currency is not None and currency.upper() not in {"USD", "US$", "$"}:
        raise ValueError("the earnings are not in USD")
    if said_network is not None and said_network.lower() != network:
        raise ValueError("of another network type")
    figures = parse_figures(source_row, _REQUIRED) | {
        name: 0 if source_row.get(name) is None else parse_count(source_row, name) for name in _OPTIONAL
    }
    return {
        "app": _text_or_none(source_row.get("app")),
        "network": network,
        "source": source_name(source),
        "placement": _text_or_none(source_row.get("helium_placement_name")),
        "partner_placement": _text_or_none(source_row.get("partner_placement_name")),
        "format": FORMATS.get(kind.lower(), kind),
        "country": alpha2(_text_or_none(source_row.get("country"))),
        "day": day,
        **{name: value for name, value in figures.items() if name != EARNINGS},
        "earnings": figures[EARNINGS],
    }


def _text_or_none(value: Any) -> str | None:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text or None


def _parse_day(source_row: Mapping[str, Any], span: DayRange) -> tuple[date, str]:
    """The day of a row and an empty text, or the first day of the span and the reason to quarantine the row."""
    text = str(source_row.get("date")).strip()
    if text.lower() in SUMS:
        return span.first, SUM
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return span.first, _NO_DATE
    return (day, "") if span.first <= day <= span.last else (span.first, _STRAYED)


_REQUIRED: Final = ("requests", "impressions", EARNINGS)
_OPTIONAL: Final = tuple(name for name in _COUNTED if name not in _REQUIRED)
"""Counts that floors do not rest on: where a row has none, they are 0."""
_AFTER: Final[Mapping[str, Sequence[str]]] = {
    "requests": ("responses", "valid_bids", "winning_bids", "impressions", EARNINGS),
    "responses": ("impressions", EARNINGS),
    "valid_bids": ("winning_bids", "impressions", EARNINGS),
    "winning_bids": ("impressions", EARNINGS),
    "impressions": (EARNINGS,),
    EARNINGS: (),
}
"""What there cannot be without the figure: nothing was shown that nobody requested."""
NO_FIGURES: Final = "without any figure"
"""Nothing of a day is missing without such a row; a day of none but such is one that is not there yet."""


def parse_figures(source_row: Mapping[str, Any], names: Sequence[str]) -> dict[str, int | Decimal]:
    """These figures of a row: counts, and earnings in USD. One that is null or missing is 0 where 0 is possible.

    It is not where what comes of it is above 0, where impressions earned nothing known, and where all are null. Raises
    ValueError with the reason.
    """
    told = {name: source_row.get(name) for name in names}
    there = {name: value for name, value in told.items() if value is not None and str(value).strip()}
    if told and not there:
        raise ValueError(NO_FIGURES)
    figures: dict[str, int | Decimal] = {
        name: _parse_earnings(value) if name == EARNINGS else parse_count(source_row, name)
        for name, value in there.items()
    }
    for name in names:
        if name not in there:
            words = name.replace("_", " ")
            if any(figures.get(later) for later in _AFTER[name]) or (name == EARNINGS and figures.get("impressions")):
                raise ValueError(f"the {words} are missing")
    return {name: figures.get(name, Decimal(0) if name == EARNINGS else 0) for name in names}


def parse_count(source_row: Mapping[str, Any], name: str) -> int:
    """A count that is there. Raises ValueError."""
    number = _parse_number(source_row[name], f"the {name.replace('_', ' ')} are no number")
    if number < 0:
        raise ValueError(f"the {name.replace('_', ' ')} are negative")
    if number != number.to_integral_value() or number > _MOST:
        raise ValueError(f"the {name.replace('_', ' ')} are no whole number")
    return int(number)


def _parse_earnings(value: Any) -> Decimal:
    number = _parse_number(value, "the earnings are no number")
    if number < 0:
        raise ValueError("the earnings are negative")
    if number > 10**11:
        raise ValueError("the earnings are beyond belief")
    return number.quantize(_CENT)


def _parse_number(value: Any, fault: str) -> Decimal:
    text = "" if isinstance(value, bool) else str(value).strip()
    if not _PLAIN.fullmatch(text):
        raise ValueError(fault)
    return Decimal(text)


def _figure_or_zero(value: Any) -> float:
    """A figure of a quarantined row; 0 where it cannot be read."""
    try:
        return max(0.0, float(_parse_number(value, "")))
    except ValueError:
        return 0.0
