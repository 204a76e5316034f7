"""Where a file is to be written: what stands there stays what it is, with its mode, or is refused in words."""

import ctypes
import errno
import json
import os
import resource
import socket
import stat
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from support.command import ONE_APP, PATIENCE, Done

each = pytest.mark.parametrize

MANIFEST = ONE_APP + "    placements:\n      - {name: low, placementType: MREC, coppa: false, floorPrices: {US: 1}}\n"


@pytest.fixture
def project(project):
    project.write("apps/a.yaml", MANIFEST)
    return project


def is_plan(text):
    return json.loads(text)["format"] == "reconciler.plan/1"


def run(project, before, *arguments):
    """A command in a process that was made different before it starts."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments], cwd=project.root, preexec_fn=before, check=False,
        env={**project.env, "PYTHONDONTWRITEBYTECODE": "1"}, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=PATIENCE,
    )  # fmt: skip
    return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def held_to_permissions():
    """Root may read and write everything; here it may not."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, dropped (24) from what a program may get
        libc.prctl(24, capability, 0, 0, 0)


class TestOut:
    @each("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
    def test_standard_output_gets_the_plan(self, project, name):
        done = project.run("plan", "--out", name)
        assert done.code == 0, done.err
        assert '"format": "reconciler.plan/1"' in done.out
        assert "+ create low" in done.out

    def test_standard_output_that_is_a_file_is_written_on_and_not_replaced(self, project, tmp_path):
        file = tmp_path / "all.txt"
        file.write_text("before\n")
        number = file.stat().st_ino
        done = project.shell(f"reconciler plan --out /dev/stdout >> {file}")
        assert done.code == 0, done.err
        assert file.stat().st_ino == number
        assert file.read_text().startswith("before\n{")

    def test_an_open_descriptor_gets_it(self, project, tmp_path):
        done = project.shell(
            f"reconciler plan --out /dev/fd/3 3> {tmp_path}/three && reconciler show {tmp_path}/three", afresh=True
        )
        assert done.code == 0, done.err
        assert is_plan((tmp_path / "three").read_text())

    def test_a_program_of_the_shell_gets_it(self, project, tmp_path):
        done = project.shell(
            f"reconciler plan --out >(cat > {tmp_path}/got) | cat; wait; cat {tmp_path}/got", afresh=True
        )
        assert '"format": "reconciler.plan/1"' in done.out

    def test_a_pipe_with_a_reader_gets_it_and_stays_a_pipe(self, project, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        got = []
        reader = Thread(target=lambda: got.append((tmp_path / "pipe").read_text()), daemon=True)
        reader.start()
        done = project.call("plan", "--out", str(tmp_path / "pipe"))
        reader.join(PATIENCE)
        assert done.code == 0, done.err
        assert is_plan(got[0])
        assert (tmp_path / "pipe").is_fifo()

    def test_the_null_device_stays_one_and_is_not_recommended(self, project):
        before = Path("/dev/null").stat()
        done = project.call("plan", "--out", "/dev/null")
        assert done.code == 0, done.err
        assert stat.S_ISCHR(before.st_mode)
        assert (Path("/dev/null").stat().st_ino, Path("/dev/null").stat().st_mode) == (before.st_ino, before.st_mode)
        assert "reconciler apply /dev/null" not in done.err

    @each("name", ["/dev/full", "/dev/fd/77", "/proc/nothing/here", ""])
    def test_what_takes_nothing_is_told_in_words(self, project, name):
        done = project.call("plan", "--out", name)
        assert done.code == 1
        assert done.err.startswith("error: the plan could not be saved: ")
        assert "Errno" not in done.err
        assert "Traceback" not in done.err

    @each("kind", ["socket", "pipe that nobody reads", "link to a folder", "link to a file", "link to nowhere"])
    def test_what_cannot_be_written_through_is_refused_and_stays(self, project, tmp_path, kind):
        place = tmp_path / "x"
        (tmp_path / "target").write_text("old")
        match kind:
            case "socket":
                with socket.socket(socket.AF_UNIX) as bound:
                    bound.bind(str(place))
            case "pipe that nobody reads":
                os.mkfifo(place)
            case "link to a folder":
                place.symlink_to(tmp_path)
            case "link to a file":
                place.symlink_to("target")
            case "link to nowhere":
                place.symlink_to("nothing")
        before = place.lstat()
        done = project.call("plan", "--out", str(place))
        assert done.code in {1, 64}
        assert done.err.startswith("error: ")
        assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)
        assert (tmp_path / "target").read_text() == "old"
        assert not (tmp_path / "nothing").exists()

    def test_a_folder_is_wrong_usage(self, project, tmp_path):
        assert project.call("plan", "--out", str(tmp_path)).code == 64

    @each("mode", [0o600, 0o640, 0o444, 0o666])
    @each("inside", [True, False])
    def test_the_mode_of_a_file_stays(self, project, tmp_path, mode, inside):
        place = (project.root if inside else tmp_path) / "plan.json"
        place.write_text("old")
        place.chmod(mode)
        assert project.call("plan", "--out", str(place)).code == 0
        assert stat.S_IMODE(place.stat().st_mode) == mode
        assert is_plan(place.read_text())

    def test_a_new_file_is_as_the_umask_says(self, project, tmp_path):
        done = project.shell(f"umask 077 && reconciler plan --out {tmp_path}/plan.json")
        assert done.code == 0
        assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600

    def test_another_name_of_the_file_keeps_what_it_held(self, project, tmp_path):
        (tmp_path / "one").write_text("old")
        (tmp_path / "two").hardlink_to(tmp_path / "one")
        assert project.call("plan", "--out", str(tmp_path / "one")).code == 0
        assert (tmp_path / "two").read_text() == "old"

    def test_a_file_with_the_longest_name_is_written(self, project, tmp_path):
        assert project.call("plan", "--out", str(tmp_path / ("n" * 255))).code == 0

    @each("where", ["file/plan.json", "file/deep/plan.json"])
    def test_a_way_that_leads_through_a_file_is_told(self, project, tmp_path, where):
        (tmp_path / "file").write_text("old")
        done = project.call("plan", "--out", str(tmp_path / where))
        assert done.code == 1
        assert "file is no folder" in done.err
        assert "Traceback" not in done.err

    def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(self, project, tmp_path):
        place = tmp_path / "out" / "plan.json"
        place.parent.mkdir()
        place.write_text("old")

        def no_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))

        done = run(project, no_room, "plan", "--out", str(place))
        assert done.code == 1
        assert os.strerror(errno.EFBIG) in done.err
        assert place.read_text() == "old"
        assert os.listdir(place.parent) == ["plan.json"]  # noqa: PTH208 - hidden ones too

    def test_a_folder_that_may_not_be_written_is_told_with_what_is_needed(self, project, tmp_path):
        (tmp_path / "locked").mkdir(mode=0o555)
        done = run(project, held_to_permissions, "plan", "--out", str(tmp_path / "locked" / "plan.json"))
        assert done.code == 1
        assert "plan.json cannot be written: Permission denied" in done.err
        assert "locked" in done.err.partition("hint: ")[2]


class TestModesOfWhatCommandsKeep:
    @each("name", ["reconciler.lock", ".reconciler/journal.jsonl", "apps/a.yaml"])
    def test_a_private_file_stays_private(self, project, name):
        assert project.call("apply", "--yes").code == 0
        (project.root / name).chmod(0o600)
        project.edit("apps/a.yaml", ("{US: 1}", "{ US:   1.2 }"))
        assert project.call("fmt").code == 0
        assert project.call("apply", "--yes").code == 0
        assert stat.S_IMODE((project.root / name).stat().st_mode) == 0o600

    def test_a_ledger_that_is_a_link_is_refused_before_any_write_and_stays_one(self, project, rival, tmp_path):
        (tmp_path / "elsewhere.lock").write_text("")
        (project.root / "reconciler.lock").symlink_to(tmp_path / "elsewhere.lock")
        done = project.call("apply", "--yes")
        assert done.code == 1
        assert "reconciler.lock is a symbolic link" in done.err
        assert rival.writes == []
        assert (project.root / "reconciler.lock").is_symlink()


class TestAProjectThatMayNotBeWritten:
    @pytest.fixture
    def locked(self, project):
        many = "".join(f"      - {{name: low_{n}, placementType: MREC, coppa: false}}\n" for n in range(1500))
        project.write("apps/a.yaml", ONE_APP + "    placements:\n" + many)
        project.root.chmod(0o555)
        yield project
        project.root.chmod(0o755)

    @each("arguments", [["validate"], ["plan"], ["plan", "--out", "{}/p.json"], ["history"], ["ping"]])
    def test_reading_commands_work_and_say_nothing_of_the_cache(self, locked, tmp_path, arguments):
        done = run(locked, held_to_permissions, *(part.format(tmp_path) for part in arguments))
        assert done.code == 0, done.err
        assert "denied" not in done.err
        assert "cache" not in done.err

    @each("arguments", [["apply", "--yes"], ["pull"]])
    def test_writing_commands_end_in_words_before_they_write_anywhere(self, locked, rival, arguments):
        done = run(locked, held_to_permissions, *arguments)
        assert done.code == 1
        assert rival.writes == []
        assert "Traceback" not in done.err
        assert "Permission denied" in done.err
