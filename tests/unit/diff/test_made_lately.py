"""What the journal made a short while ago and the account does not show yet is not missing, and not made again."""

from datetime import timedelta

import pytest
from support.builders import at, desired_app, desired_placement, entry, ledger_of, live_app, live_state, reconciled
from support.fake_clock import START

from reconciler.diff.change import Create
from reconciler.model.journal import PastCreates

BLOCK = desired_placement("a")
KNOWN = ledger_of(entry(BLOCK, "7"))


def creates(minutes, *, kind="placement", number="7", shown=False, lag=0.0):
    """Whether `a`, which was made so many minutes ago and is in no list, is made again where a run may do so."""
    key = (kind, number)
    past = PastCreates(
        made={key: START - timedelta(minutes=minutes)}, lag_seconds=lag, shown=frozenset({key} if shown else ())
    )
    found = reconciled(desired_app(BLOCK), live_state(live_app()), KNOWN, past=past, recreate=True)
    return at("a") in {change.address for change in found.changes if isinstance(change, Create)}


@pytest.mark.parametrize(("minutes", "again"), [(0, False), (9.9, False), (10, True), (60, True)])
def test_for_ten_minutes_it_is_only_not_visible_yet(minutes, again):
    assert creates(minutes) is again


def test_an_account_whose_lists_lag_longer_is_given_longer():
    assert creates(15, lag=0.0) is True
    assert creates(15, lag=200.0) is False
    assert creates(25, lag=200.0) is True


def test_what_a_list_has_shown_since_is_missing_at_once():
    assert creates(1, shown=True) is True


def test_it_is_known_by_kind_and_id():
    assert creates(1, kind="app") is True
    assert creates(1, number="8") is True
