"""The file that a report is downloaded into: what came is counted and digested, and a download that broke goes on."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from reconciler.apis.download import Redaction, SignedUrl, SizeLimits, is_gzip
from reconciler.errors import ProjectError
from reconciler.http.connections import Connections, Unwanted

if TYPE_CHECKING:
    import httpx

HEAD: Final = 4096
"""Bytes by which a file is told from an error page."""
_AS_IT_IS: Final = frozenset({"", "identity", "gzip", "x-gzip"})
_MEGABYTE: Final = 1024 * 1024
_PART: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_NO_REPORT: Final = (b"<", b"{", b"[")


class DownloadFile:
    """Implements `http.connections.Sink` with a file, for all attempts at one report.

    An attempt that broke amid a file is continued (`range_headers`) where the server named a validator or the length;
    else the next one begins anew. With `lasting` what is there of an earlier run is continued, too. Raises `Unwanted`
    for what is larger than the limits or is no CSV, and `ProjectError` where the disk is full.
    """

    def __init__(self, path: Path, limits: SizeLimits, *, lasting: bool = False) -> None:
        self.path = path
        self._limits = limits
        self._facts: dict[str, str] = {}
        self._goes_on = False
        self._note = path.with_name(f"{path.name}.json") if lasting else None
        before = self._read_note()
        try:
            self._file = path.open("r+b" if before else "wb")
            self._reset()
            self._take_up(before)
        except OSError as error:
            raise _write_error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as wrong:
            raise _write_error(wrong) from wrong
        self._write_note(is_of_use=self._goes_on)

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
    def has_known_length(self) -> bool:
        """Whether the server said where the file ends: a connection that ends is not the end of the file then."""
        return self._length_is_known

    @property
    def may_be_cut(self) -> bool:
        """Whether the end of the file is only where the connection ended, amid a line."""
        return not self.has_known_length and not self.is_gzip and self.size > 0 and not self._ends_a_line

    @property
    def range_headers(self) -> Mapping[str, str]:
        """Headers of a request for what is missing; empty where the whole file is to be asked for."""
        if not self._goes_on:
            return {}
        validator = self._facts.get("etag") or self._facts.get("last-modified")
        return {"Range": f"bytes={self.size}-", **({"If-Range": validator} if validator else {})}

    def broke(self) -> None:
        """The attempt ended amid the body: the next one asks for what is missing, if that can be told to fit."""
        text = self.head.lstrip(b"\xef\xbb\xbf \t\r\n")
        self._goes_on = bool(self.size and self._facts) and not text.startswith(_NO_REPORT)

    def start_over(self) -> None:
        """The next attempt asks for the whole file."""
        self._goes_on = False

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """A 200 or a 206 has come; its body follows."""
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in _AS_IT_IS:
            raise Unwanted("the file comes in an encoding that was not asked for")
        if status == 206:
            self._continue(headers)
            return
        self._reset()
        self._file.seek(0)
        self._file.truncate()
        length = headers.get("content-length", "")
        self._length_is_known = length.isdigit() or "transfer-encoding" in headers
        if length.isdigit() and int(length) > self._limits.received:
            raise self._too_large()
        self._facts = {} if encoding in {"gzip", "x-gzip"} else _facts(headers, length)
        # Now, and not at the end: a run that is killed leaves a part that the next one can go on with.
        self._write_note(is_of_use=bool(self._facts))

    def write(self, chunk: bytes) -> None:
        """The next bytes."""
        self._count(chunk)
        if self.size > self._limits.received:
            raise self._too_large()
        if self.size > HEAD and self.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            raise Unwanted("the file is an HTML or XML page, not CSV")
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _write_error(error) from error

    def _count(self, chunk: bytes) -> None:
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        self.size += len(chunk)
        self._breaks += chunk.count(b"\n")
        self._ends_a_line = chunk.endswith((b"\n", b"\r"))
        self._digest.update(chunk)

    def _reset(self) -> None:
        self.head = b""
        self.size = 0
        self._breaks = 0
        self._digest = hashlib.sha256()
        self._length_is_known = False
        self._ends_a_line = False
        self._goes_on = False

    def _continue(self, headers: Mapping[str, str]) -> None:
        """A 206: its body has to be what is missing of the same file. Raises `Unwanted`; then all is asked for."""
        if not self._goes_on:
            raise Unwanted("HTTP 206: a part of the file, where the whole was asked for")
        self._goes_on = False
        part = _PART.fullmatch(headers.get("content-range", "").strip().lower())
        fits = part is not None and int(part[1]) == self.size
        if part is not None and part[3] != "*":
            fits = fits and self._facts.get("length", part[3]) == part[3] and int(part[2]) + 1 == int(part[3])
        fits = fits and self._facts.get("etag", "") in {"", headers.get("etag", self._facts.get("etag", ""))}
        if not fits:
            raise Unwanted("what came is no continuation of the file", final=False)
        self._length_is_known = True

    def _too_large(self) -> Unwanted:
        return Unwanted(f"the file is larger than {self._limits.received // _MEGABYTE:,} MB")

    def _read_note(self) -> dict[str, str]:
        """What an earlier run has noted of its download; empty where nothing can be continued."""
        if self._note is None or not self.path.is_file():
            return {}
        with suppress(OSError, ValueError, AttributeError):
            told: Any = json.loads(self._note.read_bytes())
            return {str(name): str(value) for name, value in told.items()}
        return {}

    def _write_note(self, *, is_of_use: bool) -> None:
        if self._note is None:
            return
        try:
            if is_of_use:
                self._note.write_text(json.dumps(self._facts), encoding="utf-8")
            else:
                self._note.unlink(missing_ok=True)
        except OSError as error:
            raise _write_error(error) from error

    def _take_up(self, facts: dict[str, str]) -> None:
        """Count what an earlier run has left, and go on behind it."""
        if not facts:
            return
        self._facts = facts
        while chunk := self._file.read(_MEGABYTE):
            self._count(chunk)
        self.broke()


def _facts(headers: Mapping[str, str], length: str) -> dict[str, str]:
    """By what a continuation is told to be of the same file; empty where the server offers no parts."""
    if headers.get("accept-ranges", "").strip().lower() == "none":
        return {}
    etag = headers.get("etag", "").strip()
    told = {
        "etag": "" if etag.startswith("W/") else etag,
        "last-modified": headers.get("last-modified", "").strip(),
        "length": length if length.isdigit() else "",
    }
    return {name: value for name, value in told.items() if value and value.isascii() and value.isprintable()}


def _write_error(error: OSError) -> ProjectError:
    return ProjectError(
        f"a report cannot be written: {error.strerror or error}", hint="is the disk full? Nothing was kept of it"
    )


class Routes:
    """Connections to the hosts that a report's URL and its redirects lead to; to be closed.

    `redaction` takes what is secret in these URLs out of what the hosts say.
    """

    def __init__(self, transport: "Callable[[], httpx.BaseTransport] | None", redaction: Redaction) -> None:
        self.redaction = redaction
        self._transport = transport
        self._open: dict[str, Connections] = {}
        self._stack = ExitStack()

    def to(self, url: SignedUrl) -> Connections:
        """Those to the host of a URL."""
        if url.origin.url not in self._open:
            self._open[url.origin.url] = self._stack.enter_context(closing(Connections(url.origin, self._transport)))
        return self._open[url.origin.url]

    def close(self) -> None:
        """Close all of them."""
        self._stack.close()
