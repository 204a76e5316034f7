"""`reconciler.pull/1`: what `pull --format json` writes."""

from typing import Literal

from pydantic import Field

from reconciler.report.schemas.plan import Note
from reconciler.report.schemas.shape import Address, Count, Leaf, Shape


class WrittenFile(Shape):
    """A manifest that was written, or would be."""

    file: str = Field(description="The file, relative to the project, with forward slashes.")
    action: Literal["create", "update"] = Field(description="create: it is new; update: values in it change.")


class TakenOver(Shape):
    """A value that was taken over from the account."""

    address: Address = Field(description="The resource's address.")
    path: str = Field(description="The field, dotted: `floorPrices.US`.")
    live: Leaf = Field(description="The live value, which the manifest gets.")
    declared: Leaf = Field(description="The value that was declared.")


class Adopted(Shape):
    """A resource that the ledger knows from now on, or knows better."""

    address: Address = Field(description="The resource's address.")
    id: str = Field(description="The server's id.")


class Held(Shape):
    """A difference that could not be written, and stays as declared."""

    file: str = Field(description="The file, relative to the project.")
    line: Count = Field(description="Its line, from 1.")
    column: Count = Field(description="Its column, from 1.")
    address: str | None = Field(description="The resource it is about, where one is known.")
    code: str = Field(description="What kind of finding it is; stays the same between versions.")
    message: str = Field(description="Why it could not be written.")


class PullDocument(Shape):
    """What an adoption came to."""

    format: Literal["reconciler.pull/1"] = Field(description="Name and version of this format.")
    written: bool = Field(description="false where it was only checked.")
    files: list[WrittenFile] = Field(description="The manifests that change.")
    adopted: list[Address] = Field(description="Apps and placements that manifests declare from now on.")
    changes: list[TakenOver] = Field(description="Values that were taken over.")
    ledger: list[Adopted] = Field(description="Lines of the ledger that are new or other.")
    forgotten: list[Address] = Field(description="Addresses that the ledger drops.")
    notes: list[Note] = Field(description="What else a reader should know.")
    held: list[Held] = Field(description="What could not be written.")
