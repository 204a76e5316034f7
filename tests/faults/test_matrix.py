"""Each kind of fault at each kind of call, over real HTTP: no twin, no loss, a true account, and the next run mends it.

The outcomes are published in docs/reliability.md. `make goldens` writes its tables anew; review reads the diff.
"""

import os
import re
from pathlib import Path

import pytest
from support.matrix import CALLS, KINDS, MODES, OFF, cell
from support.wire import Wire

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
HEADINGS = {"once": "### The fault strikes once", "throughout": "### The fault strikes throughout the run"}
REWRITES = bool(os.environ.get("REWRITE_GOLDENS"))


def line(cells):
    return f"| {' | '.join(cells)} |"


def table(mode, rows):
    head = [line(["fault", *(call.title for call in CALLS)]), "|---" * (len(CALLS) + 1) + "|"]
    return "\n".join([HEADINGS[mode], "", *head, *(rows[kind.row] for kind in KINDS)])


def published(mode):
    """The rows that the document has, by the fault they are about."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(HEADINGS[mode])[2]
    lines = text.strip().partition("\n\n")[0].splitlines()[2:]
    return {each.strip("| ").split(" | ")[0]: each for each in lines}


def publish(mode, row, text):
    """Put a row into its table, which is written anew with the rows that there are."""
    rows = {kind.row: line([kind.row, *[OFF] * len(CALLS)]) for kind in KINDS} | published(mode) | {row: text}
    document = DOCUMENT.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(HEADINGS[mode]) + r"\n\n(?:\|.*\n)*", re.MULTILINE)
    DOCUMENT.write_text(pattern.sub(lambda _: table(mode, rows) + "\n", document), encoding="utf-8")


@pytest.fixture(scope="module")
def plain():
    with Wire.running() as running:
        yield running


@pytest.fixture
def wire(kind, plain):
    """The server that a row is about."""
    if not kind.quirks:
        yield plain
        return
    with Wire.running(**dict(kind.quirks)) as running:
        yield running


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.row)
def test_a_fault_does_no_harm_is_accounted_for_and_leaves_nothing_for_long(wire, kind, tmp_path):
    for mode in MODES:
        cells = []
        for number, call in enumerate(CALLS):
            root = tmp_path / f"{mode}{number}"
            root.mkdir()
            cells.append(cell(wire, kind, call, mode, root))
        seen = line([kind.row, *cells])
        if REWRITES:
            publish(mode, kind.row, seen)
        assert published(mode)[kind.row] == seen, "if this is meant, `make goldens` publishes it"


def test_the_published_tables_are_about_these_faults_and_calls():
    document = DOCUMENT.read_text(encoding="utf-8")
    for mode in MODES:
        assert table(mode, published(mode)) in document
        assert list(published(mode)) == [kind.row for kind in KINDS]
