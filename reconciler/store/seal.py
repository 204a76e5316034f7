"""EDGE. Seals on the lines of a journal or a cache, which tell what this checkout wrote; the cache of earlier loads.

The journal of a killed run is believed over the ledger. One that somebody commits, or that is copied here, must not be:
the ledger is reviewed, and a journal is not. So each line carries a keyed digest of itself and of the seal before it.
The key is made of a file beside the journal: of random bytes in it, and of what the file system says of it, its number
and the time it was last changed at, which no commit and no copy can carry.

The cache of earlier loads is a file of lines in the project, with a key of the same kind: a cache of others must not
tell what manifests say, or a review would show one thing and an apply do another. It follows that anything broken is
not recalled, and that nothing needs to be locked: whoever reads half of another run's file finds lines that do not fit
their seals. A cache that cannot be read or written is empty, and nothing fails. See docs/adr/0014.

Jobs of CI systems begin with a fresh checkout each, and so without that key. A secret of theirs takes its place: then
lines are sealed with a key derived of it, in a file of another name, and believed wherever the same secret is.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from hmac import compare_digest
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from reconciler import __version__
from reconciler.errors import UnfitFile
from reconciler.files import disk
from reconciler.model.secret import Secret

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


_NAME: Final = "manifests"
_PORTABLE_NAME: Final = "portable"
"""The file that is sealed with a secret: what CI systems keep."""

_KEY_NAME: Final = "key"
_DOMAIN: Final = b"reconciler/cache"
_MOST: Final = 512 * 1024 * 1024
"""Bytes; a million placements take about as much."""

_OURS: Final = ("manifest", "model", "yaml")
_THEIRS: Final[Mapping[str, str]] = {
    "pydantic": "pydantic",
    "pydantic_core": "pydantic_core",
    "yaml": "pyyaml",
    "pycountry": "pycountry",
    "cel": "common_expression_language",
}
"""What findings and values come from besides the texts: folders of this package, and libraries with the names of their
distributions."""


class Cache:
    """A `ManifestCache` in a folder: read when it is made, written by `save`.

    What another build kept is not recalled. With a `secret` it is sealed with that, and can be carried elsewhere. One
    that does not keep (`keeps`) is only read. The least project is worth it: what reads YAML and checks it takes longer
    to import than its text to read.
    """

    def __init__(
        self, folder: Path, secret: Secret | None = None, *, build: str | None = None, keeps: bool = True
    ) -> None:
        self.keeps = keeps
        self._folder = folder
        self._name = _NAME if secret is None else _PORTABLE_NAME
        if build is None:
            build = this_build() if secret is None else portable_build()
        self._person = hashlib.blake2b(build.encode(), digest_size=hashlib.blake2b.PERSON_SIZE).digest()
        self._secret_key = None if secret is None else _derived_key(secret)
        self._seal_key = self._secret_key or read_key(folder, _KEY_NAME)
        self._stored = dict(self._records()) if self._seal_key else {}
        self._used: dict[bytes, bytes] = {}
        self._is_new = False

    def __len__(self) -> int:
        return len(self._stored)

    def get(self, key: bytes) -> bytes | None:
        """What the same program put under the key, and sealed as this one does; None for what does not fit its seal."""
        seal, data = self._stored.get(key, (b"", b""))
        if not seal or self._seal_key is None or not compare_digest(seal, self._seal(self._seal_key, key, data)):
            return None
        self._used[key] = data
        return data

    def put(self, key: bytes, data: bytes) -> None:
        """Keep it until `save`; neither holds a line break, and the key no space."""
        if self.keeps:
            self._used[key] = data
            self._is_new = True

    def save(self) -> None:
        """Write what was used since this was made, and drop the rest.

        Nothing is written where nothing is new, and through links, which may lead out of the project.
        """
        if not self._is_new or self._folder.resolve() != self._folder:
            return
        with suppress(OSError, UnfitFile):
            disk.create(self._folder, ".gitignore", b"*\n")
            seal_key = self._secret_key or make_key(self._folder, _KEY_NAME)
            if seal_key is not None:
                disk.remove_drafts(self._folder / self._name)  # a run at work that loses its own saves nothing
                data = b"".join(self._lines(seal_key))
                disk.write(self._folder, self._name, data, mode=0o600, durable=False)
                self._is_new = False

    def _records(self) -> Iterator[tuple[bytes, tuple[bytes, bytes]]]:
        """Each key with its seal and data, from lines of these three; what is no such line is left out.

        There are none where the file is too large or anything but a regular file. It is read line by line: a plan would
        need most memory for all of it beside all of its lines.
        """
        with suppress(OSError, UnfitFile), os.fdopen(disk.open_descriptor(self._folder, self._name), "rb") as file:
            if os.fstat(file.fileno()).st_size > _MOST:
                return
            for line in file:
                key, seal, data, *_ = *line.removesuffix(b"\n").split(b" ", 2), b"", b""  # one copy of what is long
                yield key, (seal, data)

    def _lines(self, seal_key: bytes) -> Iterator[bytes]:
        room = _MOST
        for key, data in self._used.items():
            line = b"%b %b %b\n" % (key, self._seal(seal_key, key, data), data)
            room -= len(line)
            if room < 0:
                return
            yield line

    def _seal(self, seal_key: bytes, key: bytes, data: bytes) -> bytes:
        whole = hashlib.blake2b(key, key=seal_key, person=self._person, digest_size=16)
        whole.update(data)
        return whole.hexdigest().encode()


def _derived_key(secret: Secret) -> bytes:
    return hashlib.blake2b(secret.reveal().encode(), person=_DOMAIN, digest_size=32).digest()


@cache
def this_build() -> str:
    """An identifier of this installation: version numbers, and the sizes and times of its files and libraries."""
    stamps = [(path, path.stat()) for path in sorted((*_our_modules(), *_their_origins().values()))]
    files = [f"{path} {seen.st_size} {seen.st_mtime_ns}" for path, seen in stamps]
    return "\n".join((__version__, sys.version, *files))


@cache
def portable_build() -> str:
    """An identifier of this program wherever it is installed: what its modules hold, and the versions of its libraries.

    Where the version of one of them cannot be told, that of this installation.
    """
    origins = _their_origins()
    installed = {folder: _installed_in(folder) for folder in {origin.parents[1] for origin in origins.values()}}
    libraries = [installed[origin.parents[1]].get(_THEIRS[name], "") for name, origin in sorted(origins.items())]
    if not all(libraries):
        return this_build()
    package = Path(__file__).parents[1]
    ours = [
        f"{path.relative_to(package).as_posix()} {hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()}"
        for path in sorted(_our_modules())
    ]
    python = f"{sys.implementation.name} {sys.version_info} {sys.platform}"
    return "\n".join((__version__, python, *libraries, *ours))


def _our_modules() -> list[Path]:
    package = Path(__file__).parents[1]
    return [path for folder in _OURS for path in (package / folder).rglob("*.py")]


def _their_origins() -> dict[str, Path]:
    """The first file of each library that is installed."""
    specs = {name: find_spec(name) for name in _THEIRS}
    return {name: Path(spec.origin) for name, spec in specs.items() if spec is not None and spec.origin is not None}


def _installed_in(folder: Path) -> dict[str, str]:
    """Names of the distributions in a folder of packages, each with `NAME-VERSION`, by their `.dist-info` folders.

    Names are in lower case, with `_` for `-` and `.`. One that is there twice has no version.
    """
    found: dict[str, str] = {}
    for path in folder.glob("*.dist-info"):
        name, _, version = path.stem.rpartition("-")
        name = name.lower().replace("-", "_").replace(".", "_")
        found[name] = "" if name in found else f"{name}-{version}"
    return found
