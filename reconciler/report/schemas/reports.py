"""`reconciler.fetch/1`, `reconciler.import/1`, `reconciler.written/1`: reports that came in, floors that changed."""

from typing import Literal

from pydantic import Field

from reconciler.report.schemas.shape import Address, Count, Shape

Source = Literal["dt", "chartboost"]


class FetchSummary(Shape):
    """Reports by what became of them."""

    fetched: Count = Field(description="Reports that were fetched now.")
    kept: Count = Field(description="Reports that were there already and are settled.")
    refused: Count = Field(description="Reports that the vendor does not have, or no longer.")
    failed: Count = Field(description="Reports that should be there and could not be had.")
    rows: Count = Field(description="Rows of the reports that were fetched now.")
    quarantined: dict[str, Count] = Field(description="Rows that were set aside, by reason.")
    repeated: Count = Field(description="Rows that stood twice, the same in every column, and were counted once.")
    shrunk: Count = Field(description="Reports that came with far less than what is there, which was kept.")


class FetchedReport(Shape):
    """What became of one source, app and day."""

    source: Source = Field(description="Whose report.")
    app: str = Field(description="The app's id; `all` where one report holds all apps.")
    day: str = Field(description="The day (UTC), ISO 8601.")
    state: Literal["fetched", "kept", "refused", "failed"] = Field(description="What became of it.")
    rows: Count = Field(description="Its usable rows.")
    quarantined: dict[str, Count] = Field(description="Its rows that were set aside, by reason.")
    repeated: Count = Field(description="Its rows that stood twice and were counted once.")
    shrunk: bool = Field(description="Whether what came held far less than what is there, and was not taken.")
    why: str | None = Field(description="Why it was refused or failed, or is kept as it is.")


class Gap(Shape):
    """Days in a row that are missing, both ends included."""

    source: Source = Field(description="Whose reports.")
    app: str = Field(description="The app's id; `all` where one report holds all apps.")
    first: str = Field(alias="from", description="The first day (UTC), ISO 8601.")
    last: str = Field(alias="to", description="The last day.")


class FetchDocument(Shape):
    """What a fetch came to."""

    format: Literal["reconciler.fetch/1"] = Field(description="Name and version of this format.")
    summary: FetchSummary = Field(description="The fetch in numbers.")
    reports: list[FetchedReport] = Field(description="Every source, app and day.")
    gaps: list[Gap] = Field(description="What is missing.")
    notes: list[str] = Field(description="What else there is to know.")


class ImportSummary(Shape):
    """The rows of a report by what became of them."""

    rows: Count = Field(description="Its rows, without those that were left out.")
    imported: Count = Field(description="Rows of evidence that are kept; rows of the same thing are summed.")
    refused: Count = Field(description="Rows that cannot be read.")
    repeated: Count = Field(description="Rows that stood twice, the same in every column, and were counted once.")
    left_out: Count = Field(description="Rows that sum others, and headers that stood there again.")
    replaced: Count = Field(description="Days of apps that were imported before and are replaced.")


class ImportDays(Shape):
    """The days that a report tells of."""

    first: str = Field(alias="from", description="The first of them (UTC), ISO 8601.")
    last: str = Field(alias="to", description="The last.")
    count: Count = Field(description="How many there are.")


class RefusedRows(Shape):
    """Rows that cannot be read, all for the same reason."""

    reason: str = Field(description="What is wrong with them.")
    rows: Count = Field(description="How many they are.")
    unit: Literal["line", "row"] = Field(description="What places count: lines of a text, or rows of a table.")
    places: list[Count] = Field(description="Where the first of them stand, from 1.")


class ImportDocument(Shape):
    """What an import came to."""

    format: Literal["reconciler.import/1"] = Field(description="Name and version of this format.")
    name: str = Field(description="The file or table, without secrets.")
    network: Literal["max", "levelplay", "admob", "other"] = Field(description="Whose report it was taken for.")
    columns: dict[str, str] = Field(description="What the report calls our columns, by our name.")
    decimals: Literal["point", "comma"] = Field(description="What stands before fractions in its texts.")
    summary: ImportSummary = Field(description="The import in numbers.")
    days: ImportDays = Field(description="The days it tells of.")
    apps: list[str] = Field(description="The apps it tells of; an empty text where it names none.")
    sources: dict[str, Count] = Field(description="Its sources of demand with their rows, the largest; `fyber` is DT.")
    refused: list[RefusedRows] = Field(description="What was refused, by reason.")
    notes: list[str] = Field(
        description="What keeps floors from being suggested from it, and what else there is to know."
    )


class WrittenFloor(Shape):
    """A floor that was written into a manifest; prices are USD per thousand impressions."""

    address: Address = Field(description="The placement.")
    country: str = Field(description="Alpha-2, or WW for all countries without a line of their own.")
    before: float = Field(description="The floor that stood there.")
    after: float = Field(description="The floor that stands there now.")


class WrittenDocument(Shape):
    """What `floors write` did."""

    format: Literal["reconciler.written/1"] = Field(description="Name and version of this format.")
    files: list[str] = Field(description="The manifests that changed, relative to the project.")
    floors: list[WrittenFloor] = Field(description="The floors that were written, in the order of addresses.")
