"""The JSON of reports and floors: `reconciler.fetch/1`, `import/1`, `floors/1`, `backtest/1` and `written/1`.

Prices are USD per thousand impressions, changes USD a week; no number is NaN or infinite.
"""

from decimal import Decimal
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Literal

from reconciler.model.document import AddressText, Count, Day, Document, Form, Shape, itself, key
from reconciler.model.evidence import Backtest, Evidence, Mode, Suggestion, Suggestions, Verdict
from reconciler.model.value import PLACES
from reconciler.render.floors_words import SIGNS, notes, with_verdict


def _number(amount: float | Decimal) -> int | float | None:
    """To a millionth, whole ones without a point; null for what is no number."""
    if not isfinite(amount):
        return None
    exact = round(float(amount), PLACES)
    return int(exact) if exact.is_integer() else exact


Amount = Annotated[float, Form(write=_number)]


class WindowJson(Shape):
    """Days (UTC), both ends included."""

    first: Day = key("The first day, ISO 8601.", name="from")
    last: Day = key("The last day, ISO 8601.", name="to")


class EstimateJson(Shape):
    """An estimated price with a bound on either side, each at 90 %."""

    low: Amount | None = key("The lower bound.")
    estimate: Amount | None = key("The estimate.")
    high: Amount | None = key("The upper bound.")


class IntervalJson(Shape):
    """An amount of money a week with a bound on either side."""

    low: Amount | None = key("The lower bound.")
    estimate: Amount | None = key("The estimate.", name="mid")
    high: Amount | None = key("The upper bound.")


class FloorsSummaryJson(Shape, by=itemgetter):
    """How many cells got each verdict."""

    higher: Count = key("Floors to raise.", itemgetter("raise"), name="raise")
    lower: Count = key("Floors to lower.")
    keep: Count = key("Floors that stay.")
    insufficient: Count = key("Cells without enough evidence; their floors stay.")


class CellEvidenceJson(Shape):
    """What the reports say of a cell in the window."""

    days: Count = key("Days with reports.", lambda evidence: len(evidence.days))
    requests: Count = key("Requests that DT got.")
    impressions: Count = key("Impressions that DT sold.")
    revenue: Amount | None = key("What DT paid, USD.")
    single_rows: Count = key("Impressions with a price of their own.")
    after: Amount | None = key("What the other sources earned on requests that DT left, USD.")
    after_requests: Count = key("Requests that these sources got.")


class CurvePointJson(Shape):
    """Expected revenue a week at one floor, if nobody reads the floor."""

    floor: Amount | None = key("The floor.")
    revenue: IntervalJson = key("All revenue.")
    from_dt: Amount | None = key("DT's part of the estimate.")
    from_rest: Amount | None = key("What is left of the waterfall.")


def _evidence_of(suggestion: Suggestion) -> Evidence:
    """A cell without reports has evidence of nothing."""
    return suggestion.evidence or Evidence(suggestion.cell, suggestion.mode, 0, 0, 0, 0, 0)


class SuggestionJson(Shape):
    """A verdict on the floor of one placement in one country."""

    address: AddressText = key("The placement.", attrgetter("cell.address"))
    country: str = key("Alpha-2, or WW for all countries without a line of their own.", attrgetter("cell.country"))
    mode: Mode = key("How DT is asked: before the others, beside them in one auction, or unknown.")
    verdict: Verdict = key("What to do with the floor.")
    current: Amount | None = key("The floor in force.")
    suggested: Amount | None = key("The floor suggested; the current one unless it is to move.")
    opportunity_cost: EstimateJson | None = key(
        "What the rest of the waterfall earns on a thousand requests that DT leaves; null: not known."
    )
    expected_change_per_week: IntervalJson | None = key("Change of revenue; null: not known.", attrgetter("change"))
    evidence: CellEvidenceJson = key("What it rests on.", _evidence_of)
    reasons: list[str] = key("Why, in words.")
    assumptions: list[str] = key("What has to hold for it.")
    curve: list[CurvePointJson] = key("Revenue over floors; empty without enough evidence.")


class UnmatchedJson(Shape):
    """What could not be joined between the reports."""

    chartboost_placements: list[str] = key("Names in Chartboost's and imported reports without a DT placement.")
    dt_placements: list[str] = key("DT's names without a placement in those.")
    rows: Count = key("Report rows that were left out for it.")
    loose: Count = key("Rows joined by a name that is only equal without case and spaces.")


class WithoutDtJson(Shape):
    """Days on which an app's mediation reports have no line of DT's, though others have; they are left out."""

    app: str = key("What the reports call the app.")
    days: list[Day] = key("The days (UTC), ISO 8601.")
    instead: list[str] = key("Sources of demand that are there on those days alone.")


class BasisJson(Shape):
    """What the suggestions stand on: how much of the window's reports is there and was read."""

    days: Count = key("Days of the window.")
    mediation_days: Count = key("Days with mediation reports.")
    dt_days: Count = key("Daily reports of DT's own that are there, each of one app.", name="dtReports")
    dt_expected: Count = key("How many of those there would be in all.", name="dtReportsExpected")
    rows: Count = key("Rows of all these reports.")
    unread: Count = key("Rows of them that could not be read.", name="unreadRows")
    repeated: Count = key("Rows that stood there a second time and were left out.", name="repeatedRows")
    sums: Count = key("Rows that sum others and were left out.", name="sumRows")
    revenue: Amount | None = key("What DT paid in them, USD.")
    joined: Amount | None = key("The part of it that belongs to known placements.", name="joinedRevenue")
    absences: list[WithoutDtJson] = key("Days that are left out, since the line of DT is missing.", name="withoutDt")


class FloorsDocument(Document, format="reconciler.floors/1", title="Floor suggestions (floors suggest --format json)"):
    """What `floors suggest` says of every floor."""

    window: WindowJson = key("The days of the evidence.", itself)
    summary: FloorsSummaryJson = key(
        "The verdicts in numbers.", lambda made: {verdict: len(with_verdict(made, verdict)) for verdict in SIGNS}
    )
    suggestions: list[SuggestionJson] = key("Every cell, by address and country.", attrgetter("cells"))
    unmatched: UnmatchedJson = key("What could not be joined.")
    basis: BasisJson | None = key("What the suggestions stand on.", attrgetter("unmatched.basis"))
    notes: list[str] = key("What is missing and how to bring it, and what was left out.", notes)


def suggestions_document(suggestions: Suggestions) -> dict[str, Any]:
    """`reconciler.floors/1`. What is not known is null."""
    return FloorsDocument.write(suggestions)


class BacktestSummaryJson(Shape):
    """A backtest in numbers."""

    moves: Count = key("Earlier suggestions that moved a floor.", lambda found: len(found.replays))
    told: Count = key("Those of which later days have something to say.", lambda found: len(found.told))
    silent: Count = key("The others.", lambda found: len(found.replays) - len(found.told))
    total: Amount | None = key("What the told ones would have changed.", name="changePerWeek")
    lost: Amount | None = key("The part of it that was lost, zero or less.", name="lostPerWeek")


class ReplayJson(Shape):
    """An earlier suggestion on later days."""

    address: AddressText = key("The placement.", attrgetter("cell.address"))
    country: str = key("Alpha-2, or WW.", attrgetter("cell.country"))
    current: Amount | None = key("The floor then.")
    suggested: Amount | None = key("The floor that was suggested.")
    expected: IntervalJson | None = key("What it expected.", name="expectedChangePerWeek")
    came: IntervalJson | None = key("What later days say; null: nothing.", name="changePerWeek")
    silent: str | None = key("Why they say nothing.", lambda replay: replay.silent or None)


class BacktestDocument(
    Document, format="reconciler.backtest/1", title="Backtest of floor suggestions (floors backtest --format json)"
):
    """What earlier suggestions would have done on later days."""

    window: WindowJson = key("The later days.", itself)
    summary: BacktestSummaryJson = key("All moves together.", itself)
    replays: list[ReplayJson] = key("Every move, by address and country.")


def backtest_document(backtest: Backtest) -> dict[str, Any]:
    """`reconciler.backtest/1`: what the moves of an earlier run would have done; USD a week."""
    return BacktestDocument.write(backtest)


Price = Annotated[float, Form(write=float)]


class WrittenFloorJson(Shape):
    """A floor that was written into a manifest; prices are USD per thousand impressions."""

    address: AddressText = key("The placement.", attrgetter("cell.address"))
    country: str = key("Alpha-2, or WW for all countries without a line of their own.", attrgetter("cell.country"))
    current: Price = key("The floor that stood there.", name="before")
    suggested: Price = key("The floor that stands there now.", name="after")


class WrittenDocument(Document, format="reconciler.written/1", title="Written floors (floors write --format json)"):
    """What `floors write` did."""

    files: list[str] = key("The manifests that changed, relative to the project.")
    floors: list[WrittenFloorJson] = key("The floors that were written, in the order of addresses.", itself)


State = Literal["fetched", "kept", "refused", "failed"]
Vendor = Literal["dt", "chartboost"]


class FetchSummaryJson(Shape):
    """Reports by what became of them."""

    fetched: Count = key("Reports that were fetched now.", lambda summary: len(summary.of("fetched")))
    kept: Count = key("Reports that were there already and are settled.", lambda summary: len(summary.of("kept")))
    refused: Count = key(
        "Reports that the vendor does not have, or no longer.", lambda summary: len(summary.of("refused"))
    )
    failed: Count = key("Reports that should be there and could not be had.", lambda summary: len(summary.of("failed")))
    rows: Count = key("Rows of the reports that were fetched now.")
    quarantined: dict[str, Count] = key("Rows that were set aside, by reason.")
    repeated: Count = key("Rows that stood twice, the same in every column, and were counted once.")
    shrunk: Count = key(
        "Reports that came with far less than what is there, which was kept.", lambda summary: len(summary.shrunk)
    )


class FetchedReportJson(Shape):
    """What became of one source, app and day."""

    source: Vendor = key("Whose report.")
    app: str = key("The app's id; `all` where one report holds all apps.")
    day: Day = key("The day (UTC), ISO 8601.")
    state: State = key("What became of it.")
    rows: Count = key("Its usable rows.")
    quarantined: dict[str, Count] = key("Its rows that were set aside, by reason.")
    repeated: Count = key("Its rows that stood twice and were counted once.")
    shrunk: bool = key("Whether what came held far less than what is there, and was not taken.")
    why: str | None = key("Why it was refused or failed, or is kept as it is.", lambda outcome: outcome.why or None)


class GapJson(Shape):
    """Days in a row that are missing, both ends included."""

    source: Vendor = key("Whose reports.", lambda gap: gap[0])
    app: str = key("The app's id; `all` where one report holds all apps.", lambda gap: gap[1])
    first: Day = key("The first day (UTC), ISO 8601.", lambda gap: gap[2].first, name="from")
    last: Day = key("The last day.", lambda gap: gap[2].last, name="to")


class FetchDocument(Document, format="reconciler.fetch/1", title="Fetched reports (floors fetch --format json)"):
    """What a fetch came to."""

    summary: FetchSummaryJson = key("The fetch in numbers.", itself)
    reports: list[FetchedReportJson] = key("Every source, app and day.", attrgetter("outcomes"))
    gaps: list[GapJson] = key(
        "What is missing.", lambda summary: [(*of, span) for of, spans in summary.gaps.items() for span in spans]
    )
    notes: list[str] = key("What else there is to know.")


class ImportSummaryJson(Shape):
    """The rows of a report by what became of them."""

    rows: Count = key("Its rows, without those that were left out.", attrgetter("account.rows"))
    kept: Count = key("Rows of evidence that are kept; rows of the same thing are summed.", name="imported")
    refused: Count = key("Rows that cannot be read.", lambda found: found.account.refused.total())
    repeated: Count = key("Rows that stood twice, the same in every column, and were counted once.")
    left_out: Count = key("Rows that sum others, and headers that stood there again.", attrgetter("account.left_out"))
    replaced: Count = key("Days of apps that were imported before and are replaced.")


class ImportDaysJson(Shape):
    """The days that a report tells of."""

    first: str = key("The first of them (UTC), ISO 8601.", lambda days: days[0], name="from")
    last: str = key("The last.", lambda days: days[-1], name="to")
    count: Count = key("How many there are.", len)


class RefusedRowsJson(Shape):
    """Rows that cannot be read, all for the same reason."""

    reason: str = key("What is wrong with them.", lambda refused: refused[1])
    rows: Count = key("How many they are.", lambda refused: refused[2])
    unit: Literal["line", "row"] = key(
        "What places count: lines of a text, or rows of a table.", lambda refused: refused[0].unit
    )
    places: list[Count] = key(
        "Where the first of them stand, from 1.", lambda refused: refused[0].account.places[refused[1]]
    )


class ImportDocument(Document, format="reconciler.import/1", title="Imported evidence (reports import --format json)"):
    """What an import came to."""

    name: str = key("The file or table, without secrets.")
    network: Literal["max", "levelplay", "admob", "other"] = key(
        "Whose report it was taken for.", attrgetter("header.adapter.name")
    )
    columns: dict[str, str] = key("What the report calls our columns, by our name.", attrgetter("header.theirs"))
    decimals: Literal["point", "comma"] = key(
        "What stands before fractions in its texts.", attrgetter("writing.decimals")
    )
    summary: ImportSummaryJson = key("The import in numbers.", itself)
    days: ImportDaysJson = key("The days it tells of.")
    apps: list[str] = key("The apps it tells of; an empty text where it names none.")
    sources: dict[str, Count] = key("Its sources of demand with their rows, the largest; `fyber` is DT.")
    refused: list[RefusedRowsJson] = key(
        "What was refused, by reason.",
        lambda found: [(found, *counted) for counted in found.account.refused.most_common()],
    )
    notes: list[str] = key("What keeps floors from being suggested from it, and what else there is to know.")
