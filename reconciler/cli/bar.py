"""A progress bar on stderr. Apart from `progress`, as the library that draws it is dear to load."""

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconciler.report.sanitise import terminal

End = TypeVar("End")


class ProgressBar(Generic[End]):
    """Shows how many steps have ended, and the last one as `told` words it. Implements `ports.Listener`."""

    def __init__(self, what: str, told: Callable[[End], str], *, no_color: bool) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._told = told
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

    def begun(self, step: object) -> None:
        """One of them is about to be tried."""

    def ended(self, end: End) -> None:
        """One of them came to its end."""
        self._progress.update(self._task, advance=1, description=terminal(self._told(end)))
