"""The kits' files are what those who read them want: schemas, shell, a Dockerfile, hooks."""

import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml
from dockerfile_parse import DockerfileParser
from support.runner import ROOT

WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/**/.github/workflows/*.yml")])
SCRIPTS = sorted((ROOT / "kits" / "github").glob("*.sh"))
APPROVE = ROOT / "kits" / "github" / "approve.yml"
OURS = [*sorted((ROOT / "reconciler").rglob("skeleton/github/*.yml")), ROOT / "kits" / "github" / "workflow.yml"]

APPLYING = [path for path in OURS if path.name not in {"drift.yml", "floors.yml"}]


COMPONENT = ROOT / "kits" / "gitlab" / "templates" / "reconciler.yml"
JOBS = ("apply", "drift", "floors", "plan", "validate")
SAME = ("script", "artifacts", "stage", "needs", "interruptible")


def schema_says(schema, *files, transform=()):
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *transform, *map(str, files)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_the_action_is_as_github_wants_actions():
    assert schema_says("vendor.github-actions", ROOT / "action.yml")[0] == 0


def test_the_workflows_are_as_github_wants_workflows():
    assert WORKFLOWS
    code, said = schema_says("vendor.github-workflows", *WORKFLOWS, *OURS, APPROVE)
    assert code == 0, said


def test_the_template_is_as_gitlab_wants_it():
    templates = sorted((ROOT / "kits" / "gitlab").glob("*.yml"))
    assert len(templates) == 2
    code, said = schema_says("vendor.gitlab-ci", *templates, transform=("--data-transform", "gitlab-ci"))
    assert code == 0, said


def rendered(name, folder, account):
    """The component as GitLab takes it: inputs put in for what names them, each held to its rule."""
    header, _, body = COMPONENT.read_text().partition("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    given = {"name": name, "folder": folder, "account": account}
    values = {one: given.get(one, about.get("default")) for one, about in inputs.items()}
    for one, about in inputs.items():
        assert re.search(about.get("regex", ""), values[one])
        assert values[one] in about.get("options", [values[one]])
    return yaml.safe_load(re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: values[found[1]], body))


def test_a_component_that_is_included_twice_has_the_jobs_of_both_projects(tmp_path):
    one, two = rendered("one", "games/one/", "3432"), rendered("two", "games/two/", "3499")
    assert set(one).isdisjoint(two)
    merged = tmp_path / "merged.yml"
    merged.write_text(yaml.safe_dump({**one, **two}, sort_keys=False))
    code, said = schema_says("vendor.gitlab-ci", merged, transform=("--data-transform", "gitlab-ci"))
    assert code == 0, said
    header = tmp_path / "header.yml"
    header.write_text(COMPONENT.read_text().partition("\n---\n")[0])
    assert schema_says("vendor.gitlab-ci", header, transform=("--data-transform", "gitlab-ci"))[0] == 0
    jobs = {name: job for name, job in {**one, **two}.items() if not name.startswith(".")}
    assert sorted(jobs) == [f"reconciler:{which}:{job}" for which in ("one", "two") for job in JOBS]
    applies = [jobs[f"reconciler:{which}:apply"] for which in ("one", "two")]
    assert [job["environment"]["name"] for job in applies] == ["account-3432", "account-3499"]
    assert applies[0]["resource_group"] != applies[1]["resource_group"]
    assert applies[1]["rules"][0]["changes"] == ["games/two/reconciler.yaml", "games/two/apps/**/*"]


def test_the_components_jobs_do_what_the_templates_do():
    template = yaml.safe_load((ROOT / "kits" / "gitlab" / "reconciler.gitlab-ci.yml").read_text())
    read = rendered("one", "", "3432")
    for job in JOBS:
        ours, theirs = read[f"reconciler:one:{job}"], template[f"reconciler:{job}"]
        assert {key: ours.get(key) for key in SAME} == {key: theirs.get(key) for key in SAME}
        assert [rule.get("if") for rule in ours["rules"]] == [rule.get("if") for rule in theirs["rules"]]
    assert read[".reconciler:one"]["before_script"] == template[".reconciler"]["before_script"]
    assert set(template["variables"]) <= set(read[".reconciler:one"]["variables"])


def test_init_writes_the_component_that_the_kit_has():
    skeleton = ROOT / "reconciler" / "cli" / "skeleton" / "gitlab"
    assert (skeleton / "component.yml").read_text() == COMPONENT.read_text()


def test_zizmor_finds_nothing_in_workflows_and_action():
    called = [f"{sys.prefix}/bin/zizmor", "--offline", "--no-progress", "--no-config", "--format", "plain"]
    files = [ROOT / "action.yml", *WORKFLOWS, *OURS, APPROVE]
    done = subprocess.run([*called, *files], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_zizmor_knows_an_action_that_is_not_pinned(tmp_path):
    """Else its silence would say nothing."""
    loose = re.sub(r"@[0-9a-f]{40} # v4\.3\.0", "@v4", OURS[0].read_text())
    (tmp_path / "loose.yml").write_text(loose)
    called = [f"{sys.prefix}/bin/zizmor", "--offline", "--no-progress", "--no-config", tmp_path / "loose.yml"]
    done = subprocess.run(called, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "unpinned-uses" in done.stdout


def test_hadolint_finds_nothing_in_the_dockerfile():
    called = [f"{sys.prefix}/bin/hadolint", ROOT / "Dockerfile"]
    done = subprocess.run(called, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def shellcheck(*files, shell=()):
    program = f"{sys.prefix}/bin/shellcheck"
    call = [program, "--external-sources", "--source-path", str(ROOT), *shell, *map(str, files)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_the_scripts_of_the_action_are_clean_shell():
    entries = [path for path in SCRIPTS if path.read_text().startswith("#!")]
    sourced = {path.name for path in SCRIPTS} - {path.name for path in entries}
    run = (ROOT / "kits" / "github" / "run.sh").read_text() + (ROOT / "kits" / "github" / "plan.sh").read_text()
    assert {name for name in sourced if f'"$here/{name}"' not in run} == set()
    assert shellcheck(*entries) == (0, "")


def lines_of(path):
    """Every script in a workflow or template, with the shell it is for."""
    read = yaml.safe_load(path.read_text())
    if "jobs" in read:
        return [step["run"] for job in read["jobs"].values() for step in job["steps"] if "run" in step]
    parts = ("before_script", "script")
    jobs = [job for job in read.values() if isinstance(job, dict)]
    return ["\n".join(job[part]) for job in jobs for part in parts if part in job]


SCRIPTED = [
    *OURS[:-1],
    ROOT / "kits" / "gitlab" / "approve.gitlab-ci.yml",
    ROOT / "kits" / "gitlab" / "reconciler.gitlab-ci.yml",
]
INSTALLING = sorted((ROOT / "reconciler" / "cli" / "skeleton" / "install").glob("*.sh"))


def test_what_installs_is_clean_shell_and_stands_in_each_job():
    assert shellcheck(*INSTALLING, shell=("--shell=bash",)) == (0, "")
    commit = next(path.read_text().splitlines() for path in INSTALLING if path.name == "commit.sh")
    for path in SCRIPTED:
        text = [line.strip() for line in path.read_text().splitlines()]
        assert {text.count(line.strip()) for line in commit} == {path.read_text().count("rm -rf source")}


def test_no_job_gets_secrets_before_all_is_installed():
    for path in OURS[:-1]:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            if name == "keys":  # it installs nothing, and asks only whether there are any
                assert all("!= ''" in str(value) for step in job["steps"] for value in step["env"].values())
                continue
            install = next(step for step in job["steps"] if step.get("name") == "install")
            assert "env" not in install


@pytest.mark.parametrize("path", SCRIPTED, ids=lambda path: path.name)
def test_scripts_within_ci_files_are_clean_shell(tmp_path, path):
    for number, script in enumerate(lines_of(path)):
        (tmp_path / f"{number}.sh").write_text(f"#!/usr/bin/env bash\nset -e\n{script}\n")
    # SC2086: $closing is one word or none
    assert shellcheck(*tmp_path.iterdir(), shell=("--exclude=SC2086",)) == (0, "")


@pytest.mark.parametrize("path", [*WORKFLOWS, *OURS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_no_expression_stands_in_a_script_and_no_workflow_trusts_a_fork(path):
    read = yaml.safe_load(path.read_text())
    jobs = read["jobs"].values() if "jobs" in read else [read["runs"]]
    assert [step["run"] for job in jobs for step in job["steps"] if "${{" in step.get("run", "")] == []
    assert "pull_request_target" not in path.read_text()


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_workflow_of_ours_gives_jobs_no_more_than_they_need(path):
    read = yaml.safe_load(path.read_text())
    assert read["permissions"]["contents"] == "read"
    assert "concurrency" in read
    for job in read["jobs"].values():
        assert job["timeout-minutes"]
        assert "DT_CLIENT_SECRET" not in str(job.get("env"))
        for step in job["steps"]:
            if "actions/" in step.get("uses", ""):
                told = str(step).replace("secrets.RECONCILER_CACHE_KEY != ''", "")
                assert not any(key in told for key in ("DT_CLIENT_SECRET", "RECONCILER_CACHE_KEY"))
            elif "RECONCILER_CACHE_KEY" in str(step):
                assert "DT_CLIENT_SECRET" in step["env"]
    writes = {
        name: {scope for scope, grant in job.get("permissions", {}).items() if grant == "write"}
        for name, job in read["jobs"].items()
    }
    asked = {"plan": {"pull-requests"}, "apply": {"contents", "pull-requests"}, "drift": {"issues"}}
    asked |= {"fetch": {"contents"}, "suggest": {"contents", "pull-requests"}}
    assert {name: scopes for name, scopes in writes.items() if scopes} == {
        name: scopes for name, scopes in asked.items() if name in writes
    }


@pytest.mark.parametrize("path", APPLYING, ids=lambda path: path.name)
def test_a_merge_queue_starts_checks_and_never_an_apply(path):
    read = yaml.safe_load(path.read_text())
    assert read[True]["merge_group"] is None
    jobs = read["jobs"]
    assert "github.event_name == 'merge_group'" in jobs["plan"]["if"]
    assert jobs["apply"]["if"] == "github.event_name == 'push'"
    assert "if" not in jobs.get("validate", {})


@pytest.mark.parametrize("path", APPLYING, ids=lambda path: path.name)
def test_nothing_but_the_project_starts_a_plan_or_an_apply(path):
    on = yaml.safe_load(path.read_text())[True]
    assert on["pull_request"]["paths"] == on["push"]["paths"] == ["reconciler.yaml", "apps/**"]


def test_nothing_but_the_project_starts_a_job_of_the_template():
    read = yaml.safe_load((ROOT / "kits" / "gitlab" / "reconciler.gitlab-ci.yml").read_text())
    rules = [rule for name in ("validate", "plan", "apply") for rule in read[f"reconciler:{name}"]["rules"]]
    assert [rule["changes"] for rule in rules] == [["reconciler.yaml", "apps/**/*"]] * 4


REPORT_KEYS = ("DT_REPORTING_CLIENT_SECRET", "CHARTBOOST_CLIENT_SECRET")


def test_no_request_starts_the_floors_and_no_other_job_has_their_keys():
    read = yaml.safe_load((ROOT / "reconciler/cli/skeleton/github/floors.yml").read_text())
    assert set(read[True]) == {"schedule", "workflow_dispatch"}
    holding = [name for name, job in read["jobs"].items() if any(key in str(job) for key in REPORT_KEYS)]
    assert holding == ["fetch"]
    template = yaml.safe_load((ROOT / "kits/gitlab/reconciler.gitlab-ci.yml").read_text())
    rules = [rule["if"] for rule in template["reconciler:floors"]["rules"]]
    assert rules == ['$CI_PIPELINE_SOURCE == "schedule" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH']


def test_reports_are_fetched_each_day_of_the_week_and_floors_suggested_on_one():
    read = yaml.safe_load((ROOT / "reconciler/cli/skeleton/github/floors.yml").read_text())
    days = [one["cron"].split()[4] for one in read[True]["schedule"]]
    covered = [day for part in ",".join(days).split(",") for day in range(int(part[0]), int(part[-1]) + 1)]
    assert sorted(covered) == [*range(7)]
    crons = [one["cron"] for one in read[True]["schedule"]]
    named = [cron for cron in crons if cron in read["jobs"]["suggest"]["if"]]
    assert [cron.split()[4] for cron in named] == ["1"]


def test_every_input_of_the_action_reaches_a_script_and_every_output_is_set():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    scripts = "".join(path.read_text() for path in SCRIPTS)
    env = {name for step in action["runs"]["steps"] for name in step.get("env", {})}
    assert {name for name in env if name.startswith("INPUT_") and name not in scripts} == set()
    assert set(re.findall(r"INPUT_[A-Z_]+", scripts)) <= env
    used = {name for step in action["runs"]["steps"] for name in re.findall(r"inputs\.([\w-]+)", str(step))}
    assert used == set(action["inputs"])
    numbers = {"create", "update", "deactivate", "delete", "blocked"}
    taken = set(re.findall(r"steps\.run\.outputs\.([\w-]+)", str(action["runs"]["steps"])))
    assert (set(action["outputs"]) | taken) - numbers == set(re.findall(r"output ([a-z-]+) ", scripts))


def test_the_example_gives_the_action_inputs_that_it_has():
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    jobs = yaml.safe_load((ROOT / "kits" / "github" / "workflow.yml").read_text())["jobs"]
    calls = [step["with"] for job in jobs.values() for step in job["steps"] if step["uses"].startswith("OWNER/")]
    assert [call["command"] for call in calls] == ["plan", "apply", "drift"]
    assert all(set(call) <= inputs for call in calls)


def test_what_reviewers_approve_is_the_plan_that_is_applied():
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    jobs = yaml.safe_load(APPROVE.read_text())["jobs"]
    plan, apply = ([one for one in jobs[name]["steps"] if one["uses"].startswith("OWNER/")] for name in jobs)
    assert [one["with"]["command"] for one in (*plan, *apply)] == ["plan", "apply"]
    assert all(set(one["with"]) <= inputs for one in (*plan, *apply))
    kept, taken = jobs["plan"]["steps"][-1]["with"], jobs["apply"]["steps"][1]["with"]
    assert kept["path"] == plan[0]["with"]["plan-file"]
    assert (taken["name"], apply[0]["with"]["plan-file"]) == (kept["name"], f"{taken['path']}/plan.json")
    assert [jobs[name]["environment"] for name in jobs] == ["account-0-plan", "account-0"]


HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_our_command_on_manifests(hook):
    program, command = shlex.split(hook["entry"])
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert program in scripts
    assert command in {"validate", "fmt"}
    assert hook["language"] == "python"
    assert not hook["pass_filenames"]
    assert re.search(hook["files"], "games/apps/deep/a.yaml")
    assert not re.search(hook["files"], "charts/values.yaml")


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    copy = tmp_path_factory.mktemp("docker") / "Dockerfile"
    copy.write_bytes((ROOT / "Dockerfile").read_bytes())
    return DockerfileParser(str(copy))


def test_the_image_is_built_in_two_stages_on_a_pinned_base(dockerfile):
    bases = dockerfile.parent_images
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)


def test_the_image_runs_the_command_as_nobody_special(dockerfile):
    last = [one for one in dockerfile.structure if one["instruction"] != "COMMENT"]
    final = last[max(index for index, one in enumerate(last) if one["instruction"] == "FROM") :]
    told = {one["instruction"]: one["value"] for one in final}
    assert told["ENTRYPOINT"] == '["reconciler"]'
    assert told["USER"].isdigit()
    assert told["USER"] != "0"
    assert "ARG" not in told
    order = [one["instruction"] for one in final]
    assert order.index("USER") > max(index for index, name in enumerate(order) if name in {"RUN", "COPY"})


def test_the_image_runs_as_whoever_owns_the_mounted_folder(dockerfile):
    """With `--user`: a home to write to, no file that needs a certain user, and git that takes the folder."""
    told = [(one["instruction"], one["value"]) for one in dockerfile.structure]
    assert "HOME=/tmp" in next(value for name, value in reversed(told) if name == "ENV").split()
    last = [value for name, value in told if name == "RUN"][-1]
    assert "git config --system --add safe.directory /work" in last
    assert ("WORKDIR", "/work") in told
    assert not any("--chown" in value or "--chmod" in value for _name, value in told)
    documented = [line for line in (ROOT / "docs" / "ci.md").read_text().splitlines() if line.startswith("docker run")]
    assert documented
    assert all('--user "$(id -u):$(id -g)"' in line for line in documented)


def test_the_image_copies_what_is_there_and_what_the_ignore_file_lets_in(dockerfile):
    copied = [one["value"].split() for one in dockerfile.structure if one["instruction"] == "COPY"]
    sources = {name for words in copied if not words[0].startswith("--from") for name in words[:-1]}
    assert sources
    assert {name for name in sources if not (ROOT / name).exists()} == set()
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    assert sources == allowed
