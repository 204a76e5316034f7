"""`ci ledger` where the branch is protected: by a request of its own, by commits of the API. Against another server."""

import pytest
from support.forge import TOKEN, Forge
from support.runner import Checkout, git, push

SETTINGS = "version: 1\npublisherId: '3432'\n"
FIRST, SECOND, THIRD = '{"a": 1}\n', '{"a": 2}\n', '{"a": 3}\n'


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


@pytest.fixture(params=["", "games/one/"], ids=["root", "folder"])
def folder(request):
    return request.param


@pytest.fixture
def hosted(tmp_path, forge, folder):
    """A repository whose branch main takes no push but for the first."""
    hosted = Checkout(tmp_path / "hosted")
    hosted.begin({f"{folder}reconciler.yaml": SETTINGS, f"{folder}apps/a.yaml": "version: 1\napps: []\n"})
    hook = hosted.bare / "hooks" / "update"
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo "protected branch" >&2; exit 1; }\n')
    hook.chmod(0o755)
    forge.repository = hosted.bare
    return hosted


def ledger(job, place, *words):
    """`ci ledger` for the project in a checkout."""
    job.root = place
    return job.call("ci", "ledger", *words)


def keep(job, hosted, folder, text, *words, depth=None):
    """An apply left this ledger in a checkout of its own, and `ci ledger` follows."""
    place = hosted.clone(depth=depth) / folder
    (place / "reconciler.lock").write_text(text)
    done = ledger(job, place, *words)
    assert TOKEN not in done.out + done.err
    return done


def branch(folder):
    return "reconciler/ledger-games-one" if folder else "reconciler/ledger"


def lift(hosted):
    (hosted.bare / "hooks" / "update").unlink(missing_ok=True)


def test_a_push_that_was_refused_is_made_up_for_by_the_next_try(job, hosted, folder):
    place = hosted.clone() / folder
    (place / "reconciler.lock").write_text(FIRST)
    assert ledger(job, place).code == 1
    assert ledger(job, place).code == 1
    lift(hosted)
    assert ledger(job, place).code == 0
    assert hosted.at("main", f"{folder}reconciler.lock") == FIRST
    assert hosted.log() == ["Ledger after an apply [skip ci]", "begin"]


def test_what_a_person_has_committed_is_not_pushed(job, hosted, folder):
    lift(hosted)
    place = hosted.clone() / folder
    (place / "reconciler.lock").write_text(FIRST)
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message=by hand")
    assert "nothing to commit" in ledger(job, place).err
    assert hosted.log() == ["begin"]


def test_a_refused_push_says_what_to_do(job, hosted, folder):
    done = keep(job, hosted, folder, FIRST)
    assert done.code == 1
    assert "protected branch" in done.err
    assert "--by request" in done.err


@pytest.mark.parametrize("depth", [None, 1])
def test_a_request_is_opened_once_and_its_branch_updated(job, hosted, folder, forge, depth):
    for text in (FIRST, SECOND, SECOND):
        done = keep(job, hosted, folder, text, "--by", "request", depth=depth)
        assert done.code == 0, done.err
        assert "https://forge.example/pull/" in done.err
    assert [(one["head"], one["base"]) for one in forge.requests] == [(branch(folder), "main")]
    assert hosted.at(branch(folder), f"{folder}reconciler.lock") == SECOND
    assert hosted.log(branch(folder)) == ["Ledger after an apply", "begin"]
    assert "skip ci" not in str(hosted.log(branch(folder)))
    assert hosted.log("main") == ["begin"]


def test_a_request_is_built_upon_the_branch_as_it_is_by_then(job, hosted, folder):
    lift(hosted)
    place = hosted.clone()
    push(hosted.clone(), "main", "a README", {"README.md": "hello"})
    (place / folder / "reconciler.lock").write_text(FIRST)
    assert ledger(job, place / folder, "--by", "request").code == 0
    assert hosted.log(branch(folder)) == ["Ledger after an apply", "a README", "begin"]
    assert git(place, "status", "--short", "--untracked-files=no") == ""


def test_a_ledger_that_waits_to_be_merged_is_taken_before_the_next_plan(job, hosted, folder):
    job.env["RECONCILER_LEDGER"] = "request"
    place = hosted.clone() / folder
    assert "no ledger waits" in ledger(job, place, "--take").err
    assert keep(job, hosted, folder, FIRST).code == 0
    assert ledger(job, place, "--take").code == 0
    assert (place / "reconciler.lock").read_text() == FIRST
    git(hosted.bare, "update-ref", "refs/heads/main", f"refs/heads/{branch(folder)}")
    assert "nothing to commit" in keep(job, hosted, folder, FIRST).err


def waits(job, hosted, folder):
    """A checkout, after an apply whose ledger waits to be merged."""
    job.env["RECONCILER_LEDGER"] = "request"
    lift(hosted)
    assert keep(job, hosted, folder, FIRST).code == 0
    return hosted.clone() / folder


@pytest.mark.parametrize("squash", [True, False])
def test_a_branch_that_was_merged_and_is_left_over_brings_no_old_ledger_back(job, hosted, folder, forge, squash):
    waits(job, hosted, folder)
    forge.merges_ledger(squash=squash)
    push(hosted.clone(), "main", "a newer ledger", {f"{folder}reconciler.lock": SECOND})
    place = hosted.clone() / folder
    done = ledger(job, place, "--take")
    assert (done.code, (place / "reconciler.lock").read_text()) == (0, SECOND)
    assert "no ledger waits" in done.err
    assert keep(job, hosted, folder, THIRD).code == 0
    assert [one["state"] for one in forge.requests] == ["merged", "open"]
    assert hosted.log(branch(folder))[:2] == ["Ledger after an apply", "a newer ledger"]
    assert ledger(job, place, "--take").code == 0
    assert (place / "reconciler.lock").read_text() == THIRD


def test_a_ledger_that_is_merged_while_an_apply_runs_is_built_upon(job, hosted, folder, forge):
    place = waits(job, hosted, folder)
    assert ledger(job, place, "--take").code == 0
    (place / "reconciler.lock").write_text(SECOND)
    forge.merges_ledger(keeps_branch=False)
    done = ledger(job, place)
    assert done.code == 0, done.err
    assert hosted.at(branch(folder), f"{folder}reconciler.lock") == SECOND
    assert hosted.log(branch(folder))[1] == "Merge the ledger"


def test_a_ledger_whose_request_could_not_be_opened_or_was_closed_still_waits(job, hosted, folder, forge):
    job.env["RECONCILER_LEDGER"] = "request"
    forge.refuse |= {"POST pulls": 403, "POST merge_requests": 403}
    assert keep(job, hosted, folder, FIRST).code == 1
    forge.refuse.clear()
    place = hosted.clone() / folder
    assert ledger(job, place, "--take").code == 0
    assert (place / "reconciler.lock").read_text() == FIRST
    assert ledger(job, place).code == 0
    forge.requests[0]["state"] = "closed"
    place = hosted.clone() / folder
    assert ledger(job, place, "--take").code == 0
    assert (place / "reconciler.lock").read_text() == FIRST


def test_a_ledger_that_the_branch_got_otherwise_meanwhile_is_not_overwritten(job, hosted, folder, forge):
    waits(job, hosted, folder)
    push(hosted.clone(), "main", "by hand", {f"{folder}reconciler.lock": SECOND})
    place = hosted.clone() / folder
    done = ledger(job, place, "--take")
    assert (done.code, (place / "reconciler.lock").read_text()) == (1, SECOND)
    assert f"main has got another {folder}reconciler.lock" in done.err
    assert "https://forge.example/pull/" in done.err


def test_a_checkout_of_an_older_commit_takes_what_waits_too(job, hosted, folder):
    lift(hosted)
    push(hosted.clone(), "main", "the first", {f"{folder}reconciler.lock": THIRD})
    waits(job, hosted, folder)
    place = hosted.clone() / folder
    git(place, "checkout", "--quiet", "HEAD~1")
    assert ledger(job, place, "--take").code == 0
    assert (place / "reconciler.lock").read_text() == FIRST


def test_where_it_is_pushed_nothing_is_taken(job, hosted, folder, forge):
    place = hosted.clone() / folder
    assert ledger(job, place, "--take").code == 0
    assert forge.asked == []


@pytest.mark.parametrize("way", ["request", "signed"])
def test_two_ledgers_at_once_are_not_mixed(job, hosted, folder, way, forge):
    lift(hosted)
    place = hosted.clone() / folder
    push(hosted.clone(), "main", "another ledger", {f"{folder}reconciler.lock": SECOND})
    (place / "reconciler.lock").write_text(FIRST)
    done = ledger(job, place, "--by", way)
    assert done.code == 1
    assert "somebody else has pushed another reconciler.lock" in done.err
    assert (hosted.log()[0], forge.requests) == ("another ledger", [])


def test_a_commit_of_the_api_creates_the_file_and_then_updates_it(job, hosted, folder):
    for text in (FIRST, SECOND, SECOND):
        done = keep(job, hosted, folder, text, "--by", "signed")
        assert done.code == 0, done.err
    assert hosted.at("main", f"{folder}reconciler.lock") == SECOND
    assert hosted.log() == ["Ledger after an apply [skip ci]"] * 2 + ["begin"]
    assert git(hosted.bare, "log", "-1", "--format=%cn", "main").strip() == "web-flow"


@pytest.mark.parametrize("job", ["github"], indirect=True)
def test_a_commit_of_the_api_follows_others_who_are_faster(job, hosted, folder, forge):
    lift(hosted)
    forge.pushed_meanwhile.append(lambda: push(hosted.clone(), "main", "a README", {"README.md": "hello"}))
    assert keep(job, hosted, folder, FIRST, "--by", "signed").code == 0
    assert hosted.log() == ["Ledger after an apply [skip ci]", "a README", "begin"]


@pytest.mark.parametrize("way", ["request", "signed"])
@pytest.mark.parametrize("forge_name", ["bitbucket", "azure"])
def test_a_forge_without_a_way_for_it_says_so_before_anything_is_pushed(job, hosted, folder, way, forge_name):
    job.env |= {
        "BITBUCKET_TOKEN": TOKEN,
        "SYSTEM_ACCESSTOKEN": TOKEN,
        "SYSTEM_COLLECTIONURI": "https://dev.azure.com/o",
    }
    named = ("--forge", forge_name, "--repository", "a/b")
    done = keep(job, hosted, folder, FIRST, "--by", way, *named)
    assert done.code == 64
    assert git(hosted.bare, "branch", "--list").split() == ["*", "main"]


@pytest.mark.parametrize("words", [(), ("--by", "request"), ("--by", "signed"), ("--by", "request", "--take")])
def test_outside_of_a_repository_git_says_what_is_wrong(job, tmp_path, words):
    apart = tmp_path / "apart"
    apart.mkdir()
    (apart / "reconciler.yaml").write_text(SETTINGS)
    (apart / "reconciler.lock").write_text(FIRST)
    job.env |= {"RECONCILER_LEDGER": "request", "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    done = ledger(job, apart, *words)
    assert done.code == 1
    assert "error: git " in done.err
    assert "not a git repository" in done.err


@pytest.mark.parametrize("job", ["github"], indirect=True)
@pytest.mark.parametrize(("ci", "author"), [("true", "github-actions[bot]"), ("", "reconciler")])
def test_the_ledgers_commit_is_by_github_only_where_github_runs_the_job(job, hosted, folder, ci, author):
    lift(hosted)
    job.env["GITHUB_ACTIONS"] = ci
    done = keep(job, hosted, folder, FIRST, "--branch", "main")
    assert done.code == 0, done.err
    assert git(hosted.bare, "log", "-1", "--format=%an", "main").strip() == author


def test_a_way_that_is_none_is_refused(job, hosted, folder):
    job.env["RECONCILER_LEDGER"] = "mail"
    done = keep(job, hosted, folder, FIRST)
    assert done.code == 64
    assert "RECONCILER_LEDGER" in done.err
