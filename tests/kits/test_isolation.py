"""No file of a checkout is taken for a module of Python's, or for a program, by anything that runs in it.

A trap stands in the checkout for every module that there is: of the standard library, of all that is installed, and
those that Python looks for at its start. Whichever is loaded leaves its name.
"""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from support.command import ONE_APP, SETTINGS
from support.runner import ROOT, git

each = pytest.mark.parametrize

PLACED = ONE_APP + "    placements:\n      - {name: low, placementType: MREC, coppa: false}\n"
AT_START = ("sitecustomize", "usercustomize", "site", "runpy")
MODULES = frozenset((*sys.stdlib_module_names, *packages_distributions(), *AT_START, "reconciler", "pip", "venv"))
PROGRAMS = ("git", "cat", "mkdir", "dirname", "python", "python3", "reconciler", "pip", "mv", "rm", "cp", "env")
HOSTILE = {"PYTHONPATH": ".", "PYTHONSTARTUP": "json.py", "PYTHONWARNINGS": "error::json.Trap", "PYTHONHOME": ""}


class Traps:
    """A file that notes which trap was sprung, and the traps."""

    def __init__(self, notes):
        self.notes = notes

    def set_in(self, folder, *, but=()):
        """One for each module, as a file and as a package, and one for each program."""
        for name in MODULES - set(but):
            text = f"with open({str(self.notes)!r}, 'a') as file:\n    file.write('{name}\\n')\n"
            (folder / f"{name}.py").write_text(text)
            (folder / name).mkdir(exist_ok=True)
            for part in ("__init__", "__main__"):
                (folder / name / f"{part}.py").write_text(text)
        for name in PROGRAMS:
            path = folder / name
            if not path.exists():
                path.write_text(f"#!/bin/sh\necho program {name} >>{self.notes}\nexit 1\n")
                path.chmod(0o755)
        (folder / "pip.conf").write_text("[global]\nindex-url = https://evil.example\n")
        (folder / "trap.pth").write_text("import json\n")

    def sprung(self):
        return sorted(set(self.notes.read_text().split("\n")) - {""}) if self.notes.exists() else []


@pytest.fixture(scope="module")
def program():
    """The command as it is installed: its own start is looked at."""
    return Path(sys.executable).with_name("reconciler")


@pytest.fixture
def traps(tmp_path):
    return Traps(tmp_path / "sprung")


@pytest.fixture
def main(repository, traps):
    """A project on main, cloned, with traps beside it."""
    repository.begin({"reconciler.yaml": SETTINGS, "apps/a.yaml": PLACED})
    checkout = repository.clone()
    traps.set_in(checkout)
    return checkout


def test_a_trap_that_is_loaded_is_noticed(github, main, traps):
    """Else the tests below would say nothing: Python as it was called before does load them."""
    github.bash("python3 -c 'import json'; python3 -m venv x; echo 'import secrets' | python3 -", main, {}, ())
    assert {"json", "secrets"} <= set(traps.sprung())
    github.bash("mkdir x", main, {"PATH": f".:{github.env['PATH']}"}, ())
    assert "program mkdir" in traps.sprung()


@each("command", ["validate", "plan", "apply", "drift"])
def test_no_step_of_the_action_loads_anything_from_the_checkout(github, main, traps, command):
    github.env |= HOSTILE
    github.env["PATH"] = f".::{github.env['PATH']}:."
    if command in {"plan", "validate"}:
        github.pull_request()
    done = github.action(main, command, direct_push="apply")
    assert done.code == (2 if command == "drift" else 0) or (command, done.code) == ("drift", 0), done.log
    assert traps.sprung() == []


def test_findings_are_told_without_loading_anything_either(github, main, traps, forge):
    github.env |= HOSTILE
    github.pull_request()
    (main / "apps" / "a.yaml").write_text(PLACED.replace("category1", "categori1"))
    assert github.action(main, "plan").code == 1
    assert len(forge.comments) == 1
    assert traps.sprung() == []


def test_a_project_in_a_folder_is_found_upwards_and_paths_are_those_of_the_folder(github, repository, traps, rival):
    repository.begin({"games/reconciler.yaml": SETTINGS, "games/apps/a.yaml": PLACED})
    checkout = repository.clone()
    for folder in (checkout, checkout / "games", checkout / "games" / "apps"):
        traps.set_in(folder, but=["apps"])
    for inputs in ({"working_directory": "games/apps"}, {"project": "games"}, {"project": str(checkout / "games")}):
        done = github.action(checkout, "plan", plan_file="saved.json", **inputs)
        assert done.code == 0, done.log
        place = checkout / inputs.get("working_directory", ".")
        assert done.outputs["plan-file"] == str(place / "saved.json")
    done = github.action(checkout, "apply", working_directory="games", plan_file="../saved.json")
    assert done.code == 0, done.log
    assert rival.named("low")["placementType"] == "MREC"
    assert traps.sprung() == []


@each(("name", "job"), [("reconcile", "validate"), ("reconcile", "plan"), ("reconcile", "apply"), ("drift", "audit")])
def test_no_step_of_a_workflow_loads_anything_from_the_checkout(github, main, traps, name, job):
    place = main / ".github" / "workflows"
    place.mkdir(parents=True)
    text = (ROOT / f"reconciler/cli/skeleton/github/{name}.yml").read_text()
    (place / f"{name}.yml").write_text(text.replace("--direct-push refuse", "--direct-push apply"))
    if job == "plan":
        github.pull_request()
    done = github.workflow(main, name, job)
    assert done.code == 0, done.log
    assert "-I -m pip install" in (github.folder / "pip.txt").read_text()
    assert traps.sprung() == []


@each("job", ["validate", "plan", "apply", "drift"])
def test_no_job_of_the_template_loads_anything_from_the_checkout(gitlab, main, repository, traps, job):
    gitlab.variables |= {"PYTHONPATH": ".", "PYTHONSTARTUP": "json.py", "RECONCILER_DIRECT_PUSH": "apply"}
    request = 4 if job in {"validate", "plan"} else None
    done = gitlab.job(f"reconciler:{job}", main, repository.bare, request=request)
    assert done.code == 0, done.log
    assert traps.sprung() == []


def wheel(folder):
    """A package that holds nothing but a lock that names nothing, and a build of it that needs no index."""
    place = folder / "nothing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("nothing_at_all.py", "")
        archive.writestr("reconciler/requirements/run.txt", "")
        archive.writestr("nothing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: nothing\nVersion: 1.0\n")
        archive.writestr(
            "nothing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("nothing-1.0.dist-info/RECORD", "")
    return place


def test_installing_loads_nothing_from_the_checkout(github, main, traps, tmp_path):
    temp = tmp_path / "temp"
    temp.mkdir()
    env = {
        **HOSTILE, "RUNNER_TEMP": str(temp), "GITHUB_PATH": str(tmp_path / "path"), "PIP_NO_INDEX": "1",
        "INPUT_INSTALL": str(wheel(tmp_path)), "PATH": f".:{github.env['PATH']}",
    }  # fmt: skip
    script = (ROOT / "action.yml").read_text()
    steps = yaml.safe_load(script)["runs"]["steps"]
    (step,) = [one for one in steps if one.get("name") == "install"]
    done = github.bash(step["run"], main, env, ("-e", "-o", "pipefail"))
    assert done.code == 0, done.out
    assert list(temp.glob("reconciler-venv/lib/python*/site-packages/nothing_at_all.py"))
    assert traps.sprung() == []


CALLS = {
    "the command": [str(Path(sys.executable).with_name("reconciler"))],
    "-I -m": [sys.executable, "-I", "-m", "reconciler"],
    "-P -m": [sys.executable, "-P", "-m", "reconciler"],
    "-m": [sys.executable, "-m", "reconciler"],
}


def before_the_program():
    """What `-m` loads before a line of the program runs; only -P and -I keep that from the working directory."""
    probe = "import runpy, sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    return {"reconciler", *done.stdout.split()}


@each("call", CALLS)
def test_the_program_takes_no_module_from_where_it_is_called(tmp_path, traps, rival, call):
    project = tmp_path / "project"
    (project / "apps").mkdir(parents=True)
    (project / "reconciler.yaml").write_text(SETTINGS)
    (project / "apps" / "a.yaml").write_text(PLACED)
    traps.set_in(project, but=before_the_program() if call == "-m" else ())
    keys = {"DT_MANAGEMENT_URL": rival.url, "DT_CLIENT_ID": "x", "DT_CLIENT_SECRET": "y", "HOME": str(tmp_path)}
    for command in (["--version"], ["validate"], ["plan"], ["apply", "--yes"], ["drift"], ["fmt"], ["init", "new"]):
        done = subprocess.run(
            [*CALLS[call], *command], cwd=project, env={"PATH": f".:{os.environ['PATH']}", **keys},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert traps.sprung() == []


def test_a_folder_that_looks_like_a_repository_runs_nothing(github, repository, tmp_path):
    """A bare repository within a checkout has settings that a pull request wrote; git would run what they name."""
    repository.begin({"games/reconciler.yaml": SETTINGS, "games/apps/a.yaml": PLACED})
    checkout = repository.clone()
    games, ran = checkout / "games", tmp_path / "ran"
    git(games, "init", "--quiet", "--bare", "fake.git")
    for path in (games / "fake.git").iterdir():
        path.rename(games / path.name)
    (games / "config").write_text(
        f"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = {games}\n"
        f'\tfsmonitor = "echo ran >>{ran}; false"\n\thooksPath = {games}/hooks\n'
    )
    hook = games / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho hook >>{ran}\n")
    hook.chmod(0o755)
    subprocess.run(["git", "add", "--force", "reconciler.yaml"], cwd=games, check=False, capture_output=True)
    assert ran.exists(), "git on its own runs it"
    ran.unlink()
    github.action(checkout, "apply", reviewed="false", project="games")
    assert not ran.exists()


def test_hooks_among_the_files_of_a_checkout_do_not_run(github, repository, tmp_path):
    repository.begin({"reconciler.yaml": SETTINGS, "apps/a.yaml": PLACED})
    checkout, ran = repository.clone(), tmp_path / "ran"
    for name in ("pre-commit", "pre-push", "post-checkout", "commit-msg"):
        hook = checkout / ".husky" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho {name} >>{ran}\n")
        hook.chmod(0o755)
    git(checkout, "config", "core.hooksPath", ".husky")
    done = github.action(checkout, "apply", reviewed="false")
    assert done.code == 0, done.log
    assert repository.log()[0].startswith("Ledger after")
    assert not ran.exists()


SHIPPED = [
    ROOT / "action.yml", ROOT / "Dockerfile", ROOT / ".pre-commit-hooks.yaml",
    *sorted((ROOT / "kits").rglob("*.*")), *sorted((ROOT / "reconciler" / "cli" / "skeleton").rglob("*.yml")),
    *sorted((ROOT / "examples" / "gitops").rglob("*.yml")),
]  # fmt: skip


@each("path", SHIPPED, ids=lambda path: path.name)
def test_what_is_shipped_calls_python_isolated(path):
    lines = [line.split("#")[0] for line in path.read_text().splitlines()]
    calls = [line for line in lines if re.search(r'(?<![\w:.-])python3?"? (?!-I\b)-', line)]
    assert calls == []
    assert [line for line in lines if re.search(r"(?<!-m )\bpip3? install", line)] == []


WORKFLOWS = sorted(
    path
    for folder in (ROOT / ".github", ROOT / "examples", ROOT / "kits", ROOT / "reconciler", ROOT / "docs")
    for kind in ("*.yml", "*.yaml", "*.md")
    for path in folder.rglob(kind)
)
PIN = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+){2}")


def uses(path):
    text = path.read_bytes().decode(errors="replace")
    found = re.findall(r"^\s*(?:- )?uses:\s*(.+?)\s*$", text, re.MULTILINE)
    return [one for one in found if not one.startswith(("OWNER/", "./"))]


def test_other_peoples_actions_are_pinned_by_commit_with_their_version_beside():
    found = {(path, one) for path in [*WORKFLOWS, ROOT / "action.yml", ROOT / "README.md"] for one in uses(path)}
    assert len(found) > 5
    assert [(str(path), one) for path, one in found if not PIN.fullmatch(one)] == []
    pins = {one for _, one in found}
    assert len({one.partition("@")[0] for one in pins}) == len(pins), "one version of each action"
