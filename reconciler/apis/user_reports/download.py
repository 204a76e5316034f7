"""The file of a report: written while it arrives, checked, and unpacked, all within limits of size."""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from reconciler.errors import ProjectError, UnreadableAnswer
from reconciler.web.http import Unwanted

_GZIP: Final = 31
"""What zlib calls a gzip header around the stream."""
MAGIC: Final = b"\x1f\x8b"
_CHUNK: Final = 1024 * 1024
_HONEST: Final = 64 * 1024 * 1024
"""Bytes up to which any ratio is believed: a short report of equal rows packs very well."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """Bytes that a report may have, on the wire and unpacked, and how many times larger it may unpack."""

    received: int = 4 * 1024**3
    unpacked: int = 64 * 1024**3
    ratio: int = 300


LIMITS: Final = SizeLimits()


def is_gzip(head: bytes) -> bool:
    """Whether a file that begins like this is packed, whatever its name says."""
    return head.startswith(MAGIC)


def unpack(packed: Path, plain: Path, limits: SizeLimits) -> int:
    """Write the unpacked file; how many lines it has, the last one included where nothing ends it.

    Raises `UnreadableAnswer` for a file that is cut short, damaged or larger than the limits, and `ProjectError` where
    the disk is full. What was written until then is the caller's to remove.
    """
    written = lines = 0
    last = b"\n"
    try:
        with packed.open("rb") as source, plain.open("wb") as target:
            for chunk in _plain_chunks(source):
                target.write(chunk)
                written += len(chunk)
                lines += chunk.count(b"\n")
                last = chunk[-1:] or last
                if written > limits.unpacked:
                    raise UnreadableAnswer(f"the report is larger than {limits.unpacked // 1024**2:,} MB unpacked")
                if written > max(_HONEST, limits.ratio * source.tell()):
                    raise UnreadableAnswer(f"the report unpacks to more than {limits.ratio} times its size")
    except zlib.error:
        raise UnreadableAnswer("the report is a damaged gzip file") from None
    except OSError as wrong:
        raise ProjectError(f"the report cannot be unpacked: {wrong.strerror or wrong}") from wrong
    return lines + (last != b"\n")


def _plain_chunks(source: BinaryIO) -> Iterator[bytes]:
    """The unpacked bytes of all members, in pieces of bounded size."""
    unpacker = zlib.decompressobj(_GZIP)
    begun = False
    data = source.read(_CHUNK)
    while data:
        begun = True
        yield unpacker.decompress(data, _CHUNK)
        data = unpacker.unconsumed_tail or unpacker.unused_data or source.read(_CHUNK)
        if unpacker.eof:
            data = data.lstrip(b"\0")
            unpacker, begun = zlib.decompressobj(_GZIP), False
    if begun:
        yield unpacker.flush()
    if begun and not unpacker.eof:
        raise UnreadableAnswer("the report is a gzip file that was cut short")


HEAD: Final = 4096
"""Bytes by which a file is told from an error page."""
_AS_IT_IS: Final = frozenset({"", "identity", "gzip", "x-gzip"})
_MEGABYTE: Final = 1024 * 1024


class DownloadFile:
    """Implements `web.http.Sink` with a file, which is there as soon as the answer begins.

    Raises `Unwanted` for what is larger than the limits or is no CSV, and `ProjectError` where the disk is full.
    """

    def __init__(self, path: Path, limits: SizeLimits) -> None:
        self.path = path
        self.head = b""
        self.size = 0
        self._breaks = 0
        self._limits = limits
        self._digest = hashlib.sha256()
        self._length_is_known = False
        self._ends_a_line = False
        try:
            self._file = path.open("wb")
        except OSError as wrong:
            raise _full(wrong) from wrong

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as wrong:
            raise _full(wrong) from wrong

    @property
    def digest(self) -> str:
        """Of the bytes as received, as in `sha256:…`."""
        return f"sha256:{self._digest.hexdigest()}"

    @property
    def lines(self) -> int:
        """How many lines there are, the last one included where nothing ends it."""
        return self._breaks + (self.size > 0 and not self._ends_a_line)

    @property
    def is_gzip(self) -> bool:
        """Whether the file is packed."""
        return is_gzip(self.head)

    @property
    def may_be_cut(self) -> bool:
        """Whether the end of the file is only where the connection ended, amid a line."""
        return not self._length_is_known and not self.is_gzip and self.size > 0 and not self._ends_a_line

    def begin(self, headers: Mapping[str, str]) -> None:
        """A 200 has come; its body follows."""
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in _AS_IT_IS:
            raise Unwanted("the file comes in an encoding that was not asked for")
        length = headers.get("content-length", "")
        self._length_is_known = length.isdigit() or "transfer-encoding" in headers
        if length.isdigit() and int(length) > self._limits.received:
            raise self._too_large()

    def write(self, chunk: bytes) -> None:
        """The next bytes."""
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        self.size += len(chunk)
        if self.size > self._limits.received:
            raise self._too_large()
        if self.size > HEAD and self.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            raise Unwanted("the file is an HTML or XML page, not CSV")
        self._breaks += chunk.count(b"\n")
        self._ends_a_line = chunk.endswith((b"\n", b"\r"))
        self._digest.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as wrong:
            raise _full(wrong) from wrong

    def _too_large(self) -> Unwanted:
        return Unwanted(f"the file is larger than {self._limits.received // _MEGABYTE:,} MB")


def _full(wrong: OSError) -> ProjectError:
    return ProjectError(
        f"a report cannot be written: {wrong.strerror or wrong}", hint="is the disk full? Nothing was kept of it"
    )
