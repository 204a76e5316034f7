"""PURE. Which days a fetch asks for, which are stored already, and which cannot be had; and what became of each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias

from reconciler.apis.days import DayRange, ReportSource, day_ranges, is_settled, refusal, usual_range
from reconciler.warehouse.report_store import Partition, PartitionMetadata

FetchState: TypeAlias = Literal["fetched", "kept", "refused", "failed"]
ALL_APPS = "all"
"""The app under which Chartboost's reports lie: one answer holds all of them."""


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """The outcome of a source, app and day. `kept`: it was stored already, and settled. `why`: of a refusal or failure.

    `rows`, `quarantined` and `repeated` as in its `PartitionMetadata`. `shrunk`: what came held far
    less, and the stored day was kept.
    """

    source: ReportSource
    app: str
    day: date
    state: FetchState
    rows: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    why: str = ""
    shrunk: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Days to fetch by app, in order, and the outcomes that are known before."""

    wanted: Mapping[str, tuple[date, ...]]
    known: tuple[FetchOutcome, ...]

    @property
    def partitions(self) -> int:
        """How many there are to fetch."""
        return sum(map(len, self.wanted.values()))


def schedule(
    source: ReportSource,
    apps: Iterable[str],
    span: DayRange | None,
    metadata: Callable[[Partition], PartitionMetadata | None],
    now: datetime,
    *,
    replace: bool = False,
) -> Schedule:
    """The days that a fetch requests. Without a span, those of `usual_range`.

    A day is fetched where it is missing, and again where it came while it might still be restated, or still may be;
    with `replace`, whenever it can be had.
    """
    wanted: dict[str, tuple[date, ...]] = {}
    known: list[FetchOutcome] = []
    for app in sorted(set(apps)):
        days: list[date] = []
        for day in (span or usual_range(source, now)).days():
            had = metadata(Partition(source, app, day.isoformat()))
            if had is not None and is_settled(day, had.fetched_at) and not replace:
                known.append(FetchOutcome(source, app, day, "kept", had.rows, had.quarantined, had.repeated))
            elif (why := refusal(source, day, now)) is not None:
                known.append(_unavailable(source, app, day, had, why))
            else:
                days.append(day)
        if days:
            wanted[app] = tuple(days)
    return Schedule(wanted, tuple(known))


def _unavailable(source: ReportSource, app: str, day: date, had: PartitionMetadata | None, why: str) -> FetchOutcome:
    """A day that cannot be fetched any more: what is stored of it is kept."""
    if had is None:
        return FetchOutcome(source, app, day, "refused", why=why)
    settled = is_settled(day, had.fetched_at)
    why = why if settled else f"as it was before it settled: {why}"
    return FetchOutcome(source, app, day, "kept", had.rows, had.quarantined, had.repeated, why)


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """The result of a fetch: an outcome for every source, app and day, in order, and notes."""

    outcomes: tuple[FetchOutcome, ...]
    notes: tuple[str, ...] = ()

    def of(self, *states: FetchState) -> tuple[FetchOutcome, ...]:
        """Those that ended in one of these states."""
        return tuple(outcome for outcome in self.outcomes if outcome.state in states)

    @property
    def rows(self) -> int:
        """Rows fetched by this run."""
        return sum(outcome.rows for outcome in self.of("fetched"))

    @property
    def days(self) -> int:
        """How many days, counted by source and app, are there now."""
        return len(self.of("fetched", "kept"))

    @property
    def quarantined(self) -> Mapping[str, int]:
        """Rows set aside by this run, by reason."""
        total: dict[str, int] = {}
        for outcome in self.of("fetched"):
            for why, rows in outcome.quarantined.items():
                total[why] = total.get(why, 0) + rows
        return dict(sorted(total.items()))

    @property
    def repeated(self) -> int:
        """Rows that stood twice in the reports of this run, and were counted once."""
        return sum(outcome.repeated for outcome in self.of("fetched"))

    @property
    def shrunk(self) -> tuple[FetchOutcome, ...]:
        """Days that came with far less than what is there, which was kept."""
        return tuple(outcome for outcome in self.outcomes if outcome.shrunk)

    @property
    def gaps(self) -> Mapping[tuple[ReportSource, str], tuple[DayRange, ...]]:
        """The days that are missing, by source and app, as ranges."""
        days: dict[tuple[ReportSource, str], list[date]] = {}
        for outcome in self.of("refused", "failed"):
            days.setdefault((outcome.source, outcome.app), []).append(outcome.day)
        return {key: day_ranges(gap, longest=len(gap)) for key, gap in sorted(days.items())}
