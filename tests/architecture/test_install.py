"""What `init --source` writes installs that and nothing else: real pip, a real repository, and a squatter on the index.

Nothing is fetched from the network: what the lock names is served from this environment, as wheels packed anew, with a
lock of the same form that holds their hashes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from architecture.source_code import ROOT
from architecture.test_wheel import OURS, call, required
from packaging.tags import parse_tag, sys_tags
from packaging.utils import canonicalize_name
from support.runner import git

BUILD = required("hatchling")
RUN = required(OURS) - {OURS}
TAGS = frozenset(sys_tags())
TREE = ("reconciler", "pyproject.toml", "README.md", "LICENSE", "hatch_build.py", "waterfall_reconciler.py")


def repacked(name, folder):
    """An installed distribution as a wheel again, of a tag that every installer here takes."""
    one = distribution(name)
    told = [line.partition(": ")[2] for line in one.read_text("WHEEL").splitlines() if line.startswith("Tag: ")]
    tag = next(str(tag) for each in told for tag in parse_tag(each) if tag in TAGS)
    path = folder / f"{canonicalize_name(name).replace('-', '_')}-{one.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in one.files:
            outside = file.parts[0] == ".." or "__pycache__" in file.parts
            if not outside and file.name not in {"INSTALLER", "REQUESTED", "direct_url.json"}:
                wheel.write(one.locate_file(file), file.as_posix())
    return path


def locked(names, wheels):
    lines = []
    for name in sorted(names):
        digest = hashlib.sha256(wheels[name].read_bytes()).hexdigest()
        lines.append(f"{name}=={distribution(name).version} \\\n    --hash=sha256:{digest}\n")
    return "".join(lines)


def packed(path, files, *, name, version="9"):
    """A wheel of a made-up distribution."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for place, text in files.items():
            wheel.writestr(place, text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "".join(f"{place},,\n" for place in (*files, f"{info}/RECORD")))
    return path


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """The only place that pip looks in: what the lock names, and a newer `waterfall-reconciler` of somebody else."""
    folder = tmp_path_factory.mktemp("index")
    wheels = {name: repacked(name, folder) for name in BUILD | RUN}
    packed(folder / "waterfall_reconciler-9-py3-none-any.whl", {"squatter.py": ""}, name=OURS)
    (folder / "locks").mkdir()
    for lock, names in (("build", BUILD), ("run", RUN)):
        (folder / "locks" / f"{lock}.txt").write_text(locked(names, wheels))
    return folder


@pytest.fixture(scope="module")
def repository(index, tmp_path_factory):
    """This program in a repository of its own, its lock naming what the index here has; and one more commit on top."""
    folder = tmp_path_factory.mktemp("program")
    for name in TREE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for lock in ("build", "run"):
        shutil.copy(index / "locks" / f"{lock}.txt", folder / "reconciler" / "requirements")
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=a release")
    pinned = git(folder, "rev-parse", "HEAD").strip()
    (folder / "reconciler" / "__init__.py").write_text('raise SystemExit("not what was pinned")\n')
    git(folder, "commit", "--quiet", "--all", "--message=later")
    return f"file://{folder}", pinned


class Runner:
    """Runs the step of a workflow, or the script of a template, that installs: with a Python that holds nothing."""

    def __init__(self, folder, index, python):
        self.folder, self.index = folder, index
        shutil.copytree(python, folder / "python", symlinks=True)
        self.bin = folder / "python" / "bin"

    def runs(self, script, place, **variables):
        env = {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.folder), "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index), "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",
        }  # fmt: skip
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
            cwd=place, env={**env, **variables}, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def installs(self, project):
        """What the project's audit does before it audits."""
        read = yaml.safe_load((project / ".github" / "workflows" / "drift.yml").read_text())
        [step] = [one for one in read["jobs"]["audit"]["steps"] if one.get("name") == "install"]
        temp = self.folder / "temp"
        temp.mkdir()
        return self.runs(step["run"], temp, **read["env"])

    def names(self):
        said = call(self.bin / "python", "-m", "pip", "list", "--format", "json", cwd=self.folder)
        return {canonicalize_name(one["name"]): one["version"] for one in json.loads(said)}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An environment with nothing but pip, made once: a copy is one too, without scripts that know where they were."""
    folder = tmp_path_factory.mktemp("empty") / "python"
    venv.create(folder, with_pip=True, symlinks=True)
    for script in folder.glob("bin/pip*"):
        script.unlink()
    return folder


@pytest.fixture
def runner(tmp_path, index, empty):
    return Runner(tmp_path, index, empty)


def initial(folder, source, ci="github"):
    call(sys.executable, "-m", "reconciler", "init", folder, "--ci", ci, "--source", source, cwd=folder.parent)
    return folder


def test_a_workflow_installs_the_commit_that_init_was_given_and_says_so(runner, repository, tmp_path):
    url, commit = repository
    done = runner.installs(initial(tmp_path / "project", f"{url}@{commit}"))
    assert done.returncode == 0, done.stderr
    there = runner.names()
    assert there[OURS] == distribution(OURS).version
    assert set(there) == RUN | BUILD | {OURS, "pip", "setuptools"} & set(there)
    assert f"(commit {commit} of {url})" in call(runner.bin / "reconciler", "--version", cwd=tmp_path)


def test_a_job_of_the_template_installs_it_too(runner, repository, tmp_path):
    url, commit = repository
    project = initial(tmp_path / "project", f"{url}@{commit}", "gitlab")
    call("git", "init", "--quiet", cwd=project)
    read = yaml.safe_load((project / "reconciler.gitlab-ci.yml").read_text())
    script = "\n".join([*read[".reconciler"]["before_script"], "reconciler --version", "pwd"])
    done = runner.runs(script, project, CI_PROJECT_DIR=str(project), **read["variables"])
    assert done.returncode == 0, done.stderr
    version, place = done.stdout.splitlines()
    assert commit in version
    assert Path(place) == project


def test_a_workflow_installs_the_wheel_that_init_was_given_if_it_has_that_hash(runner, repository, index, tmp_path):
    url, commit = repository
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", url, str(checkout))
    git(checkout, "checkout", "--quiet", commit)
    git(checkout, "remote", "set-url", "origin", "https://ada:token-canary@git.example/releases")
    built = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "dist", checkout]
    call(*built, cwd=tmp_path, PATH=os.environ["PATH"])
    [wheel] = (tmp_path / "dist").glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    done = runner.installs(initial(tmp_path / "project", f"file://{wheel}#sha256={digest}"))
    assert done.returncode == 0, done.stderr
    assert f"(file://{wheel}, sha256 {digest})" in call(runner.bin / "reconciler", "--version", cwd=tmp_path)
    note = json.loads((next(runner.bin.parent.glob("lib/python*/site-packages")) / "reconciler/built.json").read_text())
    assert note == {"url": "https://git.example/releases", "commit": commit}, "and not the token of who built it"

    shutil.rmtree(tmp_path / "temp")
    other = runner.installs(initial(tmp_path / "other", f"file://{wheel}#sha256={'0' * 64}"))
    assert other.returncode != 0
    assert digest in other.stderr


def test_what_is_not_as_the_lock_says_is_not_installed(runner, repository, tmp_path, index):
    url, commit = repository
    project = initial(tmp_path / "project", f"{url}@{commit}")
    shutil.copytree(index, tmp_path / "mirror")
    runner.index = tmp_path / "mirror"
    [click] = runner.index.glob("click-*.whl")
    with zipfile.ZipFile(click, "a") as wheel:
        wheel.writestr("squatter.py", "")
    done = runner.installs(project)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert OURS not in runner.names()


def test_by_its_name_the_squatter_would_come(runner):
    """Else the tests above would say nothing."""
    assert runner.runs(f"python3 -m pip install {OURS}", runner.folder).returncode == 0
    assert runner.names()[OURS] == "9"


def test_where_nobody_said_from_where_a_job_installs_nothing(runner, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(ROOT / "examples" / "gitops", project)
    done = runner.installs(project)
    assert done.returncode != 0
    assert "git.example" in done.stderr
    assert OURS not in runner.names()
