"""The jobs of the GitLab template, in a fake runner."""

import json

import pytest
import yaml
from support.command import CLIENT_SECRET, ONE_APP, SETTINGS
from support.forge import BOT, TOKEN
from support.runner import ROOT, push

PLACED = ONE_APP + "    placements:\n      - {name: low, placementType: MREC, coppa: false, status: active}\n"


@pytest.fixture
def main(repository):
    repository.begin({"reconciler.yaml": SETTINGS, "apps/a.yaml": PLACED})
    return repository.clone()


def test_a_merge_request_gets_a_note_that_is_rewritten_and_numbers_for_the_widget(gitlab, main, repository, forge):
    for _push in range(2):
        done = gitlab.job("reconciler:plan", main, repository.bare, request=4)
        assert done.code == 0, done.log
    assert [(note.author, note.request) for note in forge.comments] == [(BOT, 4)]
    assert json.loads((main / "plan-widget.json").read_text()) == {"create": 2, "update": 0, "delete": 0}


def test_a_plan_that_fails_says_so_in_the_note(gitlab, main, repository, forge, rival):
    rival.instead["GET app publisherId"] = lambda _asked: (403, b"{}")
    assert gitlab.job("reconciler:plan", main, repository.bare, request=4).code == 1
    assert "could not be made" in forge.comments[0].body


@pytest.mark.parametrize(("change", "code"), [("floorPrices: {WW: 60}", 6), ('placementId: "7"', 3)])
def test_a_plan_that_will_not_be_carried_out_fails_and_the_note_says_so(gitlab, main, repository, forge, change, code):
    text = PLACED.replace("status: active", "status: active, " + change)
    (main / "apps" / "a.yaml").write_text(text)
    done = gitlab.job("reconciler:plan", main, repository.bare, request=4)
    assert done.code == code, done.log
    assert "Apply would carry out" in forge.comments[0].body
    assert (main / "plan-widget.json").exists()


def test_warnings_of_the_manifests_fail_the_job_as_in_the_workflow(gitlab, main, repository):
    (main / "apps" / "a.yaml").write_text(PLACED.replace("Finance", "Finanse"))
    assert gitlab.job("reconciler:validate", main, repository.bare, request=4).code == 1


def test_a_plan_without_a_token_is_in_the_log(gitlab, main, repository, forge):
    del gitlab.variables["GITLAB_TOKEN"]
    done = gitlab.job("reconciler:plan", main, repository.bare, request=4)
    assert done.code == 0
    assert "name: low" in done.log
    assert forge.asked == []


def test_no_report_is_written_through_a_link(gitlab, main, repository, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    for job, request in (("validate", 4), ("plan", 4), ("drift", None)):
        checkout = repository.clone()
        for name in ("plan.md", "plan-widget.json", "plan.json", "drift.md", "gl-code-quality-report.json"):
            (checkout / name).symlink_to(outside)
        assert gitlab.job(f"reconciler:{job}", checkout, repository.bare, request=request).code == 0
    assert outside.read_text() == "mine"


def test_findings_are_there_as_code_quality_though_the_job_fails(gitlab, main, repository):
    (main / "apps" / "a.yaml").write_text(PLACED.replace("category1", "categori1"))
    assert gitlab.job("reconciler:validate", main, repository.bare, request=4).code == 1
    issues = json.loads((main / "gl-code-quality-report.json").read_text())
    assert issues[0]["location"]["path"] == "apps/a.yaml"


@pytest.mark.parametrize("odd", ["True", "yes", "1", ""])
def test_only_the_word_false_applies_what_nobody_reviewed(gitlab, main, repository, rival, odd):
    gitlab.variables["RECONCILER_REVIEWED"] = odd
    done = gitlab.job("reconciler:apply", main, repository.bare)
    assert (done.code, rival.writes) == (4, []), done.log


def test_a_merge_is_applied_as_the_branch_is_by_then_and_its_ledger_pushed(gitlab, main, repository, rival):
    gitlab.variables["RECONCILER_REVIEWED"] = "false"
    later = PLACED.replace("low", "lowest")
    push(repository.clone(), "main", "later", {"apps/a.yaml": later})
    done = gitlab.job("reconciler:apply", main, repository.bare)
    assert done.code == 0, done.log
    assert rival.named("lowest")["placementType"] == "MREC"
    assert repository.log()[0] == "Ledger after c0ffeec0ffee [skip ci]"
    assert "lowest" in repository.at("main", "reconciler.lock")


@pytest.fixture
def approving(gitlab):
    """The template with the one beside it, which applies a plan that somebody has approved."""
    more = yaml.safe_load((ROOT / "kits" / "gitlab" / "approve.gitlab-ci.yml").read_text())
    gitlab.template |= {name: {**gitlab.template.get(name, {}), **job} for name, job in more.items()}
    return gitlab


@pytest.mark.parametrize("meanwhile", ["", "account", "manifests"])
def test_the_plan_that_was_approved_is_applied_or_nothing_is(approving, main, repository, rival, meanwhile):
    done = approving.job("reconciler:plan-main", main, repository.bare)
    assert done.code == 0, done.log
    assert "name: low" in done.log
    if meanwhile == "account":
        rival.add_app(name="A", bundle="com.a")
    if meanwhile == "manifests":
        push(repository.clone(), "main", "later", {"apps/a.yaml": PLACED.replace("active", "inactive")})
    done = approving.job("reconciler:apply", main, repository.bare)
    assert done.code == (4 if meanwhile else 0), done.log
    assert bool(rival.writes) == (not meanwhile)


def test_a_token_of_its_own_pushes_the_ledger(gitlab, main, repository):
    gitlab.variables |= {"RECONCILER_DIRECT_PUSH": "apply", "GITLAB_PUSH_TOKEN": "push-token-canary-4411"}
    done = gitlab.job("reconciler:apply", main, repository.bare)
    assert done.code == 0, done.log
    assert "push-token-canary" not in done.log
    assert repository.log()[0].startswith("Ledger after")


def test_drift_opens_one_issue_and_closes_it(gitlab, main, repository, rival, forge):
    gitlab.variables["RECONCILER_DIRECT_PUSH"] = "apply"
    assert gitlab.job("reconciler:apply", main, repository.bare).code == 0
    row = next(iter(rival.placements.values()))
    row["status"] = "inactive"
    for _night in range(2):
        done = gitlab.job("reconciler:drift", repository.clone(), repository.bare)
        assert done.code == 2
        assert "low" in done.log
    assert len(forge.open_issues) == 1
    row["status"] = "active"
    assert gitlab.job("reconciler:drift", repository.clone(), repository.bare).code == 0
    assert (len(forge.issues), forge.open_issues) == (1, [])


def test_no_log_holds_a_secret(gitlab, main, repository, forge):
    forge.refuse["POST notes"] = 403
    logs = [gitlab.job("reconciler:plan", main, repository.bare, request=4).log]
    logs.append(gitlab.job("reconciler:apply", main, repository.bare).log)
    assert "could not be written" in logs[0]
    assert not [secret for secret in (CLIENT_SECRET, TOKEN) for log in logs if secret in log]


def test_what_undoes_an_apply_outlives_its_job(gitlab, main, repository):
    gitlab.variables["RECONCILER_REVIEWED"] = "false"
    assert gitlab.job("reconciler:apply", main, repository.bare).code == 0
    artifacts = gitlab.template["reconciler:apply"]["artifacts"]
    found = {path.relative_to(main).as_posix() for glob in artifacts["paths"] for path in main.glob(glob)}
    assert (artifacts["when"], artifacts["expire_in"]) == ("always", "90 days")
    assert ".reconciler/journal.jsonl" in found
    assert [name for name in found if name.startswith(".reconciler/undo/")]
    assert not [name for name in found if "key" in name]
