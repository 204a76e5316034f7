"""What is asked of an account whose lists leave out what the ledger knows: few questions, side by side, or none."""

from threading import Barrier, BrokenBarrierError

import pytest
from support.builders import (
    APP,
    APP_ID,
    at,
    desired_app,
    desired_placement,
    desired_state,
    ledger_of,
    live_app,
    live_state,
)
from support.builders import entry as known
from support.builders import live_placement as live
from support.fake_gateway import FakeGateway, Leaving

from reconciler.errors import DoubtfulRead
from reconciler.model.address import app_address
from reconciler.workflow.observe import MOST_QUESTIONS, SAMPLE, observe
from reconciler.workflow.selection import Selection


class Together(FakeGateway):
    """An account in which a question by id is answered once so many are asked at the same time."""

    def __init__(self, *resources, at_once):
        super().__init__(live_state(*resources))
        self._barrier = Barrier(at_once, timeout=20)
        self.alone = 0

    def find(self, kind, resource_id):
        try:
            self._barrier.wait()
        except BrokenBarrierError:
            self.alone += 1
        return super().find(kind, resource_id)


def observed(gateway, entries, parallelism=8):
    desired = desired_state(desired_app(desired_placement("int_1")))
    return observe(desired, gateway, ledger_of(*entries), Selection(parallelism=parallelism))


def placements(count):
    return [known(at(f"gone_{number}"), f"9{number:05}") for number in range(count)]


def apps(count):
    return [known(app_address("android", f"com.gone.a{number}"), f"8{number:05}") for number in range(count)]


def questions(gateway):
    return [call for call in gateway.calls if call.operation == "find"]


@pytest.mark.parametrize("entries", [placements(10_000), apps(10_000)], ids=["placements", "apps"])
def test_ten_thousand_dead_entries_ask_a_few_questions_and_end_with_one_message(entries):
    gateway = FakeGateway(live_state(live_app()))
    with pytest.raises(DoubtfulRead, match=r"leave out 10,000 \w+s .* of 16 .* 0 exist") as doubt:
        observed(gateway, [known(APP, APP_ID), *entries])
    assert len(questions(gateway)) == SAMPLE
    assert "ledger" in doubt.value.hint


@pytest.mark.parametrize("entries", [placements(MOST_QUESTIONS), apps(MOST_QUESTIONS)], ids=["placements", "apps"])
def test_as_many_as_may_be_asked_for_are_asked_for_once_each_and_side_by_side(entries):
    gateway = Together(live_app(), at_once=8)
    seen = observed(gateway, [known(APP, APP_ID), *entries])
    assert sorted(call.id for call in questions(gateway)) == sorted(each.id for each in entries)
    assert (gateway.alone, seen.doubtful) == (0, frozenset())


def test_the_bound_counts_the_lists_of_all_apps_together():
    others = [live_app(f"7{number}", bundle=f"com.b{number}") for number in range(30)]
    desired = desired_state(
        desired_app(),
        *(desired_app(bundle=f"com.b{number}") for number in range(30)),
    )
    entries = [
        known(at(f"gone_{number}", app_address("android", f"com.b{app}")), f"9{app:02}{number:03}")
        for app in range(30)
        for number in range(10)
    ]
    gateway = FakeGateway(live_state(live_app(), *others))
    with pytest.raises(DoubtfulRead, match="leave out 300 placements"):
        observe(desired, gateway, ledger_of(*entries), Selection())
    assert len(questions(gateway)) == SAMPLE


def test_what_a_list_left_out_although_it_exists_is_put_back_and_the_list_is_in_doubt():
    gateway = FakeGateway(live_state(live_app(), live("7", "hidden"), live("8", "int_1")))
    gateway.script("placements", Leaving(frozenset({"7"})))
    seen = observed(gateway, [known(APP, APP_ID), known(at("hidden"), "7"), known(at("int_1"), "8")])
    assert {each.id for each in seen.live.placements[APP_ID]} == {"7", "8"}
    assert seen.doubtful == {APP_ID}
