"""`init` asks nothing it can find out: whose CI, which branch, where in the repository."""

import re
import subprocess

import pytest
import yaml
from support.command import Project


@pytest.fixture
def place(tmp_path):
    """A folder to begin in; `Project` writes settings, which are taken away."""
    project = Project(tmp_path)
    (tmp_path / "reconciler.yaml").unlink()
    return project


def repository(place, *, branch="main", remote=None):
    subprocess.run(["git", "init", "--quiet", f"--initial-branch={branch}", str(place.root)], check=True)
    if remote is not None:
        subprocess.run(["git", "-C", str(place.root), "remote", "add", "origin", remote], check=True)


def files(place):
    return {
        p.relative_to(place.root).as_posix() for p in place.root.rglob("*") if p.is_file() and ".git/" not in str(p)
    }


WORKFLOWS = {f".github/workflows/{name}.yml" for name in ("reconcile", "drift", "floors")}
GITHUB = {*WORKFLOWS, ".github/CODEOWNERS"}
GITLAB = {".gitlab-ci.yml", "reconciler.gitlab-ci.yml", ".gitlab/CODEOWNERS"}

REMOTES = [
    ("git@github.com:studio/ads.git", GITHUB),
    ("https://github.com/gitlab/ads", GITHUB),
    ("git@gitlab.com:studio/ads.git", GITLAB),
    ("https://ada:word@gitlab.studio.example/ads.git", GITLAB),
    ("https://code.example/studio/gitlab", GITHUB),
    (None, GITHUB),
]


@pytest.mark.parametrize(("remote", "written"), REMOTES)
def test_ci_files_are_those_of_the_remotes_host(place, remote, written):
    repository(place, remote=remote)
    done = place.call("init")
    assert done.code == 0, done.err
    assert "word" not in done.err
    assert (GITHUB | GITLAB) & files(place) == written


def test_a_repository_with_gitlabs_file_is_gitlabs(place):
    repository(place)
    place.write(".gitlab-ci.yml", "mine: true\n")
    assert place.call("init").code == 0
    assert place.read(".gitlab-ci.yml") == "mine: true\n"
    assert "reconciler.gitlab-ci.yml" in files(place)


@pytest.mark.parametrize(("flag", "written"), [("github", GITHUB), ("gitlab", GITLAB), ("none", set())])
def test_the_flag_wins(place, flag, written):
    repository(place, remote="git@gitlab.com:studio/ads.git")
    assert place.call("init", "--ci", flag).code == 0
    assert (GITHUB | GITLAB) & files(place) == written


def test_a_project_in_a_folder_has_its_workflows_at_the_root(place):
    repository(place, branch="trunk")
    assert place.call("init", "games/ads", "--publisher-id", "3432").code == 0
    workflow = yaml.safe_load(place.read(".github/workflows/reconcile-games-ads.yml"))
    assert workflow["defaults"]["run"]["working-directory"] == "games/ads"
    own = ["games/ads/reconciler.yaml", "games/ads/apps/**"]
    assert workflow[True] == {
        "pull_request": {"paths": own}, "merge_group": None, "push": {"branches": ["trunk"], "paths": own}
    }  # fmt: skip
    assert "main" not in str(workflow)
    drift = yaml.safe_load(place.read(".github/workflows/drift-games-ads.yml"))
    paths = [step["with"]["path"] for step in drift["jobs"]["audit"]["steps"] if "path" in step.get("with", {})]
    loads = "games/ads/.reconciler/cache/portable"
    assert paths == ["games/ads/.reconciler/audits.jsonl", loads, loads]
    for text in (str(workflow), str(drift)):
        assert "reconciler-loads-plan" not in text
        assert set(re.findall(r"hashFiles\('([^']*)'\)", text)) == {loads}
    assert not (place.root / "games" / "ads" / ".github").exists()


def test_a_project_in_a_folder_has_floors_of_its_own(place):
    repository(place, branch="trunk")
    assert place.call("init", "games/ads", "--publisher-id", "3432").code == 0
    text = place.read(".github/workflows/floors-games-ads.yml")
    read = yaml.safe_load(text)
    assert (read["name"], read["concurrency"]["group"]) == ("floors-games-ads", "floors-games-ads")
    assert read["defaults"]["run"]["working-directory"] == "games/ads"
    assert "--as floors-games-ads " in text
    assert {job["environment"] for job in read["jobs"].values() if "environment" in job} == {"account-3432-plan"}
    refs = [
        step["with"]["ref"] for job in read["jobs"].values() for step in job["steps"] if "ref" in step.get("with", {})
    ]
    assert refs == ["trunk", "trunk"]


def test_two_projects_of_a_repository_get_in_nobodys_way(place):
    repository(place)
    for folder in ("one", "two"):
        assert place.call("init", folder).code == 0
    read = [yaml.safe_load(place.read(f".github/workflows/reconcile-{folder}.yml")) for folder in ("one", "two")]
    assert read[0]["concurrency"]["group"] != read[1]["concurrency"]["group"]
    said = [place.read(f".github/workflows/drift-{folder}.yml") for folder in ("one", "two")]
    assert "--as drift-one " in said[0]
    assert "--as drift-two " in said[1]
    names = [set(re.findall(r"--as ([\w-]+)", str(workflow))) for workflow in read]
    assert names == [{"plan-one", "apply-one"}, {"plan-two", "apply-two"}]


def test_environments_are_the_accounts(place):
    repository(place)
    assert "account-3432-plan" in place.call("init", "--publisher-id", "3432").err
    jobs = yaml.safe_load(place.read(".github/workflows/reconcile.yml"))["jobs"]
    audit = yaml.safe_load(place.read(".github/workflows/drift.yml"))["jobs"]["audit"]
    assert (jobs["plan"]["environment"], jobs["apply"]["environment"]) == ("account-3432-plan", "account-3432")
    assert audit["environment"] == "account-3432-plan"
    assert place.call("init", "b", "--publisher-id", "3499", "--ci", "gitlab").code == 0
    told = yaml.safe_load(place.read("reconciler.gitlab-ci.yml"))
    assert told["variables"]["RECONCILER_ACCOUNT"] == "3499"
    names = [told[f"reconciler:{name}"]["environment"]["name"] for name in ("plan", "apply", "drift")]
    assert names == ["account-$RECONCILER_ACCOUNT" + end for end in ("-plan", "", "-plan")]


def test_gitlab_is_told_the_projects_folder(place):
    repository(place)
    assert place.call("init", "games", "--ci", "gitlab").code == 0
    told = yaml.safe_load(place.read("reconciler.gitlab-ci.yml"))
    assert told["variables"]["RECONCILER_FOLDER"] == "games"
    rules = [rule for name in ("validate", "plan", "apply") for rule in told[f"reconciler:{name}"]["rules"]]
    assert {tuple(rule["changes"]) for rule in rules} == {("games/reconciler.yaml", "games/apps/**/*")}


def test_two_projects_of_a_gitlab_repository_both_have_jobs(place):
    repository(place, remote="git@gitlab.com:studio/ads.git")
    source = "https://gitlab.com/studio/waterfall-reconciler@" + "5" * 40
    for folder, account in (("one", "3432"), ("games/two", "3499"), ("games/three", "3500")):
        assert place.call("init", folder, "--publisher-id", account, "--source", source).code == 0
    assert yaml.safe_load(place.read(".gitlab-ci.yml"))["include"] == [{"local": "/reconciler*.gitlab-ci.yml"}]
    told = [
        yaml.safe_load(place.read(f"reconciler-games-{name}.gitlab-ci.yml"))["include"] for name in ("two", "three")
    ]
    assert [one["inputs"] for [one] in told] == [
        {"name": "games-two", "folder": "games/two/", "account": "3499"},
        {"name": "games-three", "folder": "games/three/", "account": "3500"},
    ]
    assert {one["local"] for [one] in told} == {"/.gitlab/reconciler.component.yml"}
    header, _jobs = yaml.safe_load_all(place.read(".gitlab/reconciler.component.yml"))
    assert header["spec"]["inputs"]["commit"]["default"] == "5" * 40


def test_a_component_can_install_a_wheel(place):
    repository(place, remote="git@gitlab.com:studio/ads.git")
    wheel = "https://files.example/waterfall_reconciler-0.1.0-py3-none-any.whl#sha256=" + "a" * 64
    for folder in ("one", "two"):
        assert place.call("init", folder, "--source", wheel).code == 0
    text = place.read(".gitlab/reconciler.component.yml")
    header, jobs = yaml.safe_load_all(text)
    assert header["spec"]["inputs"]["source"]["default"] == wheel
    assert "commit" not in header["spec"]["inputs"]
    assert jobs[".reconciler:$[[ inputs.name ]]"]["variables"]["RECONCILER_WHEEL"] == "$[[ inputs.source ]]"
    assert "RECONCILER_COMMIT" not in text


def test_a_file_of_yours_that_includes_nothing_of_ours_is_left_and_you_are_told(place):
    repository(place)
    place.write(".gitlab-ci.yml", "mine: true\n")
    assert "reconciler*.gitlab-ci.yml" in place.call("init").err


def test_a_folder_that_would_be_yaml_or_shell_is_refused_before_anything_is_written(place):
    repository(place)
    done = place.call("init", "a; b: $(x)")
    assert done.code == 1
    assert "--ci none" in done.err
    assert files(place) == set()
    assert place.call("init", "a; b: $(x)", "--ci", "none").code == 0


def test_a_branch_with_an_odd_name_is_not_written_into_a_workflow(place):
    repository(place, branch="main'+x")
    assert place.call("init").code == 0
    assert yaml.safe_load(place.read(".github/workflows/reconcile.yml"))[True]["push"]["branches"] == ["main"]


def test_the_remotes_main_branch_counts_not_the_one_that_is_checked_out(place):
    repository(place, branch="feature")
    git = ["git", "-C", str(place.root)]
    subprocess.run([*git, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release"], check=True)
    assert place.call("init").code == 0
    assert yaml.safe_load(place.read(".github/workflows/reconcile.yml"))[True]["push"]["branches"] == ["release"]


def test_it_works_without_git(place, tmp_path):
    (tmp_path / "empty").mkdir()
    done = place.call("init", "new", PATH=str(tmp_path / "empty"))
    assert done.code == 0
    assert (tmp_path / "new" / ".github" / "workflows" / "reconcile.yml").is_file()
