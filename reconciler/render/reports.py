"""The JSON documents of fetched and imported reports: `reconciler.fetch/1` and `reconciler.import/1`."""

from operator import attrgetter
from typing import Any, Literal

from reconciler.model.document import Count, Day, Document, Shape, itself, key

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


def fetch_document(summary: Any) -> dict[str, Any]:
    """`reconciler.fetch/1`: a summary, every source, app and day, and the gaps as spans."""
    return FetchDocument.write(summary)


def import_document(imported: Any) -> dict[str, Any]:
    """`reconciler.import/1`: how the report was read, what became of its rows, and what lies there now."""
    return ImportDocument.write(imported)
