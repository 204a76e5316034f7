"""Trouble must not breed traffic: what an apply of two hundred steps sends when one request in ten fails."""

from dataclasses import replace
from functools import partial

import pytest
from support.builders import desired_app, desired_placement, desired_state, entry
from support.wire import IMPATIENT, Wire, app, placement, twins

from reconciler.sandbox import faults
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text

HALF = 100
MOST = 1.5
ODDS = 0.1
SEED = 7

PATIENT = replace(IMPATIENT, deadline=120, tries=5, throttled_tries=12)
"""As many tries as a user's run has, so that throttling is outlasted whichever worker it strikes."""


def one_in_ten(*make) -> list[faults.Fault]:
    """So many kinds, a tenth of all requests together."""
    return [each(probability=ODDS / len(make)) for each in make]


MIXES: dict[str, list[faults.Fault]] = {
    "503": one_in_ten(partial(faults.Status, status=503)),
    "reset before": one_in_ten(faults.Reset),
    "reset after": one_in_ten(partial(faults.Reset, when="after")),
    "429": one_in_ten(partial(faults.Status, status=429, retry_after=1)),
    "all kinds": one_in_ten(
        partial(faults.Status, status=500),
        partial(faults.Status, status=502, when="after"),
        partial(faults.Status, status=429),
        faults.Reset,
        partial(faults.Reset, when="after"),
        faults.Truncate,
        faults.Garbage,
        partial(faults.Empty, when="after"),
        partial(faults.BadGzip, when="after"),
    ),
}


@pytest.fixture(scope="module")
def wire():
    with Wire.running() as running:
        yield running


def sent(wire, root, *mix):
    """How many requests an apply of a hundred creates and a hundred updates takes, and what came of its steps."""
    root.mkdir()
    old = [desired_placement(f"old_{number}", floorPrices={"US": 2}) for number in range(HALF)]
    new = [desired_placement(f"new_{number}", coppa=False, floorPrices={"US": 2}) for number in range(HALF)]
    desired = desired_state(desired_app(*old, *new))
    live = [placement(str(500 + at), "100", f"old_{at}", floorPrices={"US": 1}) for at in range(HALF)]
    wire.holds(app("100", "com.acme"), *live)
    known = [entry(desired.apps[0], "100"), *(entry(block, str(500 + at)) for at, block in enumerate(old))]
    (root / LEDGER_NAME).write_text(ledger_text({each.address: each for each in known}))
    wire.strike(*mix, seed=SEED)
    _, execution = wire.apply(desired, root, parallelism=8, patience=PATIENT)
    assert twins(wire.truth().values()) == []
    return sum(wire.sent.values()), [each.outcome for each in execution.results]


@pytest.mark.parametrize("name", MIXES)
def test_ten_percent_faults_cost_at_most_half_as_much_again(wire, tmp_path, name):
    quiet, outcomes = sent(wire, tmp_path / "quiet")
    assert outcomes == ["applied"] * 2 * HALF
    troubled, outcomes = sent(wire, tmp_path / "troubled", *MIXES[name])
    assert outcomes.count("applied") >= 0.97 * len(outcomes)
    assert quiet < troubled <= MOST * quiet
