"""`ci`: comments and issues are written once, and only ours are touched. Against another server."""

import pytest
from support.forge import BOT, PROJECT, REPOSITORY, TOKEN, Forge, Thing

REPORT = "<!-- reconciler:plan 3432-0123456789abcdef -->\nThe plan\n"


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


@pytest.fixture(params=["github", "gitlab"])
def job(request, project, forge, tmp_path):
    """A project whose commands run in a job for request 1."""
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 1}}')
    project.write("report.md", REPORT)
    project.env |= {
        "github": {
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": f"{forge.url}/api/v3",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_TOKEN": TOKEN,
        },
        "gitlab": {
            "GITLAB_CI": "true", "CI_PROJECT_ID": PROJECT, "CI_API_V4_URL": f"{forge.url}/api/v4",
            "CI_MERGE_REQUEST_IID": "1", "GITLAB_TOKEN": TOKEN,
        },
    }[request.param]  # fmt: skip
    return project


def call(job, *words):
    done = job.call("ci", *words)
    assert TOKEN not in done.out + done.err
    return done


@pytest.fixture(autouse=True)
def here(job, monkeypatch):
    monkeypatch.chdir(job.root)


def test_a_report_is_written_then_kept_then_rewritten(job, forge):
    assert "comment: wrote https://forge.example/901" in call(job, "comment", "report.md").err
    assert "comment: kept" in call(job, "comment", "report.md").err
    job.write("report.md", REPORT + "more\n")
    assert "comment: updated" in call(job, "comment", "report.md").err
    assert [comment.body for comment in forge.comments] == [REPORT + "more\n"]


def test_a_marker_that_somebody_else_copied_is_left_alone(job, forge):
    theirs = forge.somebody_comments("eve", REPORT)
    assert call(job, "comment", "report.md").code == 0
    assert theirs.body == REPORT
    assert len(forge.comments) == 2


def test_a_marker_further_down_is_no_marker(job, forge):
    forge.somebody_comments(BOT, f"quoted:\n{REPORT}")
    assert call(job, "comment", "report.md").code == 0
    assert len(forge.comments) == 2


def test_a_body_whose_line_ends_the_forge_changed_is_still_the_same(job, forge):
    forge.somebody_comments(BOT, REPORT.strip().replace("\n", "\r\n"))
    assert "comment: kept" in call(job, "comment", "report.md").err


def test_reports_of_one_name_share_a_comment_whatever_their_marker(job, forge):
    assert call(job, "comment", "report.md", "--as", "plan ./`x`").code == 0
    job.write("report.md", "no marker at all\n")
    assert call(job, "comment", "report.md", "--as", "plan ./`x`").code == 0
    assert len(forge.comments) == 1
    assert forge.comments[0].body.endswith("-->\nno marker at all\n")


def test_a_report_without_marker_and_name_is_refused_before_a_call(job, forge):
    job.write("report.md", "hello\n")
    done = call(job, "comment", "report.md")
    assert done.code == 1
    assert "--as NAME" in done.err
    assert forge.asked == []


def test_another_request_can_be_named(job, forge):
    assert call(job, "comment", "report.md", "--number", "12").code == 0
    assert forge.comments[0].request == 12


def test_a_job_for_no_request_says_so(job, tmp_path):
    (tmp_path / "event.json").write_text('{"ref": "refs/heads/main"}')
    job.env.pop("CI_MERGE_REQUEST_IID", None)
    assert call(job, "comment", "report.md").code == 64


def test_a_comment_behind_many_others_is_found(job, forge):
    for number in range(100):
        forge.somebody_comments("ada", f"{number}")
    ours = forge.somebody_comments(BOT, REPORT + "old")
    for number in range(120):
        forge.somebody_comments("ada", f"{number}")
    assert call(job, "comment", "report.md").code == 0
    assert ours.body == REPORT


def test_one_issue_is_opened_rewritten_and_closed(job, forge):
    forge.issues.append(Thing(3, BOT, REPORT, is_request="GITHUB_ACTIONS" in job.env, open="GITHUB_ACTIONS" in job.env))
    forge.issues.append(Thing(4, "eve", REPORT))
    assert call(job, "issue", "report.md", "--title", "Drifted").code == 0
    job.write("report.md", REPORT + "more\n")
    assert call(job, "issue", "report.md").code == 0
    ours = [issue for issue in forge.open_issues if issue.author == BOT and not issue.is_request]
    assert [(issue.title, issue.body) for issue in ours] == [("Drifted", REPORT + "more\n")]
    assert "issue: closed" in call(job, "issue", "--close", "report.md").err
    assert "issue: none is open" in call(job, "issue", "--close", "report.md").err
    assert [issue.number for issue in forge.open_issues if issue.author == "eve"] == [4]


def test_a_refusal_names_what_the_token_needs(job, forge):
    forge.refuse |= {"POST comments": 403, "POST notes": 403}
    done = call(job, "comment", "report.md")
    assert done.code == 1
    assert "HTTP 403, refused, ***" in done.err
    assert "hint: " in done.err


def test_a_post_that_may_have_been_written_is_not_sent_again(job, forge):
    forge.refuse |= {"POST comments": 502, "POST notes": 502}
    assert call(job, "comment", "report.md").code == 1
    assert sum(asked.startswith("POST ") and asked.endswith(("comments", "notes")) for asked in forge.asked) == 1


@pytest.mark.parametrize("variable", ["GITHUB_TOKEN", "GITLAB_TOKEN"])
def test_a_token_can_stand_in_a_file_and_is_asked_for(job, tmp_path, variable):
    if variable not in job.env:
        return
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    del job.env[variable]
    assert f"{variable} is not set" in call(job, "comment", "report.md").err
    job.env[f"{variable}_FILE"] = str(tmp_path / "token")
    assert call(job, "comment", "report.md").code == 0


def test_a_token_goes_to_no_plain_http(job, forge):
    job.env |= dict.fromkeys(("GITHUB_API_URL", "CI_API_V4_URL"), "http://forge.example/api/v3")
    done = call(job, "comment", "report.md")
    assert (done.code, forge.asked) == (1, [])
    assert "plain http" in done.err


def test_outside_of_a_job_it_says_where_it_belongs(job):
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        job.env.pop(name, None)
    assert call(job, "comment", "report.md").code == 64
    job.write("reconciler.lock", "{}\n")
    assert call(job, "ledger").code == 64


def test_a_persons_token_updates_that_persons_comment(job, forge):
    if "GITHUB_ACTIONS" not in job.env:
        return
    forge.person = "ada"
    ours = forge.somebody_comments("ada", REPORT + "old")
    forge.somebody_comments(BOT, REPORT)
    assert call(job, "comment", "report.md").code == 0
    assert ours.body == REPORT


def test_a_ledger_in_a_database_is_not_committed(job):
    job.env["RECONCILER_STORE"] = "postgresql://nobody@127.0.0.1:9/none"
    job.write("reconciler.lock", "{}\n")
    assert "nothing to commit" in call(job, "ledger").err
