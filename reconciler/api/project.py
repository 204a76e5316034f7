"""`Project`, the public interface: one method for each operation."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from reconciler.api.results import ApplyResult, Observer, PlanResult, UndoResult, ValidationResult
from reconciler.api.workspace import DEFAULT_PARALLELISM, Workspace, WorkspaceOptions
from reconciler.errors import UnfitFile
from reconciler.files.project import find_project
from reconciler.manifest.assemble import Loaded

if TYPE_CHECKING:
    from reconciler.api.apply import Approval
    from reconciler.api.drift import DriftResult, InventoryResult
    from reconciler.api.floors import BacktestResult, FloorsWriteResult, SuggestionsResult
    from reconciler.api.ping import PingResult
    from reconciler.api.pull import PullResult
    from reconciler.api.rehearse import RehearsalResult
    from reconciler.api.reports import FetchResult, ImportResult
    from reconciler.api.resources import ResourcesResult
    from reconciler.api.results import RowsResult
    from reconciler.api.revenue import RevenueResult
    from reconciler.api.undo import HistoryResult
    from reconciler.api.user_report import UserReportResult
    from reconciler.api.user_value import UserValueResult
    from reconciler.model.address import Kind
    from reconciler.model.secret import Secret
    from reconciler.model.state import Allowances
    from reconciler.plan.plan import Plan
    from reconciler.workflow.selection import Selection

# Each method imports what it takes: opening and validating a project must not wait for HTTP or for a warehouse.
# ruff: noqa: PLC0415


class Project:
    """A project that is opened. Its settings are read once; manifests, ledger and account by each method anew.

    Every method raises errors of `reconciler.errors` and nothing else on purpose, prints nothing, and tells the
    observer what is worth knowing. A project is not for several threads at once.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace: Final = workspace

    @classmethod
    def open(
        cls,
        path: Path | str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        observer: Observer | None = None,
        parallelism: int = DEFAULT_PARALLELISM,
    ) -> "Project":
        """The project in a folder, or whose `reconciler.yaml` is named; else the nearest one above the working folder.

        `environ` holds the variables of the command line, credentials among them: it is read instead of the process's
        own environment. `parallelism`: calls side by side at most. Raises `ProjectError` where there is no project.
        """
        files = find_project(Path.cwd(), None if path is None else Path(path))
        return cls(Workspace(files, WorkspaceOptions.of(environ, observer, parallelism)))

    @classmethod
    def none(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        observer: Observer | None = None,
        parallelism: int = DEFAULT_PARALLELISM,
    ) -> "Project":
        """No project: for `user_report` by ids of apps, with credentials from the environment.

        What it keeps between runs lies in a folder of the user's.
        """
        return cls(Workspace(None, WorkspaceOptions.of(environ, observer, parallelism)))

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._workspace.root

    @property
    def publisher_id(self) -> str:
        """Whose account it is. Raises `InvalidManifests` for settings that cannot be read."""
        return self._workspace.settings().publisher_id

    def validate(self) -> ValidationResult:
        """Check everything that can be known without the network. Findings are values; nothing is raised for them."""
        try:
            loaded = self._workspace.validate()
        except UnfitFile as error:
            loaded = Loaded(None, (error.finding,))
        return ValidationResult(loaded.findings, loaded.state)

    def plan(self, selection: "Selection | None" = None, allowances: "Allowances | None" = None) -> PlanResult:
        """Read the account, and say what an apply would do. Writes nothing.

        A plan that exceeds a limit is returned with the refusals. Raises `InvalidManifests`, `CredentialsError`,
        `ApiError`, `WrongAccount`, and `ProjectError` for a selection that nothing matches.
        """
        from reconciler.api.early_reading import EarlyReading

        is_partial = selection is not None and bool(selection.only)
        with closing(EarlyReading(self._workspace, is_partial=is_partial)) as early:
            read = self._workspace.load(remember=False, listener=early)
            # What follows takes as long to import as the first answers take.
            from reconciler.api.plan import plan_of
            from reconciler.model.state import Allowances
            from reconciler.workflow.selection import Selection

            return plan_of(early, read, selection or Selection(), allowances or Allowances())

    def apply(
        self,
        plan: "PlanResult | Plan | Path | str | None" = None,
        *,
        allowances: "Allowances | None" = None,
        skip_stale: bool = False,
    ) -> ApplyResult:
        """Carry out a plan that was made before, or read from a file; without one, plan and carry that out.

        Whoever calls has approved. What the plan rests on is read again under the lock; where any of it has moved,
        `StalePlan` is raised, or with `skip_stale` the rest is carried out. A step that fails is an outcome. Raises
        `LockHeld` beside another run, `Refused` for a limit or policy, `Interrupted`, and as `plan` does.
        """
        if plan is None:
            return self.plan_and_apply(allowances=allowances)
        from reconciler.api.apply import apply_saved
        from reconciler.model.state import Allowances

        return apply_saved(self._workspace, self._as_plan(plan), allowances or Allowances(), skip_stale=skip_stale)

    def plan_and_apply(
        self,
        selection: "Selection | None" = None,
        *,
        allowances: "Allowances | None" = None,
        reviewed: str | None = None,
        approve: "Approval | None" = None,
    ) -> ApplyResult:
        """Plan and carry out under one lock, after what an earlier run may have created had its time to appear.

        `approve` is asked with the plan, where it writes, and the account is read again after a yes. `reviewed` is a
        digest, or the path of a file that says what was reviewed: `StalePlan` is raised where the plan does more.
        """
        from reconciler.api.apply import apply_new
        from reconciler.model.state import Allowances
        from reconciler.workflow.selection import Selection

        wanted, limits = selection or Selection(), allowances or Allowances()
        return apply_new(self._workspace, wanted, limits, reviewed, approve)

    def rehearse(
        self,
        plan: "PlanResult | Plan | Path | str",
        *,
        faults: Path | str | None = None,
        allowances: "Allowances | None" = None,
        skip_stale: bool = False,
    ) -> "RehearsalResult":
        """Carry out a plan on a sandbox that holds what the account holds now; the account itself is only read.

        `faults` is the path of a YAML file of faults. Raises as `apply` does before it writes; what would break the
        apply off is in the result.
        """
        from reconciler.api.rehearse import fault_file, rehearse
        from reconciler.model.state import Allowances

        script = fault_file(None if faults is None else Path(faults))
        limits = allowances or Allowances()
        return rehearse(self._workspace, self._as_plan(plan), limits, script, skip_stale=skip_stale)

    def _as_plan(self, plan: "PlanResult | Plan | Path | str") -> "Plan":
        from reconciler.api.plan import load_plan

        if isinstance(plan, Path | str):
            return load_plan(plan, self.root)
        return plan.plan if isinstance(plan, PlanResult) else plan

    def undo(
        self,
        run: str,
        *,
        manifests: bool = False,
        allowances: "Allowances | None" = None,
        approve: "Approval | None" = None,
    ) -> UndoResult:
        """Put back what a run has changed, as far as the account is still as that run left it.

        `run` is the name of a run, or the beginning of it. `manifests` writes the old values there, too. `approve` is
        asked with the plan. Raises as `apply` does, and `ProjectError` for a run that the journal does not know.
        """
        from reconciler.api.undo import undo
        from reconciler.model.state import Allowances

        return undo(self._workspace, run, allowances or Allowances(), approve, manifests=manifests)

    def undoable(self) -> "HistoryResult":
        """The latest runs of which anything may be undone, oldest first."""
        from reconciler.api.undo import undoable

        return undoable(self._workspace)

    def history(
        self, address: str | None = None, *, run: str | None = None, since: datetime | None = None, failed: bool = False
    ) -> "HistoryResult":
        """The journal, or of it what concerns a resource, a run, the time from `since` on, or what was not done."""
        from reconciler.api.undo import history

        return history(self._workspace, address, run, since, failed=failed)

    def drift(self, only: Sequence[str] = (), *, since: date | None = None, record: bool = True) -> "DriftResult":
        """Audit the account against what was last applied. Cannot write to the account.

        `record` remembers the audit in the project's store, unless it is of a part (`only`). `since`: with the trend
        from that day on.
        """
        from reconciler.api.drift import drift

        return drift(self._workspace, tuple(only), since, record=record)

    def inventory(self, globs: Sequence[str] = ()) -> "InventoryResult":
        """Resources that are declared, owned or live. Raises `ProjectError` where patterns match none."""
        from reconciler.api.drift import list_resources

        return list_resources(self._workspace, globs)

    def get(self, references: Sequence[str] | None = None, *, kind: "Kind | None" = None) -> "ResourcesResult":
        """Live apps and placements by address, pattern or id; all without any.

        An address of an app stands for the app alone. `kind` leaves out the other kind, and says whose an id is. What
        is not found is in the result. Reads no more than it takes, and needs no manifests. Raises `UsageError` for an
        address of the other kind, and `ProjectError` where it has to be known whose account it is.
        """
        from reconciler.api.resources import get

        return get(self._workspace, references, kind)

    def reward_token(self, app: str) -> "Secret":
        """The token that signs the reward callbacks of an app, by id or address; its `reveal` gives the text.

        It is read by a call of its own and in no result, log or message. Raises `ProjectError` where there is none.
        """
        from reconciler.api.resources import reward_token

        return reward_token(self._workspace, app)

    def ping(self) -> "PingResult":
        """Check every set of keys that is there, and what those of the Management API see. Asks for tokens and a list.

        Keys that are not good are in the result. Raises `CredentialsError` where there are none at all, and
        `WrongAccount` where they see another publisher's apps, or none although the ledger knows some.
        """
        from reconciler.api.ping import ping

        return ping(self._workspace)

    def pull(self, apps: Sequence[str] = (), *, check: bool = False, theirs: bool = False) -> "PullResult":
        """Adopt what is live: write manifests and ledger so that a plan finds nothing to change.

        `apps`: only these, by id or address. `check`: say what would be written. `theirs`: take what is live where the
        manifest has moved since the last apply, too.
        """
        from reconciler.api.pull import pull

        return pull(self._workspace, apps, check=check, theirs=theirs)

    def suggest_floors(
        self, first: date | None = None, last: date | None = None, *, only: Sequence[str] = ()
    ) -> "SuggestionsResult":
        """Suggest floors from the reports of these days, else of the last two weeks with reports. Changes nothing."""
        from reconciler.api.floors import suggest

        return suggest(self._workspace, first, last, only)

    def write_floors(
        self, first: date | None = None, last: date | None = None, *, only: Sequence[str] = ()
    ) -> "FloorsWriteResult":
        """Write suggested floors into the manifests: prices change, and nothing else."""
        from reconciler.api.floors import write

        return write(self._workspace, first, last, only)

    def backtest_floors(
        self, first: date | None = None, last: date | None = None, *, split: date | None = None
    ) -> "BacktestResult":
        """What suggestions of the days up to `split` would have done on later ones; by default seven are held out."""
        from reconciler.api.floors import backtest

        return backtest(self._workspace, first, last, split)

    def mediation_report(  # noqa: PLR0913 - what the API's page has, by name
        self,
        first: date | None = None,
        last: date | None = None,
        *,
        dimensions: Sequence[str] | None = None,
        metrics: Sequence[str] | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        network_type: Literal["all", "bidding", "mediation"] | None = None,
        timezone: Literal["UTC", "America/Los_Angeles"] | None = None,
    ) -> "RowsResult":
        """Ask Chartboost's Mediation Reporting API; windows over 30 days are split, and added up.

        What is None is as the API's page has it: its dimensions and metrics, all network types, days of Los Angeles,
        today. `first` without `last` is up to today, `last` without `first` that day alone. Ratios are computed from
        the sums of what they are ratios of. Raises `UsageError` for what the API would refuse, before anything is sent.
        """
        from reconciler.api.mediation import ChartboostAccess, mediation_report
        from reconciler.apis.mediation_query import MediationWish

        lists = (filters or {}).items()
        pairs = [(name, [values] if isinstance(values, str) else values) for name, values in lists]
        wish = MediationWish(dimensions, metrics, pairs, network_type, timezone, first, last)
        return mediation_report(ChartboostAccess.of(self._workspace), wish)

    def fetch_reports(
        self,
        source: Literal["dt", "chartboost", "all"] = "all",
        *,
        first: date | None = None,
        last: date | None = None,
        replace: bool = False,
    ) -> "FetchResult":
        """Fetch reports that are missing, or that the vendor may have restated; a day that cannot be had is an outcome.

        `replace` fetches days that are there and settled, too, and takes what comes even where it holds far less.
        """
        from reconciler.api.reports import fetch_reports

        return fetch_reports(self._workspace, source, first, last, again=replace)

    def user_report(
        self,
        apps: Sequence[str] = (),
        *,
        first: date | None = None,
        last: date | None = None,
        people: Literal["drop", "hash", "keep"] | None = None,
    ) -> "UserReportResult":
        """The user-level report of apps (ids or addresses; all without) as the vendor gives it; all days DT keeps.

        `people`: what becomes of ids of users and devices, by default as the project's settings say, else `drop`. The
        result is a context: leave it, without an error, once the rows are read. A day that cannot be had is an outcome;
        what is there stays aside for the next call. Raises `CredentialsError`, `LockHeld` and `UsageError`.
        """
        from reconciler.api.user_report import user_report

        return user_report(self._workspace, apps, first, last, people)

    def user_value(
        self,
        apps: Sequence[str] = (),
        *,
        first: date | None = None,
        last: date | None = None,
        people: Literal["drop", "hash", "keep"] | None = None,
    ) -> "UserValueResult":
        """What users are worth: lifetime value by age, week, app and country; ARPDAU; how few bring most; the best ids.

        Fetches the days that are missing, and looks at all that are there between `first` and `last`. `people` has to
        be `hash`, whose days are kept for later calls, or `keep`. Raises `UsageError` where ids are dropped,
        `ProjectError` where there is no report, and as `user_report`.
        """
        from reconciler.api.user_value import user_value_of

        return user_value_of(self._workspace, apps, first, last, people)

    def import_report(
        self, report: str, *, columns: Mapping[str, str] | None = None, network: str | None = None
    ) -> "ImportResult":
        """Take in a mediation report of another platform: a file, or a table of a warehouse.

        `columns` maps names of columns in the report to ours.
        """
        from reconciler.api.reports import import_report

        return import_report(self._workspace, report, tuple((columns or {}).items()), network)

    def revenue(
        self,
        by: Sequence[str] = ("day",),
        *,
        first: date | None = None,
        last: date | None = None,
        only: Sequence[str] = (),
        charts: bool = False,
    ) -> "RevenueResult":
        """What was earned, by any of day, week, app, placement, type, country and platform, from the stored reports.

        Without days: all that is stored. `charts`: with the sums that the page's charts are drawn of.
        """
        from reconciler.api.revenue import revenue

        return revenue(self._workspace, by, first, last, only, charts=charts)
