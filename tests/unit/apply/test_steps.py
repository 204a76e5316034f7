import pytest

from reconciler.apply.executor import waves
from reconciler.diff.change import Blocked, Create, Deactivate, Delete, Update
from reconciler.model.address import Address
from reconciler.model.state import Source

APP, PLACEMENT = Address("ios:1"), Address("ios:1/a")
HERE = Source("apps/a.yaml", 1)


def created(address):
    return Create(address, HERE, (), {}, {})


def updated(address):
    return Update(address, "1", HERE, (), {}, {}, "sha256:")


def deactivated(address):
    return Deactivate(address, "1", "why", "sha256:")


def deleted(address):
    return Delete(address, "1", "why", "sha256:")


def test_the_order_is_apps_updates_creates_deactivations_deletions():
    ordered = [
        created(APP), updated(PLACEMENT), created(PLACEMENT), deactivated(PLACEMENT), deactivated(APP),
        deleted(PLACEMENT), deleted(APP),
    ]  # fmt: skip
    assert waves(reversed(ordered)) == tuple((change,) for change in ordered)


def test_apps_are_made_and_updated_side_by_side():
    assert waves([updated(APP), created(APP)]) == ((updated(APP), created(APP)),)


@pytest.mark.parametrize("changes", [[], [Blocked(APP, "why")]])
def test_what_is_blocked_is_in_no_wave(changes):
    assert waves(changes) == ()
