"""`ci reviewed`: the plans under merged requests are found, and only those that our own account wrote."""

import pytest
from support.command import ONE_APP, SETTINGS
from support.forge import BOT, PROJECT, REPOSITORY, TOKEN, Forge
from support.runner import Checkout, git, push

from reconciler.plan.plan import MARK

BLOCK = "      - {{name: {}, placementType: MREC, coppa: false}}\n"


def manifest(*names):
    return ONE_APP + "    placements:\n" + "".join(map(BLOCK.format, names))


class Job:
    """A job for a branch of a repository at a forge, in a checkout of its own."""

    def __init__(self, project, forge, repository, variables):
        self.project, self.forge, self.repository, self.variables = project, forge, repository, variables
        repository.begin({"reconciler.yaml": SETTINGS, "apps/a.yaml": manifest("first")})
        forge.repository = repository.bare
        self.checkout = repository.clone()

    def call(self, *words):
        for name in ("CI_COMMIT_SHA", "GITHUB_SHA"):
            self.variables[name] = git(self.checkout, "rev-parse", "HEAD").strip()
        self.project.root = self.checkout
        done = self.project.call(*words, **self.variables)
        assert TOKEN not in done.out + done.err
        return done

    def commit(self, *names, request=None, base="main"):
        """A commit on main, which came by the merge of a request where one is named."""
        push(self.checkout, "main", f"with {names}", {"apps/a.yaml": manifest(*names)})
        if request is not None:
            self.forge.merged[git(self.checkout, "rev-parse", "HEAD").strip()] = (request, base)

    def reviews(self, *names, request, author=None):
        """The plan under a request, before it is merged."""
        (self.checkout / "apps" / "a.yaml").write_text(manifest(*names))
        report = self.call("plan", "--format", "markdown").out
        git(self.checkout, "checkout", "--quiet", ".")
        if author is not None:
            return self.forge.somebody_comments(author, report, request)
        (self.checkout.parent / "report.md").write_text(report)
        done = self.call("ci", "comment", str(self.checkout.parent / "report.md"), "--number", str(request))
        assert done.code == 0, done.err
        return self.forge.comments[-1]

    def looks(self, *more):
        """The requests that count, and whether a plan made now was reviewed."""
        out = self.checkout.parent / "reviewed.txt"
        done = self.call("ci", "reviewed", "--out", str(out), *more)
        assert done.code == 0, done.err
        self.told = done.err
        applied = self.call("apply", "--yes", "--reviewed", str(out))
        return [int(line) for line in done.out.split()], applied.code


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


@pytest.fixture(params=["github", "gitlab"])
def job(request, project, rival, forge, tmp_path):
    return Job(project, forge, Checkout(tmp_path / "repository"), {
        "github": {
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": f"{forge.url}/api/v3",
            "GITHUB_TOKEN": TOKEN, "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main",
        },
        "gitlab": {
            "GITLAB_CI": "true", "CI_PROJECT_ID": PROJECT, "CI_API_V4_URL": f"{forge.url}/api/v4",
            "CI_COMMIT_BRANCH": "main", "GITLAB_TOKEN": TOKEN,
        },
    }[request.param])  # fmt: skip


def test_the_plan_under_the_merged_request_is_what_was_reviewed(job):
    job.reviews("first", "second", request=7)
    job.commit("first", "second", request=7)
    assert job.looks() == ([7], 0)


def test_a_change_that_is_not_in_it_is_refused(job, rival):
    job.reviews("first", "second", request=7)
    job.commit("first", "second", "third", request=7)
    assert job.looks() == ([7], 4)
    assert rival.writes == []


def test_a_plan_made_after_the_merge_is_not_taken_for_what_was_reviewed(job, rival, forge):
    """As by a job that somebody runs again."""
    reviewed = job.reviews("first", request=7).body
    job.commit("first", "second", request=7)
    job.reviews("first", "second", request=7)
    assert [each.body for each in forge.comments] == [reviewed]
    assert job.looks() == ([7], 4)
    assert rival.writes == []


def test_a_plan_is_commented_where_the_forge_does_not_say_whether_the_request_is_merged(job, forge):
    forge.refuse["GET 7"] = 404
    job.reviews("first", "second", request=7)
    job.commit("first", "second", request=7)
    forge.refuse.clear()
    assert job.looks() == ([7], 0)


def test_a_marker_that_somebody_else_copied_counts_for_nothing(job, rival):
    job.reviews("first", "second", request=7, author="eve")
    job.commit("first", "second", request=7)
    assert job.looks() == ([7], 4)
    assert "#7 has no plan that this account has commented" in job.told
    assert rival.writes == []


def test_a_set_that_stands_elsewhere_than_in_the_last_line_counts_for_nothing(job, rival):
    post = job.reviews("first", "second", request=7)
    post.body += "\nquoted\n"
    job.commit("first", "second", request=7)
    assert job.looks() == ([7], 4)


def test_a_set_that_says_anything_counts_for_nothing_in_a_comment(job, rival):
    post = job.reviews("first", "second", request=7)
    post.body = MARK.sub("<!-- reconciler:reviewed anything -->", post.body)
    job.commit("first", "second", request=7)
    assert job.looks() == ([7], 4)


def test_plans_of_open_requests_and_of_other_branches_count_for_nothing(job):
    job.reviews("first", "second", request=7)
    job.reviews("first", "second", request=8)
    job.commit("first", "second", request=8, base="develop")
    assert job.looks() == ([], 4)


def test_a_plan_that_was_rewritten_as_one_that_failed_counts_no_more(job):
    post = job.reviews("first", "second", request=7)
    post.body = post.body.splitlines()[0] + "\n**The plan could not be made.**\n"
    job.commit("first", "second", request=7)
    assert job.looks() == ([7], 4)


def test_requests_that_were_merged_one_after_the_other_count_together(job):
    job.reviews("first", "second", request=7)
    job.reviews("first", "third", request=8)
    job.commit("first", "second", request=7)
    push(job.checkout, "main", "a direct push between them", {"README.md": "x"})
    job.commit("first", "second", "third", request=8)
    assert job.looks() == ([8, 7], 0)


def test_a_report_of_nothing_applied_uses_nothing_up(job):
    job.reviews("first", "second", request=7)
    job.commit("first", "second", "third", request=7)
    assert job.looks() == ([7], 4)
    for text in ("**Nothing was applied.**\n", ""):
        (job.checkout.parent / "apply.md").write_text(text)
        done = job.call("ci", "reviewed", "--applied", "--result", str(job.checkout.parent / "apply.md"), "--number=7")
        assert done.code == 0, done.err
        assert "what was reviewed stays so" in done.err
    assert MARK.search(job.forge.comments[-1].body)


def test_a_report_that_was_cut_is_refused(job):
    job.reviews("first", "second", request=7)
    cut = f"x\n<!-- reconciler:left sha256:{'0' * 64} AAAA -->\n"
    (job.checkout.parent / "apply.md").write_text(cut)
    done = job.call("ci", "reviewed", "--applied", "--result", str(job.checkout.parent / "apply.md"), "--number=7")
    assert done.code == 1
    assert MARK.search(job.forge.comments[-1].body)


def test_a_result_is_for_what_was_applied(job):
    assert job.call("ci", "reviewed", "--out", "x", "--result", "y").code == 64


def test_what_was_applied_and_changed_back_in_the_account_is_not_applied_again_unseen(job, rival):
    assert job.call("apply", "--yes").code == 0
    (row,) = rival.placements.values()
    row["status"] = "inactive"
    job.reviews("first, status: active", request=7)
    job.commit("first, status: active", request=7)
    assert job.looks() == ([7], 0)
    assert job.call("ci", "reviewed", "--applied", "--number", "7").code == 0
    assert job.looks() == ([], 0)
    row["status"] = "inactive"
    assert job.looks() == ([], 4)
    assert row["status"] == "inactive"


def test_what_was_applied_says_so_once_and_keeps_the_report(job):
    post = job.reviews("first", request=7)
    before = post.body
    for _time in range(2):
        assert job.call("ci", "reviewed", "--applied", "--number", "7", "--number", "9").code == 0
    assert post.body.splitlines()[:-1] == before.rstrip().splitlines()[:-1]
    assert post.body.splitlines()[-1] == "<!-- reconciler:applied -->"


def test_a_direct_push_is_refused_unless_that_is_wanted(job, rival):
    job.commit("first", "second")
    assert job.looks() == ([], 4)
    assert "nothing was reviewed" in job.told
    assert rival.writes == []
    assert job.looks("--direct-push", "apply") == ([], 0)


def test_a_merge_is_held_to_its_plan_where_direct_pushes_are_wanted_too(job):
    job.reviews("first", request=7)
    job.commit("first", "second", request=7)
    assert job.looks("--direct-push", "apply") == ([7], 4)


@pytest.mark.parametrize("words", [(), ("--applied",), ("--out", "x", "--applied", "--number", "1"), ("--number", "1")])
def test_it_is_asked_for_one_thing(job, words):
    assert job.call("ci", "reviewed", *words).code == 64


def test_names_tell_projects_apart(job):
    report = job.checkout.parent / "report.md"
    job.reviews("first", "second", request=7)
    report.write_text(job.forge.comments[0].body)
    assert job.call("ci", "comment", str(report), "--number", "7", "--as", "plan games").code == 0
    job.commit("first", "second", request=7)
    assert job.looks("--as", "plan other") == ([7], 4)
    assert job.looks("--as", "plan games") == ([7], 0)
    assert {comment.author for comment in job.forge.comments} == {BOT}


def test_a_forge_that_refuses_ends_it_before_anything_is_applied(job, rival):
    job.forge.refuse["GET commits"] = 403
    out = job.checkout.parent / "reviewed.txt"
    assert job.call("ci", "reviewed", "--out", str(out)).code == 1
    assert not out.exists()
