"""What a caller hears while an operation is under way."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from reconciler.model.diagnostic import Finding

if TYPE_CHECKING:
    from reconciler.api.results import ApplyResult
    from reconciler.plan.forecast import Forecast
    from reconciler.plan.guard import Refusal
    from reconciler.plan.plan import Plan
    from reconciler.plan.reviewed import Entry

Verb: TypeAlias = Literal["apply", "fetch"]
"""What has steps: `apply` (and `undo` and `rehearse`), whose steps are changes, and `fetch`, whose steps are days."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about an operation that is under way. A warning says that something may be wrong."""

    message: str
    level: Literal["info", "warning"] = "info"


class StepListener(Protocol):
    """Hears of steps as they come to pass. Implementations of `ports.Listener` and of a fetch's listener fit."""

    def planned(self, steps: int) -> None:
        """So many steps are about to be tried."""
        ...

    def begun(self, step: Any) -> None:
        """One of them is about to be tried. Called from any thread."""
        ...

    def ended(self, end: Any) -> None:
        """One of them came to its end. Called from any thread, one call at a time."""
        ...


class Observer:
    """Hears of what an operation does. Every method does nothing: override those that you want.

    An exception raised in a method ends the operation, but for `begun` and `ended`: do not raise there.
    """

    def notice(self, notice: Notice) -> None:
        """Something that is good to know."""

    def findings(self, findings: Sequence[Finding]) -> None:
        """Warnings of the manifests, and, once manifests are written, what could not be written."""

    def plan_made(self, plan: "Plan", refusals: "Sequence[Refusal]") -> None:
        """The plan that `apply` or `undo` has made and is about to carry out, unless a limit or a person refuses."""

    def exceeded(self, refusals: "Sequence[Refusal]") -> None:
        """Limits that a plan which was made before exceeds, and that let it pass."""

    def unreviewed(self, plan: "Plan", entries: "Sequence[Entry]") -> None:
        """What a plan does that was not reviewed; `StalePlan` is raised next."""

    def forecast(self, forecast: "Forecast") -> None:
        """What carrying out the plan will cost. Only for a plan that writes."""

    def finished(self, result: "ApplyResult") -> None:
        """What came of a plan, before the lock is let go: also where an error is raised next."""

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[Any]:
        """Wraps the time in which steps are carried out.

        Within it `stop` may be called, from any thread or signal handler: no further step begins, those in flight are
        finished and recorded, and `Interrupted` is raised.
        """
        del stop
        return nullcontext()

    def progress(self, verb: Verb) -> AbstractContextManager[StepListener]:
        """Wraps the time in which steps are carried out; what it gives hears of them. By default this observer."""
        del verb
        return nullcontext(self)

    def planned(self, steps: int) -> None:
        """So many steps are about to be tried."""

    def begun(self, step: Any) -> None:
        """One of them is about to be tried: a change of a plan, or a partition of a fetch. Called from any thread."""

    def ended(self, end: Any) -> None:
        """One of them came to its end: a `Result`, or an outcome of a fetch. Called from any thread, one at a time."""
