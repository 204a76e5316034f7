"""What a backtest found: earlier suggestions beside what later days say of them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.model.evidence import Cell
from reconciler.model.suggestion import Bounds


@dataclass(frozen=True, slots=True)
class Replay:
    """One earlier suggestion, USD a week: what it expected, what the later days say, or why they say nothing."""

    cell: Cell
    current: Decimal
    suggested: Decimal
    expected: Bounds | None
    came: Bounds | None
    silent: str = ""


@dataclass(frozen=True, slots=True)
class Backtest:
    """All moves of an earlier run, replayed on the days from `first` to `last`."""

    first: date
    last: date
    replays: tuple[Replay, ...]

    @property
    def told(self) -> tuple[Replay, ...]:
        """Those on which the later days have something to say."""
        return tuple(replay for replay in self.replays if replay.came is not None)

    @property
    def total(self) -> float:
        """The change of revenue that these would have made, USD a week."""
        return sum(replay.came.estimate for replay in self.replays if replay.came)

    @property
    def lost(self) -> float:
        """The part of it that was lost, as a negative figure."""
        return sum(min(0.0, replay.came.estimate) for replay in self.replays if replay.came)
