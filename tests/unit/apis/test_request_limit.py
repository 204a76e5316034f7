from pathlib import Path
from threading import Thread

import pytest
from support.fake_clock import FakeClock

from reconciler.apis.mediation_reports import Rate, RequestLimit, recent, wait_seconds
from reconciler.errors import Interrupted, UnfitFile

each = pytest.mark.parametrize
RATE = Rate(requests=3, seconds=600)


@each(
    ("times", "now", "seconds"),
    [([], 0, 0), ([1, 2], 3, 0), ([1, 2, 3], 4, 597), ([1, 2, 3], 601, 0), ([1, 2, 3, 4], 10, 592)],
)
def test_a_request_waits_until_fewer_than_the_limit_are_recent(times, now, seconds):
    assert wait_seconds(recent(times, now, RATE), now, RATE) == seconds


def test_a_clock_that_was_set_back_holds_nobody_up():
    assert recent([5000.0], 100.0, RATE) == []


def passed(limiter, clock, times):
    at = []
    for _ in range(times):
        limiter.acquire()
        at.append(clock.monotonic())
    return at


def test_the_limit_holds(tmp_path):
    clock, told = FakeClock(), []
    limiter = RequestLimit(tmp_path / "calls.json", RATE, clock, told=told.append)
    at = passed(limiter, clock, 7)
    assert [round(seconds) for seconds in at] == [0, 0, 0, 600, 600, 600, 1200]
    assert [round(seconds) for seconds in told] == [600, 600]


def test_the_limit_holds_from_one_run_to_the_next(tmp_path):
    clock = FakeClock()
    passed(RequestLimit(tmp_path / "calls.json", RATE, clock), clock, 3)
    assert passed(RequestLimit(tmp_path / "calls.json", RATE, clock), clock, 1) == [pytest.approx(600)]


def test_threads_share_the_limit(tmp_path):
    clock = FakeClock()
    limiter = RequestLimit(tmp_path / "calls.json", RATE, clock)
    threads = [Thread(target=limiter.acquire) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() >= 600


@each("text", ["", "{}", "[null]", "nonsense", '["x"]'])
def test_a_file_that_cannot_be_understood_is_begun_anew(tmp_path, text):
    Path(tmp_path / "calls.json").write_text(text)
    clock = FakeClock()
    assert passed(RequestLimit(tmp_path / "calls.json", RATE, clock), clock, 3) == [0, 0, 0]


def test_a_wait_can_be_stopped(tmp_path):
    clock = FakeClock()
    limiter = RequestLimit(tmp_path / "calls.json", RATE, clock, stopped=lambda: clock.monotonic() > 5)
    with pytest.raises(Interrupted):
        passed(limiter, clock, 4)


@pytest.mark.parametrize("name", ["calls.json", "calls.json.lock"])
def test_times_behind_a_link_are_neither_read_nor_written(tmp_path, name):
    outside = tmp_path / "outside"
    outside.write_text("[1]")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / name).symlink_to(outside)
    with pytest.raises(UnfitFile):
        RequestLimit(tmp_path / "reports" / "calls.json", RATE, FakeClock()).acquire()
    assert outside.read_text() == "[1]"
