"""Progress on a terminal; nowhere else."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconciler.cli.console import shows_progress
from reconciler.model.outcome import Result
from reconciler.report.sanitise import terminal
from reconciler.reporting.schedule import Outcome


class ProgressBar:
    """Implements `ports.Listener`, and the listener of a fetch, with a bar on stderr."""

    def __init__(self, what: str, *, no_color: bool) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
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
        """So many steps are about to be tried."""
        self._progress.update(self._task, total=steps)

    def ended(self, end: Result | Outcome) -> None:
        """One of them came to its end."""
        self._progress.update(self._task, advance=1, description=terminal(_told(end)))


class Quiet:
    """Implements `ports.Listener` without a word."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def planned(self, steps: int) -> None:
        """So many steps are about to be tried."""

    def ended(self, end: Result | Outcome) -> None:
        """One of them came to its end."""


def watched(what: str, *, no_color: bool) -> AbstractContextManager[ProgressBar | Quiet]:
    """A bar where somebody watches a terminal, else silence."""
    return ProgressBar(what, no_color=no_color) if shows_progress() else Quiet()


def _told(end: Result | Outcome) -> str:
    match end:
        case Result():
            return f"{end.outcome} {end.action} {end.address}"
        case Outcome():
            return f"{end.state} {end.source} {end.app} {end.day}"
