"""Files of a project, and what stands for one."""

import os
import stat

import pytest

from reconciler.errors import UnfitFile
from reconciler.files import disk

each = pytest.mark.parametrize


def test_a_file_is_read_whole(tmp_path):
    for size in (0, 1, 65536, 1_000_003):
        (tmp_path / "a").write_bytes(b"x" * size)
        assert disk.read(tmp_path, "a") == b"x" * size


@each("at_once", [1, 3, 1000])
def test_a_file_is_read_whole_where_little_is_given_at_once(tmp_path, monkeypatch, at_once):
    (tmp_path / "a").write_bytes(b"0123456789")
    read = os.read
    monkeypatch.setattr(disk.os, "read", lambda descriptor, size: read(descriptor, min(size, at_once)))
    assert disk.read(tmp_path, "a") == b"0123456789"


def test_a_file_is_replaced_with_the_mode_it_had_and_leaves_nothing_beside_it(tmp_path):
    disk.write(tmp_path, "a/b/c", b"one")
    (tmp_path / "a/b/c").chmod(0o640)
    disk.write(tmp_path, "a/b/c", b"two")
    assert disk.read(tmp_path, "a/b/c") == b"two"
    assert stat.S_IMODE((tmp_path / "a/b/c").stat().st_mode) == 0o640
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c"]


def test_a_file_is_created_once(tmp_path):
    assert disk.create(tmp_path / "new", "a/b", b"one")
    assert not disk.create(tmp_path / "new", "a/b", b"two")
    assert disk.read(tmp_path / "new", "a/b") == b"one"


def test_nothing_is_created_where_a_link_leads_nowhere(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    assert not disk.create(tmp_path, "a", b"one")
    assert not (tmp_path / "b").exists()


@each("has_flag", [True, False])
@each("kind", ["link", "pipe", "folder", "folder on the way"])
def test_what_is_no_regular_file_is_refused_on_every_system(tmp_path, monkeypatch, has_flag, kind):
    if not has_flag:  # as on Windows
        monkeypatch.setattr(disk, "_FOLLOW_NO_LINK", 0)
        monkeypatch.setattr(disk, "CAREFULLY", os.O_NONBLOCK)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_text("secret")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    match kind:
        case "link":
            (root / "a/x").symlink_to(tmp_path / "outside/x")
        case "pipe":
            os.mkfifo(root / "a/x")
        case "folder":
            (root / "a/x").mkdir()
        case _:
            (root / "a").rmdir()
            (root / "a").symlink_to(tmp_path / "outside")
    for attempt in (
        lambda: disk.read(root, "a/x"),
        lambda: disk.open_descriptor(root, "a/x", os.O_WRONLY | os.O_APPEND),
        lambda: disk.write(root, "a/x", b""),
        lambda: disk.check(root, "a/x"),
    ):
        with pytest.raises(UnfitFile) as wrong:
            attempt()
        assert wrong.value.finding.code == "not-a-regular-file"
        assert "secret" not in str(wrong.value)
    assert (tmp_path / "outside" / "x").read_text() == "secret"


def test_at_no_moment_may_anybody_read_it_who_could_not_before(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o600)
    seen = []
    sync = os.fsync

    def look(descriptor):
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        sync(descriptor)

    monkeypatch.setattr(disk.os, "fsync", look)
    disk.write(tmp_path, "a", b"new")
    assert seen[0] == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_file_stays_its_owners(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.chown(tmp_path / "a", 1234, 2345)
    disk.write(tmp_path, "a", b"new")
    assert ((tmp_path / "a").stat().st_uid, (tmp_path / "a").stat().st_gid) == (1234, 2345)


def test_a_new_file_that_could_not_be_written_whole_is_not_there(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fdopen", full)
    with pytest.raises(OSError, match="No space"):
        disk.create(tmp_path, "a", b"new")
    assert list(tmp_path.iterdir()) == []
