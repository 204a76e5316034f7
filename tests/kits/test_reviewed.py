"""On merge nothing is applied but what was reviewed: with the workflow, with GitLab's template, and with the action.

The action calls the same commands as the workflow: it goes through the first tests, and leaves the rest to the others.
"""

import pytest
from support.command import ONE_APP, Project
from support.forge import BOT
from support.runner import ROOT, git, push

NAMED = "      - {{name: {}, placementType: Interstitial, coppa: false, floorPrices: {{US: {}}}}}\n"
WORKFLOW = (ROOT / "reconciler" / "cli" / "skeleton" / "github" / "reconcile.yml").read_text()


def manifest(**floors):
    blocks = "".join(NAMED.format(name, price) for name, price in floors.items())
    return ONE_APP + "    status: active\n    placements:\n" + blocks


def applied(folder, rival):
    """The files of a project whose account is as they say, its ledger among them."""
    project = Project(folder, rival.url)
    project.write("apps/a.yaml", manifest(a=1))
    done = project.call("apply", "--yes")
    assert done.code == 0, done.err
    return {name: project.read(name) for name in ("reconciler.yaml", "apps/a.yaml", "reconciler.lock")}


class Team:
    """People who work on a repository by requests, and the jobs that run for them."""

    def __init__(self, repository, forge, rival):
        self.repository, self.forge, self.rival = repository, forge, rival
        repository.begin({**applied(repository.folder / "before", rival), ".github/workflows/reconcile.yml": WORKFLOW})
        self.place = repository.clone()

    def opens(self, number, **floors):
        """A request: its plan is made and told under it."""
        branch = f"request-{number}"
        git(self.place, "fetch", "--quiet", "origin")
        git(self.place, "checkout", "--quiet", "-B", branch, "origin/main")
        push(self.place, branch, branch, {"apps/a.yaml": manifest(**floors)})
        done = self.plan(number, self.repository.clone(branch))
        assert done.code == 0, done.log

    def merges(self, number, **floors):
        """The request is merged; with floors, what comes of it is not what was in it."""
        git(self.place, "fetch", "--quiet", "origin")
        git(self.place, "checkout", "--quiet", "-B", "main", "origin/main")
        git(self.place, "merge", "--quiet", "--no-ff", "-X", "theirs", "-m", f"Merge #{number}", f"request-{number}")
        if floors:
            (self.place / "apps" / "a.yaml").write_text(manifest(**floors))
            git(self.place, "commit", "--quiet", "--all", "--amend", "--no-edit")
        git(self.place, "push", "--quiet", "origin", "main")
        self.forge.merged[git(self.place, "rev-parse", "HEAD").strip()] = (number, "main")

    def applies(self):
        """The job that runs for the newest commit of main."""
        self.rival.asked.clear()
        return self.apply(self.repository.clone(), git(self.repository.bare, "rev-parse", "main").strip())

    def told(self, number):
        """What the bot says under a request."""
        return [each.body for each in self.forge.comments if (each.author, each.request) == (BOT, number)]

    def live(self, name):
        rows = (*self.rival.placements.values(), *self.rival.apps.values())
        return next(row for row in rows if row["name"] == name)


class OnGitHub(Team):
    def __init__(self, runner, *others):
        self.runner = runner
        super().__init__(*others)

    def plan(self, number, checkout):
        self.runner.pull_request(number)
        return self.run(checkout, "plan")

    def apply(self, checkout, commit):
        self.runner.event("push", {"ref": "refs/heads/main"})
        self.runner.env["GITHUB_SHA"] = commit
        return self.run(checkout, "apply")

    def queue(self, _number, checkout):
        self.runner.merge_group()
        return self.run(checkout, "plan")


class ByWorkflow(OnGitHub):
    def run(self, checkout, job):
        return self.runner.workflow(checkout, "reconcile", job)

    def keeps_ledger_by(self, way):
        self.runner.settings["RECONCILER_LEDGER"] = way


class ByAction(OnGitHub):
    ledger = "push"

    def run(self, checkout, job):
        return self.runner.action(checkout, job, ledger=self.ledger)

    def keeps_ledger_by(self, way):
        self.ledger = way


class OnGitLab(Team):
    def __init__(self, runner, *others):
        self.runner = runner
        super().__init__(*others)

    def plan(self, number, checkout):
        return self.runner.job("reconciler:plan", checkout, self.repository.bare, request=number)

    def keeps_ledger_by(self, way):
        self.runner.variables["RECONCILER_LEDGER"] = way

    def queue(self, number, checkout):
        self.runner.variables["CI_MERGE_REQUEST_EVENT_TYPE"] = "merge_train"
        return self.plan(number, checkout)

    def apply(self, checkout, commit):
        self.runner.commit = commit
        return self.runner.job("reconciler:apply", checkout, self.repository.bare)


@pytest.fixture(params=[ByWorkflow, OnGitLab], ids=lambda way: way.__name__)
def team(request, repository, forge, rival):
    runner = request.getfixturevalue("gitlab" if request.param is OnGitLab else "github")
    return request.param(runner, repository, forge, rival)


with_the_action = pytest.mark.parametrize(
    "team", [ByWorkflow, ByAction, OnGitLab], indirect=True, ids=lambda way: way.__name__
)


@with_the_action
def test_what_was_reviewed_is_applied_and_told(team):
    team.opens(2, a=1.2, b=3)
    team.merges(2)
    done = team.applies()
    assert done.code == 0, done.log
    assert team.rival.named("a")["floorPrices"]["US"] == 1.2
    plan, outcome = team.told(2)
    assert plan.rstrip().endswith("<!-- reconciler:applied -->")
    assert "2 applied" in outcome


@with_the_action
def test_an_app_that_somebody_switched_off_meanwhile_is_not_switched_on_unseen(team):
    team.opens(2, a=1.2)
    assert "1 to update" in team.told(2)[0]
    team.live("A")["status"] = "inactive"
    team.merges(2)
    done = team.applies()
    assert (done.code, team.rival.writes) == (4, []), done.log
    assert 'android:com.a: update status: "inactive" -> "active"' in done.log
    plan, refusal = team.told(2)
    assert "reconciler:reviewed" in plan
    assert "Nothing was applied: 1 step not reviewed" in refusal
    assert "reconciler:reviewed" not in refusal

    # looked at again: the next plan shows it, and what was left
    team.opens(3, a=1.2, b=2)
    assert "2 to update" in team.told(3)[0]
    team.merges(3)
    done = team.applies()
    assert done.code == 0, done.log
    assert team.live("A")["status"] == "active"
    assert team.rival.named("a")["floorPrices"]["US"] == 1.2
    assert all("reconciler:applied" in team.told(number)[0] for number in (2, 3))


def test_what_was_slipped_in_by_the_merge_is_refused(team):
    team.opens(2, a=1.2)
    team.merges(2, a=1.3)
    done = team.applies()
    assert (done.code, team.rival.writes) == (4, []), done.log


def test_a_merge_queue_plans_and_leaves_what_was_reviewed_as_it_is(team):
    """A comment that the queue rewrote would hold what nobody has looked at."""
    team.opens(2, a=1, b=2)
    reviewed, live = team.told(2), len(team.rival.placements)
    team.live("A")["name"] = "Renamed in the console"
    done = team.queue(2, team.repository.clone("request-2"))
    assert done.code == 0, done.log
    assert (team.told(2), len(team.rival.placements)) == (reviewed, live)


def test_a_protected_branch_has_its_ledger_in_a_request_that_the_next_plan_knows(team):
    """An apply whose ledger is not merged yet, and one after it."""
    team.keeps_ledger_by("request")
    heads = []
    for number, floors in ((2, {"a": 1, "b": 2}), (3, {"a": 1, "b": 2, "c": 3})):
        team.opens(number, **floors)
        team.merges(number)
        hook = team.repository.bare / "hooks" / "update"
        hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
        hook.chmod(0o755)
        done = team.applies()
        hook.unlink()
        assert done.code == 0, done.log
        heads.append(team.repository.at("reconciler/ledger", "reconciler.lock"))
    assert "com.a/b" in heads[0]
    assert "com.a/c" not in heads[0]
    assert "com.a/b" in heads[1]
    assert "com.a/c" in heads[1]
    assert [(one["head"], one["base"]) for one in team.forge.requests] == [("reconciler/ledger", "main")]
    assert "com.a/b" not in team.repository.at("main", "reconciler.lock")


@with_the_action
def test_a_branch_that_wants_signed_commits_gets_the_forges(team):
    team.keeps_ledger_by("signed")
    team.opens(2, a=1, b=2)
    team.merges(2)
    assert team.applies().code == 0
    assert git(team.repository.bare, "log", "-1", "--format=%cn", "main").strip() == "web-flow"
    assert "com.a/b" in team.repository.at("main", "reconciler.lock")


def test_two_merges_before_an_apply_are_applied_together(team):
    team.opens(2, a=1, b=2)
    team.opens(3, a=1.2)
    team.merges(2)
    team.merges(3, a=1.2, b=2)
    done = team.applies()
    assert done.code == 0, done.log
    assert team.rival.named("b")["floorPrices"]["US"] == 2
    assert "2 applied" in team.told(3)[1]
    assert all("reconciler:applied" in team.told(number)[0] for number in (2, 3))


def test_an_apply_that_did_a_part_may_be_run_again(team):
    team.opens(2, a=1.2, b=2)
    team.merges(2)
    team.rival.instead["POST placement"] = lambda _asked: (400, b'{"message": "no"}')
    assert team.applies().code == 3
    assert "reconciler:reviewed" in team.told(2)[0]
    del team.rival.instead["POST placement"]
    done = team.applies()
    assert done.code == 0, done.log
    assert team.rival.named("b")["floorPrices"]["US"] == 2


def test_what_an_apply_has_done_of_a_plan_is_not_repeated_unseen_while_the_rest_stays_reviewed(team):
    team.opens(2, a=1.2, b=2)
    team.merges(2)
    team.rival.instead["POST placement"] = lambda _asked: (400, b'{"message": "no"}')
    assert team.applies().code == 3
    del team.rival.instead["POST placement"]
    kept = team.live("a")["floorPrices"]
    team.live("a")["floorPrices"] = [{"country": "US", "price": 1}, {"country": "WW", "price": 0.01}]
    done = team.applies()
    assert (done.code, team.rival.writes) == (4, []), done.log
    assert "com.a/a: update floorPrices.US: 1 -> 1.2" in done.log
    assert "com.a/b: create" not in done.log
    team.live("a")["floorPrices"] = kept
    done = team.applies()
    assert done.code == 0, done.log
    assert "reconciler:applied" in team.told(2)[0]


def test_a_job_that_is_run_again_after_all_was_applied_repeats_nothing_unseen(team):
    team.opens(2, a=1.2)
    team.merges(2)
    assert team.applies().code == 0
    assert team.applies().code == 0
    team.live("a")["floorPrices"] = [{"country": "US", "price": 1}, {"country": "WW", "price": 0.01}]
    done = team.applies()
    assert (done.code, team.rival.writes) == (4, []), done.log


def test_a_direct_push_is_refused_with_a_hint(team):
    git(team.place, "fetch", "--quiet", "origin")
    git(team.place, "checkout", "--quiet", "-B", "main", "origin/main")
    push(team.place, "main", "at once", {"apps/a.yaml": manifest(a=1.2)})
    done = team.applies()
    assert (done.code, team.rival.writes) == (4, []), done.log
    assert "nothing was reviewed" in done.log
    assert "have a new plan of it reviewed" in done.log


def test_a_forged_plan_under_a_request_counts_for_nothing(team):
    team.opens(2, a=1.2)
    forged = team.told(2)[0]
    team.forge.comments[:] = [each for each in team.forge.comments if each.request != 2]
    team.forge.somebody_comments("eve", forged, 2)
    team.merges(2)
    done = team.applies()
    assert (done.code, team.rival.writes) == (4, []), done.log


def test_a_forge_that_does_not_answer_leaves_the_account_alone(team):
    team.opens(2, a=1.2)
    team.merges(2)
    team.forge.refuse["GET commits"] = 403
    done = team.applies()
    assert (done.code, team.rival.writes) == (1, []), done.log
    assert "GET " in done.log
