"""What stands in a checkout for a file of the project is a finding: not read, not shown, not written through."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.command import ONE_APP, SETTINGS
from support.forge import Forge

from reconciler.cli.session import FINDINGS_FORMATS
from reconciler.files.disk import LARGEST

each = pytest.mark.parametrize

SECRET = "aws_secret_access_key-canary-8086"
TEXT = f"{SECRET}: [not, a, manifest\n"
COMMANDS = (["validate"], ["plan"], ["apply", "--yes"], ["drift"], ["pull"], ["fmt"], ["fmt", "--check"])
PLACED = ONE_APP + "    placements:\n      - {name: low, placementType: MREC, coppa: false, floorPrices: {US: 1}}\n"


class Outside:
    """A folder outside of the project, with a file that holds a secret."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.file = folder / "secret.yaml"
        self.file.write_text(TEXT)

    def assert_untouched(self):
        assert [path.name for path in self.folder.iterdir()] == ["secret.yaml"]
        assert self.file.read_text() == TEXT


@pytest.fixture
def outside(tmp_path):
    return Outside(tmp_path / "outside")


@pytest.fixture
def placed(project):
    """A project with one manifest, and something to do."""
    project.write("apps/a.yaml", PLACED)
    return project


def link_to_a_file(path, outside, _stack):
    path.symlink_to(outside.file)


def relative_link(path, outside, _stack):
    path.symlink_to(os.path.relpath(outside.file, path.parent))


def chain(path, outside, _stack):
    path.with_name("second").symlink_to(outside.file)
    path.with_name("first").symlink_to("second")
    path.symlink_to("first")


def link_to_a_folder(path, outside, _stack):
    path.symlink_to(outside.folder)


def link_to_nowhere(path, _outside, _stack):
    path.symlink_to("/nowhere.yaml")


def loop(path, _outside, _stack):
    path.symlink_to(path.name)


def link_to_a_device(path, _outside, _stack):
    path.symlink_to("/dev/zero")


def link_to_the_environment(path, _outside, _stack):
    path.symlink_to("/proc/self/environ")


def link_into_git(path, _outside, _stack):
    config = path.parents[1] / ".git" / "config"
    config.parent.mkdir(exist_ok=True)
    config.write_text(TEXT)
    path.symlink_to("../.git/config")


def link_into_the_state(path, _outside, _stack):
    salt = path.parents[1] / ".reconciler" / "salt"
    salt.parent.mkdir(exist_ok=True)
    salt.write_text(TEXT)
    path.symlink_to("../.reconciler/salt")


def link_to_a_sibling_of_the_root(path, _outside, _stack):
    twin = path.parents[1].with_name(f"{path.parents[1].name}-2")
    twin.mkdir()
    (twin / "x.yaml").write_text(TEXT)
    path.symlink_to(twin / "x.yaml")


def named_pipe(path, _outside, _stack):
    os.mkfifo(path)


def listening_socket(path, _outside, stack):
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name has to be short
    try:
        stack.enter_context(socket.socket(socket.AF_UNIX)).bind(path.name)
    finally:
        os.chdir(here)


def too_large(path, _outside, _stack):
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)


THINGS = (
    link_to_a_file, relative_link, chain, link_to_a_folder, link_to_nowhere, loop, link_to_a_device,
    link_to_the_environment, link_into_git, link_into_the_state, link_to_a_sibling_of_the_root, named_pipe,
    listening_socket, too_large,
)  # fmt: skip
CODES = ("outside-project", "not-a-regular-file", "file-too-large")


@pytest.fixture
def stack():
    with ExitStack() as open_ones:
        yield open_ones


@each("thing", THINGS)
@each("command", COMMANDS, ids=" ".join)
def test_what_is_no_manifest_of_the_project_is_a_finding_and_nothing_of_it_is_shown(
    placed, rival, outside, stack, thing, command
):
    thing(placed.root / "apps" / "x.yaml", outside, stack)
    done = placed.call(*command)
    assert done.code == 1
    told = done.out + done.err
    assert "apps/x.yaml:1:1: " in told
    assert any(f"[{code}]" in told for code in CODES)
    assert SECRET not in told
    assert rival.writes == []
    outside.assert_untouched()
    assert placed.read("apps/a.yaml") == PLACED


@each("thing", [link_to_a_file, named_pipe, link_to_a_folder, link_into_git])
@each("form", FINDINGS_FORMATS)
def test_the_finding_is_in_every_format_with_its_place_and_the_others(placed, outside, stack, thing, form):
    placed.write("apps/b.yaml", ONE_APP.replace("category1", "categori1").replace("com.a", "com.b"))
    thing(placed.root / "apps" / "x.yaml", outside, stack)
    done = placed.call("validate", "--format", form)
    assert done.code == 1
    assert SECRET not in done.out + done.err
    assert "apps/x.yaml" in done.out
    assert "categori1" in done.out
    if form == "json":
        (found,) = [one for one in done.json["findings"] if one["file"] == "apps/x.yaml"]
        assert (found["line"], found["column"], found["severity"]) == (1, 1, "error")
        assert found["code"] in CODES
        assert found["hint"]


@each("thing", [link_to_a_file, chain, named_pipe, link_to_nowhere, link_to_a_device, too_large])
@each("form", ["text", "json", "markdown", "sarif"])
def test_settings_that_are_no_file_of_the_project_are_a_finding(placed, rival, outside, stack, thing, form):
    path = placed.root / "reconciler.yaml"
    path.unlink()
    thing(path, outside, stack)
    done = placed.call("validate", "--format", form)
    assert done.code == 1
    assert "reconciler.yaml" in done.out
    for command in COMMANDS:
        again = placed.call(*command)
        assert again.code == 1
        assert SECRET not in done.out + done.err + again.out + again.err
    assert rival.asked == []
    outside.assert_untouched()


@each("where", ["apps", "apps/more", "apps/more/deep"])
@each("pattern", ["apps/**/*.yaml", "apps/*/*/*.yaml", "**/*.yaml"])
def test_a_folder_that_is_a_link_is_a_finding_wherever_it_leads(project, rival, outside, where, pattern):
    project.write("reconciler.yaml", f'{SETTINGS}manifests: ["{pattern}"]\n')
    path = project.root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(outside.folder)
    for command in COMMANDS:
        done = project.call(*command)
        assert done.code == 1, command
        assert f"{where}:1:1: " in done.out + done.err
        assert "[not-a-regular-file]" in done.out + done.err
        assert SECRET not in done.out + done.err
    assert rival.writes == []
    outside.assert_untouched()


def test_a_link_to_another_folder_of_the_project_is_a_finding_and_no_silence(placed):
    placed.write("other/b.yaml", ONE_APP.replace("com.a", "com.b"))
    (placed.root / "apps" / "more").symlink_to("../other")
    done = placed.call("validate")
    assert done.code == 1
    assert "apps/more:1:1: " in done.out


@each(
    "pattern", [".git/config", ".git/*", ".reconciler/salt", "../outside/*.yaml", "/etc/passwd", "apps/../../outside/*"]
)
def test_a_pattern_that_leads_elsewhere_is_a_finding_in_the_settings(project, outside, pattern):
    for name in (".git/config", ".reconciler/salt"):
        project.write(name, TEXT)
    project.write("reconciler.yaml", f'{SETTINGS}manifests: ["{pattern}"]\n')
    done = project.call("validate", "--format", "json")
    assert done.code == 1
    (found,) = done.json["findings"]
    assert (found["file"], found["line"], found["column"]) == ("reconciler.yaml", 3, 13)
    assert SECRET not in done.out + done.err
    outside.assert_untouched()


def test_git_and_the_state_are_not_searched_for_manifests(placed):
    placed.write("reconciler.yaml", f'{SETTINGS}manifests: ["**/*.yaml"]\n')
    (placed.root / "apps" / "a.yaml").unlink()
    for folder in (".git", ".GIT", ".reconciler", "apps/.git"):
        placed.write(f"{folder}/x.yaml", TEXT)
    done = placed.call("validate")
    assert SECRET not in done.out + done.err
    assert "x.yaml" not in done.out


def test_a_link_to_a_file_of_the_project_is_read_and_written_as_that_file(placed):
    (placed.root / "apps" / "a.yaml").rename(placed.root / "shared.yaml")
    (placed.root / "apps" / "a.yaml").symlink_to("../shared.yaml")
    assert placed.call("plan", "--format", "json").json["summary"]["create"] == 2
    placed.write("shared.yaml", PLACED.replace("version: 1\napps:", "apps:").rstrip() + "\nversion: 1\n")
    assert placed.call("fmt").code == 0
    assert (placed.root / "apps" / "a.yaml").is_symlink()
    assert placed.read("shared.yaml").startswith("version: 1")


def test_a_project_may_be_reached_through_links(placed, tmp_path):
    (tmp_path / "checkout").symlink_to(placed.root)
    assert placed.call("plan", cwd=tmp_path / "checkout").code == 0
    assert placed.call("plan", "--project", str(tmp_path / "checkout"), "--out", "plan.json", cwd=tmp_path).code == 0
    linked = tmp_path / "checkout"
    assert placed.call("plan", "--out", str(linked / "p.json"), "--project", str(linked), cwd=tmp_path).code == 0
    assert placed.call("apply", str(linked / "p.json"), "--yes", cwd=linked).code == 0
    assert placed.call("plan", "--detailed-exitcode").code == 0


STATE = ("reconciler.lock", ".reconciler/journal.jsonl", ".reconciler/lock")


@each("name", STATE)
@each("thing", [link_to_a_file, named_pipe, link_to_a_device, link_to_nowhere, link_to_a_folder])
def test_no_apply_reads_or_writes_a_ledger_journal_or_lock_that_is_no_file(placed, rival, outside, stack, name, thing):
    path = placed.root / name
    path.parent.mkdir(exist_ok=True)
    thing(path, outside, stack)
    done = placed.call("apply", "--yes")
    assert done.code == 1
    assert f"{name}:1:1: " in done.err
    assert "[not-a-regular-file]" in done.err
    assert SECRET not in done.out + done.err
    assert rival.writes == []
    outside.assert_untouched()
    assert path.is_symlink() or path.is_fifo()


@each("command", [["plan"], ["drift"], ["pull"], ["history"], ["apply", "--yes"]], ids=" ".join)
def test_a_folder_of_state_that_is_a_link_is_refused(placed, rival, outside, command):
    (outside.folder / "journal.jsonl").write_text(TEXT)
    (placed.root / ".reconciler").symlink_to(outside.folder)
    done = placed.call(*command)
    assert done.code == 1
    assert ".reconciler:1:1: " in done.err
    assert SECRET not in done.out + done.err
    assert rival.writes == []
    assert sorted(path.name for path in outside.folder.iterdir()) == ["journal.jsonl", "secret.yaml"]
    assert (outside.folder / "journal.jsonl").read_text() == TEXT


def test_a_cache_behind_a_link_is_neither_made_nor_read(placed, outside):
    many = "".join(f"      - {{name: low_{n}, placementType: MREC, coppa: false}}\n" for n in range(3000))
    placed.write("apps/a.yaml", ONE_APP + "    placements:\n" + many)
    (placed.root / ".reconciler").symlink_to(outside.folder)
    assert placed.call("validate").code == 0
    outside.assert_untouched()


@each("thing", [link_to_a_file, link_to_nowhere, named_pipe])
def test_an_audit_is_not_remembered_through_a_link_and_says_so(placed, outside, stack, thing):
    assert placed.call("apply", "--yes").code == 0
    thing(placed.root / ".reconciler" / "audits.jsonl", outside, stack)
    done = placed.call("drift")
    assert "warning: " in done.err
    assert ".reconciler/audits.jsonl:1:1: " in done.err
    assert SECRET not in done.out + done.err
    outside.assert_untouched()


def test_a_draft_that_waits_as_a_link_is_not_written_through(placed, outside):
    """The ledger is written beside its place first, under a name that a pull request can guess."""
    for number in (os.getpid(), os.getpid() + 1):
        (placed.root / f".reconciler.lock.{number}.tmp").symlink_to(outside.file)
    assert placed.call("apply", "--yes").code == 0
    outside.assert_untouched()
    assert not (placed.root / "reconciler.lock").is_symlink()


def test_an_undo_plan_is_not_written_through_a_link(placed, rival, outside):
    (placed.root / ".reconciler").mkdir()
    (placed.root / ".reconciler" / "undo").symlink_to(outside.folder)
    done = placed.call("apply", "--yes")
    assert done.code == 1
    assert ".reconciler/undo:1:1: " in done.err
    outside.assert_untouched()
    assert len(rival.writes) == 2


def test_what_speaks_for_floors_is_not_read_through_a_link(placed, rival, outside):
    (placed.root / "reconciler.evidence").symlink_to(outside.file)
    done = placed.call("plan")
    assert done.code == 1
    assert "reconciler.evidence:1:1: " in done.err
    assert SECRET not in done.out + done.err


@each("command", [["show"], ["apply", "--yes"], ["rehearse"]], ids=" ".join)
@each("thing", [link_to_a_file, named_pipe, link_to_a_device, link_to_nowhere, too_large])
def test_a_plan_below_the_project_is_a_file_of_it(placed, rival, outside, stack, command, thing):
    path = placed.write(".reconciler/undo/x", "").with_name("x.json")
    thing(path, outside, stack)
    done = placed.call(command[0], str(path), *command[1:])
    assert done.code == 1
    assert ".reconciler/undo/x.json:1:1: " in done.err
    assert SECRET not in done.out + done.err
    assert rival.asked == []
    outside.assert_untouched()


def test_a_plan_elsewhere_may_be_behind_a_link_but_is_a_regular_file(placed, tmp_path):
    assert placed.call("plan", "--out", str(tmp_path / "plan.json")).code == 0
    (tmp_path / "link.json").symlink_to("plan.json")
    assert placed.call("show", str(tmp_path / "link.json")).code == 0
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path / "pipe", "/dev/zero"):
        done = placed.call("show", str(odd))
        assert done.code == 1
        assert "[not-a-regular-file]" in done.err


@each("name", ["plan.json", "out/plan.json"])
def test_a_plan_is_not_saved_through_a_link(placed, outside, name):
    link = placed.root / name.partition("/")[0]
    link.symlink_to(outside.file if link.suffix else outside.folder)
    done = placed.call("plan", "--out", str(placed.root / name))
    assert done.code == 1
    assert "[not-a-regular-file]" in done.err
    outside.assert_untouched()
    assert link.is_symlink()


def test_a_plan_is_not_saved_over_a_device_or_a_link_elsewhere_either(placed, outside, tmp_path):
    (tmp_path / "link").symlink_to(outside.file)
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "link", tmp_path / "pipe"):
        done = placed.call("plan", "--out", str(place))
        assert done.code == 1
        assert "[not-a-regular-file]" in done.err
    outside.assert_untouched()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "pipe").is_fifo()


def test_schemas_are_not_written_through_a_link(placed, outside):
    (placed.root / "schemas").symlink_to(outside.folder)
    done = placed.call("schema", "--out", str(placed.root / "schemas"))
    assert done.code == 1
    outside.assert_untouched()


@each("where", ["apps", "schemas", ".github"])
def test_a_new_project_is_not_written_through_a_link(tmp_path, project, outside, where):
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / where).symlink_to(outside.folder)
    done = project.call("init", str(folder), "--ci", "github", cwd=tmp_path)
    assert done.code == 1
    assert f"{where}:1:1: " in done.err
    outside.assert_untouched()


def test_settings_that_are_a_link_to_nowhere_are_there_already(tmp_path, project):
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "reconciler.yaml").symlink_to(tmp_path / "made.yaml")
    assert project.call("init", str(folder), cwd=tmp_path).code == 1
    assert not (tmp_path / "made.yaml").exists()


@each("command", ["comment", "issue"])
def test_no_post_holds_what_a_link_leads_to(placed, outside, tmp_path, command):
    (placed.root / "plan.md").symlink_to(outside.file)
    with Forge().running() as forge:
        there = {
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "studio/monetization", "GITHUB_TOKEN": "t",
            "GITHUB_API_URL": f"{forge.url}/api/v3", "GITHUB_GRAPHQL_URL": f"{forge.url}/api/graphql",
        }  # fmt: skip
        number = ["--number", "1"] if command == "comment" else []
        done = placed.call("ci", command, "plan.md", *number, **there)
        assert done.code == 1
        assert "plan.md:1:1: " in done.err
        assert forge.asked == []


def test_a_ledger_that_is_a_link_is_not_committed(placed, outside):
    (placed.root / "reconciler.lock").symlink_to(outside.file)
    done = placed.call("ci", "ledger", "--branch", "main", GITHUB_ACTIONS="true", GITHUB_TOKEN="t")
    assert done.code == 1
    assert "reconciler.lock:1:1: " in done.err


def test_files_to_format_that_are_links_elsewhere_stay_as_they_are(placed, outside):
    (placed.root / "apps" / "x.yaml").symlink_to(outside.file)
    for where in ("apps", "apps/x.yaml", "."):
        done = placed.call("fmt", where)
        assert done.code == 1
        assert SECRET not in done.out + done.err
    outside.assert_untouched()


def test_a_name_is_completed_without_reading_through_links(placed, outside):
    (placed.root / "apps" / "x.yaml").symlink_to(outside.file)
    asked = {"COMP_WORDS": "reconciler plan --only ", "COMP_CWORD": "3"}
    done = placed.run(_RECONCILER_COMPLETE="bash_complete", **asked)
    assert "com.a" in done.out
    assert SECRET not in done.out + done.err
