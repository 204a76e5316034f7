"""The journal as it is read: runs, and the steps of each with what came of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reconciler.model.address import Address

LOST: Final = "the run ended before the outcome of this step was recorded"


@dataclass(frozen=True, slots=True)
class PastStep:
    """One step of a past run. `before` and `after` are field values as JSON; `outcome` None: it was never recorded."""

    at: str
    address: Address
    action: str
    id: str | None = None
    outcome: str | None = None
    attempts: int = 0
    error: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PastRun:
    """One past run; `ended_at` None: it was killed, or is still at work."""

    run: str
    started_at: str
    who: Mapping[str, str]
    steps: tuple[PastStep, ...] = ()
    ended_at: str | None = None


def past_runs(events: Iterable[Mapping[str, Any]]) -> list[PastRun]:
    """The runs that journal events tell of, oldest first."""
    runs: dict[str, PastRun] = {}
    steps: dict[str, dict[tuple[str, str], PastStep]] = {}
    for event in events:
        name = str(event.get("run", ""))
        run = runs.setdefault(name, PastRun(name, str(event.get("at", "")), {}))
        match event.get("event"):
            case "run-started":
                runs[name] = replace(run, who=event.get("who") or {})
            case "run-ended":
                runs[name] = replace(run, ended_at=str(event.get("at", "")))
            case "intent" | "ended":
                _take(steps.setdefault(name, {}), event)
            case _:
                pass
    return [replace(run, steps=tuple(steps.get(name, {}).values())) for name, run in runs.items()]


def _take(steps: dict[tuple[str, str], PastStep], event: Mapping[str, Any]) -> None:
    """Bring one step up to an intent or to its end; a placement born inactive has two intents under its creation."""
    address, action = Address(str(event.get("address", ""))), str(event.get("action", ""))
    known = steps.get((address, action)) or steps.get((address, "create"))
    step = known or PastStep(str(event.get("at", "")), address, action)
    if event["event"] == "intent":
        step = replace(
            step,
            id=event.get("id") or step.id,
            before={**step.before, **(event.get("before") or {})},
            after={**step.after, **(event.get("after") or {})},
        )
    else:
        step = replace(
            step,
            id=event.get("id") or step.id,
            outcome=event.get("outcome"),
            attempts=int(event.get("attempts") or 0),
            error=event.get("error"),
        )
    steps[step.address, step.action] = step


def of_resource(runs: Iterable[PastRun], address: Address) -> Iterator[PastRun]:
    """The part of each run that concerns a resource, under this address or, by its ids, under an earlier one."""
    everything = list(runs)
    ids = {step.id for run in everything for step in run.steps if step.address == address and step.id is not None}
    for run in everything:
        steps = tuple(step for step in run.steps if step.address == address or step.id in ids)
        if steps:
            yield replace(run, steps=steps)
