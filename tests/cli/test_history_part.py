"""Parts of the history, and the forms in which spreadsheets and comments take it."""

import csv
import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from support.command import ONE_APP

from reconciler.cli.options import since_when

APP = "android:com.a"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def event(run, at, kind, **more):
    return {"v": 1, "run": run, "at": at, "event": kind, **more}


def write_journal(project, *events):
    project.write(".reconciler/journal.jsonl", "".join(json.dumps(each) + "\n" for each in events))


def run(name, at, *steps, who=None):
    yield event(name, at, "run-started", who=who or {})
    for address, outcome, after, error in steps:
        about = {"address": address, "action": "update", "id": address[-1]}
        yield event(name, at, "intent", **about, attempt=1, before=dict.fromkeys(after, "old"), after=after)
        yield event(name, at, "ended", **about, outcome=outcome, attempts=1, error=error)
    yield event(name, at, "run-ended")


@pytest.fixture
def written(project):
    write_journal(
        project,
        *run("20261101T000000Z-aaaa", "2026-11-01T00:00:00Z", (f"{APP}/x", "applied", {"name": "x"}, None)),
        *run(
            "20261120T100000Z-bbbb",
            "2026-11-20T10:00:00Z",
            (f"{APP}/x", "applied", {"name": "=1+1"}, None),
            (f"{APP}/y", "failed", {"name": "y|`z`", "status": "active"}, '=HYPERLINK("http://x")'),
            who={"user": "@ada"},
        ),
        *run("20261120T110000Z-bbcc", "2026-11-20T11:00:00Z", (f"{APP}/x", "unknown", {"name": "+z"}, None)),
    )
    return project


def runs(project, *arguments):
    done = project.call("history", *arguments, "--format", "json")
    assert done.code == 0, done.err
    return [(each["run"][-4:], [step["outcome"] for step in each["steps"]]) for each in done.json["runs"]]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--since", "2026-11-02"], ["bbbb", "bbcc"]),
        (["--since", "2026-11-20T10:30:00Z"], ["bbcc"]),
        (["--since", "2026-11-20T11:30:00+01:00"], ["bbcc"]),
        (["--since", "2026-11-20 11:00"], ["bbcc"]),
        (["--since", "2036-11-20"], []),
        (["--since", "9999w"], ["aaaa", "bbbb", "bbcc"]),
        (["--run", "20261120T10"], ["bbbb"]),
        (["--run", "20261120T110000Z-bbcc"], ["bbcc"]),
        (["--failed"], ["bbbb", "bbcc"]),
        (["--failed", f"{APP}/x"], ["bbcc"]),
        (["--failed", "--since", "2026-11-20T11:00:00Z"], ["bbcc"]),
    ],
)
def test_options_take_a_part(written, arguments, found):
    assert [name for name, _ in runs(written, *arguments)] == found


def test_failed_leaves_what_was_done_out(written):
    assert runs(written, "--failed") == [("bbbb", ["failed"]), ("bbcc", ["unknown"])]
    assert "applied" not in written.call("history", "--failed").out


def test_a_part_with_nothing_in_it_is_not_called_an_empty_history(written):
    assert written.call("history", "--since", "2036-01-01").out == "no step in the journal matches\n"


@pytest.mark.parametrize("wrong", ["yesterday", "7", "7 years", "-7d", "2026-13-01", "", "99999999999d", "7D"])
def test_a_time_that_is_none_is_wrong_usage(written, wrong):
    done = written.call("history", "--since", wrong)
    assert (done.code, done.out) == (64, "")
    assert "7d" in done.err


@pytest.mark.parametrize("wrong", ["20261120T1", "zzzz", ""])
def test_a_run_that_is_none_or_several_is_named(written, wrong):
    done = written.call("history", "--run", wrong)
    assert (done.code, done.out) == (1, "")
    assert "run" in done.err


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("7d", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 26, 12, tzinfo=UTC)),
        ("90m", datetime(2026, 11, 27, 10, 30, tzinfo=UTC)),
        ("2w", datetime(2026, 11, 13, 12, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T01:00+02:00", datetime(2026, 11, 20, 23, tzinfo=UTC)),
    ],
)
def test_a_duration_is_reckoned_from_now_and_a_day_is_utc(given, at):
    assert since_when(given, NOW) == at


def test_csv_has_a_line_for_each_field_and_no_cell_that_a_spreadsheet_computes(written):
    done = written.call("history", "--format", "csv")
    assert done.code == 0
    rows = list(csv.DictReader(StringIO(done.out)))
    assert [(each["run"][-4:], each["address"], each["field"]) for each in rows] == [
        ("aaaa", f"{APP}/x", "name"),
        ("bbbb", f"{APP}/x", "name"),
        ("bbbb", f"{APP}/y", "name"),
        ("bbbb", f"{APP}/y", "status"),
        ("bbcc", f"{APP}/x", "name"),
    ]
    assert (rows[1]["before"], rows[1]["after"]) == ('"old"', '"=1+1"')
    assert rows[2]["error"] == '\'=HYPERLINK("http://x")'
    cells = [cell for each in csv.reader(StringIO(done.out)) for cell in each]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("odd", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\uff1d1", "::error::x", "##[error]x"])
def test_an_odd_name_is_no_formula_and_no_command_to_a_runner(project, odd):
    write_journal(project, *run(odd, "2026-11-01T00:00:00Z", (odd, "applied", {"name": odd}, odd), who={odd: odd}))
    done = project.call("history", "--format", "csv")
    cells = [cell for each in csv.reader(StringIO(done.out)) for cell in each]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))]
    assert not [line for line in done.out.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def test_markdown_has_a_table_for_each_run_the_latest_first(written):
    told = written.call("history", "--format", "markdown").out
    assert told.startswith("### History: 3 runs\n")
    assert told.index("bbcc") < told.index("bbbb") < told.index("aaaa")
    assert "y&#124;&#96;z&#96;" in told
    assert "@&#8203;ada" in told


def test_the_steps_of_a_real_apply_are_found_again(project):
    project.write("apps/a.yaml", ONE_APP)
    name = project.call("apply", "--yes", "--format", "json").json["run"]
    assert name[:12] in project.call("history", "--run", name[:-3], "--since", "1h", "--format", "csv").out
    assert project.call("history", "--failed").out == "no step in the journal matches\n"
