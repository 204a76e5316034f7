"""A report on its way to the disk: bounded, digested, and looked at while it comes."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from reconciler.errors import ProjectError
from reconciler.reporting.unpack import Limits, is_gzip
from reconciler.web.http import Unwanted

HEAD: Final = 4096
"""Bytes by which a file is told from an error page."""
_AS_IT_IS: Final = frozenset({"", "identity", "gzip", "x-gzip"})
_MEGABYTE: Final = 1024 * 1024


class Spool:
    """Implements `web.http.Sink` with a file, which is there as soon as the answer begins.

    Raises `Unwanted` for what is larger than the limits or is no CSV, and `ProjectError` where the disk is full.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.head = b""
        self.size = 0
        self._breaks = 0
        self._limits = limits
        self._digest = hashlib.sha256()
        self._told = False
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
        return not self._told and not self.is_gzip and self.size > 0 and not self._ends_a_line

    def begin(self, headers: Mapping[str, str]) -> None:
        """A 200 has come; its body follows."""
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in _AS_IT_IS:
            raise Unwanted("the file comes in an encoding that was not asked for")
        length = headers.get("content-length", "")
        self._told = length.isdigit() or "transfer-encoding" in headers
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
