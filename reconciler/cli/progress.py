"""Progress of steps: a bar on a terminal, a line now and then elsewhere, an event for each step in a JSON log."""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, Self, TypeVar

from reconciler.cli.console import shows_progress
from reconciler.diff.change import Change, action_of, id_of
from reconciler.model.journal import Result
from reconciler.render.plan_text import step_text
from reconciler.render.text import counted, terminal

if TYPE_CHECKING:
    from reconciler.api.results import Step, StepEnd
    from reconciler.ports import Clock
    from reconciler.warehouse.fetch_outcomes import FetchOutcome
    from reconciler.warehouse.report_store import Partition

End = TypeVar("End")
End_contra = TypeVar("End_contra", contravariant=True)
Key = tuple[str, ...]

EVERY_SECONDS: Final = 30.0
"""Off a terminal a line is told so often; a run that is shorter has none."""

_CHECK_SECONDS: Final = 1.0

log = logging.getLogger("reconciler.progress")


class StepWords(Protocol[End_contra]):
    """How steps are described, in text and as facts of events. The facts are JSON and hold no secret."""

    def describe(self, end: End_contra) -> str:
        """A step that ended, in a few words."""
        ...

    def is_done(self, end: End_contra) -> bool:
        """Whether it was done."""
        ...

    def step(self, step: Any) -> Mapping[str, Any]:
        """What a step is called, as facts of an event; those of its end begin with the same values."""
        ...

    def end(self, end: End_contra) -> Mapping[str, Any]:
        """The outcome of a step, as facts of an event."""
        ...


@dataclass(frozen=True, slots=True)
class ProgressTarget:
    """Where progress goes: `talk` takes a line; `as_json`: the log has JSON lines, and progress is events in it."""

    clock: "Clock"
    talk: Callable[[str], None]
    as_json: bool
    no_color: bool


class ProgressLines(Generic[End]):
    """Reports now and then, also during a long step, how many steps have ended and how many failed.

    Implements `api.results.StepListener`.
    """

    def __init__(self, what: str, words: StepWords[End], place: ProgressTarget) -> None:
        self._what, self._words, self._place = what, words, place
        self._steps = self._done = self._failed = 0
        self._began = self._reported_at = place.clock.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._begun: dict[Key, float] = {}
        self._reporter = threading.Thread(target=self._report_periodically, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._reporter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._reporter.join()

    def planned(self, steps: int) -> None:
        """`steps` steps are about to be tried."""
        with self._lock:
            self._steps = steps
            self._began = self._reported_at = self._place.clock.monotonic()
        self._event("planned", {"steps": steps})

    def begun(self, step: Any) -> None:
        """One of them is about to be tried."""
        facts = self._words.step(step)
        with self._lock:
            self._begun[_key(facts)] = self._place.clock.monotonic()
        self._event("started", facts)

    def ended(self, end: End) -> None:
        """One of them came to its end."""
        facts = self._words.end(end)
        with self._lock:
            self._done += 1
            self._failed += not self._words.is_done(end)
            now = self._place.clock.monotonic()
            seconds = round(now - self._begun.pop(_key(facts), now), 3)
        self._event("ended", {**facts, "seconds": seconds})
        self.report_if_due()

    def report_if_due(self) -> None:
        """Report progress, unless that was done within `EVERY_SECONDS`."""
        with self._lock:
            now = self._place.clock.monotonic()
            if not self._steps or self._done >= self._steps or now - self._reported_at < EVERY_SECONDS:
                return
            self._reported_at = now
            seconds, waiting = now - self._began, len(self._begun)
            done, steps, failed = self._done, self._steps, self._failed
        if self._place.as_json:
            facts = {"done": done, "steps": steps, "failed": failed, "underWay": waiting}
            self._event("progress", {**facts, "seconds": round(seconds, 3)})
            return
        text = f"{self._what}: {done:,} of {counted(steps, 'step')} ended after {_duration_text(seconds)}"
        text += f", {waiting:,} under way" if waiting else ""
        self._place.talk(text + (f", {failed:,} not done" if failed else ""))

    def _event(self, event: str, facts: Mapping[str, Any]) -> None:
        if self._place.as_json:
            log.info("%s: %s", self._what, event, extra={"facts": {"event": event, "what": self._what, **facts}})

    def _report_periodically(self) -> None:
        while not self._over.wait(_CHECK_SECONDS):
            self.report_if_due()


def _key(facts: Mapping[str, Any]) -> Key:
    return tuple(str(facts.get(name)) for name in ("address", "source", "app", "day", "part"))


def _duration_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class ProgressBar(Generic[End]):
    """Shows on a terminal how many steps have ended, and the last one. Implements `api.results.StepListener`."""

    def __init__(self, what: str, words: StepWords[End], *, no_color: bool) -> None:
        from rich.console import Console as RichConsole  # noqa: PLC0415 - 50 ms, for whoever watches
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._describe = words.describe
        self._progress = Progress(*columns, console=RichConsole(stderr=True, no_color=no_color), transient=True)
        self._task = self._progress.add_task(what, total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def planned(self, steps: int) -> None:
        """`steps` steps are about to be tried."""
        self._progress.update(self._task, total=steps)

    def begun(self, step: object) -> None:
        """One of them is about to be tried."""

    def ended(self, end: End) -> None:
        """One of them came to its end."""
        self._progress.update(self._task, advance=1, description=terminal(self._describe(end)))


def progress_display(
    what: str, words: StepWords[End], place: ProgressTarget
) -> "AbstractContextManager[ProgressBar[End] | ProgressLines[End]]":
    """A bar where somebody watches a terminal, else lines; events where the log is of JSON lines."""
    if place.as_json or not shows_progress():
        return ProgressLines(what, words, place)
    return ProgressBar(what, words, no_color=place.no_color)


class _ApplyWords:
    """Describes the steps of an apply."""

    def describe(self, end: Result) -> str:
        return f"{end.outcome} {step_text(end.action, end.address, end.outcome)}"

    def is_done(self, end: Result) -> bool:
        return end.is_done

    def step(self, step: Change) -> Mapping[str, str | None]:
        return {"address": step.address, "action": action_of(step), "id": id_of(step)}

    def end(self, end: Result) -> Mapping[str, str | int | None]:
        return {
            "address": end.address,
            "action": end.action,
            "id": end.id,
            "outcome": end.outcome,
            "attempts": end.attempts,
            "error": end.error,
        }


class _FetchWords:
    """Describes the days of a fetch."""

    def describe(self, end: "FetchOutcome") -> str:
        return f"{end.state} {end.source} {end.app} {end.day}"

    def is_done(self, end: "FetchOutcome") -> bool:
        return end.state in {"fetched", "kept"} and not end.shrunk

    def step(self, step: "Partition") -> Mapping[str, str]:
        return {"source": step.source, "app": step.app, "day": step.day}

    def end(self, end: "FetchOutcome") -> Mapping[str, str | int]:
        about = {"source": end.source, "app": end.app, "day": end.day.isoformat()}
        return {**about, "outcome": end.state, "rows": end.rows, "error": end.why}


class _ReportWords:
    """Describes the parts of an answer."""

    def describe(self, end: "StepEnd") -> str:
        return f"{end.name}: {counted(end.rows, 'row')}"

    def is_done(self, end: "StepEnd") -> bool:
        del end
        return True

    def step(self, step: "Step") -> Mapping[str, str]:
        return {"part": step.name}

    def end(self, end: "StepEnd") -> Mapping[str, str | int]:
        return {"part": end.name, "rows": end.rows}


WORDS: Final[Mapping[str, StepWords[Any]]] = {"apply": _ApplyWords(), "fetch": _FetchWords(), "report": _ReportWords()}
"""By what has steps, as an observer is told."""
