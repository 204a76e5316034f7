"""One floor suggestion in the words of its page."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from reconciler.model.address import Address, name_of
from reconciler.model.suggestion import CurvePoint, Suggestion, Verdict
from reconciler.report.count import counted
from reconciler.report.floors.explain import few
from reconciler.report.floors.words import (
    MODES,
    SIGNS,
    change,
    counted_in_thousands,
    gain,
    interval,
    move,
    price,
    worth,
)
from reconciler.report.html.chart import Chart, chart
from reconciler.report.line import Tone


@dataclass(frozen=True, slots=True)
class PointView:
    """A row of the table beside the charts."""

    floor: str
    revenue: str
    interval: str
    dt: str
    rest: str
    mark: str


@dataclass(frozen=True, slots=True)
class CellView:
    """A suggestion as the template draws it; `number` is its anchor, `chart_left` says that its chart was left out."""

    number: int
    address: Address
    name: str
    country: str
    verdict: Verdict
    sign: str
    tone: Tone
    current: str
    suggested: str
    move: str
    change: str
    gain: str
    gains: str
    reasons: tuple[str, ...]
    assumptions: tuple[str, ...]
    working: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    points: tuple[PointView, ...]
    chart: Chart | None
    chart_left: bool
    described: str
    described_parts: str
    unfolded: bool

    @property
    def key(self) -> str:
        """What ids of its parts begin with."""
        return f"s{self.number}"


def cell_view(made: Suggestion, number: int, *, unfolded: bool, charted: bool) -> CellView:
    """The view of a suggestion; its charts only where they are asked for."""
    sign, tone = SIGNS[made.verdict]
    bounds = made.change
    return CellView(
        number=number,
        address=made.cell.address,
        name=name_of(made.cell.address) or made.cell.address,
        country=made.cell.country,
        verdict=made.verdict,
        sign=sign,
        tone=tone,
        current=price(made.current),
        suggested=price(made.suggested),
        move=move(made.current, made.suggested),
        change="" if bounds is None or made.current == made.suggested else change(bounds),
        gain="not known" if bounds is None else gain(bounds.estimate),
        gains="" if bounds is None else f"({gain(bounds.low)} to {gain(bounds.high)})",
        reasons=made.reasons,
        assumptions=made.assumptions,
        working=made.working,
        facts=tuple(_facts(made)),
        points=tuple(
            _point(point, made) for point in few(made.curve, {float(made.current), float(made.suggested)}) if charted
        ),
        chart=chart(made.curve, made.current, made.suggested) if charted else None,
        chart_left=bool(made.curve) and not charted,
        described=_described(made),
        described_parts=_described_parts(made),
        unfolded=unfolded,
    )


def _facts(made: Suggestion) -> Iterator[tuple[str, str]]:
    one = made.evidence
    if one is None:
        yield "Evidence", "no reports"
        return
    yield "DT is", MODES[made.mode]
    seen = (counted_in_thousands(one.requests, "request"), counted_in_thousands(one.impressions, "impression"))
    yield "Evidence", f"{', '.join(seen)} in {counted(len(one.days), 'day')}"
    yield "DT earned", f"{worth(one.revenue)} USD"
    if one.impressions:
        yield "on average", f"{worth(1000 * one.revenue / one.impressions)} USD"
    if made.opportunity_cost is not None:
        yield "the rest would pay", f"{interval(made.opportunity_cost)} USD"


def _point(point: CurvePoint, made: Suggestion) -> PointView:
    marks = {float(made.suggested): "suggested", float(made.current): "current"}
    bounds = point.revenue
    return PointView(
        price(round(point.floor, 3)),
        worth(bounds.estimate),
        f"{worth(bounds.low)} to {worth(bounds.high)}",
        worth(point.from_dt),
        worth(point.from_rest),
        marks.get(point.floor, ""),
    )


def _at(made: Suggestion, floor: Decimal) -> CurvePoint | None:
    return next((point for point in made.curve if point.floor == float(floor)), None)


def _described(made: Suggestion) -> str:
    """The chart of revenue in words, for those who do not see it."""
    now, then = _at(made, made.current), _at(made, made.suggested)
    if now is None or then is None:
        return "The table holds the figures."
    told = f"At the current floor of {price(made.current)} USD: {worth(now.revenue.estimate)} USD a week."
    if made.suggested == made.current:
        return f"{told} The table holds the figures at other floors."
    return (
        f"{told} At the suggested {price(made.suggested)} USD: {interval(then.revenue)} USD a week. "
        "The table holds the figures at other floors."
    )


def _described_parts(made: Suggestion) -> str:
    told = [
        f"At {price(floor)} USD: {worth(point.from_dt)} from DT, {worth(point.from_rest)} from the rest."
        for floor in dict.fromkeys((made.current, made.suggested))
        if (point := _at(made, floor)) is not None
    ]
    return " ".join([*told, "The table holds the figures at other floors."])
