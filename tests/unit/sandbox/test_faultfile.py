import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from pydantic.alias_generators import to_camel

from reconciler.errors import ProjectError
from reconciler.sandbox.fault_script import FaultFile, read_faults
from reconciler.sandbox.faults import Echo, Fault, Late, Null, OldId, Omit, Status, Timeout
from reconciler.sandbox.quirks import Quirks


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "faults.yaml"

    def write_and_read(text):
        path.write_text(text)
        return read_faults(path)

    return write_and_read


def refusal(read, text):
    with pytest.raises(ProjectError) as refused:
        read(text)
    return refused.value.message


def test_faults_and_quirks_are_read(read):
    told = read("""
chance: 7
quirks: {listShape: named, hidden: [skipability], appearsAfter: 1.5, storeNames: true}
faults:
  - {on: POST placement, nth: 2, when: after, do: timeout, seconds: 30}
  - {on: GET app, do: status, status: 429, retryAfter: 2, times: 1}
  - {on: GET placement, do: omit, omit: [24, "25"]}
""")
    assert told == FaultFile(
        faults=(
            Timeout(on="POST placement", nth=2, when="after", seconds=30),
            Status(on="GET app", status=429, retry_after=2, times=1),
            Omit(on="GET placement", omit=(24, "25")),
        ),
        quirks=Quirks(list_shape="named", hidden=("skipability",), appears_after=1.5, store_names=True),
        chance=7,
    )


def test_servers_that_lag_and_keep_values_otherwise_are_read(read):
    told = read("""
quirks: {replicas: [0, 8], updatesAfter: 2, names: cut16, prices: 0.05, drops: [CA], adds: {US: 0.5}, dedup: true}
faults:
  - {on: POST placement, nth: 2, do: old-id, id: 240001, fields: false}
  - {on: PUT placement, do: echo}
  - {on: POST app, do: late, seconds: 20}
  - {on: POST app, do: status, status: 303, when: after}
""")
    assert told.quirks == Quirks(
        replicas=(0, 8), updates_after=2, names="cut16", prices=0.05, drops=("CA",), adds={"US": 0.5}, dedup=True
    )
    assert told.faults == (
        OldId(on="POST placement", nth=2, id=240001, fields=False),
        Echo(on="PUT placement"),
        Late(on="POST app", seconds=20),
        Status(on="POST app", status=303, when="after"),
    )


def test_what_is_wrong_with_those_is_told_with_its_place(read):
    told = refusal(read, """quirks: {names: upper, adds: {US: cheap}, replicas: 3}
faults:
  - {do: echo, when: after}
  - {do: late, seconds: -1}
  - {do: old_id}
  - {do: status, status: 204}
""").splitlines()  # fmt: skip
    expected = [
        ("names", "'sent', 'lower', 'trim'"), ("US", "number"), ("replicas", "should be a list"),
        (":3:16: ", "when: should be 'before'"), (":4:5: ", "not below 0"), (":5:5: ", "did you mean old-id?"),
        (":6:5: ", "between 300 and 599"),
    ]  # fmt: skip
    assert len(told) == len(expected)
    for parts in expected:
        assert any(all(part in line for part in parts) for line in told), (parts, told)


def test_an_empty_file_has_no_faults(read):
    assert read("# nothing yet\n") == FaultFile()


def test_everything_wrong_is_told_at_once_each_with_its_place(read):
    told = refusal(read, """quirks:
  hiden: [skipability]
  putAnswer: fulll
faults:
  - {on: GTE app, do: reset}
  - {do: status, status: 500, retryafter: 2}
  - {do: rest}
  - {do: status}
  - {on: GET app}
  - 3
  - {do: omit, when: before}
  - {do: timeout, seconds: .inf}
""").splitlines()  # fmt: skip
    expected = [
        (":2:3: ", "no hiden here", "did you mean hidden?"),
        (":3:3: ", "putAnswer", "'full', 'message' or 'stale'"),
        (":5:5: ", "'GTE app' is not a method and a resource", ""),
        (":6:31: ", "no retryafter here", "did you mean retryAfter?"),
        (":7:5: ", "do: rest is none of", "did you mean reset?"),
        (":8:5: ", "status is missing", ""),
        (":9:5: ", "do is missing", ""),
        (":10:5: ", "should be a mapping", ""),
        (":11:16: ", "when: should be 'after'", ""),
        (":12:19: ", "seconds", "finite"),
    ]
    assert len(told) == len(expected)
    for line, parts in zip(told, expected, strict=True):
        assert all(part in line for part in parts), line


@pytest.mark.parametrize("text", ["[1]", "faults: 3", "quirks: x", "faults: {do: reset}", "- a\n- b", "hello"])
def test_another_shape_of_file_is_refused(read, text):
    assert "faults.yaml:1:" in refusal(read, text)


def test_what_is_no_yaml_is_refused_with_its_place(read):
    assert "faults.yaml:3:" in refusal(read, "faults:\n  - {do: reset\n")
    assert "duplicate-key" in refusal(read, "chance: 1\nchance: 2\n")
    assert "one-document" in refusal(read, "chance: 1\n---\nchance: 2\n")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="nowhere"):
        read_faults(tmp_path / "nowhere.yaml")


DOCUMENT = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_the_examples_in_the_document_are_read(read):
    examples = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        assert read(example) != FaultFile()


@pytest.mark.parametrize("known", fields(Quirks), ids=lambda known: known.name)
def test_the_document_tells_every_quirk_and_its_values(known):
    row = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| `{to_camel(known.name)}` "))
    assert all(f"`{value}`" in row for value in get_args(known.type) if isinstance(value, str))


@pytest.mark.parametrize("case", get_args(Fault), ids=lambda case: case.__name__)
def test_the_document_tells_every_fault_and_its_keys(case):
    told = {known.name: known for known in fields(case)}
    row = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| `{told['do'].default}` "))
    own = set(told) - {"do", "when", "on", "containing", "nth", "every", "probability", "times"}
    assert all(f"`{to_camel(name)}" in row for name in own)
    assert f"| {told['when'].default}" in row


@pytest.mark.parametrize("text", ["null", "'null'"])
def test_the_fault_that_is_called_null_needs_no_quotes(read, text):
    assert read(f"faults:\n  - {{on: POST app, do: {text}}}\n").faults == (Null(on="POST app"),)
