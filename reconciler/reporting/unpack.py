"""Gzip to plain, within limits: what is small on the wire may be endless on the disk."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.errors import ProjectError, UnreadableAnswer

_GZIP: Final = 31
"""What zlib calls a gzip header around the stream."""
MAGIC: Final = b"\x1f\x8b"
_CHUNK: Final = 1024 * 1024
_HONEST: Final = 64 * 1024 * 1024
"""Bytes up to which any ratio is believed: a short report of equal rows packs very well."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that a report may have, on the wire and unpacked, and how many times larger it may unpack."""

    received: int = 4 * 1024**3
    unpacked: int = 64 * 1024**3
    ratio: int = 300


LIMITS: Final = Limits()


def is_gzip(head: bytes) -> bool:
    """Whether a file that begins like this is packed, whatever its name says."""
    return head.startswith(MAGIC)


def unpack(packed: Path, plain: Path, limits: Limits) -> int:
    """Write the unpacked file; how many lines it has, the last one included where nothing ends it.

    Raises `UnreadableAnswer` for a file that is cut short, damaged or larger than the limits, and `ProjectError` where
    the disk is full. What was written until then is the caller's to remove.
    """
    written = lines = 0
    last = b"\n"
    try:
        with packed.open("rb") as source, plain.open("wb") as target:
            for chunk in _plain(source):
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


def _plain(source: BinaryIO) -> Iterator[bytes]:
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
