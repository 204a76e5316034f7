"""`reconciler.ping/1`, `reconciler.list/1` and `reconciler.history/1`."""

from typing import Any, Literal

from pydantic import Field

from reconciler.model.outcome import Outcome
from reconciler.report.schemas.shape import Address, Count, Shape


class Program(Shape):
    """The program that asked."""

    version: str = Field(description="Its version.")
    folder: str = Field(description="The folder it runs from.")
    url: str | None = Field(description="The repository or file that it was installed from, where that is known.")
    commit: str | None = Field(description="The commit of that repository.")
    sha256: str | None = Field(description="The SHA-256 of that file.")


class PingDocument(Shape):
    """What the credentials can see."""

    format: Literal["reconciler.ping/1"] = Field(description="Name and version of this format.")
    api: str = Field(description="Scheme and host of the API that took them.")
    publisher_id: str = Field(description="The publisher of the project.")
    apps: Count = Field(description="Apps of the account.")
    program: Program = Field(description="From where the program that asked was installed.")


class ListedResource(Shape):
    """One resource that is declared, owned or live."""

    kind: Literal["app", "placement"] = Field(description="What it is.")
    address: Address = Field(description="By its block, else by the ledger, else by its own identity.")
    declared: bool = Field(description="Whether a manifest has a block for it.")
    owned: bool = Field(description="Whether the ledger knows it.")
    live: bool = Field(description="Whether the account shows it.")
    id: str | None = Field(description="The live id, else the one that the ledger knows.")
    status: str | None = Field(description="The live status; null for what is not live.")


class ListDocument(Shape):
    """Everything that is declared, owned or live."""

    format: Literal["reconciler.list/1"] = Field(description="Name and version of this format.")
    resources: list[ListedResource] = Field(description="In the order of addresses.")


class PastStep(Shape):
    """One step of a past run."""

    at: str = Field(description="When it was begun, ISO 8601 in UTC.")
    address: Address = Field(description="The resource's address then.")
    action: str = Field(description="What was to be done.")
    id: str | None = Field(description="The server's id, where one is known.")
    outcome: Outcome | None = Field(description="What came of it; null where that was never recorded.")
    attempts: Count = Field(description="Write calls that were sent.")
    error: str | None = Field(description="What went wrong or is unverified.")
    before: dict[str, Any] = Field(description="The live values before, by field.")
    after: dict[str, Any] = Field(description="The values that were sent, by field.")


class PastRun(Shape):
    """One past run."""

    run: str = Field(description="The run's name in the journal.")
    started_at: str = Field(description="When it began, ISO 8601 in UTC.")
    ended_at: str | None = Field(description="When it ended; null where it was killed, or is still at work.")
    who: dict[str, str] = Field(description="Who ran it, as far as the environment said: user, commit, ref, job, ...")
    steps: list[PastStep] = Field(description="Its steps, in the order in which they were begun.")


class HistoryDocument(Shape):
    """What the journal tells."""

    format: Literal["reconciler.history/1"] = Field(description="Name and version of this format.")
    runs: list[PastRun] = Field(description="Runs, oldest first.")
