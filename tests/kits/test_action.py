"""The action's steps, one by one, in a fake runner."""

import json
from pathlib import Path

import pytest
from support.command import CLIENT_SECRET, ONE_APP, SETTINGS
from support.forge import BOT, TOKEN
from support.runner import ROOT, git, push

PLACED = ONE_APP + "    placements:\n      - {name: low, placementType: MREC, coppa: false}\n"
BROKEN = ONE_APP.replace("category1", "categori1")
FORK = "eve/monetization"


@pytest.fixture
def main(repository):
    """A project on main, cloned."""
    repository.begin({"reconciler.yaml": SETTINGS, "apps/a.yaml": PLACED})
    return repository.clone()


def test_plan_gives_numbers_a_file_and_annotations(github, main):
    github.pull_request()
    done = github.action(main, "plan")
    plan = json.loads(Path(done.outputs["plan-file"]).read_text())
    assert done.outputs | {"report-file": "", "plan-file": ""} == {
        "exit-code": "0", "has-changes": "true", "create": "2", "update": "0", "deactivate": "0", "delete": "0",
        "blocked": "0", "held": "0", "plan-file": "", "report-file": "",
    }  # fmt: skip
    assert plan["summary"]["create"] == 2


def test_an_empty_plan_says_so(github, main):
    assert github.action(main, "apply", reviewed="false").code == 0
    done = github.action(main, "plan")
    assert (done.code, done.outputs["has-changes"]) == (0, "false")


def test_plan_takes_a_part_of_the_addresses_one_a_line(github, main):
    done = github.action(main, "plan", only="android:com.a\n\n  \nandroid:com.b*\n", parallelism="2")
    assert (done.code, done.outputs["create"]) == (0, "1"), done.log


def test_a_push_is_planned_without_a_comment(github, main, forge):
    assert github.action(main, "plan").code == 0
    assert forge.asked == []


def test_plan_finds_a_project_in_a_folder(github, repository, forge):
    repository.begin({"games/reconciler.yaml": SETTINGS, "games/apps/a.yaml": BROKEN})
    for inputs in ({"working_directory": "games"}, {"project": "games"}):
        done = github.action(repository.clone(), "validate", **inputs)
        assert done.code == 1
        assert "::error file=games/apps/a.yaml,line=6" in done.log


def test_invalid_manifests_are_told_in_the_comment_that_held_the_plan(github, main, forge):
    github.pull_request()
    assert github.action(main, "plan").code == 0
    (main / "apps" / "a.yaml").write_text(BROKEN)
    done = github.action(main, "plan")
    assert (done.code, done.outputs["exit-code"]) == (1, "1")
    assert "::error file=apps/a.yaml,line=6" in done.log
    assert [comment.author for comment in forge.comments] == [BOT]
    assert "categori1" in forge.comments[0].body
    assert "categori1" in done.summary


def test_a_plan_that_cannot_be_made_is_told_in_the_comment_too(github, main, forge, rival):
    github.pull_request()
    rival.instead["GET app publisherId"] = lambda _asked: (403, b'{"message": "not today"}')
    done = github.action(main, "plan")
    assert done.code == 1
    assert "not today" in done.log
    assert "could not be made" in forge.comments[0].body


REFUSING = SETTINGS + 'policies: [{name: p, rule: "false", message: not this}]\n'


def test_a_plan_that_apply_would_refuse_fails_and_is_told_in_the_comment(github, main, forge):
    github.pull_request()
    (main / "reconciler.yaml").write_text(REFUSING)
    done = github.action(main, "plan")
    assert (done.code, done.outputs["exit-code"], done.outputs["create"]) == (6, "6", "2"), done.log
    assert "Apply would refuse this" in forge.comments[0].body
    assert "carry out nothing of this" in forge.comments[0].body
    assert "::error file=apps/a.yaml" in done.log
    assert Path(done.outputs["plan-file"]).exists()


@pytest.mark.parametrize(("fail_on", "code"), [("blocked", 0), ("none", 0), ("refused", 6), ("refusd", 64)])
def test_what_fails_the_step_can_be_chosen(github, main, fail_on, code):
    (main / "reconciler.yaml").write_text(REFUSING)
    assert github.action(main, "plan", fail_on=fail_on).code == code


def test_a_plan_with_blocked_changes_fails_and_is_told_in_the_comment(github, main, forge, rival):
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="low", placementType="Banner")
    github.pull_request()
    done = github.action(main, "plan")
    assert (done.code, done.outputs["blocked"]) == (3, "1"), done.log
    assert "leave out 1 blocked" in forge.comments[0].body


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_warnings_of_the_manifests_fail_unless_strict_is_off(github, main, command):
    (main / "apps" / "a.yaml").write_text(PLACED.replace("Finance", "Finanse"))
    assert github.action(main, command).code == 1
    assert github.action(main, command, strict="false").code == 0
    assert github.action(main, command, strict="False").code == 64


def test_projects_of_one_repository_have_a_comment_each(github, repository, forge):
    files = {"reconciler.yaml": SETTINGS, "apps/a.yaml": ONE_APP}
    repository.begin({f"{folder}/{name}": text for folder in ("one", "two") for name, text in files.items()})
    github.pull_request()
    for _push in range(2):
        for folder in ("one", "two"):
            assert github.action(repository.clone(), "plan", working_directory=folder).code == 0
    assert github.action(repository.clone(), "plan", working_directory="one", comment_key="staging").code == 0
    assert len(forge.comments) == 3


@pytest.mark.parametrize("stranger", ["fork", "vanished", "dependabot"])
def test_a_stranger_without_credentials_is_validated_and_told_so(github, main, forge, rival, stranger):
    github.pull_request(head=FORK if stranger == "fork" else "studio/monetization")
    if stranger == "vanished":
        github.event("pull_request", {"pull_request": {"number": 1, "head": {"repo": None}}})
    if stranger == "dependabot":
        github.env["GITHUB_ACTOR"] = "dependabot[bot]"
    done = github.action(main, "plan", env={})
    assert (done.code, done.outputs) == (0, {"exit-code": "0"}), done.log
    assert "get no credentials" in done.log
    assert "get no credentials" in done.summary
    assert (rival.asked, forge.asked) == ([], [])


def test_a_strangers_mistakes_are_shown_without_a_comment(github, main, forge):
    github.pull_request(head=FORK)
    (main / "apps" / "a.yaml").write_text(BROKEN)
    done = github.action(main, "plan", env={})
    assert done.code == 1
    assert "::error file=apps/a.yaml" in done.log
    assert forge.asked == []


def test_our_own_pull_request_without_credentials_is_an_error(github, main):
    github.pull_request()
    done = github.action(main, "plan", env={})
    assert done.code == 64
    assert "DT_CLIENT_ID and DT_CLIENT_SECRET are not set" in done.log


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "drift"])
def test_pull_request_target_is_refused(github, main, rival, command):
    github.pull_request(name="pull_request_target")
    assert github.action(main, command).code == 64
    assert rival.asked == []


def test_apply_is_refused_in_a_pull_request(github, main, rival):
    github.pull_request()
    assert github.action(main, "apply", reviewed="false").code == 64
    assert rival.asked == []


def test_apply_is_refused_in_a_merge_queue(github, main, rival):
    github.merge_group()
    assert github.action(main, "apply").code == 64
    assert rival.asked == []


@pytest.mark.parametrize("name", ["reviewed", "comment", "commit_ledger", "issue", "fail_on_drift", "allow_floor_jump"])
@pytest.mark.parametrize("odd", ["True", "yes", ""])
def test_an_input_that_is_neither_true_nor_false_switches_nothing_off(github, main, rival, name, odd):
    done = github.action(main, "apply", **{name: odd})
    assert (done.code, rival.asked) == (64, [])
    assert "are true or false" in done.log


def test_a_command_that_is_none_is_refused(github, main):
    assert github.action(main, "../plan").code == 64


def test_apply_carries_out_a_saved_plan(github, main, rival):
    made = github.action(main, "plan", plan_file=str(github.folder / "saved.json"))
    done = github.action(main, "apply", plan_file=made.outputs["plan-file"])
    assert (done.code, done.outputs["exit-code"]) == (0, "0"), done.log
    assert rival.named("low")["placementType"] == "MREC"


def test_a_stale_plan_ends_the_job_with_four(github, main, rival):
    made = github.action(main, "plan", plan_file=str(github.folder / "saved.json"))
    rival.add_app(name="A", bundle="com.a")
    done = github.action(main, "apply", plan_file=made.outputs["plan-file"])
    assert (done.code, done.outputs["exit-code"]) == (4, "4")
    assert rival.writes == []


def test_an_apply_that_did_a_part_keeps_its_ledger(github, main, rival, repository):
    rival.instead["POST placement"] = lambda _asked: (400, b'{"message": "no"}')
    done = github.action(main, "apply", reviewed="false")
    assert done.code == 3
    assert "Applied in part" in done.log
    assert "android:com.a" in repository.at("main", "reconciler.lock")


def test_the_ledger_is_pushed_on_top_of_what_others_pushed_meanwhile(github, main, repository):
    push(repository.clone(), "main", "a README", {"README.md": "hello"})
    done = github.action(main, "apply", reviewed="false")
    assert done.code == 0, done.log
    assert repository.log()[:2] == ["Ledger after c0ffeec0ffee [skip ci]", "a README"]


def test_a_shallow_checkout_can_follow_too(github, main, repository):
    shallow = repository.clone(depth=1)
    push(repository.clone(), "main", "a README", {"README.md": "hello"})
    assert github.action(shallow, "apply", reviewed="false").code == 0
    assert len(repository.log()) == 3


def test_two_ledgers_at_once_are_not_mixed(github, main, repository):
    push(repository.clone(), "main", "another ledger", {"reconciler.lock": '{"other": 1}\n'})
    done = github.action(main, "apply", reviewed="false")
    assert done.code == 1
    assert "somebody else has pushed another reconciler.lock" in done.log
    assert repository.log()[0] == "another ledger"


def test_a_push_that_is_refused_says_what_the_token_lacks(github, main, repository):
    hook = repository.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    done = github.action(main, "apply", reviewed="false")
    assert done.code == 1
    assert "protected branch" in done.log
    assert "contents: write" in done.log


@pytest.mark.parametrize("inputs", [{"commit_ledger": "false"}, {}])
def test_a_ledger_that_did_not_change_or_is_not_wanted_is_not_committed(github, main, repository, inputs):
    if not inputs:
        assert github.action(main, "apply", reviewed="false").code == 0
    before = repository.log()
    assert github.action(main, "apply", reviewed="false", **inputs).code == 0
    assert repository.log() == before


def test_drift_can_pass_and_be_silent(github, main, rival, forge):
    assert github.action(main, "apply", reviewed="false").code == 0
    next(iter(rival.placements.values()))["name"] = "renamed"
    done = github.action(main, "drift", fail_on_drift="false", issue="false")
    assert (done.code, done.outputs["drifted"]) == (0, "true")
    assert forge.asked == []


def test_an_audit_that_failed_leaves_the_issue_alone(github, main, rival, forge):
    rival.instead["GET app publisherId"] = lambda _asked: (403, b"{}")
    assert github.action(main, "drift").code == 1
    assert forge.asked == []


def test_a_comment_that_cannot_be_written_does_not_hide_the_plan(github, main, forge):
    github.pull_request()
    forge.refuse["POST comments"] = 403
    done = github.action(main, "plan")
    assert done.code == 0
    assert "::warning title=reconciler::the comment could not be written" in done.log
    assert "pull-requests: write" in done.log


HOSTILE = ["$(touch owned)", "`touch owned`", "'; touch owned; '", "::add-mask::x", "a\nplan-file=/etc/passwd"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_input_and_no_branch_name_becomes_a_command(github, main, forge, name):
    github.pull_request()
    github.env["GITHUB_HEAD_REF"] = name
    for more in ({}, {"only": name}):
        done = github.action(main, "plan", comment_key=name, issue_title=name, **more)
        assert list(main.rglob("owned")) == []
        assert not any(line.startswith("::add-mask") for line in done.log.splitlines())
        assert done.outputs.get("plan-file", str(github.folder)).startswith(str(github.folder))


def test_names_in_the_account_give_the_runner_no_command(github, main, rival, forge):
    assert github.action(main, "apply", reviewed="false").code == 0
    rival.add_placement(next(iter(rival.apps)), name="x\n::add-mask::floor\n::set-output name=a::b")
    next(iter(rival.placements.values()))["status"] = "inactive"
    (main / "apps" / "a.yaml").write_text(PLACED.replace("coppa: false}", "coppa: false, status: active}"))
    for command in ("plan", "drift"):
        done = github.action(main, command)
        assert not [line for line in done.log.splitlines() if line.lstrip().startswith(("::add-mask", "::set-output"))]


def test_no_log_summary_or_comment_holds_a_secret(github, main, forge):
    github.pull_request()
    forge.refuse["POST comments"] = 403  # its message repeats the token
    planned = github.action(main, "plan")
    github.event("push", {})
    applied = github.action(main, "apply", reviewed="false")
    for done in (planned, applied):
        assert not [secret for secret in (CLIENT_SECRET, TOKEN) if secret in done.log + done.summary]


LOCKS = ROOT / "reconciler" / "requirements"
HASHED = "install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r"
UNRESOLVED = "install --quiet --disable-pip-version-check --no-deps --no-build-isolation"


@pytest.fixture
def installed(github, tmp_path):
    """Runs install.sh with a `python3` that notes how pip is called and makes an environment that does the same."""
    (tmp_path / "temp").mkdir()
    venv = '[ "$3" != venv ] || { mkdir -p "$4/bin" && cp "$0" "$4/bin/python"; }'
    path = github.folder / "bin" / "python3"
    path.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked; {venv}\n')

    def run(**variables):
        env = {"RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_PATH": str(tmp_path / "path"), **variables}
        done = github.bash("bash kits/github/install.sh", ROOT, env, ("-e",))
        asked = (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []
        return done, [line.removeprefix("-I -m pip ") for line in asked if " pip " in line]

    return run


@pytest.mark.parametrize(("store", "lock"), [("", "run"), ("postgresql://db/x", "run-postgres")])
def test_the_action_installs_its_own_commit_with_what_the_lock_there_names(installed, tmp_path, store, lock):
    done, asked = installed(RECONCILER_STORE=store)
    assert done.code == 0, done.out
    assert asked == [f"{HASHED} {LOCKS}/build.txt -r {LOCKS}/{lock}.txt", f"{UNRESOLVED} {ROOT}"]
    assert (tmp_path / "path").read_text() == f"{tmp_path}/temp/reconciler-venv/bin\n"


def test_the_action_installs_the_commit_that_is_named(installed, github, tmp_path):
    done, asked = installed(INPUT_INSTALL="git+{RECONCILER_SOURCE}@{RECONCILER_COMMIT}".format(**github.pins))
    assert done.code == 0, done.out
    source = tmp_path / "temp" / "reconciler-source"
    assert git(source, "rev-parse", "HEAD").strip() == github.pins["RECONCILER_COMMIT"]
    locks = source / "reconciler" / "requirements"
    assert asked == [f"{HASHED} {locks}/build.txt -r {locks}/run.txt", f"{UNRESOLVED} {source}"]


UNPINNED = [
    "waterfall-reconciler", "waterfall-reconciler==0.1.0", "git+https://git.example/fork", "--index-url=https://evil.example",
    "https://git.example/fork@main", "https://git.example/fork@0123456", "https://git.example/x-1-py3-none-any.whl",
]  # fmt: skip


@pytest.mark.parametrize("what", UNPINNED)
def test_the_action_installs_nothing_that_is_not_pinned(installed, what):
    done, asked = installed(INPUT_INSTALL=what)
    assert (done.code, asked) == (64, []), done.out


def test_the_bots_commit_touches_the_ledger_alone(github, main, repository):
    (main / "notes.txt").write_text("left behind by an earlier step")
    git(main, "add", "notes.txt")
    assert github.action(main, "apply", reviewed="false").code == 0
    assert git(repository.bare, "show", "--format=", "--name-only", "main").split() == ["reconciler.lock"]
