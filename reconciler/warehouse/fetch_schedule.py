"""PURE. Which days a fetch asks for, which are stored already, and which cannot be had; and what became of each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias

from reconciler.apis.days import Source, Span, is_settled, refusal, spans, usual_span
from reconciler.warehouse.report_store import Marker, Partition

State: TypeAlias = Literal["fetched", "kept", "refused", "failed"]
ALL_APPS = "all"
"""The app under which Chartboost's reports lie: one answer holds all of them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source, app and day. `kept`: it was there and settled. `why`: of a refusal or failure.

    `rows`, `quarantined` and `repeated` as in its `Marker`. `shrunk`: what came held far less, and was not taken.
    """

    source: Source
    app: str
    day: date
    state: State
    rows: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    why: str = ""
    shrunk: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Days to fetch by app, in order, and the outcomes that are known before."""

    wanted: Mapping[str, tuple[date, ...]]
    known: tuple[Outcome, ...]

    @property
    def partitions(self) -> int:
        """How many there are to fetch."""
        return sum(map(len, self.wanted.values()))


def schedule(
    source: Source,
    apps: Iterable[str],
    span: Span | None,
    marker: Callable[[Partition], Marker | None],
    now: datetime,
    *,
    replace: bool = False,
) -> Schedule:
    """What a fetch does. Without a span, the usual one.

    A day is fetched where it is missing, and again where it came while it might still be restated, or still may be;
    with `replace`, whenever it can be had.
    """
    wanted: dict[str, tuple[date, ...]] = {}
    known: list[Outcome] = []
    for app in sorted(set(apps)):
        days: list[date] = []
        for day in (span or usual_span(source, now)).days():
            had = marker(Partition(source, app, day.isoformat()))
            if had is not None and is_settled(day, had.fetched_at) and not replace:
                known.append(Outcome(source, app, day, "kept", had.rows, had.quarantined, had.repeated))
            elif (why := refusal(source, day, now)) is not None:
                known.append(_without(source, app, day, had, why))
            else:
                days.append(day)
        if days:
            wanted[app] = tuple(days)
    return Schedule(wanted, tuple(known))


def _without(source: Source, app: str, day: date, had: Marker | None, why: str) -> Outcome:
    """A day that cannot be had any more: what is there of it is better than nothing."""
    if had is None:
        return Outcome(source, app, day, "refused", why=why)
    settled = is_settled(day, had.fetched_at)
    why = why if settled else f"as it was before it settled: {why}"
    return Outcome(source, app, day, "kept", had.rows, had.quarantined, had.repeated, why)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a fetch came to: every source, app and day by itself, in order, and what there is to say besides."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()

    def of(self, *states: State) -> tuple[Outcome, ...]:
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
    def shrunk(self) -> tuple[Outcome, ...]:
        """Days that came with far less than what is there, which was kept."""
        return tuple(outcome for outcome in self.outcomes if outcome.shrunk)

    @property
    def gaps(self) -> Mapping[tuple[Source, str], tuple[Span, ...]]:
        """The days that are not there, by source and app, as spans."""
        days: dict[tuple[Source, str], list[date]] = {}
        for outcome in self.of("refused", "failed"):
            days.setdefault((outcome.source, outcome.app), []).append(outcome.day)
        return {key: spans(gap, longest=len(gap)) for key, gap in sorted(days.items())}
