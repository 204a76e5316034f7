"""Chains and swaps of names: what was asked for comes out, or nothing is done and it is said why."""

import json

import pytest
from support.command import ONE_APP


def manifest(*placements):
    """An app whose placements are (name, former name, floor)."""
    lines = [
        f"      - {{name: {name}, placementType: Interstitial, coppa: false, floorPrices: {{WW: {floor}}}"
        + (f", renamedFrom: {old}" if old else "")
        + "}\n"
        for name, old, floor in placements
    ]
    return ONE_APP + "    placements:\n" + "".join(lines)


@pytest.fixture
def three(project, rival):
    """Placements a, b, c with floors 1, 2, 3."""
    project.write("apps/a.yaml", manifest(("a", None, 1), ("b", None, 2), ("c", None, 3)))
    assert project.call("apply", "--yes").code == 0
    return {fields["name"]: number for number, fields in rival.placements.items()}


def names(rival):
    return {number: fields["name"] for number, fields in rival.placements.items()}


@pytest.mark.parametrize(
    "blocks",
    [
        (("b", "a", 1), ("c", "b", 2)),
        (("c", "b", 2), ("b", "a", 1)),
        (("b", "a", 1), ("c", "b", 2), ("d", "c", 3)),
        (("a", "b", 2), ("b", "a", 1), ("c", None, 3)),
        (("b", "a", 1), ("c", "b", 2), ("a", "c", 3)),
    ],
    ids=["chain", "chain in other order", "long chain", "swap", "circle"],
)
def test_names_that_are_given_on_are_one_finding_and_nothing_is_done(project, rival, three, blocks):
    before = names(rival)
    rival.asked.clear()
    project.write("apps/a.yaml", manifest(*blocks))
    done = project.call("validate", "--format", "json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["code"], finding["severity"]) == ("rename-chain", "error")
    assert "placementId" in finding["hint"]
    assert project.call("apply", "--yes").code == 1
    assert rival.writes == []
    assert names(rival) == before


def test_a_swap_with_pins_gives_each_the_others_name(project, rival, three):
    text = manifest(("b", None, 1), ("a", None, 2), ("c", None, 3))
    for name, number in (("b", three["a"]), ("a", three["b"])):
        text = text.replace(f"name: {name},", f'name: {name}, placementId: "{number}",')
    project.write("apps/a.yaml", text)
    done = project.call("apply", "--yes")
    assert done.code == 0, done.err
    assert names(rival) == {three["a"]: "b", three["b"]: "a", three["c"]: "c"}
    assert project.call("plan", "--detailed-exitcode").code == 0
    ids = {each["address"]: each["id"] for each in map(json.loads, project.read("reconciler.lock").splitlines()[-4:])}
    assert ids["android:com.a/a"] == str(three["b"])


def test_a_chain_in_two_applies_renames_both(project, rival, three):
    project.write("apps/a.yaml", manifest(("a", None, 1), ("b", None, 2), ("d", "c", 3)))
    assert project.call("apply", "--yes").code == 0
    project.write("apps/a.yaml", manifest(("a", None, 1), ("c", "b", 2), ("d", None, 3)))
    assert project.call("apply", "--yes").code == 0
    assert names(rival) == {three["a"]: "a", three["b"]: "c", three["c"]: "d"}


def test_a_former_name_that_another_block_has_is_warned_of(project, three):
    project.write("apps/a.yaml", manifest(("a", None, 1), ("b", None, 2), ("c", None, 3), ("d", "b", 2)))
    done = project.call("validate", "--format", "json")
    assert done.code == 0
    assert [(each["code"], each["severity"]) for each in done.json["findings"]] == [("rename-declared", "warning")]
    assert project.call("validate", "--strict").code == 1


def test_a_former_name_may_be_given_to_a_new_placement_once_the_rename_is_done(project, rival, three):
    project.write("apps/a.yaml", manifest(("a", None, 1), ("b", None, 2), ("d", "c", 3)))
    assert project.call("apply", "--yes").code == 0
    project.write("apps/a.yaml", manifest(("a", None, 1), ("b", None, 2), ("d", "c", 3), ("c", None, 4)))
    assert project.call("apply", "--yes").code == 0
    assert names(rival)[three["c"]] == "d"
    assert len(rival.placements) == 4
