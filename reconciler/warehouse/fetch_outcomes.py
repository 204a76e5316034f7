"""Which days a fetch requests, and what became of each source, app and day."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias

from reconciler.apis.reports import DayRange, ReportSource, day_ranges, is_settled, refusal, usual_range
from reconciler.warehouse.report_store import Partition, PartitionMetadata

FetchState: TypeAlias = Literal["fetched", "kept", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """The outcome of a source, app and day. `kept`: it was stored already, and settled. `why`: of a refusal or failure.

    `rows`, `quarantined` and `repeated` as in its `PartitionMetadata`. `shrunk`: the report held far less than the
    stored day, which was kept.
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
        """The number of partitions to fetch."""
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

    A day is fetched where it is missing, and again where it was fetched before it was settled; with `replace`, whenever
    the source still has it.
    """
    wanted: dict[str, tuple[date, ...]] = {}
    outcomes: list[FetchOutcome] = []
    for app in sorted(set(apps)):
        days: list[date] = []
        for day in (span or usual_range(source, now)).days():
            stored = metadata(Partition(source, app, day.isoformat()))
            if stored is not None and is_settled(day, stored.fetched_at) and not replace:
                outcomes.append(
                    FetchOutcome(source, app, day, "kept", stored.rows, stored.quarantined, stored.repeated)
                )
            elif (why := refusal(source, day, now)) is not None:
                outcomes.append(_unavailable(source, app, day, stored, why))
            else:
                days.append(day)
        if days:
            wanted[app] = tuple(days)
    return Schedule(wanted, tuple(outcomes))


def _unavailable(source: ReportSource, app: str, day: date, stored: PartitionMetadata | None, why: str) -> FetchOutcome:
    """The outcome of a day that the source no longer has: what is stored of it is kept."""
    if stored is None:
        return FetchOutcome(source, app, day, "refused", why=why)
    settled = is_settled(day, stored.fetched_at)
    why = why if settled else f"as it was before it settled: {why}"
    return FetchOutcome(source, app, day, "kept", stored.rows, stored.quarantined, stored.repeated, why)


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
        """The number of days that are stored now, counted by source and app."""
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
        """Rows that occurred twice in the reports of this run, and were counted once."""
        return sum(outcome.repeated for outcome in self.of("fetched"))

    @property
    def shrunk(self) -> tuple[FetchOutcome, ...]:
        """Days whose new report held far less than the stored one, which was kept."""
        return tuple(outcome for outcome in self.outcomes if outcome.shrunk)

    @property
    def gaps(self) -> Mapping[tuple[ReportSource, str], tuple[DayRange, ...]]:
        """The days that are missing, by source and app, as ranges."""
        days: dict[tuple[ReportSource, str], list[date]] = {}
        for outcome in self.of("refused", "failed"):
            days.setdefault((outcome.source, outcome.app), []).append(outcome.day)
        return {key: day_ranges(gap, longest=len(gap)) for key, gap in sorted(days.items())}


def without_first_day(
    outcomes: Iterable[FetchOutcome], first: date, rejected: Collection[tuple[str, date]], notes: list[str]
) -> Sequence[FetchOutcome]:
    """The outcomes without the oldest day of those that nobody named, where DT rejected it and has given later ones.

    Nobody says to the hour how long a day is kept. `notes` gets a sentence for each.
    """
    outcomes = list(outcomes)
    there = {outcome.app for outcome in outcomes if outcome.state in {"fetched", "kept"}}
    gone = [one for one in outcomes if one.day == first and one.app in there and (one.app, one.day) in rejected]
    notes += [f"app {one.app}: DT no longer gives {first}, the oldest day: {one.why}" for one in gone]
    return [one for one in outcomes if one not in gone]
