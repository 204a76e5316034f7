"""What an opponent, or a bad day, puts in the way: odd names, odd files, odd places."""

import json
import os
import shutil

import pytest
from support.command import ONE_APP

NAMES = [
    "a/b", "quo\"te's", "名前", "x" * 300, " lead", "trail ", "a:b", "[b]", "*", "%s", "-dash", "#hash",
    "::error::x", "##[error]x", "a  b", ".", "e\u0301", "A", "a", "null", "no", "1e3",
    "\u202eevil", "\u2028line", "\x85line",
]  # fmt: skip


def placements(*names):
    lines = [f"      - {{name: {json.dumps(name)}, placementType: MREC, coppa: false}}\n" for name in names]
    return f"{ONE_APP}    placements:\n{''.join(lines)}"


def test_odd_names_converge_and_steer_no_terminal(project, rival):
    rival.add_app(name="\x1b[31m\nevil", bundle="com.\x1b[2J\nevil")
    project.write("apps/a.yaml", placements(*NAMES))
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 0, done.err
    assert {each["name"] for each in rival.placements.values()} == set(NAMES)
    again = project.call("plan", "--detailed-exitcode")
    assert again.code == 0, again.out
    assert all(line.isprintable() for line in (done.err + again.out + again.err).splitlines())
    assert not [line for line in done.err.splitlines() if line.startswith(("::", "##["))]
    assert project.call("apply", "--yes", "--format", "json").json["results"] == []


@pytest.mark.parametrize("name", ["", "new\nline", "tab\tx", "\x1b[31mred", "\x00"])
def test_names_that_cannot_be_meant_are_refused(project, rival, name):
    project.write("apps/a.yaml", placements(name))
    done = project.call("plan")
    assert done.code == 1
    assert "apps/a.yaml:9:" in done.err
    assert rival.writes == []


def test_without_a_project_the_way_to_one_is_told(project, tmp_path):
    for arguments in (["plan"], ["plan", "--project", str(tmp_path / "nowhere")]):
        done = project.call(*arguments, cwd=tmp_path)
        assert done.code == 1
        assert "reconciler init" in done.err


def test_a_project_without_manifests_declares_nothing_and_says_so(project, rival):
    rival.add_app(name="Stranger", bundle="com.stranger")
    done = project.call("apply", "--yes", "--format", "json")
    assert (done.code, done.json["results"]) == (0, [])
    assert "no file matches apps/**/*.{yaml,yml}" in done.err
    assert rival.writes == []


def test_a_folder_named_like_a_manifest_is_none(project):
    project.write("apps/folder.yaml/real.yaml", ONE_APP)
    assert project.call("plan", "--format", "json").json["summary"]["create"] == 1


def test_a_link_that_leads_nowhere_is_an_error_and_not_one_manifest_less(project, rival):
    project.write("apps/a.yaml", ONE_APP)
    (project.root / "apps/b.yaml").symlink_to("/nowhere.yaml")
    done = project.call("plan")
    assert done.code == 1
    assert "b.yaml cannot be read" in done.err
    assert rival.writes == []


def test_a_file_name_that_is_no_text_is_an_error(project, rival):
    project.write("apps/a.yaml", ONE_APP)
    shutil.copy(project.root / "apps/a.yaml", os.fsencode(project.root / "apps") + b"/b\xff.yaml")
    done = project.call("plan")
    assert done.code == 1
    assert "is not UTF-8" in done.err
    assert rival.writes == []


def test_a_pattern_that_nothing_matches_is_told(project):
    project.write("apps/a.yaml", ONE_APP)
    done = project.call("plan", "--only", "zzz*")
    assert done.code == 1
    assert "--only zzz*" in done.err


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[1]", b"null", b"version: 1\n", bytes(range(256)), b"[" * 100_000,
        b'{"format": "reconciler.plan/1"}', b'{"format": "reconciler.plan/2"}',
        b'{"format": "reconciler.plan/1", "x": "\\ud800"}',
        b'{"format": "reconciler.plan/1", "x": ' + b"9" * 5000 + b"}", b'{"format": "reconciler.result/1"}',
    ],
    ids=range(12),
)  # fmt: skip
@pytest.mark.parametrize("command", ["show", "apply"])
def test_a_file_that_is_no_plan_is_told_before_any_request(project, rival, command, text):
    done = project.call(command, str(project.write("plan.json", text)))
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "hint: " in done.err
    assert rival.asked == []


def test_a_plan_is_saved_into_a_folder_that_is_made_for_it(project):
    project.write("apps/a.yaml", ONE_APP)
    path = project.root / "out" / "of" / "plan.json"
    assert project.call("plan", "--out", str(path)).code == 0
    assert [each.name for each in path.parent.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(("out", "code"), [("reconciler.yaml/plan.json", 1), ("apps", 64), ("x" * 300, 1)])
def test_a_plan_that_cannot_be_saved_is_an_error(project, out, code):
    project.write("apps/a.yaml", ONE_APP)
    done = project.call("plan", "--out", str(project.root / out))
    assert done.code == code
    assert done.err.splitlines()[-1].startswith(("error: ", "hint: ", "try: ")), done.err


class TestStore:
    @pytest.fixture
    def project(self, project):
        project.write("apps/a.yaml", ONE_APP)
        return project

    def test_a_broken_ledger_stops_plan_and_apply_before_any_write(self, project, rival):
        project.write("reconciler.lock", "<<<<<<< ours\n")
        for command in (["plan"], ["apply", "--yes"]):
            done = project.call(*command)
            assert done.code == 1
            assert "reconciler.lock:1: " in done.err
        assert rival.writes == []

    def test_a_folder_in_the_ledgers_place_stops_it_too(self, project, rival):
        (project.root / "reconciler.lock").mkdir()
        assert project.call("apply", "--yes").code == 1
        assert rival.writes == []

    def test_a_file_in_the_journals_place_stops_it_too(self, project, rival):
        project.write(".reconciler", "")
        done = project.call("apply", "--yes")
        assert done.code == 1
        assert "Traceback" not in done.err
        assert rival.writes == []

    def test_plan_and_validate_write_nothing_but_what_may_be_thrown_away(self, project):
        before = sorted(project.root.rglob("*"))
        for command in ("plan", "validate", "ping"):
            assert project.call(command).code == 0
        state = project.root / ".reconciler"
        cache = {state, state / "cache", *(state / "cache" / name for name in (".gitignore", "key", "manifests"))}
        assert sorted({*project.root.rglob("*")} - cache) == before
