"""From where the jobs that `init` writes install this program: as `--source` says, else as the running one was."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.runner import git

from reconciler import __version__
from reconciler.cli.source import UNKNOWN, Commit, Wheel, read_source
from reconciler.errors import UsageError

ROOT = Path(__file__).parents[2]
COMMIT, DIGEST = "0123456789abcdef0123456789abcdef01234567", "ab" * 32
WHEEL = "https://files.example/waterfall_reconciler-0.1.0-py3-none-any.whl"
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from waterfall_reconciler import main; main()"

PINNED = [
    (f"https://git.example/a/b@{COMMIT}", Commit("https://git.example/a/b", COMMIT)),
    (f"git+https://git.example/a/b.git@{COMMIT}", Commit("https://git.example/a/b.git", COMMIT)),
    (f" ssh://git@git.example:2222/a/b@{COMMIT}\n", Commit("ssh://git@git.example:2222/a/b", COMMIT)),
    (f"git@git.example:a/b.git@{COMMIT}", Commit("ssh://git@git.example/a/b.git", COMMIT)),
    (f"https://git.example/a/b@{'0a' * 32}", Commit("https://git.example/a/b", "0a" * 32)),
    (f"http://localhost:3000/a/b@{COMMIT}", Commit("http://localhost:3000/a/b", COMMIT)),
    (f"file:///srv/git/b@{COMMIT}", Commit("file:///srv/git/b", COMMIT)),
    (f"{WHEEL}#sha256={DIGEST}", Wheel(WHEEL, DIGEST)),
]

REFUSED = [
    "waterfall-reconciler", "waterfall-reconciler==0.1.0", "", "@", f"@{COMMIT}", f"x@{COMMIT}", "https://git.example/a/b",
    "https://git.example/a/b@main", "https://git.example/a/b@v0.1.0", "https://git.example/a/b@0123456",
    f"https://git.example/a/b@{COMMIT.upper()}", f"https://git.example/a/b@{COMMIT}#egg=x", f"https://@{COMMIT}",
    f"https://ada:canary@git.example/a/b@{COMMIT}", f"https://canary@git.example/a/b@{COMMIT}",
    f"ssh://git:canary@git.example/a/b@{COMMIT}", f"http://git.example/a/b@{COMMIT}", f"ftp://git.example/a/b@{COMMIT}",
    f"https://git.example/a b@{COMMIT}", f'https://git.example/"a@{COMMIT}', f"https://git.example/$(a)@{COMMIT}",
    f"https://git.example/a\nb@{COMMIT}", f"https://git.example/${{{{ x }}}}@{COMMIT}", f"https://[x/a@{COMMIT}",
    f"https://git.example/a?token=canary@{COMMIT}", WHEEL, f"{WHEEL}#sha256=ab", f"{WHEEL}#md5={DIGEST}",
    f"http://files.example/a.whl#sha256={DIGEST}", f"https://ada:canary@files.example/a.whl#sha256={DIGEST}",
]  # fmt: skip


@pytest.mark.parametrize(("text", "source"), PINNED)
def test_a_source_is_a_commit_or_a_wheel_with_its_hash(text, source):
    assert read_source(text) == source
    assert read_source(str(source)) == source


@pytest.mark.parametrize("text", REFUSED)
def test_what_could_become_something_else_or_holds_a_secret_is_refused_without_repeating_it(text):
    with pytest.raises(UsageError) as wrong:
        read_source(text)
    assert wrong.value.hint
    assert "canary" not in wrong.value.message + wrong.value.hint


class Program:
    """A copy of this program in a folder, as a checkout or as an installer lays it out."""

    def __init__(self, folder):
        self.folder, self.around = folder / "program", folder
        shutil.copytree(ROOT / "reconciler", self.folder / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "waterfall_reconciler.py", self.folder)

    def commits(self, remote=None, folder=None):
        folder = folder or self.folder
        git(folder, "init", "--quiet")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message=begin")
        if remote:
            git(folder, "remote", "add", "origin", remote)
        return git(folder, "rev-parse", "HEAD").strip()

    def is_noted(self, noted):
        info = self.folder / f"waterfall_reconciler-{__version__}.dist-info"
        info.mkdir()
        (info / "direct_url.json").write_text(json.dumps(noted))

    def init(self, *arguments):
        """What `init` says, and the variables of the workflow it writes; the workflow itself is in `text`."""
        project = self.around / "project"
        done = subprocess.run(
            [sys.executable, "-c", START, self.folder, "init", project, "--ci", "github", *arguments],
            cwd=self.around, env={"PATH": os.environ["PATH"], "HOME": str(self.around)}, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        [written] = [*project.glob(".github/*/reconcile.yml"), *self.around.glob(".github/*/reconcile-project.yml")]
        self.text = written.read_text()
        return done.stderr, yaml.safe_load(self.text)["env"]


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


REMOTES = [
    ("https://git.example/a/b", "https://git.example/a/b"),
    ("https://ada:canary@git.example/a/b.git", "https://git.example/a/b.git"),
    ("git@git.example:a/b.git", "https://git.example/a/b.git"),
    ("ssh://git@git.example/a/b", "https://git.example/a/b"),
]


@pytest.mark.parametrize(("remote", "url"), REMOTES)
def test_a_checkout_names_its_remote_and_its_commit(program, remote, url):
    commit = program.commits(remote)
    told, env = program.init()
    assert env == {"RECONCILER_SOURCE": url, "RECONCILER_COMMIT": commit, "RECONCILER_LOCK": "run"}
    assert f"CI installs this program from {url}@{commit}" in told
    assert "canary" not in told + program.text


def test_a_commit_that_no_branch_of_the_remote_holds_is_told(program):
    commit = program.commits("https://git.example/a/b")
    assert "push it, or jobs fail" in program.init()[0]
    shutil.rmtree(program.around / "project")
    git(program.folder, "update-ref", "refs/remotes/origin/main", commit)
    assert "push it" not in program.init()[0]


NOTED = [
    ({"url": "https://git.example/a/b", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
     {"RECONCILER_SOURCE": "https://git.example/a/b", "RECONCILER_COMMIT": COMMIT}),
    ({"url": WHEEL, "archive_info": {"hashes": {"sha256": DIGEST}}}, {"RECONCILER_WHEEL": f"{WHEEL}#sha256={DIGEST}"}),
]  # fmt: skip


@pytest.mark.parametrize(("noted", "pins"), NOTED)
def test_what_the_installer_noted_is_named(program, noted, pins):
    program.is_noted(noted)
    assert program.init()[1] == {**pins, "RECONCILER_LOCK": "run"}


NOWHERE = [
    {"url": "file:///nowhere/a.whl", "archive_info": {"hashes": {"sha256": DIGEST}}},
    {"url": WHEEL, "archive_info": {}},
    {"url": "file:///nowhere", "dir_info": {}},
    {"url": "file:///nowhere", "vcs_info": {"commit_id": COMMIT}},
    {},
    [],
]  # fmt: skip


@pytest.mark.parametrize("noted", NOWHERE)
def test_where_it_is_not_known_a_host_that_cannot_be_is_written_and_told(program, noted):
    program.is_noted(noted)
    told, env = program.init()
    assert (env["RECONCILER_SOURCE"], env["RECONCILER_COMMIT"]) == (UNKNOWN.url, UNKNOWN.commit)
    assert "warning: from where CI is to install this program is not known" in told
    assert "RECONCILER_SOURCE and RECONCILER_COMMIT" in told


def test_a_checkout_without_a_remote_is_not_known_either(program):
    program.commits()
    assert program.init()[1]["RECONCILER_SOURCE"] == UNKNOWN.url


def test_the_repository_around_an_environment_is_not_the_programs(program):
    """Many a project has its environment in its own checkout."""
    program.commits("https://git.example/studio/ads", program.around)
    assert program.init()[1]["RECONCILER_SOURCE"] == UNKNOWN.url


def test_what_is_given_counts_more_and_leaves_nothing_of_the_other_form(program):
    program.commits("https://git.example/a/b")
    told, env = program.init("--source", f"{WHEEL}#sha256={DIGEST}")
    assert env == {"RECONCILER_WHEEL": f"{WHEEL}#sha256={DIGEST}", "RECONCILER_LOCK": "run"}
    assert "RECONCILER_COMMIT" not in program.text
    assert "git -C" not in program.text
    assert program.text.count("--require-hashes") == 3
    assert "push it" not in told


def test_a_wrong_source_is_wrong_usage_and_writes_nothing(program):
    program.commits("https://git.example/a/b")
    with pytest.raises(AssertionError, match="git ls-remote"):
        program.init("--source", "https://git.example/a/b@main")
    assert not (program.around / "project").exists()


BARE = ["README.md", "action.yml", "Dockerfile", ".pre-commit-hooks.yaml", "docs", "examples", "kits", "reconciler"]


def test_nothing_of_ours_installs_the_program_by_its_name():
    files = [path for name in BARE for path in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name])]
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file()}
    by_name = re.compile(r"\binstall\s+(?:-\S+\s+)*[\"'`]*waterfall-reconciler(?!\S*\s*@)")
    assert [f"{path}: {found[0]}" for path, text in texts.items() for found in by_name.finditer(text)] == []
