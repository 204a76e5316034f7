import gzip
import zlib

import pytest
from support.reports import gz

from reconciler.apis.download import SizeLimits, unpack
from reconciler.errors import UnreadableAnswer

each = pytest.mark.parametrize


def unpacked(folder, data, **limits):
    (folder / "packed").write_bytes(data)
    lines = unpack(folder / "packed", folder / "plain", SizeLimits(**limits))
    return (folder / "plain").read_bytes(), lines


@each("body", [b"", b"a,b\r\n1,2\r\n", b"a\nb\nunfinished", bytes(range(256)) * 9000])
def test_a_packed_file_comes_out_whole_with_its_lines_counted(tmp_path, body):
    assert unpacked(tmp_path, gz(body)) == (body, body.count(b"\n") + (not body.endswith(b"\n") and body != b""))


def test_several_members_and_padding_are_one_file(tmp_path):
    assert unpacked(tmp_path, gz(b"a\n") + gz(b"b\n") + b"\0" * 512) == (b"a\nb\n", 2)


@each("cut", [1, 4, 9, 12, 30])
def test_a_file_that_was_cut_short_is_an_error(tmp_path, cut):
    with pytest.raises(UnreadableAnswer, match="cut short"):
        unpacked(tmp_path, gz(b"a,b\n" * 1000)[:-cut])


@each("at", [3, 40])
def test_a_damaged_file_is_an_error(tmp_path, at):
    data = bytearray(gz(b"".join(b"%d,%d\n" % (n, n * n) for n in range(500))))
    data[-8] ^= 255
    data[at] ^= 255
    with pytest.raises(UnreadableAnswer):
        unpacked(tmp_path, bytes(data))


def bomb(megabytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * 1024 * 1024
    return b"".join([*(packer.compress(zeros) for _ in range(megabytes)), packer.flush()])


def test_a_bomb_is_an_error_by_its_ratio(tmp_path):
    with pytest.raises(UnreadableAnswer, match="300 times"):
        unpacked(tmp_path, bomb(80))
    assert (tmp_path / "plain").stat().st_size < 70 * 1024 * 1024


def test_a_bomb_is_an_error_by_its_size(tmp_path):
    with pytest.raises(UnreadableAnswer, match="larger than 2 MB"):
        unpacked(tmp_path, bomb(5), unpacked=2 * 1024 * 1024)


def test_a_bomb_within_a_bomb_is_not_opened(tmp_path):
    inner = gzip.compress(b"a,b\n")
    assert unpacked(tmp_path, gz(inner))[0] == inner
