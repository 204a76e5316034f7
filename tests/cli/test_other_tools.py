"""Who types what other tools call it is told what it is called here, and nothing is done."""

import pytest
from support.command import Project

from reconciler.cli.main import COMMANDS as OURS
from reconciler.cli.scaffold import COMMANDS


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["import", "android:com.a", "170709"], "`reconciler pull`"),
        (["destroy"], "`state: absent`"),
        (["state", "list"], "`reconciler list`"),
        (["state", "rm", "x"], "`reconciler history`"),
        (["help"], "`reconciler --help`"),
        (["help", "plan"], "`reconciler COMMAND --help`"),
        (["refresh"], "`reconciler drift`"),
        (["diff"], "`reconciler plan`"),
        (["sync"], "`reconciler apply`"),
        (["dump"], "`reconciler pull`"),
        (["Import"], "`reconciler pull`"),
        (["version"], "`reconciler --version`"),
    ],
)
def test_a_command_of_another_tool_names_ours(project, typed, told):
    done = project.call(*typed)
    assert (done.code, done.out) == (64, "")
    assert f"No such command {typed[0]!r}: " in done.err
    assert told in done.err


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["apply", "--auto-approve"], "hint: --yes applies without asking"),
        (["apply", "-auto-approve"], "hint: --yes applies without asking"),
        (["plan", "-target=android:com.a"], "hint: --only GLOB"),
        (["plan", "--target", "android:com.a"], "hint: --only GLOB"),
        (["plan", "-target", "android:com.a"], "hint: --only GLOB"),
        (["plan", "-out=plan.json"], "hint: two dashes: --out"),
        (["plan", "-out", "plan.json"], "hint: two dashes: --out"),
        (["plan", "-detailed-exitcode"], "hint: two dashes: --detailed-exitcode"),
        (["apply", "-parallelism=2"], "hint: two dashes: --parallelism"),
        (["plan", "-var-file=a.tfvars"], "hint: there are no variables"),
        (["plan", "--var-file", "a.tfvars"], "hint: there are no variables"),
        (["plan", "-refresh-only"], "hint: `reconciler drift`"),
        (["plan", "-json"], "hint: --format json"),
        (["apply", "--dry-run"], "hint: `reconciler plan` writes nothing"),
        (["-chdir=games", "plan"], "hint: --project PATH"),
    ],
)
def test_an_option_of_another_tool_names_ours(project, typed, told):
    done = project.call(*typed)
    assert (done.code, done.out) == (64, "")
    assert told in done.err
    assert not (project.root / "plan.json").exists()


def test_an_option_that_nobody_knows_gets_no_hint(project):
    done = project.call("plan", "--nonsense")
    assert done.code == 64
    assert "hint" not in done.err


def test_a_mistyped_command_still_names_the_nearest(project):
    assert "Did you mean 'validate'?" in project.call("valdate").err


def test_no_command_of_ours_is_taken_for_another_tools():
    assert set(OURS) & set(COMMANDS) == set()


def test_commands_of_ours_that_are_named_exist():
    named = {
        word for text in COMMANDS.values() for word in text.replace("`", " ").split() if "reconciler " + word in text
    }
    assert named - {"COMMAND", "--help", "--version"} <= set(OURS)
