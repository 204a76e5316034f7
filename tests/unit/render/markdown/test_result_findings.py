"""Results and findings as comments."""

import re

import pytest
from support.builders import at, origin
from support.hostile import LONG, NAMES
from support.rendered import Rendered, assert_inert

from reconciler.model.address import Address
from reconciler.model.diagnostic import Finding
from reconciler.model.journal import Result
from reconciler.render.markdown import LIMIT
from reconciler.render.result import findings_markdown, result_markdown

RESULTS = [
    Result(at("a"), "create", "applied", "1", 1),
    Result(at("b"), "update", "skipped", "2", 0, "not tried"),
    Result(at("c"), "create", "unknown", None, 1, "nobody can tell"),
]


def test_what_went_wrong_stands_above_what_was_done_the_worst_first():
    text = result_markdown(RESULTS, "run-1", ".reconciler/undo/run-1.json", origin())
    seen = assert_inert(text)
    assert text.splitlines()[1] == "### Apply: 1 applied, 1 unknown, 1 skipped."
    assert seen.rows() == [
        ["outcome", "step", "id", "why"], ["unknown", f"create {at('c')}", "", "nobody can tell"],
        ["skipped", f"update {at('b')}", "2", "not tried"], ["step", "id"], [f"create {at('a')}", "1"],
    ]  # fmt: skip
    assert "reconciler apply .reconciler/undo/run-1.json" in seen.words
    assert text.index("<details>") > text.index("not tried")


def test_an_apply_without_steps_is_a_line():
    assert Rendered.of(result_markdown([], "run-1", None, origin())).rows() == []


@pytest.mark.parametrize("name", [*NAMES, LONG])
def test_names_in_results_and_findings_are_text(name):
    results = [Result(Address(name), "create", outcome, name, 1, name) for outcome in ("applied", "failed")]
    assert_inert(result_markdown(results, name, name, origin(), name))
    found = [Finding(name, 3, 5, "bad-value", name, kind, name, name) for kind in ("error", "warning")]
    assert_inert(findings_markdown(found, "1 error, 1 warning", name))


def test_errors_stand_above_warnings():
    found = [
        Finding("a.yaml", 3, 5, "reward-url", "not https", "warning"),
        Finding("b.yaml", 1, 2, "bad-key", "no", hint="quote it"),
    ]
    text = findings_markdown(found, "1 error, 1 warning")
    assert assert_inert(text).rows()[1:] == [
        ["error", "b.yaml:1:2", "no (quote it) [bad-key]", ""],
        ["warning", "a.yaml:3:5", "not https [reward-url]", ""],
    ]


def test_too_many_are_cut_and_counted():
    found = [Finding("a.yaml", line, 1, "bad-value", "x" * 300) for line in range(1, 1_000)]
    text = findings_markdown(found, "999 errors")
    assert len(text) <= LIMIT
    cut = int(re.search(r"Not shown: (\d+) errors\.", text)[1])
    assert cut + text.count("bad-value") == 999
    results = [Result(at(f"p{number}"), "create", "failed", None, 1, "x" * 300) for number in range(999)]
    text = result_markdown(results, "run-1", None, origin())
    assert len(text) <= LIMIT
    assert re.search(r"Not shown: \d+ failed\.", text)
