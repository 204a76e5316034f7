"""A disk that takes no more at any of a run's last lines: the account of what was done is given all the same."""

import json
import shutil

import pytest
from support.command import PATIENCE, Done
from support.forking import forked

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


def limited(project, most, *arguments):
    """A command whose files may grow to so many bytes; what it says goes to pipes, which have no such limit."""
    done = forked().run(arguments, project.root, project.env, PATIENCE, largest_file=most)
    return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


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
