"""What commands do can be done from Python: nothing is printed, what stops it is raised, the rest is a value."""

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass

import pyarrow as pa
import pytest
from support.command import Project as Commands

from reconciler.api import Allowances, Observer, Project, Selection, load_plan
from reconciler.errors import (
    CredentialsError,
    Interrupted,
    InvalidManifests,
    LockHeld,
    ProjectError,
    ReconcilerError,
    Refused,
    StalePlan,
)
from reconciler.sandbox.server import RunningSandbox

MANIFEST = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: high, placementType: Interstitial, floorPrices: {WW: 2, US: 12}}
      - {name: low, placementType: Interstitial, floorPrices: {WW: 0.01}}
"""


class Heard(Observer):
    def __init__(self):
        self.notices, self.plans, self.results, self.ends = [], [], [], []
        self.stops_at = None

    def notice(self, notice):
        self.notices.append(notice)

    def plan_made(self, plan, refusals):
        self.plans.append((plan, refusals))

    def finished(self, result):
        self.results.append(result)

    def ended(self, end):
        self.ends.append(end.address)


@dataclass
class World:
    """A project in a folder and a sandbox that is its account."""

    commands: Commands
    sandbox: RunningSandbox
    heard: Heard

    def open(self, **more):
        return Project.open(self.commands.root, environ=self.commands.env, observer=self.heard, **more)

    def json(self, *arguments):
        """The document that a command prints."""
        return self.commands.call(*arguments, "--format", "json").json


@pytest.fixture
def world(tmp_path):
    with RunningSandbox() as sandbox:
        commands = Commands(tmp_path, sandbox.url)
        commands.write("apps/a.yaml", MANIFEST)
        yield World(commands, sandbox, Heard())


@pytest.fixture
def project(world):
    return world.open()


def without_times(document):
    """A plan's document without what differs between two that are made one after the other."""
    return {key: value for key, value in document.items() if key not in {"createdAt", "digest"}}


def test_it_is_opened_by_its_folder_by_its_settings_or_from_below(world, monkeypatch):
    root = world.commands.root
    monkeypatch.chdir(root / "apps")
    opened = [Project.open(root), Project.open(root / "reconciler.yaml"), Project.open(str(root)), Project.open()]
    assert {each.root for each in opened} == {root.resolve()}
    assert opened[0].publisher_id == "3432"


def test_a_folder_without_a_project_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(ProjectError) as wrong:
        Project.open(tmp_path)
    assert wrong.value.hint


def test_given_variables_are_read_and_the_process_has_no_say(world, monkeypatch):
    for name, value in world.commands.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CredentialsError):
        Project.open(world.commands.root, environ={}).plan()


def test_variables_of_the_process_are_read_when_a_project_is_opened(world, monkeypatch):
    for name, value in world.commands.env.items():
        monkeypatch.setenv(name, value)
    project = Project.open(world.commands.root)
    monkeypatch.delenv("DT_CLIENT_ID")
    assert project.plan().summary.create == 3


def test_findings_are_values_and_stop_what_needs_sound_manifests(world, project):
    world.commands.write("apps/a.yaml", MANIFEST.replace("coppa: false", "coppa: maybe"))
    checked = project.validate()
    assert checked.desired is None
    assert [each.severity for each in checked.errors] == ["error"]
    assert checked.to_dict() == world.json("validate")
    assert checked.to_arrow().column("line").to_pylist() == [each.line for each in checked.findings]
    with pytest.raises(InvalidManifests):
        project.plan()


def test_results_are_frozen(project):
    with pytest.raises(FrozenInstanceError):
        project.validate().findings = ()


def test_a_plan_is_the_document_that_the_command_prints(world, project):
    plan = project.plan()
    assert without_times(plan.to_dict()) == without_times(world.json("plan"))
    rows = plan.to_arrow().to_pylist()
    assert {row["action"] for row in rows} == {"create"}
    floor = next(row for row in rows if row["path"] == "floorPrices.US")
    assert (floor["address"], json.loads(floor["after"])) == ("android:com.a/high", 12)


def test_a_selection_takes_a_part(project):
    plan = project.plan(Selection(only=("android:com.a",)))
    assert [change.address for change in plan.plan.changes] == ["android:com.a"]


def test_a_plan_is_applied_and_the_account_of_it_returned(world, project, capfd):
    result = project.apply(project.plan())
    assert result.is_done
    assert {each.outcome for each in result.results} == {"applied"}
    assert sorted(world.heard.ends) == [each.address for each in result.results]
    assert world.heard.results == [result]
    assert project.plan().plan.changes == ()
    assert result.to_dict()["undo"] == result.undo
    assert load_plan(project.root / result.undo).changes
    assert result.to_arrow().num_rows == len(result.results) == 3
    assert capfd.readouterr() == ("", "")


def test_a_plan_can_be_kept_as_a_file_for_either_way_of_applying(world, project):
    world.commands.write("plan.json", project.plan().to_text())
    assert world.commands.call("show", "plan.json").code == 0
    assert project.apply(project.root / "plan.json").is_done
    with pytest.raises(StalePlan):
        project.apply("plan.json" if project.root.samefile(".") else str(project.root / "plan.json"))


def test_a_plan_whose_ground_has_moved_is_refused_or_carried_out_in_part(world, project):
    project.apply()
    world.commands.edit("apps/a.yaml", ("WW: 2", "WW: 3"), ("WW: 0.01", "WW: 0.02"))
    plan = project.plan()
    moved = next(each for app in world.sandbox.account.apps() for each in world.sandbox.account.placements(app.id))
    world.commands.call("apply", "--yes", "--only", f"android:com.a/{moved.fields['name']}")
    with pytest.raises(StalePlan):
        project.apply(plan)
    left = project.apply(plan, skip_stale=True)
    assert sorted(each.outcome for each in left.results) == ["applied", "skipped"]
    assert not left.is_done


def test_limits_refuse_and_can_be_lifted_for_one_call(world, project):
    project.apply()
    world.commands.edit("apps/a.yaml", ("US: 12", "US: 40"))
    plan = project.plan()
    assert plan.refused
    with pytest.raises(Refused):
        project.apply(plan)
    assert project.apply(plan, allowances=Allowances(floor_jump=True)).is_done


def test_whoever_is_asked_may_decline(world, project):
    asked = []
    result = project.plan_and_apply(approve=lambda plan: bool(asked.append(plan)))
    assert (result.declined, result.is_done, result.results) == (True, False, ())
    assert asked[0].summary.create == 3
    assert world.sandbox.account.apps() == ()
    assert project.plan_and_apply(approve=lambda _plan: True).is_done


def test_what_was_not_reviewed_is_not_applied(world, project):
    world.commands.write("plan.json", project.plan(Selection(only=("android:com.a",))).to_text())
    with pytest.raises(StalePlan):
        project.plan_and_apply(reviewed=str(project.root / "plan.json"))
    assert world.sandbox.account.apps() == ()


def test_no_two_runs_at_once(world, project):
    def approve(_plan):
        with pytest.raises(LockHeld):
            world.open().apply()
        return False

    assert project.plan_and_apply(approve=approve).declined


def test_an_observer_may_stop_the_run_and_has_its_account(world):
    class Impatient(Heard):
        def interruptible(self, stop):
            stop()
            return super().interruptible(stop)

    heard = world.heard = Impatient()
    with pytest.raises(Interrupted):
        world.open().apply()
    assert {each.outcome for each in heard.results[0].results} == {"skipped"}
    assert world.sandbox.account.apps() == ()


def test_drift_inventory_and_history_are_the_documents_that_commands_print(world, project):
    run = project.apply()
    [app] = world.sandbox.account.apps()
    placement = world.sandbox.account.placements(app.id)[0]
    world.commands.edit("apps/a.yaml", ("WW: 2", "WW: 2.5"))
    assert project.drift(record=False).to_dict()["items"] == world.json("drift", "--no-record")["items"]
    row = next(row for row in project.drift().to_arrow().to_pylist() if row["path"] is not None)
    assert (row["class"], row["fieldClass"], row["path"], row["id"]) == (
        "pending",
        "pending",
        "floorPrices.WW",
        str(placement.id),
    )
    inventory = project.inventory(["*/*"])
    assert inventory.to_dict() == world.json("list", "*/*")
    assert inventory.to_arrow().column("owned").to_pylist() == [True, True]
    history = project.history("android:com.a/high", run=run.run)
    assert history.to_dict() == world.json("history", "android:com.a/high")
    fields = history.to_arrow().column("field").to_pylist()
    assert fields == sorted(history.runs[0].steps[0].after)
    assert project.history(failed=True).runs == ()


def test_a_run_is_undone_with_its_manifests(world, project):
    project.apply()
    world.commands.edit("apps/a.yaml", ("WW: 2", "WW: 2.5"))
    run = project.apply()
    assert [each.run for each in project.undoable().runs][-1] == run.run
    undone = project.undo(run.run, manifests=True)
    assert undone.is_done
    assert undone.to_dict() == undone.apply.to_dict()
    assert "WW: 2.0," in world.commands.read("apps/a.yaml")
    assert project.plan().plan.changes == ()


def test_what_is_live_is_pulled(world, project):
    project.apply()
    low = "      - {name: low, placementType: Interstitial, floorPrices: {WW: 0.01}}\n"
    world.commands.edit("apps/a.yaml", (low, ""))
    checked = project.pull(check=True)
    assert checked.to_dict() == world.json("pull", "--check")
    assert "name: low" not in world.commands.read("apps/a.yaml")
    pulled = project.pull()
    assert pulled.to_arrow().column("address").to_pylist() == list(pulled.adoption.added)
    assert "name: low" in world.commands.read("apps/a.yaml")


def test_a_rehearsal_leaves_the_account_alone(world, project):
    rehearsed = project.rehearse(project.plan())
    assert rehearsed.to_dict()["fulfilled"]
    assert rehearsed.to_arrow().num_rows == 3
    assert world.sandbox.account.apps() == ()


def test_floors_without_reports_say_what_is_missing(project):
    for call in (project.suggest_floors, project.write_floors, project.backtest_floors):
        with pytest.raises(ProjectError, match="no reports were fetched"):
            call()
    with pytest.raises(CredentialsError):
        project.fetch_reports()


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
def test_a_report_is_imported_and_floors_are_suggested_from_it(world, project):
    lines = ["date,ad_unit,app,source,country,impressions,revenue"]
    lines += [f"2026-11-{day:02},high,com.a,DT Exchange,US,1000,14" for day in range(1, 15)]
    lines += [f"2026-11-{day:02},high,com.a,AdMob,US,1000,9" for day in range(1, 15)]
    world.commands.write("report.csv", "\n".join(lines) + "\n")
    imported = project.import_report(str(project.root / "report.csv"))
    assert imported.to_dict()["summary"]["imported"] == 28
    made = project.suggest_floors()
    assert made.to_dict() == world.json("floors", "suggest")
    assert made.to_arrow().select(["address", "country"]).num_rows == len(made.suggestions.cells)
    written = project.write_floors()
    assert (written.written, written.files, written.is_done) == ((), (), True)
    assert written.to_arrow().num_rows == 0


def test_settings_are_parsed_once_for_a_project(world, monkeypatch):
    from reconciler.manifest import settings  # noqa: PLC0415

    parsed, load = [], settings.load_settings
    monkeypatch.setattr(settings, "load_settings", lambda text: parsed.append(text) or load(text))
    project = world.open()
    project.validate()
    project.plan()
    project.pull(check=True)
    with pytest.raises(ReconcilerError):
        project.suggest_floors()
    assert len(parsed) == 1


def test_a_table_without_pyarrow_names_the_extra(project, monkeypatch):
    monkeypatch.setattr("reconciler.api.results.find_spec", lambda _name: None)
    with pytest.raises(ProjectError) as wrong:
        project.validate().to_arrow()
    assert "waterfall-reconciler[floors]" in wrong.value.hint


def test_tables_keep_their_columns_where_there_is_nothing_to_show(project):
    empty = project.history().to_arrow()
    assert (empty.num_rows, empty.schema.field("attempts").type) == (0, pa.int64())


def test_importing_the_interface_and_opening_a_project_loads_little(world):
    code = (
        "import sys; before = set(sys.modules); import reconciler.api; told = set(sys.modules) - before\n"
        "print(sorted(name for name in told if name.startswith('reconciler')))\n"
        "from reconciler.api import Project; Project.open(sys.argv[1])\n"
        "slow = {'click', 'duckdb', 'httpx', 'ibis', 'jinja2', 'pyarrow', 'pydantic', 'rich', 'uvicorn', 'yaml'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, world.commands.root], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['reconciler', 'reconciler.api']", "[]"]
