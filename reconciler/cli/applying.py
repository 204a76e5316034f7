"""What carrying out a plan takes, for `apply` and for its rehearsal alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.apply.executor import Execution
from reconciler.cli.judging import within_budget
from reconciler.cli.progress import Quiet, watched
from reconciler.cli.session import Session
from reconciler.cli.stopping import asked_to_stop
from reconciler.diff.change import Change, action_of, id_of
from reconciler.errors import Interrupted, PlanUnusable, ReconcilerError, Refused, StalePlan
from reconciler.given import read_text
from reconciler.model.desired import DesiredState
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.model.outcome import Result
from reconciler.plan.codec import plan_from_text
from reconciler.plan.gate import Limits, gate
from reconciler.plan.guard import Allowances, Refusal
from reconciler.plan.plan import Plan, summary
from reconciler.plan.revalidate import Now, revalidate
from reconciler.plan.reviewed import ANYTHING, Reviewed, reviewed, reviewed_in, unreviewed
from reconciler.plan.stale import Stale, without
from reconciler.ports import Gateway, RunStore
from reconciler.report.text import refusal_line
from reconciler.workflow.carrying_out import Conditions, carry_out_plan

INCOMPLETE: Final = 3


@dataclass(frozen=True, slots=True)
class Job:
    """A plan and what it is carried out with."""

    plan: Plan
    live: LiveState
    gateway: Gateway
    run: RunStore
    ledger: Ledger
    settle_seconds: float


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan that was made before: as it was made, and as the limits of this run let it out."""

    original: Plan
    within: Plan


def within_limits(plan: Plan, session: Session, desired: DesiredState, allowances: Allowances) -> Saved:
    """A plan that was saved, if it is for this publisher and API and within the limits; warnings are told.

    Raises `PlanUnusable`, and `Refused` for a limit or policy that binds.
    """
    _check_target(plan, desired.publisher_id, session.api())
    limits = Limits(desired.safety, allowances, desired.policies, desired.country_groups, within_budget)
    within, exceeded = gate(plan, limits)
    session.console.aside(refusal_line(refusal) for refusal in exceeded if not refusal.binding)
    refuse(exceeded)
    return Saved(plan, within)


def what_was_reviewed(given: str, session: Session, desired: DesiredState) -> Reviewed | None:
    """What was reviewed: a saved plan, a report or another text with its mark, as a file; or a digest, as it is.

    None where a file says that no review is needed.

    Raises `PlanUnusable` for a plan of another publisher or API, and for a file that says nothing of the kind.
    """
    known = reviewed_in(given)
    if known is not None:
        return known
    text = read_text(Path(given), session.root_if_any())
    if text.lstrip().startswith("{"):
        plan = plan_from_text(text)
        _check_target(plan, desired.publisher_id, session.api())
        return reviewed(plan)
    if text.strip() == ANYTHING:
        return None
    known = reviewed_in(text)
    if known is None:
        raise PlanUnusable(
            "the file given to --reviewed says nothing of what was reviewed",
            hint="a plan saved by `reconciler plan --out FILE`, its report in Markdown, or what `ci reviewed` wrote",
        )
    return known


def hold_to_review(session: Session, plan: Plan, known: Reviewed) -> None:
    """Raise `StalePlan` where a plan would do what was not reviewed; as Markdown it is told on stdout, too."""
    more = unreviewed(plan, known)
    if not more:
        return
    if session.options.format == "markdown":
        from reconciler.report.markdown.result import unreviewed_markdown  # noqa: PLC0415 - rarely needed

        session.console.markup(unreviewed_markdown(more, plan.origin, session.options.comment_key))
    told = "\n".join(f"{each.address}: {each.told}" for each in more)
    raise StalePlan(
        f"nothing was applied; the reviewed plan did not hold:\n{told}",
        hint="have a new plan of it reviewed; without --reviewed it is applied unseen",
    )


def _check_target(plan: Plan, publisher_id: str, api: str) -> None:
    """A plan applies only to the publisher and API it was made for."""
    if (plan.origin.publisher_id, plan.origin.api) != (publisher_id, api):
        raise PlanUnusable(
            f"the plan is for publisher {plan.origin.publisher_id} at {plan.origin.api}, "
            f"this project for {publisher_id} at {api}",
            hint="apply it where it was made, or make a new one here",
        )


def refuse(exceeded: Sequence[Refusal]) -> None:
    """Raise `Refused` where any of these binds, with the switches that would allow it."""
    binding = [refusal for refusal in exceeded if refusal.binding]
    if binding:
        switches = "; ".join(dict.fromkeys(refusal.switch for refusal in binding))
        told = "\n".join(f"{refusal.message} [{refusal.limit}]" for refusal in binding)
        raise Refused(told, hint=f"what would allow it: {switches}")


def part_that_holds(saved: Saved, now: Now, *, skip_stale: bool) -> tuple[Plan, tuple[Result, ...]]:
    """The plan without what is stale by now, and the results of what was left out.

    Raises `PlanUnusable` where the plan contradicts itself, `Refused` where it deletes what would not be deleted now,
    and `StalePlan` where anything is stale, or the manifests are others, and nothing may be skipped.
    """
    found = revalidate(saved.original, saved.within, now)
    again = "make a new plan with `reconciler plan --out FILE`"
    if found.broken:
        raise PlanUnusable(f"the plan document contradicts itself:\n{_reasons(found.broken)}", hint=again)
    if found.refused:
        raise Refused(f"the plan deletes what a plan made now would not:\n{_reasons(found.refused)}", hint=again)
    if (found.stale or found.outdated) and not skip_stale:
        told = ["the manifests have changed since it was made"] if found.outdated else []
        told += [_reasons(found.stale)] if found.stale else []
        raise StalePlan(
            "\n".join(["the plan does not hold any more:", *told]),
            hint="make a new plan, or go on with the rest by --skip-stale",
        )
    return without(found.plan, found.stale), tuple(_left_out(each, found.plan) for each in found.stale)


def _reasons(found: Sequence[Stale]) -> str:
    return "\n".join(f"{each.address}: {each.how}" for each in found)


def _left_out(stale: Stale, plan: Plan) -> Result:
    change = next(change for change in plan.changes if change.address == stale.address)
    return Result(stale.address, action_of(change), "skipped", id_of(change), error=f"stale: {stale.how}")


def writes(plan: Plan) -> bool:
    """Whether carrying out the plan makes any call."""
    counts = summary(plan)
    return bool(counts.create or counts.update or counts.deactivate or counts.delete)


def carried_out(session: Session, job: Job) -> Execution:
    """What came of a plan, with progress shown on a terminal meanwhile."""
    bar = watched("apply", _Words(), session.place()) if writes(job.plan) else Quiet()
    with bar as listener:
        conditions = Conditions(session.clock, listener, session.options.parallelism, job.settle_seconds)
        with asked_to_stop(conditions.brake.interrupt):
            return carry_out_plan(job.plan, job.live, job.gateway, job.run, job.ledger, conditions)


class _Words:
    """How the steps of an apply are told."""

    def told(self, end: Result) -> str:
        return f"{end.outcome} {end.action} {end.address}"

    def is_done(self, end: Result) -> bool:
        return is_done(end)

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


def why_ended(execution: Execution) -> ReconcilerError | None:
    """What broke a run off, None where nothing did."""
    if execution.ended_by is None and execution.interrupted:
        return Interrupted("interrupted; what was in flight has been finished and recorded")
    return execution.ended_by


def exit_code(results: Sequence[Result]) -> int:
    """0 where every step was done, 3 otherwise."""
    return 0 if all(map(is_done, results)) else INCOMPLETE


def is_done(result: Result) -> bool:
    """Whether nothing is left to do of a step."""
    return result.outcome in {"applied", "normalised", "unverified"}
