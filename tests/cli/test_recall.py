"""Loads remember what they read, and nobody can tell but by the time it takes."""

import pytest

SOUND = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Arcad
    coppa: false
    placements: [{name: p, placementType: Rewarded, coppa: false, floorPrices: {US: 1.20}}]
"""
BROKEN = SOUND.replace("Rewarded", "Rewardd")


def tree(project):
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in project.root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("text", [SOUND, BROKEN], ids=["sound", "broken"])
@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_the_second_run_says_what_the_first_said(project, text, form):
    project.write("apps/a.yaml", text)
    first, second = (project.call("validate", "--format", form) for _ in range(2))
    assert (project.root / ".reconciler" / "cache" / "manifests").exists()
    assert (second.code, second.out, second.err) == (first.code, first.out, first.err)


def test_an_edit_is_seen_and_so_is_taking_it_back(project):
    project.write("apps/a.yaml", SOUND)
    codes = []
    for text in (SOUND, BROKEN, SOUND):
        project.write("apps/a.yaml", text)
        codes.append(project.call("validate").code)
    assert codes == [0, 1, 0]


def test_a_plan_is_the_same_with_and_without_a_memory_and_writes_nothing(project):
    project.write("apps/a.yaml", SOUND)
    before = tree(project)
    cold = project.call("plan", "--format", "json")
    assert tree(project) == before
    project.call("validate")
    assert tree(project) != before
    before = tree(project)
    warm = project.call("plan", "--format", "json")
    assert tree(project) == before
    made = {"createdAt": "", "digest": ""}  # the digest is of the time too
    assert {**warm.json, **made} == {**cold.json, **made}


KEY = "canary: a key of the jobs alone"


def test_with_a_key_of_its_own_a_plan_keeps_what_it_read_and_tells_nobody_the_key(project):
    project.write("apps/a.yaml", SOUND)
    before = tree(project)
    cold = project.call("plan", "--format", "json", "-vv", RECONCILER_CACHE_KEY=KEY)
    kept = tree(project)
    assert kept.keys() - before.keys() == {".reconciler/cache/.gitignore", ".reconciler/cache/portable"}
    warm = project.call("plan", "--format", "json", "-vv", RECONCILER_CACHE_KEY=KEY)
    assert tree(project) == kept
    made = {"createdAt": "", "digest": ""}
    assert {**warm.json, **made} == {**cold.json, **made}
    assert not any("canary:" in text for done in (cold, warm) for text in (done.out, done.err))
    assert not any(b"canary:" in content for content in kept.values())


def test_a_plan_of_wrong_manifests_keeps_nothing(project):
    project.write("apps/a.yaml", BROKEN)
    before = tree(project)
    assert project.call("plan", RECONCILER_CACHE_KEY=KEY).code == 1
    assert tree(project) == before


@pytest.mark.parametrize("command", [("validate",), ("plan",), ("apply", "--yes")])
def test_a_key_that_can_be_guessed_is_refused_and_not_repeated(project, command):
    project.write("key.txt", "canary: short\n")
    for given in (
        {"RECONCILER_CACHE_KEY": "canary: short"},
        {"RECONCILER_CACHE_KEY_FILE": str(project.root / "key.txt")},
    ):
        before = tree(project)
        done = project.call(*command, **given)
        assert (done.code, tree(project)) == (1, before)
        assert "RECONCILER_CACHE_KEY has less than 16 characters" in done.err
        assert "openssl rand -hex 32" in done.err
        assert "canary:" not in done.out + done.err
        assert project.call("validate", RECONCILER_CACHE="off", **given).code == 0


def test_an_empty_key_is_none(project):
    """As a workflow gives a secret that nobody has set."""
    project.write("apps/a.yaml", SOUND)
    before = tree(project)
    assert project.call("plan", RECONCILER_CACHE_KEY="").code == 0
    assert tree(project) == before


def test_an_apply_of_wrong_manifests_leaves_nothing_behind(project):
    project.write("apps/a.yaml", BROKEN)
    before = tree(project)
    assert project.call("apply", "--yes").code == 1
    assert tree(project) == before


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\xff" * 500, b" \n" * 99])
def test_a_damaged_cache_changes_nothing(project, damage):
    project.write("apps/a.yaml", SOUND)
    sound = project.call("validate")
    project.write(".reconciler/cache/manifests", damage)
    damaged = project.call("validate")
    assert (damaged.code, damaged.out, damaged.err) == (sound.code, sound.out, sound.err)


def test_it_can_be_turned_off(project):
    project.write("apps/a.yaml", SOUND)
    before = tree(project)
    assert project.call("validate", RECONCILER_CACHE="off").code == 0
    assert tree(project) == before
