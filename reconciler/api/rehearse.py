"""Rehearse a plan: carry it out under faults on a sandbox with a copy of the account. Nothing real is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reconciler.api.apply import all_results, execute, run_error, still_valid_part
from reconciler.api.plan import within_limits
from reconciler.api.results import INCOMPLETE, RESULT_COLUMNS, table
from reconciler.api.workspace import Workspace
from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.apis.management.wire.answer import live_list
from reconciler.errors import ReconcilerError, StoreError
from reconciler.http.auth import Credentials
from reconciler.model.journal import Result, past_creates
from reconciler.model.ledger import Ledger
from reconciler.model.secret import Secret
from reconciler.model.state import Allowances, DesiredState, LiveState
from reconciler.plan.aftermath import aftermath, bound_to
from reconciler.plan.plan import Plan
from reconciler.render.result import Rehearsal, RehearsalDocument
from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.fault_script import FaultFile, read_faults
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions, seed_live
from reconciler.sandbox.spelling import response_object
from reconciler.store.files import FileStore
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text, write_atomically
from reconciler.store.run import FileRun
from reconciler.workflow.apply import ApplyRequest
from reconciler.workflow.plan import PlanningContext, replan

if TYPE_CHECKING:
    from pyarrow import Table

_ANYBODY = Credentials(Secret("rehearsal"), Secret("rehearsal"))
"""The sandbox takes any credentials; the real ones stay where they are."""

_PLAIN = Quirks()

_RunOutcome = tuple[str, Sequence[Result], ReconcilerError | None]
"""The run's name, its results, and what broke it off."""


@dataclass(frozen=True, slots=True)
class RehearsalResult:
    """What came of carrying out a plan on a sandbox. `rehearsal.error` is what would have broken the apply off."""

    rehearsal: Rehearsal

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.rehearsal/1`."""
        return RehearsalDocument.write(self.rehearsal)

    def to_arrow(self) -> "Table":
        """A row for each step."""
        return table(RESULT_COLUMNS, self.to_dict()["result"]["results"])


@dataclass(frozen=True, slots=True)
class _RehearsalInput:
    """What a rehearsal begins with. `left_out`: results of what was stale in the account already."""

    workspace: Workspace
    desired: DesiredState
    ledger: Ledger
    left_out: tuple[Result, ...]
    skip_stale: bool


def fault_file(path: Path | None) -> FaultFile:
    """The faults that a file describes; none without a file. Raises `ProjectError`."""
    return read_faults(path) if path is not None else FaultFile()


def rehearse(
    workspace: Workspace, plan: Plan, allowances: Allowances, script: FaultFile, *, skip_stale: bool
) -> RehearsalResult:
    """Carry out a plan that was made before on a sandbox of its own, with a store of its own, as `apply` would."""
    desired = workspace.desired(remember=False)
    within = within_limits(workspace, plan, desired, allowances)
    store = workspace.store(desired.publisher_id)
    ledger = store.ledger()
    with workspace.reader(desired.publisher_id) as reader:
        context = PlanningContext(reader, ledger, past_creates(store.events()), store.habits())
        now = replan(within, desired, context, workspace.origin(desired), workspace.parallelism)
    part, left_out = still_valid_part(plan, within, now, skip_stale=skip_stale)
    start = _RehearsalInput(workspace, desired, ledger, left_out, skip_stale)
    return RehearsalResult(_run_on_sandbox(start, part, now.live, script))


def _run_on_sandbox(start: _RehearsalInput, part: Plan, live: LiveState, script: FaultFile) -> Rehearsal:
    options = SandboxOptions(faults=script.faults, quirks=script.quirks, chance=script.chance)
    fill = partial(seed_live, live=live, publisher_id=part.origin.publisher_id)
    with RunningSandbox(options, fill=fill) as sandbox, TemporaryDirectory(prefix="rehearsal-") as folder:
        before = _live_state(sandbox.account, _PLAIN)
        plan = bound_to(part, _live_state(sandbox.account, script.quirks))
        run, results, error = _apply_saved(start, plan, sandbox.url, Path(folder))
        sandbox.account.finish()
        is_done = all(each.is_done for each in results)
        return Rehearsal(
            api=plan.origin.api,
            run=run,
            results=results,
            aftermath=aftermath(plan, before, _live_state(sandbox.account, _PLAIN)),
            exit_code=error.exit_code if error is not None else 0 if is_done else INCOMPLETE,
            error=error,
            requests=Counter(
                f"{request.method} {request.path.rpartition('/')[2]}" for request in sandbox.account.requests
            ),
            faults=Counter(request.fault for request in sandbox.account.requests if request.fault is not None),
            held=plan.held,
        )


def _apply_saved(start: _RehearsalInput, plan: Plan, url: str, folder: Path) -> _RunOutcome:
    """As `apply` does with a saved plan."""
    write_atomically(folder / LEDGER_NAME, ledger_text(start.ledger))
    outcome: _RunOutcome | None = None
    try:
        account = start.workspace.account(plan.origin.publisher_id)
        with FileStore(folder, start.workspace.clock, account=account).run({"user": "rehearsal"}) as run:
            outcome = _execute_plan(start, plan, url, run)
    except StoreError as error:  # as with `apply`, the account of what was done comes first
        if outcome is None:
            raise
        return outcome[0], outcome[1], outcome[2] or error
    return outcome


def _execute_plan(start: _RehearsalInput, plan: Plan, url: str, run: FileRun) -> _RunOutcome:
    workspace, desired = start.workspace, start.desired
    with DtClient(url, _ANYBODY, clock=workspace.clock) as client:
        gateway = DtGateway(client, plan.origin.publisher_id)
        try:
            context = PlanningContext(gateway, start.ledger)
            now = replan(plan, desired, context, workspace.origin(desired), workspace.parallelism)
            part, left_out = still_valid_part(plan, plan, now, skip_stale=start.skip_stale)
            request = ApplyRequest(part, now.live, start.ledger, gateway, run, desired.safety.settle_seconds)
            execution = execute(workspace, request)
        except ReconcilerError as error:
            return run.run_id, start.left_out, error
        return run.run_id, all_results(execution, [*left_out, *start.left_out]), run_error(execution)


def _live_state(account: SandboxAccount, quirks: Quirks) -> LiveState:
    """All of a sandbox's account, as a client would read it of a server with these quirks."""
    apps = live_list("app", [response_object(app, quirks) for app in account.apps()])
    placements = {
        app.id: live_list(
            "placement", [response_object(each, quirks) for each in account.placements(app.id)], app_id=app.id
        )
        for app in apps
    }
    return LiveState(apps, placements)
