"""Files that hold odd values end a command with an error that names the place, exit code 1 and no traceback."""

import json

import pytest

from reconciler.model.value import digest

MANIFEST = """version: 1
apps:
  - platform: android
    bundle: com.acme
    name: Acme
    category1: Finance
    coppa: false
    placements:
      - {name: int_1, placementType: Interstitial, coppa: false, floorPrices: {US: 1}}
"""


@pytest.fixture
def applied(project):
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("apply", "--yes").code == 0
    return project


def ends_in_words(done, place):
    assert done.code == 1, done.out + done.err
    assert place in done.err
    assert "hint: " in done.err
    assert "Traceback" not in done.err
    assert len(done.err) < 2000


ODD = [("id", "7" * 70_000), ("id", None), ("id", [7]), ("applied", [1]),
       ("applied", {"floorPrices": {"US": "x" * 9000}}),
       ("inactiveSince", "9999-12-31T23:59:59-23:59"), ("inactiveSince", 7), ("protect", "no"), ("unconfirmed", 3),
       ("address", None)]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), ODD)
def test_an_odd_ledger_is_named_by_its_line(applied, key, value):
    lines = applied.entries()
    lines[1][key] = value
    applied.write("reconciler.lock", "".join(json.dumps(line) + "\n" for line in lines))
    for command in (["plan"], ["drift"], ["apply", "--yes"]):
        ends_in_words(applied.call(*command), "reconciler.lock:2: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [("at", "9999-12-31T23:59:59-23:59"), ("at", 7), ("id", "7" * 70_000), ("before", [1]), ("attempts", "many")],
)
def test_an_odd_journal_is_named_by_its_line(applied, key, value):
    lines = applied.read(".reconciler/journal.jsonl").splitlines()
    at = next(
        number
        for number, line in enumerate(lines)
        if json.loads(line).get("event") == ("ended" if key == "attempts" else "intent")
    )
    lines[at] = json.dumps({**json.loads(lines[at]), key: value})
    applied.write(".reconciler/journal.jsonl", "\n".join(lines) + "\n")
    ends_in_words(applied.call("history"), f".reconciler/journal.jsonl:{at + 1}: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [("id", "7" * 70_000), ("send", {"floorPrices": "x"}), ("send", 1), ("observed", None), ("fields", [{}]),
     ("source", {"file": 1, "line": "x"}), ("action", ["update"]), ("declared", {"coppa": "yes"}), ("appId", 1.5)],
)  # fmt: skip
@pytest.mark.parametrize("command", ["show", "apply", "rehearse"])
def test_an_odd_plan_is_refused_with_the_place_in_it(applied, command, key, value):
    applied.edit("apps/a.yaml", ("US: 1", "US: 1.2"))
    assert applied.call("plan", "--out", str(applied.root / "plan.json")).code == 0
    plan = json.loads(applied.read("plan.json"))
    plan["changes"][0][key] = value
    del plan["digest"]
    applied.write("plan.json", json.dumps({**plan, "digest": digest(plan)}))
    ends_in_words(applied.call(command, str(applied.root / "plan.json")), "changes[0]: ")


@pytest.mark.parametrize("limit", ["quarantineDays: 1.0e+300", "settleSeconds: 99999999999"])
def test_a_time_beyond_reckoning_is_a_finding_of_the_settings(project, limit):
    project.write("reconciler.yaml", f'version: 1\npublisherId: "3432"\nsafety: {{{limit}}}\n')
    done = project.call("validate")
    assert done.code == 1
    assert "the most is" in done.out + done.err
