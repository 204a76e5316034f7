"""`ci` with forge, repository and request named, as in a job of any CI. Against another server."""

import re

import pytest
from support.forge import BOT, REPOSITORY, TOKEN, Forge, Thing
from support.runner import git

REPORT = "<!-- reconciler:plan 3432-0123456789abcdef -->\nThe plan\n\n<!-- reconciler:reviewed sha256:00 ab+/ -->\n"
FORGES = {
    "github": {"GITHUB_API_URL": "{}/api/v3", "GITHUB_TOKEN": TOKEN},
    "gitlab": {"CI_API_V4_URL": "{}/api/v4", "GITLAB_TOKEN": TOKEN},
    "gitea": {"GITEA_API_URL": "{}/api/v1", "GITEA_TOKEN": TOKEN},
    "bitbucket": {"BITBUCKET_API_URL": "{}/2.0", "BITBUCKET_TOKEN": TOKEN},
    "azure": {"SYSTEM_COLLECTIONURI": "{}/studio/", "SYSTEM_ACCESSTOKEN": TOKEN},
}
REPOSITORIES = {"gitlab": "77", "azure": "Ad money/monetization"}


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


@pytest.fixture(params=FORGES)
def kind(request):
    return request.param


@pytest.fixture
def job(kind, project, forge, monkeypatch):
    project.write("report.md", REPORT)
    project.env |= {name: value.format(forge.url) for name, value in FORGES[kind].items()}
    monkeypatch.chdir(project.root)
    return project


def call(job, kind, *words, request=("--request", "4")):
    named = ("--forge", kind, "--repository", REPOSITORIES.get(kind, REPOSITORY))
    done = job.call("ci", *words, *named, *request)
    assert TOKEN not in done.out + done.err
    return done


def test_a_report_is_written_then_kept_then_rewritten(job, kind, forge):
    assert "comment: wrote" in call(job, kind, "comment", "report.md").err
    assert "comment: kept" in call(job, kind, "comment", "report.md").err
    job.write("report.md", REPORT.replace("The plan", "Another"))
    assert "comment: updated" in call(job, kind, "comment", "report.md").err
    assert [(comment.request, comment.author) for comment in forge.comments] == [(4, BOT)]
    assert "Another" in forge.comments[0].body


def test_markers_are_seen_by_nobody(job, kind, forge):
    call(job, kind, "comment", "report.md")
    form = "[//]: # (reconciler:" if kind == "bitbucket" else "<!-- reconciler:"
    lines = forge.comments[0].body.strip().splitlines()
    assert [line.startswith(form) for line in lines] == [True, False, False, True]


def test_a_marker_that_somebody_else_copied_is_left_alone(job, kind, forge):
    call(job, kind, "comment", "report.md")
    theirs = forge.comments[0]
    theirs.author = "eve"
    job.write("report.md", REPORT.replace("The plan", "Another"))
    before = theirs.body
    assert "comment: wrote" in call(job, kind, "comment", "report.md").err
    assert (theirs.body, len(forge.comments)) == (before, 2)


def test_a_comment_behind_many_others_is_found(job, kind, forge):
    for number in range(130):
        forge.somebody_comments("ada", f"{number}", 4)
    call(job, kind, "comment", "report.md")
    assert "comment: kept" in call(job, kind, "comment", "report.md").err


def test_one_issue_is_opened_rewritten_and_closed_or_there_are_none(job, kind, forge):
    done = call(job, kind, "issue", "report.md", request=())
    if kind in {"bitbucket", "azure"}:
        assert (done.code, forge.asked) == (64, [])
        return
    forge.issues.extend(Thing(number, "ada", "other", is_request=number % 2 == 0) for number in range(70))
    job.write("report.md", REPORT.replace("The plan", "Another"))
    assert "issue: updated" in call(job, kind, "issue", "report.md").err
    assert "issue: closed" in call(job, kind, "issue", "--close", "report.md").err
    assert len([issue for issue in forge.issues if issue.author == BOT]) == 1


def test_a_refusal_names_what_the_token_needs(job, kind, forge):
    forge.refuse |= dict.fromkeys(("POST comments", "POST notes", "POST threads"), 403)
    done = call(job, kind, "comment", "report.md")
    assert done.code == 1
    assert "HTTP 403, refused, ***" in done.err
    assert "hint: " in done.err


def test_without_a_token_it_says_which_variable_holds_one(job, kind, forge):
    name = next(name for name in FORGES[kind] if "TOKEN" in name)
    del job.env[name]
    done = call(job, kind, "comment", "report.md")
    assert done.code == 1
    assert f"{name} is not set" in done.err
    assert forge.asked == []


@pytest.mark.parametrize("token", ["forge\ntoken", "forgé-token", "forge token", "forge\x7ftoken"])
def test_what_cannot_be_a_token_is_refused_before_a_call(job, kind, forge, token):
    name = next(name for name in FORGES[kind] if "TOKEN" in name)
    job.env[name] = token
    done = call(job, kind, "comment", "report.md")
    assert (done.code, forge.asked) == (1, [])
    assert re.search(f"{name} (?:has more than one line|holds (?:a blank|characters that no secret has))", done.err)
    assert token not in done.err


@pytest.mark.parametrize("named", ["studio", "../x", "a/b?c", "a/../b", "studio/..", ""])
def test_what_names_no_repository_is_refused_before_a_call(job, kind, forge, named):
    if kind == "azure" and named == "a/b?c":
        return
    done = job.call("ci", "comment", "report.md", "--forge", kind, "--repository", named, "--request", "4")
    assert (done.code, forge.asked) == (64, [])


def test_another_repository_than_the_jobs_does_not_get_the_jobs_request(job, kind, tmp_path, forge):
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 9}}')
    job.env |= {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "studio/other", "CI_MERGE_REQUEST_IID": "9"}
    job.env |= {"GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "BITBUCKET_PR_ID": "9"}
    assert call(job, kind, "comment", "report.md", request=()).code == 64
    assert forge.asked == []


OWN = {
    "gitea": {"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", "GITHUB_REPOSITORY": REPOSITORY},
    "bitbucket": {"BITBUCKET_BUILD_NUMBER": "3", "BITBUCKET_REPO_FULL_NAME": REPOSITORY, "BITBUCKET_PR_ID": "6"},
    "azure": {
        "TF_BUILD": "True", "BUILD_REPOSITORY_PROVIDER": "TfsGit", "SYSTEM_TEAMPROJECT": "Ad money",
        "BUILD_REPOSITORY_NAME": "monetization", "SYSTEM_PULLREQUEST_PULLREQUESTID": "6",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", OWN, indirect=True)
def test_a_job_of_the_forges_own_ci_names_nothing(job, kind, tmp_path, forge):
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 6}}')
    job.env |= {**OWN[kind], "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    assert job.call("ci", "comment", "report.md").code == 0
    assert forge.comments[0].request == 6


@pytest.mark.parametrize("kind", ["bitbucket"], indirect=True)
def test_a_persons_token_goes_with_an_address_and_no_answer_repeats_it(job, kind, forge):
    job.env["BITBUCKET_EMAIL"] = "ada@example.com"
    assert call(job, kind, "comment", "report.md").code == 0


@pytest.mark.parametrize("kind", ["bitbucket"], indirect=True)
def test_a_token_that_may_not_ask_who_it_is_is_told(job, kind, forge):
    forge.refuse["GET user"] = 403
    call(job, kind, "comment", "report.md")
    assert "BITBUCKET_ACCOUNT" in call(job, kind, "comment", "report.md").err
    job.env["BITBUCKET_ACCOUNT"] = f"{{{BOT}}}"
    assert "comment: kept" in call(job, kind, "comment", "report.md").err


@pytest.mark.parametrize("kind", ["gitea", "bitbucket", "azure"], indirect=True)
def test_what_was_reviewed_is_found_at_gitea_and_refused_elsewhere(job, kind, forge, repository_of):
    job.env |= {**OWN[kind], "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main"}
    head = repository_of(job.root)
    forge.repository, forge.merged = job.root, {head: (12, "main")}
    done = job.call("ci", "reviewed", "--out", "reviewed.txt", "--as", "plan", "--branch", "main")
    assert (done.code, done.out) == ((0, "12\n") if kind == "gitea" else (64, ""))


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"], indirect=True)
def test_the_plan_under_a_merged_request_stays_as_it_was_reviewed(job, kind, forge):
    plan = job.call("plan", "--format", "markdown").out
    job.write("report.md", plan)
    call(job, kind, "comment", "report.md")
    forge.merged = {"c0ffee": (4, "main")}
    job.write("report.md", plan.replace("\n\n", "\n\nmore\n\n", 1))
    done = call(job, kind, "comment", "report.md")
    assert (done.code, "#4 is merged" in done.err) == (0, True)
    assert [comment.body for comment in forge.comments] == [plan]


@pytest.fixture
def repository_of():
    def begun(folder):
        git(folder, "init", "--quiet")
        git(folder, "commit", "--quiet", "--allow-empty", "--message=begin")
        return git(folder, "rev-parse", "HEAD").strip()

    return begun
