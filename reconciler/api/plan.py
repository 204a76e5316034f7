"""Make a plan, read a saved one, and check either against the project's limits and against what was reviewed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.early_reading import EarlyReading
from reconciler.api.environment import collector_paused
from reconciler.api.judge import within_budget
from reconciler.api.results import PlanResult
from reconciler.api.workspace import Workspace
from reconciler.errors import PlanUnusable, Refused, StalePlan
from reconciler.files.project import read_text
from reconciler.floors.current_floors import with_evidence
from reconciler.manifest.assemble import Loaded
from reconciler.model.address import Address
from reconciler.model.journal import past_creates
from reconciler.model.ledger import IndexedLedger, Ledger
from reconciler.model.settled import OutlinedPlacements, SettledPlacements
from reconciler.model.state import Allowances, DesiredState, LiveState
from reconciler.plan.document import plan_from_text
from reconciler.plan.gate import Limits, Refusal, gate
from reconciler.plan.plan import ANYTHING, Plan, Reviewed, reviewed, reviewed_in, unreviewed
from reconciler.workflow.plan import make_plan
from reconciler.workflow.selection import Selection

if TYPE_CHECKING:
    from reconciler.manifest.settings import (
        Settings,  # with YAML and models, which a plan of what is remembered needs not
    )


def plan_of(
    early: EarlyReading, read: tuple[Loaded, DesiredState], selection: Selection, allowances: Allowances
) -> PlanResult:
    """Read the account, and say what an apply would do. Writes nothing.

    The manifests were `read` with `early` listening.
    """
    workspace, (loaded, desired) = early.workspace, read
    reader, store = early.reader(), early.store()
    origin, ledger = workspace.origin(desired), store.ledger()
    wanted = replace(selection, parallelism=workspace.parallelism, habits=store.habits())
    with _checked(ledger) as compared:
        fresh, live = make_plan(desired, reader, ledger, origin, wanted, lambda: past_creates(store.events()))
        compared.extend(recorded_apps(live, ledger) if isinstance(ledger, IndexedLedger) else ())
    workspace.warn_of_empty_account(ledger, live)
    within, exceeded = gate(with_evidence(fresh, workspace.price_evidence()), limits_of(desired, allowances))
    return PlanResult(within, exceeded, loaded.findings)


@contextmanager
def _checked(ledger: Ledger) -> Iterator[list[Address]]:
    """At the end raise what is wrong with a ledger that was read by its lines, before anything else that is raised.

    Placements in the apps that are added to the list have been compared, and need no look.
    """
    compared: list[Address] = []
    try:
        yield compared
    finally:
        if isinstance(ledger, IndexedLedger):
            ledger.check(frozenset(compared))


def recorded_apps(live: LiveState, ledger: IndexedLedger) -> Iterator[Address]:
    """The apps whose placements' lines in the ledger are all as they are written for what is declared."""
    for listed in live.placements.values():
        if isinstance(listed, SettledPlacements) and isinstance(listed.declared, OutlinedPlacements):
            app, unrecorded = listed.declared.app, listed.unrecorded
            known = len(ledger.apps.get(app, ())) - (app in ledger)
            if unrecorded is not None and not unrecorded and known == len(listed):
                yield app


def limits_of(project: "DesiredState | Settings", allowances: Allowances) -> Limits:
    """What plans of a project are held to. Rules of policies are evaluated in a process of their own."""
    return Limits(project.safety, allowances, project.policies, project.country_groups, within_budget)


def load_plan(path: Path | str, root: Path | None = None) -> Plan:
    """The plan in a file; below the project at `root`, a file of the project. Raises `PlanUnusable`."""
    text = read_text(Path(path), root)
    with collector_paused():
        return plan_from_text(text)


def check_limits(settings: "Settings", plan: Plan, allowances: Allowances) -> PlanResult:
    """A plan that was made before, and what of the limits of these settings it exceeds."""
    return PlanResult(*gate(plan, limits_of(settings, allowances)))


def within_limits(workspace: Workspace, plan: Plan, desired: DesiredState, allowances: Allowances) -> Plan:
    """A plan that was made before, as the limits of this run let it out; what does not bind goes to the observer.

    Raises `PlanUnusable` for another publisher or API, and `Refused` for a limit or policy that binds.
    """
    _check_target(plan, desired.publisher_id, workspace.api())
    within, exceeded = gate(plan, limits_of(desired, allowances))
    workspace.observer.exceeded([refusal for refusal in exceeded if not refusal.binding])
    refuse(exceeded)
    return within


def refuse(exceeded: Sequence[Refusal]) -> None:
    """Raise `Refused` where any of these binds, with the switches that would allow it."""
    binding = [refusal for refusal in exceeded if refusal.binding]
    if binding:
        switches = "; ".join(dict.fromkeys(refusal.switch for refusal in binding))
        reasons = "\n".join(f"{refusal.message} [{refusal.limit}]" for refusal in binding)
        raise Refused(reasons, hint=f"what would allow it: {switches}")


def read_review(workspace: Workspace, given: str, desired: DesiredState) -> Reviewed | None:
    """What was reviewed, from a digest, or from a file: a saved plan, a report, or a text with a review mark.

    None where the file says that no review is needed. Raises `PlanUnusable` for a plan of another publisher or API, and
    for a file without a review mark.
    """
    review = reviewed_in(given)
    if review is not None:
        return review
    text = read_text(Path(given), workspace.root)
    if text.lstrip().startswith("{"):
        with collector_paused():
            plan = plan_from_text(text)
        _check_target(plan, desired.publisher_id, workspace.api())
        return reviewed(plan)
    if text.strip() == ANYTHING:
        return None
    review = reviewed_in(text)
    if review is None:
        raise PlanUnusable(
            "the file given to --reviewed says nothing of what was reviewed",
            hint="a plan saved by `reconciler plan --out FILE`, its report in Markdown, or what `ci reviewed` wrote",
        )
    return review


def hold_to_review(workspace: Workspace, plan: Plan, review: Reviewed) -> None:
    """Raise `StalePlan` where a plan does more than was reviewed, after passing the difference to the observer."""
    more = unreviewed(plan, review)
    if not more:
        return
    workspace.observer.unreviewed(plan, more)
    steps = "\n".join(f"{each.address}: {each.text}" for each in more)
    raise StalePlan(
        f"nothing was applied; the reviewed plan did not hold:\n{steps}",
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
