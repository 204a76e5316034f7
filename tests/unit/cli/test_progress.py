"""Off a terminal a long run says how it goes, and a log of JSON lines holds an event for each step."""

import io
import json
import logging
from dataclasses import dataclass

import pytest
from support.fake_clock import FakeClock

from reconciler.cli.console import log_to_stderr
from reconciler.cli.progress import EVERY_SECONDS, ProgressLines, ProgressTarget

CLOCK_STARTS = 0.0


@dataclass(frozen=True)
class Step:
    address: str
    outcome: str = "applied"


class Words:
    def describe(self, end):
        return end.outcome

    def is_done(self, end):
        return end.outcome == "applied"

    def step(self, step):
        return {"address": step.address}

    def end(self, end):
        return {"address": end.address, "outcome": end.outcome}


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def said():
    return []


@pytest.fixture
def lines(clock, said):
    return ProgressLines("apply", Words(), ProgressTarget(clock, said.append, as_json=False, no_color=True))


def steps(lines, numbers, outcome="applied"):
    for number in numbers:
        lines.begun(Step(f"a/{number}"))
        lines.ended(Step(f"a/{number}", outcome))


def test_a_short_run_says_nothing(lines, clock, said):
    lines.planned(3)
    steps(lines, range(3))
    clock.advance(seconds=EVERY_SECONDS - 1)
    lines.report_if_due()
    assert said == []


def test_a_long_run_counts_what_ended_and_what_was_not_done(lines, clock, said):
    lines.planned(1200)
    steps(lines, range(1000))
    clock.advance(seconds=EVERY_SECONDS)
    steps(lines, [1000], "failed")
    assert said == ["apply: 1,001 of 1200 steps ended after 30 s, 1 not done"]
    clock.advance(seconds=EVERY_SECONDS + 40)
    steps(lines, [1001])
    assert said[1:] == ["apply: 1,002 of 1200 steps ended after 1 min 40 s, 1 not done"]


def test_a_single_step_that_takes_long_is_told_too_and_not_at_every_look(lines, clock, said):
    lines.planned(2)
    lines.begun(Step("a/1"))
    for _second in range(125):
        clock.advance(seconds=1)
        lines.report_if_due()
    assert said == [
        "apply: 0 of 2 steps ended after 30 s, 1 under way",
        "apply: 0 of 2 steps ended after 1 min 0 s, 1 under way",
        "apply: 0 of 2 steps ended after 1 min 30 s, 1 under way",
        "apply: 0 of 2 steps ended after 2 min 0 s, 1 under way",
    ]


def test_time_before_the_first_step_does_not_count(lines, clock, said):
    clock.advance(seconds=300)
    lines.report_if_due()
    lines.planned(2)
    lines.report_if_due()
    assert said == []


@pytest.fixture
def log(capsys):
    """The log as JSON lines."""
    logger = logging.getLogger("reconciler")
    before = logger.handlers, logger.propagate, logger.level
    log_to_stderr(0, "json")
    stream = io.StringIO()
    logger.handlers[0].setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


def test_each_step_is_an_event_with_its_time(clock, said, log):
    lines = ProgressLines("apply", Words(), ProgressTarget(clock, said.append, as_json=True, no_color=True))
    lines.planned(2)
    lines.begun(Step("a/1"))
    clock.advance(seconds=2.5)
    lines.ended(Step("a/1"))
    lines.begun(Step("a/2"))
    clock.advance(seconds=EVERY_SECONDS)
    lines.report_if_due()
    lines.ended(Step("a/2", "failed"))
    told = [{k: v for k, v in event.items() if k not in {"at", "level", "logger", "message"}} for event in log()]
    assert told == [
        {"event": "planned", "what": "apply", "steps": 2},
        {"event": "started", "what": "apply", "address": "a/1"},
        {"event": "ended", "what": "apply", "address": "a/1", "outcome": "applied", "seconds": 2.5},
        {"event": "started", "what": "apply", "address": "a/2"},
        {"event": "progress", "what": "apply", "done": 1, "steps": 2, "failed": 0, "underWay": 1, "seconds": 32.5},
        {"event": "ended", "what": "apply", "address": "a/2", "outcome": "failed", "seconds": 30.0},
    ]
    assert said == []


def test_a_name_makes_no_line_of_its_own_in_the_log(clock, said, log):
    lines = ProgressLines("apply", Words(), ProgressTarget(clock, said.append, as_json=True, no_color=True))
    lines.begun(Step('a\n{"event": "ended"}##[error]'))
    assert [event["event"] for event in log()] == ["started"]
