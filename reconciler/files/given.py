"""EDGE. Files that the user named on the command line: anywhere, and below a project as files of it."""

import errno
import os
import re
import stat
from pathlib import Path
from typing import Final

from reconciler.errors import ProjectError
from reconciler.files import disk
from reconciler.yaml.scalar import text_of

_OPEN_ONE: Final = re.compile(r"/dev/fd/(\d+)|/dev/std(out|err)|/proc/(?:self|\d+)/fd/(\d+)")
"""Names of what a process has open already: `>(program)` of a shell is one, and where `/dev/stdout` leads another."""
_STANDARD: Final = {"out": 1, "err": 2}
_NAME_IT: Final = "name a file, a pipe that somebody reads, or a device such as /dev/null"


def read_given(path: Path, root: Path | None) -> bytes:
    """The bytes of a file that the user named: anywhere a regular one; below the project's root none behind links.

    Raises `ProjectError`.
    """
    try:
        name = None if root is None else _name_below(root, path)
        return disk.read_given(path) if root is None or name is None else disk.read(root, name)
    except OSError as error:
        raise ProjectError(f"{path.name} cannot be read: {error.strerror or error}") from error


def read_text(path: Path, root: Path | None) -> str:
    """The text of such a file, with replacements for what is none. Raises `ProjectError`."""
    return text_of(read_given(path, root), "replace")


def write_given(path: Path, text: str, root: Path | None) -> bool:
    """Write a file that the user named, whole or not at all, over a regular file or none; whether it is one.

    Outside of the project a pipe or a device is written through. Raises `ProjectError`.
    """
    if not path.name:
        raise ProjectError("the name of the file to write is empty", hint="name a file")
    try:
        name = None if root is None else _name_below(root, path)
        if root is None or name is None:
            return _write_anywhere(path, text.encode())
        disk.write(root, name, text.encode())
    except OSError as error:
        raise _write_error(path, error) from error
    return True


def _write_error(path: Path, error: OSError) -> ProjectError:
    """What keeps a file from being written, with what could be done about it."""
    folder = next((each for each in path.absolute().parents if os.path.lexists(each)), path.parent)
    match error:
        case FileExistsError() | NotADirectoryError():
            return ProjectError(f"{path} cannot be written: {folder} is no folder", hint="name a file in a folder")
        case PermissionError() | OSError(errno=errno.EROFS):
            hint = f"it has to be possible to make files in {folder}"
            return ProjectError(f"{path} cannot be written: {error.strerror}", hint=hint)
        case _:
            return ProjectError(f"{path} cannot be written: {error.strerror or error}")


def _name_below(root: Path, path: Path) -> str | None:
    """The name of a path in the project, None outside; links on the way to the root count, those below it stay."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow the links that are asked about
    for folder in reversed(absolute.parents):
        if folder.resolve() == root:
            return absolute.relative_to(folder).as_posix()
    return None


def _write_anywhere(path: Path, data: bytes) -> bool:
    """Write a file that the user named, anywhere: as `disk.write` does, or through a pipe or device in its place.

    What this process has open already (`/dev/stdout`, `/dev/fd/3`) is written to as it is. Returns whether it is a
    file that can be read again. Raises `UnfitFile` for a link, a folder, a socket, a disk and a pipe that nobody reads,
    and OSError.
    """
    is_open = _OPEN_ONE.fullmatch(str(path))
    if is_open is not None:
        number, standard, other = is_open.groups()
        _write_all(os.dup(int(number or other or _STANDARD[standard])), data)
        return False
    mode = disk.mode_of(path)
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        disk.write(path.parent, path.name, data)
        return True
    try:
        descriptor = os.open(path, os.O_WRONLY | disk.CAREFULLY | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        message = f"{path.name} is {disk.kind_of(mode)} that nobody reads: nothing is written to it"
        raise disk.unfit_error(path.as_posix(), "not-a-regular-file", message, _NAME_IT) from error
    if hasattr(os, "set_blocking"):
        os.set_blocking(descriptor, True)
    _write_all(descriptor, data)
    return False


def _write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes to a descriptor, and close it."""
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
