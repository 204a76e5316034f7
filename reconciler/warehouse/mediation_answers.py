"""Rows of the mediation API as the answer to a question: checked, added up over windows, with ratios computed anew.

Counts and earnings of windows add up; ratios do not, and the API rounds its own to two digits, so they are always
computed from what they are ratios of. Rows that sum others, that stand there again or cannot be read are left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import combinations
from typing import Any, Final, TypeAlias

from reconciler.apis.mediation_query import (
    DIMENSIONS,
    EARNINGS,
    METRICS,
    NETWORK_TYPE,
    RATIOS,
    MediationQuery,
    alpha3,
)
from reconciler.apis.reports import DayRange
from reconciler.errors import UnreadableAnswer
from reconciler.http.exchange import folded_row
from reconciler.model.rows import Cell, Rows
from reconciler.warehouse.acceptance import (
    GIVEN_NAMES,
    MOST_UNREAD,
    NO_SUM,
    NOWHERE,
    STRAY,
    SUM,
    SUMS,
    TWICE,
    dimension_text,
    word_of,
)
from reconciler.warehouse.mediation_intake import NO_FIGURES, parse_figures

Key: TypeAlias = tuple[Cell, ...]
Figures: TypeAlias = dict[str, int | Decimal]

_HARMLESS: Final = STRAY | {NO_FIGURES}
"""Reasons for which a row is left out without anything missing."""
_OFTEN_MISSING: Final = frozenset(("helium_line_item_name", "partner_placement_name"))
"""Dimensions that many a row has no value of."""
_NO_CHANCE: Final = 10
"""A figure from which a row without these is no sum of others by accident."""
_DIGITS: Final = Decimal("1e-10")
_CENT: Final = Decimal("0.01")
_STRAYED: Final = "of another day"
_NO_DAY: Final = "the date is none"
_LATER: Final = "nothing is concluded from it; try again later"


@dataclass(slots=True)
class _Line:
    """A row that could be read: its dimensions by name (see `dimension_text`), its key in the answer, its figures."""

    names: Mapping[str, str]
    key: Key
    figures: Figures

    words: frozenset[str]
    """The dimensions that have a word for all, such as `All`."""

    @property
    def empty(self) -> tuple[str, ...]:
        """The dimensions that it has no value of, or a country that is none: it may sum over them."""
        none = {name for name, text in self.names.items() if not text or (name == "country" and text in NOWHERE)}
        return tuple(name for name in self.names if name in none and name != NETWORK_TYPE)

    def sums(self, members: Sequence["_Line"], over: frozenset[str]) -> bool:
        """Whether it is the sum of these over some dimensions.

        Without a word for all it is one of two rows or more: of one it may be a twin.
        """
        if len(members) < (1 if self.words else 2):
            return False
        is_chance = over <= _OFTEN_MISSING and not self.words and max(self.figures.values(), default=0) < _NO_CHANCE
        return not is_chance and _is_sum(self, members)


class MediationAnswer:
    """Adds up the rows of a question's windows."""

    def __init__(self, query: MediationQuery) -> None:
        self._query = query
        self._sums: defaultdict[Key, Figures] = defaultdict(dict)
        self._left_out: Counter[str] = Counter()
        self._repeated = 0
        self._total = 0
        self._lost = self._kept = Decimal(0)
        self._days_lost: set[date] = set()
        self._days_read: set[date] = set()
        self._missed: list[str] = []

    def add(self, window: DayRange, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in all rows of a window.

        Raises `UnreadableAnswer` where they answer another question, or too many of them are of other days.
        """
        told = [folded_row(row) for row in rows]
        self._check_question(told)
        lines: list[_Line] = []
        for row in told:
            try:
                lines.append(self._line(row, window))
            except ValueError as error:
                self._leave_out(row, str(error))
        self._total += len(rows)
        for why in (_STRAYED, _NO_DAY):
            if self._left_out[why] > MOST_UNREAD * self._total:
                raise UnreadableAnswer(
                    f"{self._left_out[why]:,} of {self._total:,} rows of Chartboost's are {_WORDS[why]}", hint=_LATER
                )
        kept = self._without_sums(self._without_repeats(lines))
        for line in kept:
            self._take(line)
        if rows and not kept:
            self._missed.append(f"not one row of {window} can be used")

    def miss(self, window: DayRange, why: str) -> None:
        """A window has no answer that can be believed."""
        self._missed.append(f"the rows of {window} are not there: {why}")

    @property
    def is_whole(self) -> bool:
        """Whether hardly anything is missing: at most 1 % of the rows and of the money, and no whole day or window.

        Rows that came, of which none can be used, are a whole window, whatever is wrong with them.
        """
        lost = sum(rows for why, rows in self._left_out.items() if why not in _HARMLESS)
        too_many = lost > MOST_UNREAD * self._total or self._lost > Decimal(MOST_UNREAD) * (self._lost + self._kept)
        return not too_many and not self._gaps and not self._missed

    def rows(self, now: datetime) -> Rows:
        """The answer, in the order of its dimensions."""
        query = self._query
        keys = sorted(self._sums, key=lambda key: [(cell is None, str(cell)) for cell in key])
        rows = [(*key, *(_metric(name, self._sums[key]) for name in query.metrics)) for key in keys]
        return Rows(query.columns, rows, (*query.notes, *self._notes()), query.incomplete(now))

    def _notes(self) -> Iterator[str]:
        query = self._query
        yield f"days are those of {query.zone}: {query.span}; money is USD"
        yield from self._missed
        if self._repeated:
            yield f"{self._repeated:,} rows stood there again and count once"
        if self._left_out:
            reasons = ", ".join(f"{rows:,} {why}" for why, rows in sorted(self._left_out.items()))
            yield f"{self._left_out.total():,} of {self._total:,} rows were left out: {reasons}"
        if self._gaps:
            yield f"no row of these days could be read: {', '.join(map(str, self._gaps))}"

    @property
    def _gaps(self) -> Sequence[date]:
        """Days that have rows and none that could be read."""
        return sorted(self._days_lost - self._days_read) if "date" in self._query.dimensions else ()

    def _check_question(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows of other dimensions or metrics than were asked for are those of the API's defaults, not an answer."""
        there = {name for row in rows for name in row}
        for asked, known in ((self._query.dimensions, DIMENSIONS), (self._query.asked_metrics, METRICS)):
            missing, others = set(asked) - there, (there & set(known)) - set(asked)
            if rows and missing and others:
                what = f"no {', '.join(sorted(missing))} and have {', '.join(sorted(others))}"
                raise UnreadableAnswer(f"Chartboost's rows answer another question: they have {what}", hint=_LATER)

    def _line(self, row: Mapping[str, Any], window: DayRange) -> _Line:
        """Raises ValueError with the reason why a row is not to be read."""
        currency, network = _text(row.get("currency")), _text(row.get(NETWORK_TYPE))
        if currency and currency.upper() not in {"USD", "US$", "$"}:
            raise ValueError("not in USD")
        if network and network.lower() != self._query.network and self._query.network in {"bidding", "mediation"}:
            raise ValueError("of another network type")
        named = {*self._query.dimensions, *row} & {*DIMENSIONS, NETWORK_TYPE}
        names: dict[str, str] = {
            name: dimension_text(name, row[name] if _text(row.get(name)) else "")
            for name in (*DIMENSIONS, NETWORK_TYPE)
            if name in named
        }
        words = frozenset(name for name, text in names.items() if word_of(text) in SUMS and name != NETWORK_TYPE)
        if "date" in names and names["date"] not in SUMS:
            _day(names["date"], window)
        figures = parse_figures(row, self._query.summed_metrics)
        return _Line(names, tuple(_cell(name, row.get(name)) for name in self._query.dimensions), figures, words)

    def _leave_out(self, row: Mapping[str, Any], why: str) -> None:
        self._left_out[why] += 1
        if why in STRAY or why == _NO_DAY:
            return
        if "date" in row:
            day = _cell("date", row["date"])
            self._days_lost |= {day} if isinstance(day, date) else set()
        if why != NO_FIGURES:
            try:
                self._lost += max(Decimal(0), Decimal(parse_figures(row, [EARNINGS])[EARNINGS]))
            except ValueError:
                return

    def _without_repeats(self, lines: Sequence[_Line]) -> list[_Line]:
        alike: defaultdict[tuple[tuple[str, str], ...], list[_Line]] = defaultdict(list)
        for line in lines:
            alike[tuple(line.names.items())].append(line)
        kept = []
        for same in alike.values():
            if any(line.figures != same[0].figures for line in same):
                for line in same:
                    self._leave_out(self._as_row(line), TWICE)
                continue
            self._repeated += len(same) - 1
            kept.append(same[0])
        return kept

    def _without_sums(self, lines: Sequence[_Line]) -> Sequence[_Line]:
        """Lines without those that sum others: these have no value in a dimension, or a word for all.

        What turns out to be no sum may be a part of larger ones.
        """
        members = _Members([line for line in lines if not line.words and not line.empty])
        doubtful = [line for line in lines if line.words or line.empty]
        for line in sorted(doubtful, key=lambda line: (len(line.words) + len(line.empty), len(line.words))):
            if why := self._sum_reason(line, members):
                self._leave_out(self._as_row(line), why)
            else:
                members.add(line)
        return members.lines

    def _sum_reason(self, line: _Line, members: "_Members") -> str:
        """Why a line does not count beside those that it may sum; empty where it counts."""
        if "date" in {*line.words, *line.empty}:
            return SUM
        for number in range(len(line.empty), -1, -1):
            for some in combinations(line.empty, number):
                over = line.words | {*some}
                if over and line.sums(members.of(line, over), over):
                    return SUM
        return NO_SUM if "country" in line.words and members.of(line, line.words | {*line.empty}) else ""

    def _as_row(self, line: _Line) -> Mapping[str, Any]:
        return {**dict(zip(self._query.dimensions, line.key, strict=True)), **line.figures}

    def _take(self, line: _Line) -> None:
        sums = self._sums[line.key]
        for name, value in line.figures.items():
            sums[name] = sums.get(name, 0) + value
        self._kept += line.figures.get(EARNINGS, 0)
        if "date" in self._query.dimensions:
            day = line.key[self._query.dimensions.index("date")]
            self._days_read |= {day} if isinstance(day, date) else set()


class _Members:
    """The lines that count, and those of them that a line may sum."""

    def __init__(self, lines: list[_Line]) -> None:
        self.lines = lines
        self._indexes: dict[tuple[str, ...], defaultdict[tuple[str, ...], list[_Line]]] = {}

    def add(self, line: _Line) -> None:
        """One more that counts."""
        self.lines.append(line)
        for by, index in self._indexes.items():
            index[tuple(line.names.get(name, "") for name in by)].append(line)

    def of(self, line: _Line, over: AbstractSet[str]) -> Sequence[_Line]:
        """Those that a line may sum over some dimensions: they are equal to it in the others."""
        by = tuple(name for name in line.names if name not in over)
        if by not in self._indexes:
            index = self._indexes[by] = defaultdict(list)
            for each in self.lines:
                index[tuple(each.names.get(name, "") for name in by)].append(each)
        return self._indexes[by][tuple(line.names[name] for name in by)]


_WORDS: Final = {_STRAYED: "of other days than were asked for", _NO_DAY: "without a day that can be read"}


def _is_sum(line: _Line, members: Iterable[_Line]) -> bool:
    """Whether a line has the figures of all members together; earnings of each are rounded to cents."""
    listed = list(members)
    for name, value in line.figures.items():
        whole = sum((Decimal(member.figures[name]) for member in listed), Decimal(0))
        rounded = _CENT * (len(listed) + 1) / 2 if name == EARNINGS else Decimal(0)
        if abs(value - whole) > rounded:
            return False
    return any(line.figures.values())


def _text(value: Any) -> str | None:
    """A text without what stands around it; None for what is empty, or is no text or number."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text or None


def _day(text: str, window: DayRange) -> None:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        raise ValueError(_NO_DAY) from None
    if not window.first <= day <= window.last:
        raise ValueError(_STRAYED)


def _cell(name: str, value: Any) -> Cell:
    text = _text(value)
    if text is None:
        return None
    if name == "date":
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            return None
    if name in GIVEN_NAMES:
        return str(value)
    if name == "country":
        return (text if text.lower() in NOWHERE else alpha3(text)) or text
    return text


def _metric(name: str, sums: Figures) -> Cell:
    """A metric of a row's sums. A ratio of nothing is null."""
    if name not in RATIOS:
        value = sums[name]
        return _plain(value) if isinstance(value, Decimal) else value
    part, whole, times = RATIOS[name]
    if not sums[whole]:
        return None
    with localcontext(prec=60):
        ratio = Decimal(sums[part]) * times / Decimal(sums[whole])
        return _plain(ratio.quantize(_DIGITS, ROUND_HALF_EVEN))


def _plain(number: Decimal) -> Decimal:
    """The number without zeros at its end, and with two digits behind the point."""
    short = number.normalize()
    exponent = short.as_tuple().exponent
    return short if isinstance(exponent, int) and exponent < -2 else number.quantize(_CENT)
