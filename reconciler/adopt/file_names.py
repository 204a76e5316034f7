"""Where a new app's manifest goes: a name made of its address that no file system and no path can take otherwise."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from reconciler.model.address import Address

_UNSAFE: Final = re.compile(r"[^a-z0-9._-]+")
_DOTS: Final = re.compile(r"\.{2,}")
_LONGEST: Final = 100
"""Characters of an address that a name repeats; file systems take 255 bytes."""


class FileNames:
    """Names for new files, none of which is taken; names that differ in case alone count as one."""

    def __init__(self, patterns: Sequence[str], taken: Iterable[str]) -> None:
        self._places = [place for pattern in patterns if (place := _place(pattern)) is not None]
        self._taken = {name.casefold() for name in taken}

    def name_for(self, app: Address) -> str | None:
        """A path relative to the project that its patterns match; None where no pattern takes a file more."""
        stem = _stem(app)
        for number in range(1, len(self._taken) + 2):
            name = f"{stem}.yaml" if number == 1 else f"{stem}-{number}.yaml"
            found = next((f"{folder}{name}" for folder, last in self._places if fnmatchcase(name, last)), None)
            if found is None or found.casefold() not in self._taken:
                self._taken.add((found or "").casefold())
                return found
        raise AssertionError("more names are taken than there are")


def _place(pattern: str) -> tuple[str, str] | None:
    """The folder, with its slash, that a pattern leads into, and what names must match there; None for other folders.

    `**` may stand for no folder at all.
    """
    *folders, last = pattern.split("/")
    named = [folder for folder in folders if folder not in {"**", "."}]
    if any(sign in folder for folder in named for sign in "*?[") or "**" in last:
        return None
    return "".join(f"{folder}/" for folder in named), last


def _stem(app: Address) -> str:
    """A readable name; where it does not tell everything, with a digest of the address behind it."""
    plain = app.replace(":", "-", 1)
    stem = _DOTS.sub(".", _UNSAFE.sub("_", plain.lower()))[:_LONGEST].strip("._-") or "app"
    if stem == plain:
        return stem
    return f"{stem}-{hashlib.sha256(app.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"
