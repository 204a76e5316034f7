"""A pull request's life in a real repository: opened, pushed again, merged; the account edited by hand, and mended.

Twice: with the workflows that `init` writes, and with the action.
"""

import os
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import yaml
from support.command import ONE_APP, SETTINGS
from support.forge import BOT
from support.runner import ROOT, SECRETS, git, push

PLACEMENT = """    placements:
      - {name: level_end, placementType: Interstitial, coppa: false, floorPrices: {US: 2}}
"""
SECOND = "      - {name: bottom, placementType: Banner, coppa: false, bannerRefresh: 45}\n"


class ByWorkflow:
    def __init__(self, github):
        self.github = github

    def plan(self, checkout):
        return self.github.workflow(checkout, "reconcile", "plan")

    def apply(self, checkout):
        return self.github.workflow(checkout, "reconcile", "apply")

    def audit(self, checkout):
        return self.github.workflow(checkout, "drift", "audit")


class ByAction(ByWorkflow):
    def plan(self, checkout):
        return self.github.action(checkout, "plan")

    def apply(self, checkout):
        return self.github.action(checkout, "apply")

    def audit(self, checkout):
        return self.github.action(checkout, "drift")


def initial(folder, ci="github"):
    """What `init` writes, its example manifest taken out."""
    told = ["init", str(folder), "--publisher-id", "3432", "--ci", ci]
    subprocess.run([sys.executable, "-m", "reconciler", *told], check=True, capture_output=True)
    (folder / "apps" / "example.yaml").unlink()
    (folder / "reconciler.yaml").write_text(SETTINGS)


def merges(github, forge, commit):
    """The forge knows by which request the commit came, and runs the jobs for the push."""
    forge.merged[commit] = (1, "main")
    github.event("push", {"ref": "refs/heads/main"})


def assert_told_as_applied(forge):
    """The plan's comment counts no more, and another says what came of it."""
    plan, outcome = [comment.body for comment in forge.comments if comment.author == BOT]
    assert "<!-- reconciler:applied -->" in plan
    assert "3 applied" in outcome


@pytest.mark.parametrize("way", [ByWorkflow, ByAction])
def test_a_change_goes_from_pull_request_to_account_and_the_audit_watches_it(
    tmp_path, github, rival, forge, repository, way
):
    run = way(github)
    initial(tmp_path / "init")
    shutil.rmtree(tmp_path / "init" / ".git", ignore_errors=True)
    written = {p.relative_to(tmp_path / "init").as_posix(): p for p in (tmp_path / "init").rglob("*") if p.is_file()}
    repository.begin({name: path.read_text() for name, path in written.items()})

    # opened: planned, and told under the pull request
    work = repository.clone()
    push(work, "level-end", "add a placement", {"apps/a.yaml": ONE_APP + PLACEMENT})
    forge.somebody_comments("eve", "<!-- reconciler:as 0000000000000000 -->\nlooks fine")
    github.pull_request(1)
    opened = run.plan(repository.clone("level-end"))
    assert opened.code == 0, opened.log
    told = [comment for comment in forge.comments if comment.author == BOT]
    assert len(told) == 1
    assert "level_end" in told[0].body.replace("\\", "")
    assert "level_end" in opened.summary.replace("\\", "")
    assert rival.writes == []

    # pushed again: the same comment, written anew
    push(work, "level-end", "and another", {"apps/a.yaml": ONE_APP + PLACEMENT + SECOND})
    first = told[0].number
    again = run.plan(repository.clone("level-end"))
    assert again.code == 0, again.log
    told = [comment for comment in forge.comments if comment.author == BOT]
    assert [comment.number for comment in told] == [first]
    assert "bottom" in told[0].body
    assert "eve" in {comment.author for comment in forge.comments if comment.body.endswith("looks fine")}

    # merged: applied, and the ledger pushed by the bot
    main = repository.clone()
    git(main, "merge", "--quiet", "--no-ff", "-m", "Merge #1", "origin/level-end")
    git(main, "push", "--quiet", "origin", "main")
    merges(github, forge, git(main, "rev-parse", "HEAD").strip())
    merged = run.apply(repository.clone(depth=1))
    assert merged.code == 0, merged.log
    assert rival.named("bottom")["bannerRefresh"] == 45
    assert repository.log()[0] == "Ledger after c0ffeec0ffee [skip ci]"
    assert "level_end" in repository.at("main", "reconciler.lock")
    assert git(repository.bare, "log", "-1", "--format=%an", "main").strip() == BOT

    assert_told_as_applied(forge)

    # nobody touched the account: nothing is open
    github.event("schedule", {})
    calm = run.audit(repository.clone())
    assert (calm.code, forge.issues) == (0, []), calm.log

    # edited in the console: the audit fails, and names it
    row = next(fields for fields in rival.placements.values() if fields["name"] == "bottom")
    row["bannerRefresh"] = 120
    for _night in range(2):
        drifted = run.audit(repository.clone())
        assert drifted.code == 2, drifted.log
        assert "bottom" in drifted.log
        assert "bottom" in drifted.summary
    assert len(forge.open_issues) == 1
    assert "bannerRefresh" in forge.open_issues[0].body

    # mended by hand, so it is closed
    row["bannerRefresh"] = 45
    mended = run.audit(repository.clone())
    assert mended.code == 0, mended.log
    assert (len(forge.issues), forge.open_issues) == (1, [])


@pytest.mark.parametrize("way", [ByWorkflow, ByAction])
def test_what_the_apply_would_refuse_is_red_in_the_pull_request(tmp_path, github, forge, repository, way):
    initial(tmp_path / "init")
    written = {p.relative_to(tmp_path / "init").as_posix(): p for p in (tmp_path / "init").rglob("*") if p.is_file()}
    repository.begin({name: path.read_text() for name, path in written.items() if not name.startswith(".git/")})
    policy = 'policies: [{name: p, rule: "false", message: not this}]\n'
    push(repository.clone(), "dear", "dear", {"apps/a.yaml": ONE_APP + PLACEMENT, "reconciler.yaml": SETTINGS + policy})
    github.pull_request(1)
    done = way(github).plan(repository.clone("dear"))
    assert done.code == 6, done.log
    assert "Apply would refuse this" in forge.comments[0].body


def test_the_second_comment_is_found_behind_a_hundred_others(github, forge, repository):
    repository.begin({"reconciler.yaml": SETTINGS, "apps/a.yaml": ONE_APP})
    for number in range(130):
        forge.somebody_comments("ada", f"comment {number}")
    github.pull_request(1)
    for _push in range(2):
        assert github.action(repository.clone(), "plan").code == 0
        for number in range(130):
            forge.somebody_comments("ada", f"later {number}")
    assert sum(comment.author == BOT for comment in forge.comments) == 1


def kept(steps, outputs):
    """The paths that the step which keeps the journal takes, and under which conditions."""
    (step,) = [one for one in steps if one.get("name") == "keep the journal"]
    told = step["with"]["path"]
    for name, value in outputs.items():
        told = told.replace(f"${{{{ steps.run.outputs.{name} }}}}", value)
    assert step["if"].startswith("always()")
    assert step["with"]["include-hidden-files"] is True
    assert int(str(step["with"]["retention-days"]).replace("${{ inputs.journal-days }}", "90")) == 90
    return told.split()


@pytest.mark.parametrize("how", list(product([ByWorkflow, ByAction], ["", "games/one"])))
@pytest.mark.usefixtures("forge")
def test_what_undoes_an_apply_outlives_its_job(tmp_path, github, rival, repository, how):
    way, folder = how
    place = tmp_path / "init" / folder
    subprocess.run(["git", "init", "--quiet", tmp_path / "init"], check=True)
    initial(place)
    written = {p.relative_to(tmp_path / "init").as_posix(): p for p in (tmp_path / "init").rglob("*") if p.is_file()}
    repository.begin({name: path.read_text() for name, path in written.items() if not name.startswith(".git/")})
    checkout = repository.clone()
    (checkout / folder / "apps").mkdir(exist_ok=True)
    (checkout / folder / "apps" / "a.yaml").write_text(ONE_APP + PLACEMENT)
    if way is ByAction:
        done = github.action(checkout, "apply", reviewed="false", project=folder)
        steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
        paths = [Path(path) for path in kept(steps, done.outputs)]
    else:
        slug = f"-{folder.replace('/', '-')}" if folder else ""
        jobs = yaml.safe_load(written[f".github/workflows/reconcile{slug}.yml"].read_text())["jobs"]
        paths = [checkout / path for path in kept(jobs["apply"]["steps"], {})]
        program = [sys.executable, "-m", "reconciler", "apply", "--yes"]
        subprocess.run(program, cwd=checkout / folder, env={**os.environ, **github.env, **SECRETS}, check=True)
    state = checkout / folder / ".reconciler"
    assert paths == [state / "journal.jsonl", state / "undo"]
    assert (state / "journal.jsonl").exists()
    assert len(list((state / "undo").iterdir())) == 1
    assert rival.writes
