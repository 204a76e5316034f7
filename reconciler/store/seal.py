"""Seals on the lines of a journal or a cache: they tell what this checkout wrote from what came with it.

The journal of a killed run is believed over the ledger. One that somebody commits, or that is copied here, must not be:
the ledger is reviewed, and a journal is not. So each line carries a keyed digest of itself and of the seal before it.
The key is made of a file beside the journal: of random bytes in it, and of what the file system says of it, its number
and the time it was last changed at, which no commit and no copy can carry. A cache has a key of the same kind.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from pathlib import Path
from typing import Final

from reconciler.files import disk

KEY_NAME: Final = "journal.key"
_KEY_BYTES: Final = 64
_DIGITS: Final = 32
_FIELD: Final = b',"seal":"'
_END: Final = b'"}\n'
_TAIL: Final = len(_FIELD) + _DIGITS + len(_END)


@dataclass(slots=True)
class Seals:
    """A chain of seals under a key, as far as it has come; `after` holds the last two seals, the latest last.

    A line that was written whole, all but its end, counts for whoever reads it, and not for whoever could not write its
    end. So the line that follows may go on from either.
    """

    key: bytes
    after: tuple[bytes, bytes] = field(default=(b"", b""))

    def seal(self, line: bytes) -> bytes:
        """A line that is an object of JSON and its break, with its seal; `wrote` says that it is on record."""
        return line[:-2] + _FIELD + self._seal(self.after[1], line[:-2]) + _END

    def advance(self, line: bytes) -> None:
        """Go on behind a sealed line."""
        self.after = self.after[1], line[-_TAIL:][len(_FIELD) : -len(_END)]

    def accept(self, line: bytes) -> bool:
        """Whether a line read is the next one of ours; the chain goes on behind it."""
        whole = line if line.endswith(b"\n") else line + b"\n"
        tail = whole[-_TAIL:]
        if not (tail.startswith(_FIELD) and tail.endswith(_END)):
            return False
        seal = tail[len(_FIELD) : -len(_END)]
        if not any(compare_digest(seal, self._seal(before, whole[:-_TAIL])) for before in self.after):
            return False
        self.advance(whole)
        return True

    def _seal(self, before: bytes, body: bytes) -> bytes:
        whole = hashlib.blake2b(before, key=self.key, digest_size=_DIGITS // 2)
        whole.update(b" ")
        whole.update(body)
        return whole.hexdigest().encode()


def read_key(folder: Path, name: str = KEY_NAME) -> bytes | None:
    """The key that a file of a state folder gives; None where there is none that can be had."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | disk.CAREFULLY)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        content = os.read(descriptor, _KEY_BYTES)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    facts = f"{status.st_ino} {status.st_ctime_ns} ".encode()
    return hashlib.blake2b(facts + content, digest_size=32).digest()


def make_key(folder: Path, name: str = KEY_NAME) -> bytes | None:
    """As `read_key`; makes the file, durably, where there is none. None where it cannot be made."""
    if (known := read_key(folder, name)) is not None:
        return known
    with suppress(OSError):
        descriptor = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, os.urandom(_KEY_BYTES // 2).hex().encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return read_key(folder, name)


def with_ownership(lines: Iterator[bytes], seals: Seals | None) -> Iterator[tuple[bytes, bool]]:
    """Each line of a journal, and whether it is ours; none is without a key."""
    for line in lines:
        yield line, seals is not None and seals.accept(line)
