"""The Python interface is what its page says: every exported name is described, every example runs."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import api
from reconciler.sandbox.server import RunningSandbox

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MANIFEST = "version: 1\napps: [{platform: android, bundle: com.a, name: A, category1: Finance, coppa: false}]\n"


def test_exported_members():
    assert api.__all__ == [
        "Allowances",
        "ApplyResult",
        "Approval",
        "BacktestResult",
        "DriftResult",
        "FetchResult",
        "FloorsWriteResult",
        "HistoryResult",
        "ImportResult",
        "InventoryResult",
        "Notice",
        "Observer",
        "PlanResult",
        "Project",
        "PullResult",
        "RehearsalResult",
        "RowsResult",
        "Selection",
        "SuggestionsResult",
        "UndoResult",
        "ValidationResult",
        "load_plan",
    ]
    assert dir(api) == api.__all__
    with pytest.raises(AttributeError):
        _ = api.Workspace


@pytest.mark.parametrize("name", api.__all__)
def test_an_exported_name_is_there_and_described(name):
    value = getattr(api, name)
    heading = f"## {name}\n\n" if name == "Project" else f"### {name}\n\n"
    assert heading in PAGE
    if inspect.isclass(value):
        members = [each for each in vars(value) if not each.startswith("_")]
        assert [each for each in members if f"`{each}" not in PAGE and f"Project.{each}\n" not in PAGE] == []


def test_the_examples_of_the_page_run_in_order(tmp_path, monkeypatch, capsys):
    (tmp_path / "monetization" / "apps").mkdir(parents=True)
    (tmp_path / "monetization" / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')
    (tmp_path / "monetization" / "apps" / "a.yaml").write_text(MANIFEST)
    monkeypatch.chdir(tmp_path)
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) > 5
    with RunningSandbox() as sandbox:
        for name, value in {"MANAGEMENT_URL": sandbox.url, "CLIENT_ID": "me", "CLIENT_SECRET": "mine"}.items():
            monkeypatch.setenv(f"DT_{name}", value)
        names = {}
        for example in examples:
            exec(compile(example, "python.md", "exec"), names)
    assert "1 to make, 0 to change" in capsys.readouterr().out


def test_the_notebook_runs_to_its_end(tmp_path):
    script = ROOT / "examples" / "notebook" / "reconcile.py"
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all done: True" in done.stdout
    assert "drift android:com.example.harbordash/level_end_high" in done.stdout
    assert "done: True - left to alarm: 0" in done.stdout
    assert "10" in done.stdout
    assert {path.suffix for path in tmp_path.iterdir()} <= {".log"}
