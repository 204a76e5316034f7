"""Plans, results and findings in the formats of CI systems."""

import json
import re

import pytest
from junitparser import JUnitXml
from support.command import ONE_APP

from reconciler.plan.plan import MARK

BAD = ONE_APP.replace("coppa", "copa")
ONE = ONE_APP + "    placements:\n      - {name: int, placementType: Interstitial, coppa: false}\n"
MARKER = re.compile(r"<!-- reconciler:(plan|apply|validate) [\w-]+ -->")


@pytest.fixture
def project(project):
    project.write("apps/a.yaml", ONE)
    return project


def with_a_tombstone(project, rival):
    """An account with a resting placement that a tombstone deletes, once somebody gives leave."""
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="old", status="inactive")
    project.edit("reconciler.yaml", ("version: 1\n", "version: 1\nsafety: {quarantineDays: 0}\n"))
    project.edit(
        "apps/a.yaml", ("{name: int, placementType: Interstitial, coppa: false}", "{name: old, state: absent}")
    )
    return project


def test_a_plan_as_markdown_begins_with_a_marker_that_stays(project):
    first = project.call("plan", "--format", "markdown")
    assert first.code == 0
    assert first.err == ""
    marker = first.out.splitlines()[0]
    assert MARKER.fullmatch(marker)
    assert "2 to create" in first.out
    project.edit("apps/a.yaml", ("name: int", "name: other"))
    project.call("plan", "--out", str(project.root / "p.json"))
    shown = project.call("show", str(project.root / "p.json"), "--format", "markdown")
    assert shown.out.splitlines()[0] == marker
    assert "other" in shown.out


def test_projects_of_one_account_can_have_comments_of_their_own(project):
    keys = [[], ["--comment-key", "ios"], ["--comment-key", "android"]]
    for command in (["plan"], ["validate"]):
        told = [project.call(*command, "--format", "markdown", *key).out.splitlines()[0] for key in keys]
        assert len(set(told)) == len(keys)
        assert all(map(MARKER.fullmatch, told))


def test_a_saved_plan_is_shown_with_the_limits_it_breaks(project, rival):
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="int", floorPrices=[{"country": "WW", "price": 1}])
    project.edit("apps/a.yaml", ("coppa: false}", "coppa: false, floorPrices: {WW: 2}}"))
    path = str(project.root / "p.json")
    made = project.call("plan", "--out", path, "--format", "markdown")
    assert made.code == 0
    assert "Apply would refuse this" in made.out
    assert project.call("show", path, "--format", "markdown").out == made.out
    allowed = project.call("show", path, "--format", "markdown", "--allow-floor-jump")
    assert "Apply would refuse this" not in allowed.out


def test_a_saved_plan_is_shown_with_what_is_held(project, rival):
    with_a_tombstone(project, rival)
    path = str(project.root / "p.json")
    made = project.call("plan", "--out", path, "--format", "markdown")
    assert "Held (1)" in made.out
    assert project.call("show", path, "--format", "markdown").out == made.out
    allowed = project.call("show", path, "--format", "markdown", "--max-deletes", "1")
    assert ("Held" in allowed.out, "1 to delete" in allowed.out) == (False, True)


def test_a_plan_shown_far_from_its_project_says_that_no_limit_was_checked(project, tmp_path):
    project.call("plan", "--out", str(project.root / "p.json"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = project.call("show", str(project.root / "p.json"), "--format", "sarif", cwd=elsewhere)
    assert done.code == 0
    assert "not checked" in done.err
    project.edit("reconciler.yaml", ("3432", "3433"))
    assert "another publisher" in project.call("show", str(project.root / "p.json")).err


def test_a_plan_is_annotated_where_its_blocks_stand(project, rival):
    with_a_tombstone(project, rival)
    (project.root / ".git").mkdir()
    lines = project.call("plan", "--format", "github").out.splitlines()
    assert lines[0].startswith("::warning file=apps/a.yaml,line=9,col=1,title=A delete waits")
    assert lines[1:] == [
        "No changes: 1 as declared, 0 unmanaged, 1 held.",
        "Apply would carry out nothing of this, and leave out 1 held.",
    ]
    lines = project.call("plan", "--format", "github", "--max-deletes", "1").out.splitlines()
    assert lines[0].startswith("::warning file=apps/a.yaml,line=9,col=1,title=A resource will be deleted")
    assert lines[1:] == ["Plan: 1 to delete; 1 unchanged, 0 unmanaged."]


@pytest.mark.parametrize("kind", ["sarif", "codequality", "github", "junit"])
def test_files_are_named_from_the_root_of_the_repository(project, kind):
    (project.root.parent / ".git").mkdir()
    project.write("apps/a.yaml", BAD)
    done = project.call("validate", "--format", kind)
    assert done.code == 1
    assert "project/apps/a.yaml" in done.out


def test_findings_as_sarif_hold_code_place_and_level(project):
    project.write("apps/a.yaml", BAD)
    run = project.call("validate", "--format", "sarif").json["runs"][0]
    codes = {each["ruleId"]: each["level"] for each in run["results"]}
    assert codes == {"unknown-field": "error"}
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 7


def test_findings_as_markdown_hold_the_numbers_and_each_finding(project):
    project.write("apps/a.yaml", BAD)
    done = project.call("validate", "--format", "markdown")
    assert done.code == 1
    assert MARKER.fullmatch(done.out.splitlines()[0])
    assert re.search(r"### .*1 error, 0 warnings", done.out)
    assert "did you mean" in done.out


def test_the_widget_and_the_issues_of_gitlab(project, rival):
    assert project.call("plan", "--format", "gitlab").json == {"create": 2, "update": 0, "delete": 0}
    assert project.call("validate", "--format", "codequality").json == []
    with_a_tombstone(project, rival)
    issues = project.call("plan", "--format", "codequality").json
    assert [each["check_name"] for each in issues] == ["plan-held"]


def test_a_result_as_markdown_is_all_there_is_on_stdout(project):
    done = project.call("apply", "--yes", "--format", "markdown")
    assert done.code == 0
    assert MARKER.fullmatch(done.out.splitlines()[0])
    assert "### Apply: 2 applied." in done.out
    assert "+ create int" in done.err
    assert "undo: reconciler apply .reconciler/undo/" in done.out.replace("\\", "")


@pytest.mark.parametrize("form", ["markdown", "sarif", "github", "gitlab", "codequality", "junit", "text"])
def test_hostile_names_come_out_of_no_command_as_commands(project, form):
    name = "::error::x ##[error]y <script>\u202e\u0085@team --> </details>"
    project.write("apps/a.yaml", ONE.replace("name: int", f"name: {json.dumps(name)}"))
    for command in ("plan", "validate"):
        if (command, form) == ("validate", "gitlab"):
            continue
        done = project.call(command, "--format", form)
        assert done.code == 0, done.err
        told = done.out + done.err
        assert not any(line.lstrip().startswith("::") for line in told.splitlines() if "file=" not in line)
        assert "##[error]" not in told
        assert "\u202e" not in told
        assert form not in {"markdown", "html", "junit"} or "<script>" not in done.out


def test_a_comment_can_be_written_where_only_ascii_can(project):
    project.write("apps/a.yaml", ONE.replace("name: int", "name: 名前"))
    assert project.call("plan", "--format", "markdown", PYTHONIOENCODING="ascii").code == 0


def test_a_large_plan_is_a_page_unless_the_whole_is_asked_for(project):
    blocks = "".join(f"      - {{name: p{number}, placementType: MREC, coppa: false}}\n" for number in range(600))
    project.write("apps/a.yaml", ONE_APP + "    placements:\n" + blocks)
    page = project.call("plan").out
    assert len(page.splitlines()) < 10
    assert "android:com.a: + 601 create" in page
    assert "+ create p599" in project.call("plan", "-v").out
    shown = project.call("plan", "--format", "markdown").out
    assert len(MARK.sub("", shown)) < 5_000
    assert len(shown) < 25_000


@pytest.mark.parametrize(
    "arguments", [["validate", "--format", "gitlab"], ["apply", "--format", "sarif"], ["ping", "--comment-key", "x"]]
)
def test_a_format_is_refused_where_it_makes_no_sense(project, arguments):
    assert project.call(*arguments).code == 64


def test_ci_systems_read_findings_plans_and_audits_as_tests(project, rival):
    assert project.call("apply", "--yes").code == 0
    (row,) = rival.placements.values()
    row["coppa"] = True
    drifted = project.call("drift", "--format", "junit")
    planned = project.call("plan", "--format", "junit")
    project.write("apps/a.yaml", BAD)
    found = project.call("validate", "--format", "junit")
    suites = [next(iter(JUnitXml.fromstring(done.out.encode()))) for done in (drifted, planned, found)]
    assert [done.code for done in (drifted, planned, found)] == [2, 0, 1]
    assert [(suite.tests, suite.failures) for suite in suites] == [(2, 1), (1, 0), (1, 1)]
    assert "update android:com.a/int" in planned.out


def test_warnings_are_failures_where_they_fail_the_command(project):
    project.edit("apps/a.yaml", ("category1: Finance", "category1: Financial"))
    for more, failures in (((), 0), (("--strict",), 1)):
        done = project.call("validate", "--format", "junit", *more)
        assert (done.code, JUnitXml.fromstring(done.out.encode()).failures) == (failures, failures)
