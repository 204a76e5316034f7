"""`reconciler.floors/1` and `reconciler.backtest/1`. Prices are USD per thousand impressions, changes USD a week."""

from typing import Literal

from pydantic import Field

from reconciler.model.evidence import Mode
from reconciler.model.suggestion import Verdict
from reconciler.report.schemas.shape import Address, Count, Shape


class Window(Shape):
    """Days (UTC), both ends included."""

    first: str = Field(alias="from", description="The first day, ISO 8601.")
    last: str = Field(alias="to", description="The last day, ISO 8601.")


class Estimate(Shape):
    """An estimated price with a bound on either side, each at 90 %."""

    low: float | None = Field(description="The lower bound.")
    estimate: float | None = Field(description="The estimate.")
    high: float | None = Field(description="The upper bound.")


class Interval(Shape):
    """An amount of money a week with a bound on either side."""

    low: float | None = Field(description="The lower bound.")
    mid: float | None = Field(description="The estimate.")
    high: float | None = Field(description="The upper bound.")


class FloorsSummary(Shape):
    """How many cells got each verdict."""

    higher: Count = Field(alias="raise", description="Floors to raise.")
    lower: Count = Field(description="Floors to lower.")
    keep: Count = Field(description="Floors that stay.")
    insufficient: Count = Field(description="Cells without enough evidence; their floors stay.")


class CellEvidence(Shape):
    """What the reports say of a cell in the window."""

    days: Count = Field(description="Days with reports.")
    requests: Count = Field(description="Requests that DT got.")
    impressions: Count = Field(description="Impressions that DT sold.")
    revenue: float | None = Field(description="What DT paid, USD.")
    single_rows: Count = Field(description="Impressions with a price of their own.")
    after: float | None = Field(description="What the other sources earned on requests that DT left, USD.")
    after_requests: Count = Field(description="Requests that these sources got.")


class CurvePoint(Shape):
    """Expected revenue a week at one floor, if nobody reads the floor."""

    floor: float | None = Field(description="The floor.")
    revenue: Interval = Field(description="All revenue.")
    from_dt: float | None = Field(description="DT's part of the estimate.")
    from_rest: float | None = Field(description="What is left of the waterfall.")


class Suggestion(Shape):
    """A verdict on the floor of one placement in one country."""

    address: Address = Field(description="The placement.")
    country: str = Field(description="Alpha-2, or WW for all countries without a line of their own.")
    mode: Mode = Field(description="How DT is asked: before the others, beside them in one auction, or unknown.")
    verdict: Verdict = Field(description="What to do with the floor.")
    current: float | None = Field(description="The floor in force.")
    suggested: float | None = Field(description="The floor suggested; the current one unless it is to move.")
    opportunity_cost: Estimate | None = Field(
        description="What the rest of the waterfall earns on a thousand requests that DT leaves; null: not known."
    )
    expected_change_per_week: Interval | None = Field(description="Change of revenue; null: not known.")
    evidence: CellEvidence = Field(description="What it rests on.")
    reasons: list[str] = Field(description="Why, in words.")
    assumptions: list[str] = Field(description="What has to hold for it.")
    curve: list[CurvePoint] = Field(description="Revenue over floors; empty without enough evidence.")


class Unmatched(Shape):
    """What could not be joined between the reports."""

    chartboost_placements: list[str] = Field(
        description="Names in Chartboost's and imported reports without a DT placement."
    )
    dt_placements: list[str] = Field(description="DT's names without a placement in those.")
    rows: Count = Field(description="Report rows that were left out for it.")
    loose: Count = Field(description="Rows joined by a name that is only equal without case and spaces.")


class WithoutDt(Shape):
    """Days on which an app's mediation reports have no line of DT's, though others have; they are left out."""

    app: str = Field(description="What the reports call the app.")
    days: list[str] = Field(description="The days (UTC), ISO 8601.")
    instead: list[str] = Field(description="Sources of demand that are there on those days alone.")


class Basis(Shape):
    """What the suggestions stand on: how much of the window's reports is there and was read."""

    days: Count = Field(description="Days of the window.")
    mediation_days: Count = Field(description="Days with mediation reports.")
    dt_reports: Count = Field(description="Daily reports of DT's own that are there, each of one app.")
    dt_reports_expected: Count = Field(description="How many of those there would be in all.")
    rows: Count = Field(description="Rows of all these reports.")
    unread_rows: Count = Field(description="Rows of them that could not be read.")
    repeated_rows: Count = Field(description="Rows that stood there a second time and were left out.")
    sum_rows: Count = Field(description="Rows that sum others and were left out.")
    revenue: float | None = Field(description="What DT paid in them, USD.")
    joined_revenue: float | None = Field(description="The part of it that belongs to known placements.")
    without_dt: list[WithoutDt] = Field(description="Days that are left out, since the line of DT is missing.")


class FloorsDocument(Shape):
    """What `floors suggest` says of every floor."""

    format: Literal["reconciler.floors/1"] = Field(description="Name and version of this format.")
    window: Window = Field(description="The days of the evidence.")
    summary: FloorsSummary = Field(description="The verdicts in numbers.")
    suggestions: list[Suggestion] = Field(description="Every cell, by address and country.")
    unmatched: Unmatched = Field(description="What could not be joined.")
    basis: Basis | None = Field(description="What the suggestions stand on.")
    notes: list[str] = Field(description="What is missing and how to bring it, and what was left out.")


class BacktestSummary(Shape):
    """A backtest in numbers."""

    moves: Count = Field(description="Earlier suggestions that moved a floor.")
    told: Count = Field(description="Those of which later days have something to say.")
    silent: Count = Field(description="The others.")
    change_per_week: float | None = Field(description="What the told ones would have changed.")
    lost_per_week: float | None = Field(description="The part of it that was lost, zero or less.")


class Replay(Shape):
    """An earlier suggestion on later days."""

    address: Address = Field(description="The placement.")
    country: str = Field(description="Alpha-2, or WW.")
    current: float | None = Field(description="The floor then.")
    suggested: float | None = Field(description="The floor that was suggested.")
    expected_change_per_week: Interval | None = Field(description="What it expected.")
    change_per_week: Interval | None = Field(description="What later days say; null: nothing.")
    silent: str | None = Field(description="Why they say nothing.")


class BacktestDocument(Shape):
    """What earlier suggestions would have done on later days."""

    format: Literal["reconciler.backtest/1"] = Field(description="Name and version of this format.")
    window: Window = Field(description="The later days.")
    summary: BacktestSummary = Field(description="All moves together.")
    replays: list[Replay] = Field(description="Every move, by address and country.")
