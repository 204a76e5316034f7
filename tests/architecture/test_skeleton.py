from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from reconciler.cli.main import cli

ROOT = Path(__file__).parents[2]
SKELETON = ROOT / "reconciler" / "cli" / "skeleton"


@pytest.mark.parametrize("name", ["reconcile.yml", "drift.yml", "floors.yml"])
def test_init_writes_the_workflows_that_the_gitops_example_shows(name):
    shown = ROOT / "examples" / "gitops" / ".github" / "workflows" / name
    assert (SKELETON / "github" / name).read_text() == shown.read_text()


def test_init_writes_the_template_that_the_kit_for_gitlab_is():
    kit = ROOT / "kits" / "gitlab" / "reconciler.gitlab-ci.yml"
    assert (SKELETON / "gitlab" / kit.name).read_text() == kit.read_text()


def test_what_init_writes_is_valid_without_a_warning(tmp_path):
    runner = CliRunner()
    assert runner.invoke(cli, ["init", str(tmp_path / "new"), "--publisher-id", "3432"]).return_value is None
    result = runner.invoke(cli, ["validate", "--strict", "--project", str(tmp_path / "new")], standalone_mode=False)
    assert result.return_value == 0, result.output
    assert yaml.safe_load((tmp_path / "new" / "reconciler.yaml").read_text())["publisherId"] == "3432"


def test_init_keeps_files_that_are_there(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    result = CliRunner().invoke(cli, ["init", str(tmp_path)], standalone_mode=False)
    assert result.return_value == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
