"""The comment on stages that have grown: what it says, what it believes, and that there is one of it."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from support.runner import ROOT

GROWN = ROOT / "bench" / "grown.py"
SETTING = {"python": "3.11.7", "pydantic": "2.12.0"}
BEFORE = {"load": 1000, "recall": 2000, "recall, ledger, read": 3000}
MARK = "<!-- reconciler:instructions -->"


def counts(path, stages, setting=SETTING):
    path.write_text(json.dumps({"setting": setting, "instructions": stages}))
    return path


@pytest.fixture
def compare(tmp_path):
    def call(stages, *more, before=BEFORE, setting=SETTING):
        files = counts(tmp_path / "before.json", before), counts(tmp_path / "after.json", stages, setting)
        called = [sys.executable, "-I", GROWN, *more, *files]
        return subprocess.run(called, capture_output=True, text=True, timeout=60, check=False)

    return call


def rows(text):
    lines = [line.split("|") for line in text.splitlines() if line.startswith("| ") and "instructions" not in line]
    return {name.strip(): [cell.strip() for cell in cells] for _, name, *cells, _ in lines}


@pytest.mark.parametrize("stages", [BEFORE, {"load": 1029, "recall": 1, "recall, ledger, read": 3000}])
def test_nothing_is_told_where_no_stage_takes_3_percent_more(compare, stages):
    done = compare(stages)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_stage_that_has_grown_stands_out(compare):
    done = compare({**BEFORE, "load": 1030})
    assert done.stdout.startswith(f"{MARK}\nStages of a plan take more")
    assert rows(done.stdout) == {
        "load": ["1,000", "1,030", "**1.030**"],
        "recall": ["2,000", "2,000", "1.000"],
        "recall, ledger, read": ["3,000", "3,000", "1.000"],
    }


def test_a_comment_that_is_there_hears_that_all_is_well_again(compare):
    done = compare(BEFORE, "--even")
    assert done.stdout.startswith(f"{MARK}\nNo stage of a plan takes 3 % more.")
    assert "**" not in done.stdout


def test_stages_that_come_and_go_are_told_and_have_not_grown(compare):
    stages = {"load": 1000, "recall": 2000, "new": 5}
    assert compare(stages).stdout == ""
    told = rows(compare(stages, "--even").stdout)
    assert (told["recall, ledger, read"], told["new"]) == (["3,000", "not there", ""], ["not there", "5", ""])


def test_other_libraries_are_named(compare):
    done = compare({**BEFORE, "load": 9000}, setting={"python": "3.11.7", "pydantic": "2.13.0"})
    assert "Counted with other versions: pydantic 2.12.0 on main, 2.13.0 here." in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", "null", '{"instructions": {}, "setting": {}}', '{"instructions": {"load": 1}}', "[" * 60_000,
        '{"setting": {}, "instructions": {"load": "1"}}', '{"setting": {}, "instructions": {"load": true}}',
        '{"setting": {}, "instructions": {"load": 0}}', '{"setting": {}, "instructions": {"load": 1.5}}',
        '{"setting": {}, "instructions": {"load": 1e400}}', '{"setting": {}, "instructions": {"@everyone": 1}}',
        '{"setting": {}, "instructions": {"a | b": 1}}', '{"setting": {}, "instructions": {"a\\n# b": 1}}',
        '{"setting": {}, "instructions": {"[a](http://b)": 1}}',
        '{"setting": {"a": "<b>"}, "instructions": {"load": 1}}',
        '{"setting": {"a": "1 @b"}, "instructions": {"load": 1}}', '{"setting": {"a": 1}, "instructions": {"load": 1}}',
        '{"setting": {}, "instructions": {"load": 1}}' + " " * 65_536,
        json.dumps({"setting": {}, "instructions": {f"a{number}": 1 for number in range(65)}}),
    ],
)  # fmt: skip
def test_what_is_no_count_is_refused_and_no_word_of_it_repeated(tmp_path, text):
    after = tmp_path / "after.json"
    after.write_text(text)
    called = [sys.executable, "-I", GROWN, "--even", counts(tmp_path / "before.json", BEFORE), after]
    done = subprocess.run(called, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nothing is compared: it holds")


@pytest.fixture
def comment(tmp_path):
    """Runs what the job runs, with a `gh` that answers from files, and gives its writes."""
    tools, log = tmp_path / "bin", tmp_path / "asked"
    tools.mkdir()
    (tools / "gh").write_text(
        '#!/usr/bin/env bash\necho "$*" >> "$ASKED"\ncase "$*" in\n'
        '  *--silent*) cp "$TOLD" "$ASKED.body" ;;\n'
        '  *pulls*) echo "$NUMBER" ;;\n  *comments*) echo "$KNOWN" ;;\nesac\n'
    )
    (tools / "gh").chmod(0o755)

    def call(stages, number="7", known=""):
        counts(tmp_path / "before.json", BEFORE)
        counts(tmp_path / "after.json", stages)
        env = {
            "PATH": f"{tools}:{os.environ['PATH']}", "ASKED": str(log), "NUMBER": number, "KNOWN": known,
            "REPO": "o/r", "OWNER": "o", "BRANCH": "b", "HEAD": "c", "COUNTED": str(tmp_path),
            "TOLD": str(tmp_path / "t"),
        }  # fmt: skip
        script = ["bash", ROOT / "tools" / "comment_growth.sh"]
        done = subprocess.run(script, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split(" -F ")[0] for line in log.read_text().splitlines() if "--silent" in line]

    return call


def test_growth_is_commented_on_once(comment):
    grown = {**BEFORE, "load": 2000}
    assert comment(grown) == ["api --silent --method POST repos/o/r/issues/7/comments"]


def test_the_comment_that_is_there_is_brought_up_to_date_whatever_the_counts_are(comment, tmp_path):
    assert comment(BEFORE, known="31") == ["api --silent --method PATCH repos/o/r/issues/comments/31"]
    assert "No stage" in (tmp_path / "asked.body").read_text()


@pytest.mark.parametrize(("stages", "number"), [(BEFORE, "7"), ({**BEFORE, "load": 2000}, "")])
def test_nothing_is_written_without_growth_or_without_an_open_request(comment, stages, number):
    assert comment(stages, number) == []


def test_the_job_that_runs_what_was_proposed_writes_nothing_and_the_other_runs_nothing_of_it():
    counting, telling = (
        yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
        for name in ("instructions.yml", "grown.yml")
    )
    assert counting["permissions"] == {"contents": "read"}
    assert "permissions" not in counting["jobs"]["count"]
    assert list(counting[True]) == ["pull_request"]
    (job,) = telling["jobs"].values()
    assert telling["permissions"] == {}
    assert job["permissions"] == {"actions": "read", "contents": "read", "pull-requests": "write"}
    checkout, download, run = job["steps"]
    assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    assert download["with"]["path"].startswith("${{ runner.temp }}"), "beside the checkout, not in it"
    assert "${{" not in run["run"]
