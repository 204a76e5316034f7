"""A plan carried out on a sandbox that holds what was read of the account, under faults: nothing real is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.cli.applying import Job, Saved, carried_out, exit_code, part_that_holds, why_ended
from reconciler.cli.session import Session
from reconciler.dt.client import DtClient
from reconciler.dt.gateway import DtGateway
from reconciler.dt.wire.answer import live_list
from reconciler.errors import ReconcilerError, StoreError
from reconciler.model.address import address_order
from reconciler.model.desired import DesiredState
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.model.outcome import Result
from reconciler.model.secret import Secret
from reconciler.plan.aftermath import aftermath, bound_to
from reconciler.plan.plan import Plan
from reconciler.report.rehearsal import Rehearsal
from reconciler.sandbox.account import Account
from reconciler.sandbox.faultfile import FaultFile
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.seed import seed_live
from reconciler.sandbox.server import RunningSandbox, SandboxOptions
from reconciler.sandbox.spelling import spelled
from reconciler.store.file_run import FileRun
from reconciler.store.files import FileStore
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text, write_atomically
from reconciler.web.auth import Credentials
from reconciler.workflow.planning import Ground, plan_anew

_ANYBODY = Credentials(Secret("rehearsal"), Secret("rehearsal"))
"""The sandbox takes any credentials; the real ones stay where they are."""

_PLAIN = Quirks()


@dataclass(frozen=True, slots=True)
class Stage:
    """What a rehearsal begins with. `left_out`: results of what was stale in the account already."""

    plan: Plan
    live: LiveState
    ledger: Ledger
    desired: DesiredState
    left_out: tuple[Result, ...] = ()
    skip_stale: bool = False


def rehearse(session: Session, stage: Stage, script: FaultFile) -> Rehearsal:
    """Carry out a plan on a sandbox of its own, with a store of its own, and give the account of it."""
    options = SandboxOptions(faults=script.faults, quirks=script.quirks, chance=script.chance)
    fill = partial(seed_live, live=stage.live, publisher_id=stage.plan.origin.publisher_id)
    with RunningSandbox(options, fill=fill) as sandbox, TemporaryDirectory(prefix="rehearsal-") as folder:
        before = _as_read(sandbox.account, _PLAIN)
        plan = bound_to(stage.plan, _as_read(sandbox.account, script.quirks))
        run, results, error = _applied(session, stage, plan, sandbox.url, Path(folder))
        sandbox.account.finish()
        return Rehearsal(
            api=plan.origin.api,
            run=run,
            results=results,
            aftermath=aftermath(plan, before, _as_read(sandbox.account, _PLAIN)),
            exit_code=exit_code(results) if error is None else error.exit_code,
            error=error,
            requests=Counter(f"{seen.method} {seen.path.rpartition('/')[2]}" for seen in sandbox.account.requests),
            faults=Counter(seen.fault for seen in sandbox.account.requests if seen.fault is not None),
            held=plan.held,
        )


def _applied(
    session: Session, stage: Stage, plan: Plan, url: str, folder: Path
) -> tuple[str, Sequence[Result], ReconcilerError | None]:
    """As `apply` does with a saved plan. The run's name, its results, and what broke it off."""
    write_atomically(folder / LEDGER_NAME, ledger_text(stage.ledger))
    told: tuple[str, Sequence[Result], ReconcilerError | None] | None = None
    try:
        account = session.account(stage.plan.origin.publisher_id)
        with FileStore(folder, session.clock, account=account).run({"user": "rehearsal"}) as run:
            told = _carried_out(session, stage, plan, url, run)
    except StoreError as wrong:  # as with `apply`, the account of what was done comes first
        if told is None:
            raise
        return told[0], told[1], told[2] or wrong
    return told


def _carried_out(
    session: Session, stage: Stage, plan: Plan, url: str, run: FileRun
) -> tuple[str, Sequence[Result], ReconcilerError | None]:
    with DtClient(url, _ANYBODY, clock=session.clock) as client:
        gateway = DtGateway(client, plan.origin.publisher_id)
        try:
            origin, parallelism = session.origin(stage.desired), session.options.parallelism
            now = plan_anew(plan, stage.desired, Ground(gateway, stage.ledger), origin, parallelism)
            part, left_out = part_that_holds(Saved(plan, plan), now, skip_stale=stage.skip_stale)
            settle_seconds = stage.desired.safety.settle_seconds
            execution = carried_out(session, Job(part, now.live, gateway, run, stage.ledger, settle_seconds))
        except ReconcilerError as wrong:
            return run.run_id, stage.left_out, wrong
        results = sorted([*execution.results, *left_out, *stage.left_out], key=lambda each: address_order(each.address))
        return run.run_id, results, why_ended(execution)


def _as_read(account: Account, quirks: Quirks) -> LiveState:
    """All of a sandbox's account, as a client would read it of a server with these quirks."""
    apps = live_list("app", [spelled(app, quirks) for app in account.apps()])
    placements = {
        app.id: live_list("placement", [spelled(each, quirks) for each in account.placements(app.id)], app_id=app.id)
        for app in apps
    }
    return LiveState(apps, placements)
