"""Manifests that a project has and the program did not read: told, and nothing is switched off meanwhile."""

import json
import subprocess

import pytest

PLAIN = "version: 1\napps:\n  - {{platform: android, bundle: {0}, name: {0}, category1: Finance, coppa: false{1}}}\n"
B = PLAIN.format("com.b", ", placements: [{name: int, placementType: Interstitial}]")


def settings(project, *, prune="deactivate", manifests=None):
    patterns = "" if manifests is None else f"manifests: {json.dumps(manifests)}\n"
    safety = "safety: {maxChangePercent: 100, quarantineDays: 0, maxDeletes: 9}"
    project.write("reconciler.yaml", f'version: 1\npublisherId: "3432"\n{patterns}prune: {prune}\n{safety}\n')


@pytest.fixture
def applied(project):
    """A project with two apps in two files, both applied."""
    settings(project)
    project.write("apps/a.yaml", PLAIN.format("com.a", ""))
    project.write("apps/b.yaml", B)
    assert project.call("apply", "--yes").code == 0
    return project


def codes(done):
    return sorted((each["code"], each["file"]) for each in done.json["findings"])


def gone_elsewhere(project, name):
    (project.root / "apps/b.yaml").rename(project.write(name, ""))


ASIDE = ["apps/b.yaml.bak", "apps/b.yaml~", "apps/b.YAML_old", "apps/b.yml.disabled"]
NAMES = [*ASIDE, "apps/b.YAML", "apps/b.Yml", "games/b.yaml", "b.yaml", "apps/sub/b.YAML", "manifests/deep/er/b.yml"]


@pytest.mark.parametrize("prune", ["deactivate", "delete"])
@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_that_no_pattern_matches_is_told_and_holds_the_removal(applied, rival, name, prune):
    settings(applied, prune=prune)
    gone_elsewhere(applied, name)
    assert codes(applied.call("validate", "--format", "json")) == [("unread-manifest", name)]
    assert (applied.call("validate").code, applied.call("validate", "--strict").code) == (0, 1)
    plan = applied.call("plan", "--format", "json").json
    (held,) = plan["held"]
    assert (held["action"], held["address"]) == ("deactivate", "android:com.b")
    assert name in held["reason"]
    assert "manifests" in held["switch"]
    assert plan["changes"] == plan["unmanaged"] == []
    assert applied.call("apply", "--yes").code == 0
    assert {each["status"] for each in (*rival.apps.values(), *rival.placements.values())} == {"active"}


def test_a_file_that_ends_in_yml_is_read(applied, rival):
    gone_elsewhere(applied, "apps/b.yml")
    assert applied.call("validate", "--strict").code == 0
    assert applied.call("plan", "--detailed-exitcode").code == 0


def test_a_file_that_is_removed_and_nowhere_else_is_a_removal(applied, rival):
    (applied.root / "apps/b.yaml").unlink()
    assert applied.call("apply", "--yes").code == 0
    assert sorted(each["status"] for each in rival.apps.values()) == ["active", "inactive"]


@pytest.mark.parametrize(
    "patterns", [["apps/a.yaml", "ap/b.yaml"], ["apps/a*", "apps/b.yml"], ["{apps,games}/a.yaml", "{x,y}/*.yaml"]]
)
def test_a_pattern_that_matches_nothing_is_told_and_holds_the_removal(applied, rival, patterns):
    settings(applied, manifests=patterns)
    done = applied.call("validate", "--format", "json")
    found = next(each for each in done.json["findings"] if each["code"] == "no-manifest")
    assert (found["file"], found["line"], found["severity"]) == ("reconciler.yaml", 3, "warning")
    assert patterns[1] in found["message"]
    assert applied.call("validate", "--strict").code == 1
    assert applied.call("apply", "--yes").code == 0
    assert {each["status"] for each in rival.apps.values()} == {"active"}


def test_an_empty_folder_as_of_a_submodule_holds_the_removal(applied, rival):
    (applied.root / "apps/b.yaml").unlink()
    (applied.root / "apps/games").mkdir()
    assert codes(applied.call("validate", "--format", "json")) == [("empty-folder", "apps/games")]
    assert applied.call("apply", "--yes").code == 0
    assert {each["status"] for each in rival.apps.values()} == {"active"}


def test_placements_are_held_too(applied, rival):
    applied.write("apps/b.yaml", PLAIN.format("com.b", ", prune: deactivate, placements: []"))
    applied.write("apps/more.YAML", B)
    plan = applied.call("plan", "--format", "json").json
    assert [each["address"] for each in plan["held"]] == ["android:com.b/int"]
    assert plan["changes"] == []


def test_a_saved_plan_does_not_switch_off_what_is_held_by_now(applied, rival):
    text = applied.read("apps/b.yaml")
    (applied.root / "apps/b.yaml").unlink()
    assert applied.call("plan", "--out", "plan.json").code == 0
    applied.write("apps/b.YAML", text)
    assert applied.call("apply", "plan.json").code == 4
    assert {each["status"] for each in rival.apps.values()} == {"active"}


def test_strict_fails_where_no_file_matches(project):
    assert project.call("validate").code == 0
    done = project.call("validate", "--strict")
    assert done.code == 1
    assert "no file matches apps/**/*.{yaml,yml}" in done.out


@pytest.mark.parametrize(
    "name", ["apps/.#b.yaml", "apps/._b.yaml", "apps/.b.yaml.swp", "apps/b.yaml~", ".cache/b.yaml"]
)
def test_what_editors_leave_is_no_manifest(applied, name):
    applied.write(name, b"\x00\x05\x16\x07 no YAML\napps:\n")
    assert applied.call("validate", "--strict").code == 0
    assert applied.call("fmt", "--check").code == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".github/workflows/ci.yaml", B),
        ("k8s/deployment.yaml", "kind: Deployment\nspec:\n  apps:\n    - a\n"),
        ("policies/p.yml", "policies: []\n"),
        ("notes.YAML", "# apps: are elsewhere\nx: 1\n"),
        ("other/reconciler.yaml", 'version: 1\npublisherId: "1"\n'),
        ("node_modules/x/m.yaml", B),
    ],
)
def test_other_yaml_files_are_left_alone(applied, name, text):
    applied.write(name, text)
    assert applied.call("validate", "--strict").code == 0


def test_manifests_of_a_project_within_are_its_own(applied):
    applied.write("other/reconciler.yaml", 'version: 1\npublisherId: "1"\n')
    applied.write("other/apps/c.yaml", PLAIN.format("com.c", ""))
    assert applied.call("validate", "--strict").code == 0


@pytest.mark.parametrize("text", ['{"version": 1, "apps": []}', "{apps: []}", "\ufeffapps: []\n", "'apps': []\r\n"])
def test_a_manifest_is_known_in_whichever_way_it_is_written(applied, text):
    applied.write("b.yaml", text)
    assert codes(applied.call("validate", "--format", "json")) == [("unread-manifest", "b.yaml")]


@pytest.mark.parametrize(
    "pattern", ["{../x,apps}/*.yaml", "{/etc,apps}/*.yaml", "{.git,apps}/*", "{a,b}" * 8, "apps/{a,**b}.yaml"]
)
def test_braces_lead_nowhere_that_a_pattern_may_not(project, pattern):
    settings(project, manifests=[pattern])
    done = project.call("validate")
    assert done.code == 1
    assert "is no pattern below the project" in done.out


def test_braces_stand_for_each_of_their_parts(project):
    settings(project, manifests=["{apps,games/{one,two}}/*.{yaml,yml}"])
    for at, name in enumerate(["apps/a.yml", "games/one/b.yaml", "games/two/c.yml"]):
        project.write(name, PLAIN.format(f"com.{'xyz'[at]}", ""))
    project.write("games/three/d.txt", "no manifest")
    assert project.call("validate", "--strict").code == 0
    assert "3 apps" in project.call("validate").err


@pytest.mark.parametrize("name", ["apps/b.yaml.bak", "apps/b.yaml~", "apps/b.yml.orig"])
def test_a_copy_beside_the_manifest_it_is_of_says_nothing(applied, name):
    applied.write(name, applied.read("apps/b.yaml"))
    assert applied.call("validate", "--strict").code == 0


def test_a_first_pull_is_no_reason_to_warn(project, rival):
    settings(project)
    rival.add_app(bundle="com.c", name="C", platform="android", category1="Finance", coppa=False)
    done = project.call("pull")
    assert (done.code, [word for word in ("warning", "submodule") if word in done.err]) == (0, [])
    (written,) = (project.root / "apps").iterdir()
    assert "bundle: com.c" in written.read_text()


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_a_pull_writes_no_second_block_beside_a_manifest_that_is_not_read(applied, rival, check):
    gone_elsewhere(applied, "old/b.yaml")
    before = sorted(applied.root.rglob("*.y*ml"))
    done = applied.call("pull", *check, "--format", "json")
    (held,) = done.json["held"]
    assert (held["code"], held["file"], held["address"]) == ("unread-manifest", "old/b.yaml", "android:com.b")
    assert sorted(applied.root.rglob("*.y*ml")) == before
    assert done.code == 3


def test_a_pull_writes_none_for_what_is_owned_while_a_folder_of_manifests_is_empty(applied, rival):
    (applied.root / "apps/b.yaml").unlink()
    (applied.root / "apps/sub").mkdir()
    done = applied.call("pull", "--format", "json")
    assert [(each["code"], each["address"]) for each in done.json["held"]] == [("empty-folder", "android:com.b")]
    assert done.code == 3
    assert sorted(each.name for each in (applied.root / "apps").iterdir()) == ["a.yaml", "sub"]


@pytest.mark.parametrize("linked", [False, True])
def test_what_a_sparse_checkout_leaves_out_is_told_and_holds_the_removal(applied, rival, linked, tmp_path):
    def git(*arguments, at=applied.root):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments], cwd=at, check=True)

    root = applied.root
    (root / "apps/far").mkdir()
    (root / "apps/b.yaml").rename(root / "apps/far/b.yaml")
    git("init", "--quiet")
    git("add", "apps", "reconciler.yaml")
    git("commit", "--quiet", "-m", "all")
    if linked:
        git("worktree", "add", "--quiet", str(tmp_path / "linked"))
        (tmp_path / "linked/reconciler.lock").write_text(applied.read("reconciler.lock"))
        applied.root = tmp_path / "linked"
    assert applied.call("validate", "--strict").code == 0
    git("sparse-checkout", "set", "--no-cone", "/*", "!/apps/far/", at=applied.root)
    assert not (applied.root / "apps/far").exists()
    assert codes(applied.call("validate", "--format", "json")) == [("not-checked-out", "apps/far/b.yaml")]
    assert applied.call("apply", "--yes").code == 0
    assert {each["status"] for each in rival.apps.values()} == {"active"}
    git("sparse-checkout", "disable", at=applied.root)
    assert applied.call("validate", "--strict").code == 0
