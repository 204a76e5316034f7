"""How many requests go side by side, by what their answers were like."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError, Lock

import pytest

from reconciler.http.retry import FIRST, ROUND, CallLimiter, ConcurrencyLimit, Latency


def after(width, *, answers, sent_at=10.0, now=10.1, throttled=False, slow=False):
    for _ in range(answers):
        width = width.after(sent_at=sent_at, now=now, throttled=throttled, slow=slow)
    return width


def test_a_run_begins_with_a_few_and_never_with_more_than_was_allowed():
    assert ConcurrencyLimit.up_to(64).limit == FIRST
    assert ConcurrencyLimit.up_to(3).limit == 3


def test_a_round_of_good_answers_doubles_the_width_up_to_what_was_allowed():
    assert after(ConcurrencyLimit.up_to(64), answers=FIRST).limit == 2 * FIRST
    assert after(ConcurrencyLimit.up_to(64), answers=1000).limit == 64


def test_being_asked_for_less_halves_the_width_once_for_all_that_was_under_way_down_to_one():
    wide = ConcurrencyLimit(64, 64)
    once = after(wide, answers=20, throttled=True)
    assert once.limit == 32
    assert after(once, answers=1, sent_at=9.0, now=10.2, throttled=True).limit == 32
    for second in range(11, 30):
        once = after(once, answers=1, sent_at=second, now=second + 0.1, throttled=True)
    assert once.limit == 1


def test_after_that_a_whole_round_of_good_answers_lets_out_one_more():
    cut = after(ConcurrencyLimit(64, 64), answers=1, throttled=True)
    grown = after(cut, answers=33, sent_at=11.0, now=11.1)
    assert 33 <= grown.limit < 34


def test_slow_answers_shrink_the_width_but_never_below_what_a_run_begins_with():
    width = ConcurrencyLimit(64, 64)
    assert after(width, answers=1, slow=True).limit < 64
    for second in range(11, 60):
        width = after(width, answers=1, sent_at=second, now=second + 0.1, slow=True)
    assert width.limit == FIRST
    assert after(ConcurrencyLimit(4, 2.0), answers=1, slow=True).limit == 2


@pytest.mark.parametrize(("seconds", "answers", "risen"), [(3.0, 1, False), (3.0, 2 * ROUND, True), (0.3, 500, False)])
def test_one_long_answer_tells_nothing_and_many_tell_of_a_queue(seconds, answers, risen):
    latency = Latency(0.1, 0.1)
    for _ in range(answers):
        latency = latency.after(seconds)
    assert latency.risen is risen


def test_no_more_calls_than_the_width_are_let_through_at_once():
    gate, lock, under_way, seen = CallLimiter(3), Lock(), [0], []
    three = Barrier(3)

    def call():
        with gate:
            with lock:
                under_way[0] += 1
                seen.append(under_way[0])
            three.wait(10)
            with lock:
                under_way[0] -= 1

    with ThreadPoolExecutor(12) as workers:
        for each in [workers.submit(call) for _ in range(12)]:
            each.result()
    assert max(seen) == 3


def test_good_answers_let_more_calls_through_together():
    gate = CallLimiter(2 * FIRST)
    together = Barrier(2 * FIRST)

    def call():
        with gate:
            gate.on_response("GET placement", sent_at=0.0, now=0.1, throttled=False)
            together.wait(10)

    with ThreadPoolExecutor(2 * FIRST) as workers:
        for each in [workers.submit(call) for _ in range(2 * FIRST)]:
            each.result()
    assert gate.width.limit == 2 * FIRST


def test_a_throttled_answer_holds_the_next_calls_back():
    gate = CallLimiter(2)
    gate.on_response("POST placement", sent_at=0.0, now=0.1, throttled=True)
    alone = Barrier(2)

    def call():
        with gate:
            try:
                alone.wait(0.2)
            except BrokenBarrierError:
                return "alone"
            return "together"

    with ThreadPoolExecutor(2) as workers:
        first, second = workers.submit(call), workers.submit(call)
        assert {first.result(), second.result()} == {"alone"}


def test_a_kind_of_call_that_always_takes_long_is_no_queue():
    gate = CallLimiter(64)
    for _ in range(100):
        gate.on_response("POST auth", sent_at=0.0, now=0.01, throttled=False)
        gate.on_response("GET app", sent_at=0.0, now=4.0, throttled=False)
    assert gate.width.limit == 64
