"""The recipes for other CI systems: their schemas, clean shell, what is pinned, and that an apply was approved."""

import re
import subprocess
import sys

import pytest
import yaml
from support.runner import ROOT

KITS = ROOT / "kits"
SCHEMAS = {
    "azure/azure-pipelines.yml": ("vendor.azure-pipelines", "--regex-variant=nonunicode"),
    "bitbucket/bitbucket-pipelines.yml": ("vendor.bitbucket-pipelines",),
    "circleci/config.yml": ("vendor.circle-ci",),
    "buildkite/pipeline.yml": ("vendor.buildkite",),
}
RECIPES = [*SCHEMAS, "jenkins/Jenkinsfile"]
INSTALL = [
    line.strip()
    for line in (ROOT / "reconciler" / "cli" / "skeleton" / "install" / "commit.sh").read_text().splitlines()
]


def schema_says(path, schema, *more):
    call = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, str(path)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_recipe_is_as_its_schema_wants_it(name):
    code, said = schema_says(KITS / name, *SCHEMAS[name])
    assert code == 0, said


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_knows_a_recipe_that_is_wrong(name, tmp_path):
    """Else its silence would say nothing."""
    wrong = yaml.safe_load((KITS / name).read_text())
    wrong[
        "steps"
        if "steps" in wrong
        else "jobs"
        if "jobs" in wrong
        else "pipelines"
        if "pipelines" in wrong
        else "stages"
    ] = 7
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(wrong))
    assert schema_says(tmp_path / "wrong.yml", *SCHEMAS[name])[0] == 1


def scripts(name):
    """The shell in a recipe, as the CI system gives it to a shell."""
    text = (KITS / name).read_text()
    if name.startswith("jenkins"):
        return [found[1].replace("\\\\\n", "\\\n") for found in re.finditer(r"'''(.*?)'''", text, re.DOTALL)]
    found = [one for one in strings(yaml.safe_load(text)) if is_shell(one)]
    return [one.replace("$$", "$") for one in found] if name.startswith("buildkite") else found


def is_shell(text):
    return "pip install" in text or ("reconciler " in text and ("\n" in text or text.startswith("reconciler ")))


def strings(value):
    match value:
        case str():
            return [value]
        case list():
            return [one for part in value for one in strings(part)]
        case dict():
            return [one for part in value.values() for one in strings(part)]
        case _:
            return []


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_written_through_a_file_of_the_checkout(name):
    """A link of a pull request would lead elsewhere: to the program that a later step runs with credentials."""
    text = "\n".join(scripts(name))
    for found in re.finditer(r'>"?([A-Za-z][\w.-]*)(?:/[\w./-]+)?"?(?=\s|$)', text):
        assert f"rm -rf {found[1]}" in text[: found.start()], found[0]


@pytest.mark.parametrize("name", RECIPES)
def test_scripts_of_a_recipe_are_clean_shell(name, tmp_path):
    found = scripts(name)
    assert any("apply" in one for one in found)
    for number, script in enumerate(found):
        (tmp_path / f"{number}.sh").write_text(f"#!/usr/bin/env bash\nset -e\n{script}\n")
    # SC2103, SC2164: CI stops at the first command that fails
    call = [f"{sys.prefix}/bin/shellcheck", "--exclude=SC2103,SC2164,SC2016", *map(str, tmp_path.iterdir())]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_installs_what_is_pinned_with_its_hashes_and_nothing_by_name(name):
    text = (KITS / name).read_text()
    installs = "\n".join(scripts(name))
    lines = [line.strip() for line in installs.splitlines()]
    assert text.count("0" * 40) == 1
    assert {line for line in INSTALL if line not in lines} == set()
    calls = [line for line in lines if "pip install" in line]
    assert calls
    assert all("--require-hashes" in line or "--no-deps" in line for line in calls)


@pytest.mark.parametrize("name", [*RECIPES, "atlantis/repos.yaml"])
def test_every_recipe_is_as_strict_as_the_workflows_that_init_writes(name):
    calls = re.findall(
        r'reconciler"? (validate|plan)\b(.*)|RECONCILER" (validate|plan)\b(.*)', (KITS / name).read_text()
    )
    told = [(verb or other, rest + more) for verb, rest, other, more in calls]
    assert {verb for verb, _ in told} == {"validate", "plan"}
    for verb, rest in told:
        assert ("--strict" if verb == "validate" else "--hold-conflicts --fail-on refused,blocked") in rest


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize(("code", "report"), [(6, "no"), (3, "some"), (0, "all"), (1, "")])
def test_the_plan_is_told_under_the_request_and_then_the_job_fails(name, code, report, tmp_path):
    """The part of the script that plans, with a program that only notes how it was called."""
    (script,) = [one for one in scripts(name) if "ci comment" in one]
    planning = "set -e\n" + script[script.index("code=0") :].replace("/tmp/plan", f"{tmp_path}/plan")
    (tmp_path / "bin").mkdir()
    (tmp_path / "plan").mkdir()
    program = tmp_path / "bin" / "reconciler"
    program.write_text(
        f'#!/bin/sh\necho "$1 $2" >>{tmp_path}/calls\n[ "$1" = ci ] || {{ printf "{report}"; exit {code}; }}\n'
    )
    program.chmod(0o755)
    request = {"SYSTEM_PULLREQUEST_PULLREQUESTID": "1", "CIRCLE_PULL_REQUEST": "x/1", "BUILDKITE_PULL_REQUEST": "1"}
    names = ("CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME", "FORGE", "FORGE_REPOSITORY")
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "AGENT_TEMPDIRECTORY": str(tmp_path)}
    env |= request | dict.fromkeys(names, "x") | {"report": str(tmp_path / "report.md")}
    done = subprocess.run(["bash", "-c", planning], cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False)
    calls = (tmp_path / "calls").read_text().split("\n")[:-1]
    assert (done.returncode, calls) == (
        code,
        ["plan --out" if "--out" in planning else "plan --hold-conflicts", *(["ci comment"] if report else [])],
    )


def test_no_step_of_azures_that_installs_is_given_a_secret():
    read = yaml.safe_load((KITS / "azure" / "azure-pipelines.yml").read_text())
    found = [step for step in steps(read) if "pip install" in step.get("bash", "")]
    assert len(found) == 3
    assert [step for step in found if "env" in step] == []


def steps(value):
    """Every step with a script, wherever it stands."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict) and "bash" in value else []
    return [*own, *(step for part in inner for step in steps(part))]


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_applied_is_the_saved_plan_behind_an_approval(name):
    applies = [
        line.strip() for one in scripts(name) for line in one.splitlines() if re.search(r"(reconciler\"?) apply ", line)
    ]
    assert len(applies) == 1
    assert "plan.json" in applies[0]
    assert "--yes" not in applies[0]
    assert "ci ledger --branch main" in "\n".join(scripts(name))
    approval = {
        "azure": "environment: account-0\n", "bitbucket": "trigger: manual", "circleci": "type: approval",
        "buildkite": "block:", "jenkins": "input {",
    }  # fmt: skip
    assert approval[name.partition("/")[0]] in (KITS / name).read_text()


def test_the_jenkinsfile_is_whole():
    """No parser of Groovy is at hand: braces match outside of strings, and sections are those of the grammar."""
    text = re.sub(
        r"'''.*?'''|'[^'\n]*'|\"[^\"\n]*\"|//[^\n]*",
        "''",
        (KITS / "jenkins" / "Jenkinsfile").read_text(),
        flags=re.DOTALL,
    )
    depth = 0
    for character in re.sub(r"[^{}]", "", text):
        depth += 1 if character == "{" else -1
        assert depth >= 0
    assert depth == 0
    opened = set(re.findall(r"(\w+)(?:\([^)]*\))? \{", text))
    known = {
        "pipeline", "agent", "docker", "options", "triggers", "environment", "stages", "stage", "steps", "post",
        "always", "when", "not", "input",
    }  # fmt: skip
    assert opened <= known
    stages = re.split(r"\bstage\(", text)[1:]
    assert all(stage.count("steps {") == 1 for stage in stages)


ATLANTIS_REPOSITORY = {"version", "automerge", "parallel_plan", "parallel_apply", "projects"}
ATLANTIS_PROJECT = {"name", "dir", "autoplan"}
ATLANTIS_SERVER = {
    "id", "allowed_overrides", "allowed_workflows", "allow_custom_workflows", "plan_requirements", "apply_requirements",
    "workflow",
}  # fmt: skip


def test_atlantis_plans_to_its_file_and_applies_that_after_a_review():
    server = yaml.safe_load((KITS / "atlantis" / "repos.yaml").read_text())
    [repository] = server["repos"]
    assert set(repository) <= ATLANTIS_SERVER
    assert repository["allow_custom_workflows"] is False
    assert {"approved", "undiverged"} <= set(repository["apply_requirements"])
    workflow = server["workflows"][repository["workflow"]]
    runs = {name: [step["run"] for step in workflow[name]["steps"] if "run" in step] for name in ("plan", "apply")}
    assert runs["plan"][-1] == '"$RECONCILER" plan --out "$PLANFILE" --hold-conflicts --fail-on refused,blocked'
    assert runs["apply"][0] == '"$RECONCILER" apply "$PLANFILE"'
    ours = yaml.safe_load((KITS / "atlantis" / "atlantis.yaml").read_text())
    assert ours["version"] == 3
    assert set(ours) <= ATLANTIS_REPOSITORY
    assert all(set(project) <= ATLANTIS_PROJECT for project in ours["projects"])
