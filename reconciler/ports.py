"""PORT. Protocols of what the core needs from outside (account, clock, store, reports, progress), and their values."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from reconciler.model.address import Address, Kind
from reconciler.model.habits import AccountHabits
from reconciler.model.journal import Intent, Result, StepResult
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import DesiredPlacement, LiveResource
from reconciler.model.value import Fields

if TYPE_CHECKING:
    from reconciler.diff.change import Change  # which takes long to import
    from reconciler.model.evidence import Evidence, EvidenceQuery, UnmatchedReports


@dataclass(frozen=True, slots=True)
class Accepted:
    """The API says that it did it. `said` holds the fields that its answer names, and no others."""

    id: str | None = None
    said: Fields = field(default_factory=dict)
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Rejected:
    """The API says that it did not do it, and why in its own words. Nothing was changed."""

    status: int
    message: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It is not known whether it was done: no answer, a broken one, or a server error."""

    why: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class NotSent:
    """It was not done: no connection could be made, or the lock or credentials were lost before it was sent."""

    why: str
    attempts: int = 1


Answer: TypeAlias = Accepted | Rejected | Ambiguous | NotSent


class LiveReader(Protocol):
    """Reads the account. Every method raises `ApiError` (or a subclass) rather than guess."""

    def apps(self) -> tuple[LiveResource, ...]:
        """All apps of the publisher."""
        ...

    def placements(
        self, app_id: str, *, expected: bool, blocks: Sequence[DesiredPlacement] | None = None
    ) -> Sequence[LiveResource]:
        """All placements of an app. `expected`: the ledger knows some there, so an empty body is not believed.

        They may be compared with the `blocks` of the app, and be `SettledPlacements`.
        """
        ...

    def find(self, kind: Kind, resource_id: str) -> LiveResource | None:
        """One resource by its id; None only where the API says plainly that there is none."""
        ...


class Gateway(LiveReader, Protocol):
    """Reads and writes the account. Writes answer with a value; they raise only what ends a run."""

    def create(self, kind: Kind, fields: Fields, *, app_id: str | None) -> Answer:
        """Create one resource; sent once. A placement is created in `app_id`."""
        ...

    def update(self, before: LiveResource, fields: Fields) -> Answer:
        """Send the given fields of a live resource, and no others."""
        ...

    def delete(self, kind: Kind, resource_id: str) -> Answer:
        """Delete one resource for good."""
        ...


class Clock(Protocol):
    """The time, passed as an argument so that tests can set it."""

    def now(self) -> datetime:
        """The current time in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        ...


class LedgerReader(Protocol):
    """Reads the ledger and the journal."""

    def ledger(self) -> Ledger:
        """All entries. Raises `StoreError` for a ledger that cannot be read; a missing one is empty."""
        ...

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The journal, oldest first: `run`, `at` (ISO 8601, UTC), `event` and what that event says."""
        ...

    def habits(self) -> AccountHabits:
        """What earlier runs have found out of how the account takes updates. Raises `StoreError`."""
        ...


class RunStore(Protocol):
    """The store while a run holds its lock. Raises `StoreError` when nothing can be recorded any more."""

    @property
    def run_id(self) -> str:
        """What this run is called in the journal."""
        ...

    def intend(self, intent: Intent) -> None:
        """Record durably, before it is sent, what is about to be written."""
        ...

    def end(self, ended: StepResult) -> None:
        """Record what came of a step, and bring the ledger up to it."""
        ...

    def remember(self, entries: Sequence[LedgerEntry], forget: Sequence[Address]) -> None:
        """Bring the ledger up to what was seen, without any step."""
        ...

    def record_observation(self, event: Mapping[str, Any]) -> None:
        """Record what was seen of the account; no ledger changes by it. It may reach the disk with the next intent."""
        ...


class AuditLog(Protocol):
    """Remembers audits. Holds no lock and touches no ledger: an audit may run while a run is at work."""

    def audits(self) -> Iterator[Mapping[str, Any]]:
        """The audits that are remembered, oldest first, as they were given. Raises `StoreError`."""
        ...

    def remember_audit(self, event: Mapping[str, Any]) -> None:
        """Remember one more. Raises `StoreError` where nothing can be written."""
        ...


class Store(LedgerReader, AuditLog, Protocol):
    """Ledger, journal and lock, and the audits beside them."""

    def run(self, who: Mapping[str, str]) -> AbstractContextManager[RunStore]:
        """Hold the lock for a run. Raises `LockHeld` where another holds it; the ledger is on disk at the end."""
        ...


class EvidenceReader(Protocol):
    """Reads what was fetched of the vendors' reports."""

    def evidence(self, question: "EvidenceQuery") -> "tuple[Sequence[Evidence], UnmatchedReports]":
        """Evidence for every cell that is asked for, in their order, and what could not be joined."""
        ...


class Listener(Protocol):
    """Is told of the steps of a run as they begin and end, to show progress."""

    def planned(self, steps: int) -> None:
        """So many steps are about to be tried."""
        ...

    def begun(self, step: "Change") -> None:
        """One of them is about to be tried. Called from any thread."""
        ...

    def ended(self, result: Result) -> None:
        """One of them came to its end. Called from any thread, one call at a time."""
        ...
