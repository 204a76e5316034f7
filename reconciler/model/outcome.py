"""What came of a step, and what the journal says about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry
from reconciler.model.value import Fields, Value

Outcome = Literal["applied", "normalised", "failed", "skipped", "blocked", "unverified", "unknown"]
"""applied: done and seen. normalised: done, and the account keeps another value than it was given. failed: surely not
as wanted. skipped: not tried. blocked: cannot be tried. unverified: taken, but not (or not all of it) shown back.
unknown: nobody can tell; a person has to look."""


@dataclass(frozen=True, slots=True)
class Result:
    """One step of an apply. `attempts` counts write calls sent; `error` says what went wrong or is unverified.

    `wanted` and `kept` hold, by dotted path, what was asked for and what the account keeps instead (`normalised`).
    """

    address: Address
    action: str
    outcome: Outcome
    id: str | None = None
    attempts: int = 0
    error: str | None = None
    wanted: Mapping[str, Value] = field(default_factory=dict)
    kept: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that is about to be sent: what, where, and what was there before."""

    address: Address
    action: str
    id: str | None
    attempt: int
    sends: Fields
    before: Fields


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step that came to its end, and what the ledger holds of it from then on.

    `entry` is to be remembered (None: nothing new), the addresses in `forget` are not ours any more. `suspects` are the
    ids that a create whose outcome is unknown may have made.
    """

    result: Result
    entry: LedgerEntry | None = None
    forget: tuple[Address, ...] = ()
    suspects: tuple[str, ...] = ()
