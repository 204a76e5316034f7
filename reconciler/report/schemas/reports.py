"""`reconciler.fetch/1` and `reconciler.written/1`: reports that were fetched, floors that were written."""

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


class FetchedReport(Shape):
    """What became of one source, app and day."""

    source: Source = Field(description="Whose report.")
    app: str = Field(description="The app's id; `all` where one report holds all apps.")
    day: str = Field(description="The day (UTC), ISO 8601.")
    state: Literal["fetched", "kept", "refused", "failed"] = Field(description="What became of it.")
    rows: Count = Field(description="Its usable rows.")
    quarantined: dict[str, Count] = Field(description="Its rows that were set aside, by reason.")
    repeated: Count = Field(description="Its rows that stood twice and were counted once.")
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
