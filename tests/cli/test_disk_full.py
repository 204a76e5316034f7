"""A disk that takes no more at any of a run's last lines: the account of what was done is given all the same."""

import json
import shutil
import subprocess
import sys

import pytest
from support.command import PATIENCE

MANIFEST = """version: 1
apps:
  - platform: android
    bundle: com.acme
    name: Acme
    category1: Finance
    coppa: false
    placements:
      - {name: int_1, placementType: Interstitial, coppa: false, floorPrices: {US: 1}}
      - {name: int_2, placementType: Interstitial, coppa: false}
"""
LIMITED = """
import resource, sys
from reconciler.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
main(sys.argv[2:])
"""


def limited(project, most, *arguments):
    """A command whose files may grow to so many bytes; what it says goes to pipes, which have no such limit."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(most), *arguments],
        cwd=project.root, env={**project.env, "PYTHONDONTWRITEBYTECODE": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=PATIENCE, check=False, text=True,
    )  # fmt: skip


@pytest.fixture
def lines(project, rival):
    """The bytes of the journal before each of its lines, of an apply that has room; the account is empty again."""
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("apply", "--yes").code == 0
    text = (project.root / ".reconciler/journal.jsonl").read_bytes()
    rival.apps.clear()
    rival.placements.clear()
    (project.root / "reconciler.lock").unlink()
    shutil.rmtree(project.root / ".reconciler")
    return [at for at in range(len(text)) if at == 0 or text[at - 1 : at] == b"\n"]


@pytest.mark.parametrize(
    ("form", "last"), [*(("json", last) for last in range(1, 6)), ("text", 1), ("text", 3), ("markdown", 1)]
)
def test_the_result_is_told_whichever_of_the_last_lines_finds_the_disk_full(project, rival, lines, last, form):
    done = limited(project, lines[-last] + 20, "apply", "--yes", "--format", form)
    made = {each["name"] for each in rival.placements.values()}
    assert made, "the limit is so small that nothing was written at all"
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout, done.stderr
    if form == "json":
        outcomes = {each["address"]: each["outcome"] for each in json.loads(done.stdout)["results"]}
        assert {f"android:com.acme/{name}" for name in made} <= {
            address for address, outcome in outcomes.items() if outcome in {"applied", "unverified"}
        }
    else:
        assert "applied" in done.stdout
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_what_the_journal_has_no_room_for_is_in_the_ledger_where_that_has_room(project, rival, lines):
    limited(project, lines[-4] + 20, "apply", "--yes")
    known = {entry["id"] for entry in project.entries()}
    assert known >= set(map(str, rival.placements))
