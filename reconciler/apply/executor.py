"""Running the steps of a plan: their order, whether a step may be tried, and the workers that run them.

Apps before their placements; what frees a name before what takes one (updates before creates); removals last,
placements before the app they are in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, replace
from threading import BoundedSemaphore, Lock
from typing import Final, assert_never

from reconciler.apply.change import deactivate_resource, delete_resource, update_resource
from reconciler.apply.context import ExecutionContext, result
from reconciler.apply.create import (
    Created,
    DoubtfulCreate,
    NotCreated,
    create_resource,
    finish_create,
    send_create,
    unknown_result,
    unlisted_result,
)
from reconciler.apply.recheck import recheck
from reconciler.apply.side_effects import Sending, tells_mode
from reconciler.apply.unclear_creates import (
    Indeterminate,
    RepeatedCreate,
    SettledCreate,
    UnlistedCreate,
    record_lag,
    settle,
    stopped_repeat,
)
from reconciler.apply.updates import learn_from_past
from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.errors import CredentialsError, ReconcilerError, StoreError
from reconciler.model.address import Address, address_order, app_of, kind_of
from reconciler.model.journal import Result, StepResult, listed_event
from reconciler.model.state import LiveState
from reconciler.plan.plan import Plan
from reconciler.ports import Listener


def waves(changes: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """The changes that can be carried out, in waves; blocked ones are in none."""
    ranked: dict[int, list[Change]] = {}
    for change in changes:
        if not isinstance(change, Blocked):
            ranked.setdefault(_rank(change), []).append(change)
    return tuple(tuple(ranked[rank]) for rank in sorted(ranked))


def _rank(change: Change) -> int:
    app = kind_of(change.address) == "app"
    match change:
        case Create() | Update() if app:
            return 0
        case Update():
            return 1
        case Create():
            return 2
        case Deactivate():
            return 4 if app else 3
        case Delete():
            return 6 if app else 5
        case Blocked():
            raise ValueError("a blocked change has no place in the order")


def carry_out(change: Change, context: ExecutionContext) -> StepResult | DoubtfulCreate:
    """Run one step; its result is `skipped`, with the reason, where it may not be tried."""
    refusal = _skip_reason(change, context)
    if refusal is not None:
        return StepResult(result(change, "skipped", error=refusal))
    match change:
        case Create():
            return create_resource(change, context)
        case Update():
            return update_resource(change, context)
        case Deactivate():
            return deactivate_resource(change, context)
        case Delete():
            return delete_resource(change, context)
        case Blocked():
            return StepResult(result(change, "blocked", error=change.reason))
        case _:
            assert_never(change)


def _skip_reason(change: Change, context: ExecutionContext) -> str | None:
    app = app_of(change.address)
    if isinstance(change, Blocked):
        return None
    if context.cancellation.reason is not None:
        return context.cancellation.reason
    if app in context.apps.failed and app != change.address:
        return f"its app {app} was not applied"
    if app in context.apps.occupied and app == change.address:
        return "not all of its placements could be removed"
    needs_app = isinstance(change, Create) and kind_of(change.address) == "placement" and change.app_id is None
    if needs_app and app not in context.apps.ids:
        return f"its app {app} does not exist"
    return None


CALLS_FOR_ONE_AHEAD: Final = 2
"""For so many calls side by side the intent of one create is put on disk ahead, while it waits for its turn.

So no call waits for the disk. A killed run leaves as many more intents, of which the next one finds nothing.
"""

# A signal that comes just before the main thread falls asleep does not wake it: it is heard at the next look.
INTERRUPT_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a plan: one result per change, in the order of addresses.

    `ended_by` is the error that stopped the run before its end (a lost store, lost credentials), if one did;
    `interrupted` says that the user asked to stop. `after` is the account as it was read at the end, a text where it
    could not be, and None where nothing was written.
    """

    results: tuple[Result, ...]
    ended_by: ReconcilerError | None = None
    interrupted: bool = False
    after: LiveState | str | None = None


def execute(plan: Plan, context: ExecutionContext, listener: Listener, parallelism: int) -> Execution:
    """Carry out a plan with so many steps side by side at most. Every change of the plan gets a result."""
    context = replace(context, asked=_requested_names(plan.changes), turns=BoundedSemaphore(parallelism))
    run = _Run(context, listener, plan.changes)
    ordered = waves(plan.changes)
    listener.planned(sum(len(wave) for wave in ordered))
    run.run_waves(ordered, parallelism)
    for change in plan.changes:
        if isinstance(change, Blocked):
            run.report(StepResult(result(change, "blocked", error=change.reason)))
    results = sorted(run.results, key=lambda each: address_order(each.address))
    return Execution(tuple(results), run.ended_by, context.cancellation.interrupted, run.after)


def _requested_names(changes: Iterable[Change]) -> Mapping[str, frozenset[str]]:
    """What the creates of a plan are to be called: names by the address of their app, bundles under the empty text."""
    asked: dict[str, set[str]] = {}
    for change in changes:
        if isinstance(change, Create):
            kind = kind_of(change.address)
            within, key = (app_of(change.address), "name") if kind == "placement" else ("", "bundle")
            asked.setdefault(within, set()).add(str(change.send[key]))
    return {within: frozenset(names) for within, names in asked.items()}


class _Run:
    """The results of a run as they come in from the workers."""

    def __init__(self, context: ExecutionContext, listener: Listener, changes: Sequence[Change]) -> None:
        self.results: list[Result] = []
        self.ended_by: ReconcilerError | None = None
        self.after: LiveState | str | None = None
        self._changes = changes
        self._doubtful: list[DoubtfulCreate] = []
        self._context = context
        self._listener = listener
        self._lock = Lock()

    def run_waves(self, ordered: Sequence[Sequence[Change]], parallelism: int) -> None:
        """Carry out all waves; a request to stop lets the steps in flight finish, and begins no other.

        The request reaches the main thread alone. So that it can strike nowhere between a step and its record, that
        thread does nothing but wait.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="waves") as runner:
            try:
                work = runner.submit(self._run_waves, ordered, parallelism)
                while not work.done():
                    self._wait(work)
            except BaseException:
                self._context.cancellation.cancel("not tried: the run was broken off")
                raise
            work.result()

    def _wait(self, work: Future[None]) -> None:
        try:
            wait([work], timeout=INTERRUPT_POLL_SECONDS)
        except KeyboardInterrupt:
            self._context.cancellation.interrupt()

    def _run_waves(self, ordered: Sequence[Sequence[Change]], parallelism: int) -> None:
        self._record_lists()
        if ordered:
            learn_from_past(self._context)
        ahead = parallelism // CALLS_FOR_ONE_AHEAD
        with ThreadPoolExecutor(parallelism + ahead, thread_name_prefix="apply") as workers:
            for changes in ordered:
                for group in _first_update_alone(changes, self._context):
                    for each in [workers.submit(self._run_step, change) for change in group]:
                        each.result()
                self._settle_creates(workers)
        if any(result.attempts for result in self.results):
            rechecked = recheck(self._changes, self.results, self._context, parallelism)
            self.after = rechecked.after
            for step_result in rechecked.corrections:
                self._correct(step_result)

    def _record_lists(self) -> None:
        """Record the ids in each list that creates of the plan add to: a later run tells new ids by these."""
        lists: dict[Address | None, frozenset[str]] = {}
        for change in self._changes:
            if isinstance(change, Create):
                is_app = kind_of(change.address) == "app"
                held = (
                    self._context.listed_before(change.app_id) if is_app or change.app_id is not None else frozenset()
                )
                lists[None if is_app else app_of(change.address)] = held
        try:
            for app in sorted(lists, key=str):
                self._context.store.record_observation(listed_event(app, lists[app]))
        except StoreError as error:
            self._stop(error)

    def _settle_creates(self, workers: ThreadPoolExecutor) -> None:
        """See through the creates of a wave whose outcome is not known, together: they wait for the same lists."""
        while self._doubtful:
            doubtful, self._doubtful = self._doubtful, []
            for each in [workers.submit(self._finish_settled, one) for one in settle(doubtful, self._context)]:
                each.result()

    def _finish_settled(self, settled: SettledCreate) -> None:
        match settled:
            case Created(change):
                record_lag(settled, self._context)
                self._record_outcome(change, lambda: finish_create(settled, self._context))
            case RepeatedCreate(doubtful):
                self._record_outcome(doubtful.change, lambda: self._repeat_create(doubtful))
            case UnlistedCreate(doubtful, resource_id):
                self._record_outcome(doubtful.change, lambda: unlisted_result(doubtful, resource_id, self._context))
            case Indeterminate(doubtful, why, suspects):
                self._record_outcome(doubtful.change, lambda: unknown_result(doubtful, why, self._context, suspects))

    def _repeat_create(self, doubtful: DoubtfulCreate) -> StepResult | DoubtfulCreate:
        try:
            creation = send_create(doubtful.change, doubtful.app_id, self._context, doubtful)
        except (StoreError, CredentialsError) as error:
            self._stop(error)
            unclear = stopped_repeat(doubtful, error.message)
            return unknown_result(unclear.doubtful, unclear.why, self._context)
        match creation:
            case Created():
                return finish_create(creation, self._context)
            case DoubtfulCreate():
                return creation
            case NotCreated(why, attempts):
                return StepResult(result(doubtful.change, "failed", attempts=attempts, error=why))

    def _run_step(self, change: Change) -> None:
        turn = nullcontext() if isinstance(change, Create) else self._context.turns
        with turn:
            self._listener.begun(change)
            self._record_outcome(change, lambda: carry_out(change, self._context))

    def _record_outcome(self, change: Change, step: Callable[[], StepResult | DoubtfulCreate]) -> None:
        """Run a step and record its result; a `DoubtfulCreate` is kept for `_settle_creates` instead."""
        try:
            step_result = step()
        except (StoreError, CredentialsError) as error:
            self._stop(error)
            step_result = StepResult(result(change, "failed", error=error.message))
        except ReconcilerError as error:
            self._stop(error)
            step_result = StepResult(result(change, "unknown", error=error.message))
        except BaseException:
            self._context.cancellation.cancel("not tried: the program broke off")
            raise
        if isinstance(step_result, DoubtfulCreate):
            with self._lock:
                self._doubtful.append(step_result)
            return
        if step_result.result.outcome in {"failed", "unknown", "skipped"}:
            self._mark_app(change, step_result)
        self._record(step_result)
        self.report(step_result)

    def _record(self, step_result: StepResult) -> None:
        try:
            self._context.store.end(step_result)
        except StoreError as error:
            self._stop(error)

    def _correct(self, step_result: StepResult) -> None:
        """Put another end in the place of one that was recorded before more was known."""
        self._record(step_result)
        key = step_result.result.address, step_result.result.action
        self.results = [step_result.result if (each.address, each.action) == key else each for each in self.results]

    def _stop(self, error: ReconcilerError) -> None:
        self._context.cancellation.cancel(f"not tried: {error.message}")
        self.ended_by = self.ended_by or error

    def _mark_app(self, change: Change, step_result: StepResult) -> None:
        """Mark the app of a step that was not done, so that steps that need it are skipped.

        A created app is usable, and so is one that exists, whatever else of it could not be changed than its status.
        """
        if isinstance(change, Create) and step_result.entry is not None:
            return
        if isinstance(change, Update) and kind_of(change.address) == "app" and "status" not in change.send:
            return
        if kind_of(change.address) == "app":
            self._context.apps.mark_failed(change.address)
        elif isinstance(change, Delete):
            self._context.apps.mark_occupied(app_of(change.address))

    def report(self, step_result: StepResult) -> None:
        """Add a result and tell the listener, one at a time."""
        with self._lock:
            self.results.append(step_result.result)
            self._listener.ended(step_result.result)


def _first_update_alone(wave: Sequence[Change], context: ExecutionContext) -> Iterator[Sequence[Change]]:
    """A wave with one update alone: should the API replace instead of merging, one resource pays for it.

    It is the first of those that tell most of that.
    """
    updates = [change for change in wave if isinstance(change, Update)]
    first = max(updates, key=lambda change: _worth(change, context), default=None)
    if first is not None:
        yield [first]
    yield [change for change in wave if change is not first]


def _worth(change: Update, context: ExecutionContext) -> int:
    """How much an update tells of how the account takes updates; one with what cannot be read tells nothing."""
    kind = kind_of(change.address)
    before = context.seen.by_id.get((kind, change.id))
    if before is None or before.unreadable or context.updates.mode(kind) is not None:
        return 0
    return tells_mode(Sending(change.address, "update", before, change.send))
