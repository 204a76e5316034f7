"""Progress on a terminal; nowhere else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from reconciler.cli.console import shows_progress

if TYPE_CHECKING:
    from reconciler.cli.bar import ProgressBar

End = TypeVar("End")


class Quiet:
    """Implements `ports.Listener`, and the listener of a fetch, without a word."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def planned(self, steps: int) -> None:
        """So many steps are about to be tried."""

    def ended(self, end: Any) -> None:
        """One of them came to its end."""


def watched(
    what: str, told: Callable[[End], str], *, no_color: bool
) -> "AbstractContextManager[ProgressBar[End] | Quiet]":
    """A bar where somebody watches a terminal, else silence. `told` words a step that ended."""
    if not shows_progress():
        return Quiet()
    from reconciler.cli.bar import ProgressBar  # noqa: PLC0415 - 50 ms, for whoever watches

    return ProgressBar(what, told, no_color=no_color)
