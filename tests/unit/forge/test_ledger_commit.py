"""The ledger's commit in a real repository that others push to."""

import os

import pytest
from support.fake_clock import FakeClock
from support.runner import Checkout, git, push

from reconciler.errors import ProjectError
from reconciler.forge.commits import TRIES, Git, Target, commit_ledger

TARGET = Target("origin", "main", ("bot", "bot@example.com"))


@pytest.fixture
def repository(tmp_path):
    repository = Checkout(tmp_path / "repository")
    repository.begin({"README.md": "hello\n"})
    return repository


@pytest.fixture
def checkout(repository, tmp_path):
    clone = repository.clone()
    (clone / "reconciler.lock").write_text("{}\n")
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    return Git(clone, variables)


def others_are_faster(repository, times):
    """Each of the next pushes finds that somebody has pushed just before."""
    hook = repository.bare / "hooks" / "pre-receive"
    hook.write_text(f"""#!/bin/sh
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
count=$(cat count 2>/dev/null || echo 0)
[ "$count" -lt {times} ] || exit 0
echo $((count + 1)) >count
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=a@b
made=$(git commit-tree -p main -m "faster $count" 'main^{{tree}}')
git update-ref refs/heads/main "$made"
exit 1
""")
    hook.chmod(0o755)


def commit(checkout, clock):
    return commit_ledger(checkout, "reconciler.lock", "Ledger", TARGET, clock)


@pytest.mark.parametrize("times", [0, 1, TRIES - 1])
def test_whoever_is_faster_is_built_upon(repository, checkout, times):
    others_are_faster(repository, times)
    clock = FakeClock()
    assert commit(checkout, clock)
    assert repository.log() == ["Ledger", *(f"faster {n}" for n in reversed(range(times))), "begin"]
    assert clock.slept == [2.0**n for n in range(times)]


def test_it_gives_up_in_the_end_and_keeps_the_commit(repository, checkout):
    others_are_faster(repository, TRIES)
    with pytest.raises(ProjectError, match=f"others were faster {TRIES} times"):
        commit(checkout, FakeClock())
    assert "Ledger" not in repository.log()
    assert git(checkout.folder, "log", "-1", "--format=%s").strip() == "Ledger"


def test_an_unchanged_ledger_is_not_committed(repository, checkout):
    assert commit(checkout, FakeClock())
    assert commit(checkout, FakeClock()) is None
    assert repository.log() == ["Ledger", "begin"]


def test_edited_files_beside_it_stay_as_they_are(repository, checkout):
    push(repository.clone(), "main", "later", {"other.txt": "x"})
    (checkout.folder / "README.md").write_text("edited\n")
    assert commit(checkout, FakeClock())
    assert (checkout.folder / "README.md").read_text() == "edited\n"
    assert repository.at("main", "README.md") == "hello\n"


def test_a_name_that_git_knows_signs_and_ours_where_it_knows_none(repository, checkout):
    commit(checkout, FakeClock())
    git(checkout.folder, "config", "user.email", "own@example.com")
    git(checkout.folder, "config", "user.name", "own")
    (checkout.folder / "reconciler.lock").write_text("{}\n{}\n")
    commit(checkout, FakeClock())
    signed = git(repository.bare, "log", "-2", "--format=%ae", "main").split()
    assert signed == ["own@example.com", "bot@example.com"]


def test_words_of_git_are_shown_without_a_password_in_a_url(checkout):
    target = Target("https://bot:password-canary-99@127.0.0.1:9/x.git", "main", TARGET.author)
    with pytest.raises(ProjectError) as raised:
        commit_ledger(checkout, "reconciler.lock", "Ledger", target, FakeClock())
    assert "password-canary-99" not in str(raised.value)
