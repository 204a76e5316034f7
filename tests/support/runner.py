"""Runners of GitHub Actions and GitLab CI: they run the shell steps of our kits as the real ones do, in real checkouts.

Steps that are other people's actions (checkout, Python) are left out: a test clones, and Python is there. Those that
take and keep a cache are done here. Jobs install from a repository of one commit that holds no program, and
`pip install` does nothing; `reconciler` is the command that a test gives.
"""

import atexit
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from support.command import CLIENT_ID, CLIENT_SECRET, Done
from support.forge import PROJECT, REPOSITORY, TOKEN

ROOT = Path(__file__).parents[2]
PATIENCE = 120
SECRETS = {"DT_CLIENT_ID": CLIENT_ID, "DT_CLIENT_SECRET": CLIENT_SECRET}


class Checkout:
    """A repository: a bare one that everybody pushes to, and clones of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = folder / "origin.git"
        self.clones = 0
        shutil.copytree(_begun(()) / "origin.git", self.bare)

    def clone(self, branch: str = "main", *, depth: int | None = None) -> Path:
        """A fresh clone, as a job has it."""
        self.clones += 1
        place = self.folder / f"clone-{self.clones}"
        deep = [] if depth is None else [f"--depth={depth}"]
        git(self.folder, "clone", "--quiet", *deep, f"--branch={branch}", f"file://{self.bare}", str(place))
        return place

    def begin(self, files: dict[str, str]) -> Path:
        """The first commit on main; the clone it was made in."""
        place, made = self.folder / "first", _begun(tuple(files.items()))
        shutil.copytree(made / "origin.git", self.bare, dirs_exist_ok=True)
        shutil.copytree(made / "first", place, symlinks=True)
        settings = place / ".git" / "config"
        settings.write_text(settings.read_text().replace(str(made), str(self.folder)))
        return place

    def log(self, branch: str = "main") -> list[str]:
        return git(self.bare, "log", "--format=%s", branch).splitlines()

    def at(self, branch: str, name: str) -> str:
        return git(self.bare, "show", f"{branch}:{name}")


@cache
def _begun(files: tuple[tuple[str, str], ...]) -> Path:
    """A folder with a repository and the clone in which its first commit was made, if any: to be copied."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare, place = folder / "origin.git", folder / "first"
    git(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(bare))
    git(bare, "config", "receive.autogc", "false")
    (bare / "hooks").mkdir()
    if files:
        git(folder, "clone", "--quiet", "--template=", f"file://{bare}", str(place))
        push(place, "main", "begin", dict(files))
    return folder


def git(folder: Path, *arguments: str) -> str:
    """A person's git."""
    known = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"]
    known += ["-c", "maintenance.auto=false", "-c", "gc.auto=0"]
    done = subprocess.run(
        ["git", *known, *arguments], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def push(place: Path, branch: str, message: str, files: dict[str, str]) -> None:
    """A person commits files in a clone and pushes them."""
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", f"--message={message}")
    git(place, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")


@dataclass
class Job(Done):
    """What a job left: exit code, log, outputs, summary page."""

    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def __init__(self, code: int, log: str, outputs: dict[str, str], summary: str) -> None:
        super().__init__((), code, log, log)
        self.outputs, self.summary = outputs, summary

    @property
    def log(self) -> str:
        return self.stdout


class Machine:
    """What both runners have: a home without git's settings, a PATH with our command, the two servers."""

    def __init__(self, folder: Path, api: str, forge: str, command: Path) -> None:
        self.folder = folder
        self.forge = forge
        programs = folder / "bin"
        programs.mkdir(parents=True)
        python = shlex.quote(sys.executable)
        installs = f'printf "%s\\n" "$*" >>{shlex.quote(str(folder / "pip.txt"))}'
        _program(programs / "reconciler", f'exec {shlex.quote(str(command))} "$@"')
        _program(programs / "python3", f'case "$*" in *"-m pip install"*) {installs} ;; *) exec {python} "$@" ;; esac')
        self.pins = _released(folder / "released")
        self.env = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "DT_MANAGEMENT_URL": api,
            "GIT_CONFIG_NOSYSTEM": "1",
            "CI": "true",
        }

    def bash(self, script: str, cwd: Path, env: dict[str, str], flags: tuple[str, ...]) -> Done:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *flags, "-c", script],
            cwd=cwd, env={**self.env, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return Done(done.args, done.returncode, done.stdout.decode(), "")


class GitHubRunner(Machine):
    """Runs jobs of workflows, and `action.yml`."""

    def __init__(self, folder: Path, api: str, forge: str, command: Path) -> None:
        super().__init__(folder, api, forge, command)
        self.secrets = dict(SECRETS)
        self.settings: dict[str, str] = {}
        """The repository's variables."""
        self.caches: dict[tuple[str, str, str], bytes] = {}
        """By ref, path and name, the newest last."""
        self.env |= {
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": f"{forge}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{forge}/api/graphql", "GITHUB_ACTOR": "ada", "GITHUB_SHA": "c0ffee" * 6 + "c0ff",
            "RUNNER_TEMP": str(folder / "temp"), "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_RUN_ID": "1",
        }  # fmt: skip
        self.event("push", {"ref": "refs/heads/main"})

    def event(self, name: str, payload: dict[str, Any], branch: str = "main") -> None:
        """What happens next is for this event."""
        path = self.folder / "event.json"
        path.write_text(json.dumps(payload))
        kind = {"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": branch, "GITHUB_REF": f"refs/heads/{branch}"}
        self.env |= {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), **kind}

    def pull_request(self, number: int = 1, *, head: str = REPOSITORY, name: str = "pull_request") -> None:
        """The same for a pull request."""
        self.event(name, {"number": number, "pull_request": {"number": number, "head": {"repo": {"full_name": head}}}})
        self.env |= {"GITHUB_REF_NAME": f"{number}/merge", "GITHUB_REF": f"refs/pull/{number}/merge"}

    def merge_group(self) -> None:
        """The same for what a merge queue would merge."""
        self.event(
            "merge_group", {"merge_group": {"base_ref": "refs/heads/main"}}, "gh-readonly-queue/main/pr-1-c0ffee"
        )

    def workflow(self, checkout: Path, name: str, job: str) -> Job:
        """The steps of a job of a workflow in the checkout."""
        read = yaml.safe_load((checkout / ".github" / "workflows" / f"{name}.yml").read_text())
        return self._steps(read["jobs"][job]["steps"], checkout, {}, {**read["env"], **self.pins})

    def action(self, checkout: Path, command: str, *, env: dict[str, str] | None = None, **inputs: str) -> Job:
        """`uses:` of our action, with the command installed already."""
        read = yaml.safe_load((ROOT / "action.yml").read_text())
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) <= set(read["inputs"]), given
        defaults = {name: str(one.get("default", "")) for name, one in read["inputs"].items()}
        values = {**defaults, "install": "none", "command": command, **given}
        job = self._steps(read["runs"]["steps"], checkout, values, self.secrets if env is None else env)
        declared = {re.search(r"outputs\.([\w-]+)", one["value"])[1] for one in read["outputs"].values()}
        declared |= set(re.findall(r"steps\.\w+\.outputs\.([\w-]+)", str(read["runs"]["steps"])))
        assert set(job.outputs) <= declared, "an output that action.yml does not pass on"
        return job

    def _steps(self, steps: list[Any], checkout: Path, inputs: dict[str, str], env: dict[str, str]) -> Job:
        files = {name: self.folder / f"{name.lower()}.txt" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        files["GITHUB_PATH"] = self.folder / "github_path.txt"
        for path in files.values():
            path.write_text("")
        shutil.rmtree(self.env["RUNNER_TEMP"], ignore_errors=True)
        Path(self.env["RUNNER_TEMP"]).mkdir()
        code, log, told = 0, "", ""
        outputs: dict[str, str] = {}
        for step in steps:
            context = {"inputs": inputs, "env": env, "steps": outputs}
            given = {name: self._text(str(value), context) for name, value in step.get("env", {}).items()}
            context["env"] = {**env, **given}
            condition = str(step.get("if", "success()"))
            condition = condition if "always()" in condition else f"success() && ({condition})"
            if not self._value(condition, context, checkout, failed=code != 0):
                continue
            if "actions/cache/" in step.get("uses", ""):
                wanted = {name: self._text(str(value), context, checkout) for name, value in step["with"].items()}
                matched = self._cache(step["uses"], checkout, wanted)
                outputs |= {f"{step['id']}.outputs.cache-matched-key": matched} if "id" in step else {}
            if "run" not in step:
                continue
            assert "${{" not in step["run"], "an expression in a script"
            paths = {name: str(path) for name, path in files.items()}
            place = checkout / self._text(str(step.get("working-directory", ".")), context)
            done = self.bash(step["run"], place, {**env, **given, **paths}, ("-e", "-o", "pipefail"))
            log += done.out
            code = code or done.code
            said, told = files["GITHUB_OUTPUT"].read_text().removeprefix(told), files["GITHUB_OUTPUT"].read_text()
            pairs = [line.split("=", 1) for line in said.splitlines()]
            outputs |= {f"{step.get('id')}.outputs.{name}": value for name, value in pairs}
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        return Job(code, log, dict(line.split("=", 1) for line in lines), files["GITHUB_STEP_SUMMARY"].read_text())

    def _cache(self, action: str, checkout: Path, wanted: dict[str, str]) -> str:
        """Keep a file, or take one: the newest of its own ref with such a name, else of main. The name that matched."""
        file, ref = checkout / wanted["path"], self.env["GITHUB_REF"]
        if "/save@" in action:
            assert (ref, wanted["path"], wanted["key"]) not in self.caches, "a cache cannot be written twice"
            self.caches[ref, wanted["path"], wanted["key"]] = file.read_bytes()
            return ""
        for scope in (ref, "refs/heads/main"):
            for (kept, path, name), content in reversed(self.caches.items()):
                if (kept, path) == (scope, wanted["path"]) and name.startswith(wanted["restore-keys"]):
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content)
                    return name
        return ""

    def _text(self, text: str, context: dict[str, dict[str, str]], checkout: Path | None = None) -> str:
        """With what its expressions mean, and those in the defaults of inputs."""
        for _round in range(2):
            text = re.sub(r"\$\{\{(.*?)\}\}", lambda found: _said(self._value(found[1], context, checkout)), text)
        return text

    def _value(
        self, expression: str, context: dict[str, dict[str, str]], checkout: Path | None = None, *, failed: bool = False
    ) -> Any:
        """What an expression means: of those forms that our files use."""
        github = {"token": TOKEN, "run_id": self.env["GITHUB_RUN_ID"]}
        runner = {"temp": self.env["RUNNER_TEMP"]}
        known = {**context, "secrets": self.secrets, "vars": self.settings, "github": github, "runner": runner}

        def meaning(found: re.Match[str]) -> str:
            token = found[0]
            if token in _OPERATORS or token.startswith("'"):
                return _OPERATORS.get(token) or repr(token[1:-1])
            kind, dot, name = token.partition(".")
            return repr(known[kind].get(name, "")) if dot else token

        python = re.sub(r"'[^']*'|&&|\|\||!(?!=)|[a-zA-Z_][\w.-]*", meaning, " ".join(expression.split()))
        functions = {
            "always": lambda: True, "success": lambda: not failed, "startsWith": str.startswith, "format": str.format,
            "hashFiles": lambda name: _digest(checkout / name),
        }  # fmt: skip
        return eval(python, {"__builtins__": {}}, functions)


_OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


class GitLabRunner(Machine):
    """Runs jobs of our template."""

    def __init__(self, folder: Path, api: str, forge: str, command: Path) -> None:
        super().__init__(folder, api, forge, command)
        self.template = yaml.safe_load((ROOT / "kits" / "gitlab" / "reconciler.gitlab-ci.yml").read_text())
        self.variables = {**SECRETS, "GITLAB_TOKEN": TOKEN}
        self.commit = "c0ffee" * 6 + "c0ff"

    def job(self, name: str, checkout: Path, bare: Path, *, request: int | None = None) -> Job:
        """A job of the template, for a branch or a merge request."""
        job = {**self.template[".reconciler"], **self.template[name]}
        own = {
            "GITLAB_CI": "true", "CI_API_V4_URL": f"{self.forge}/api/v4", "CI_PROJECT_ID": PROJECT,
            "CI_PROJECT_DIR": str(checkout), "CI_PROJECT_URL": f"file://{bare}".removesuffix(".git"),
            "CI_DEFAULT_BRANCH": "main", "CI_SERVER_HOST": "forge.example", "CI_COMMIT_SHA": self.commit,
        }  # fmt: skip
        own |= {"CI_COMMIT_BRANCH": "main"} if request is None else {"CI_MERGE_REQUEST_IID": str(request)}
        script = "\n".join([*job["before_script"], *job["script"]])
        given = {key: str(value) for key, value in {**self.template["variables"], **job["variables"]}.items()}
        done = self.bash(script, checkout, {**given, **self.pins, **self.variables, **own}, ("-e", "-o", "pipefail"))
        return Job(done.code, done.out, {}, "")


def _released(folder: Path) -> dict[str, str]:
    """A repository that jobs may install from, as the variables that name it."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=a release")
    return {"RECONCILER_SOURCE": f"file://{folder}", "RECONCILER_COMMIT": git(folder, "rev-parse", "HEAD").strip()}


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
