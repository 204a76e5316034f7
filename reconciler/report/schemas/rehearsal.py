"""`reconciler.rehearsal/1`: what `rehearse --format json` writes."""

from typing import Literal

from pydantic import Field

from reconciler.model.address import Kind
from reconciler.report.schemas.outcomes import ResultDocument
from reconciler.report.schemas.plan import FieldChange
from reconciler.report.schemas.shape import Address, Count, Shape


class Moved(Shape):
    """A resource of the sandbox that is not what it was before."""

    kind: Kind = Field(description="What the resource is.")
    address: Address = Field(description="The resource's address.")
    id: str = Field(description="The server's id.")
    planned: bool = Field(description="Whether the plan speaks of it.")
    fields: list[FieldChange] = Field(description="The fields that differ now.")


class Twins(Shape):
    """Several resources with one identity."""

    address: Address = Field(description="The address they share.")
    ids: list[str] = Field(description="Their ids.")


class Aftermath(Shape):
    """What the run left in the sandbox's account."""

    made: list[Moved] = Field(description="Resources that are new.")
    changed: list[Moved] = Field(description="Resources with other values than before.")
    deleted: list[Moved] = Field(description="Resources that are gone.")
    twins: list[Twins] = Field(description="Identities that more than one resource has.")


class Unfulfilled(Shape):
    """A change of the plan that does not hold in the sandbox."""

    address: Address = Field(description="The resource's address.")
    why: str = Field(description="What is otherwise.")


class RehearsalDocument(Shape):
    """What came of carrying out a plan on a sandbox."""

    format: Literal["reconciler.rehearsal/1"] = Field(description="Name and version of this format.")
    api: str = Field(description="The API that was read, and only read, to fill the sandbox.")
    exit_code: int = Field(description="What apply would have exited with.")
    error: str | None = Field(description="What ended the run before its end, if anything did.")
    result: ResultDocument = Field(description="The result, as apply tells it.")
    account: Aftermath = Field(description="The sandbox's account afterwards.")
    fulfilled: bool = Field(description="Whether the plan holds there, field by field.")
    unfulfilled: list[Unfulfilled] = Field(description="Where it does not.")
    requests: dict[str, Count] = Field(description="How many calls of each kind were made.")
    faults: dict[str, Count] = Field(description="How many faults struck, by what they did.")
