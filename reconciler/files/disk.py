"""EDGE. The files of a project on the disk: regular ones below its root, opened so that nothing leads elsewhere.

Whoever may open a pull request decides what a checkout holds: links to other files of the machine, named pipes, folders
that are links. So a file is opened without following a link and without waiting for a writer, and is looked at again
once it is open, before a byte of it is read or written. The folders between the root and the file have to be folders
themselves. The root is where the user says it is, and may be reached through links. Names are relative to it, with
forward slashes. What is refused raises `UnfitFile`, which holds no content.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import Final

from reconciler.errors import UnfitFile
from reconciler.manifest.project_settings import is_closed
from reconciler.model.diagnostic import Finding

TOO_LARGE: Final = "file-too-large"
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a file that is read as a whole; a manifest of a million floors takes a tenth of it."""

_FOLLOW_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
CAREFULLY: Final = (
    _FOLLOW_NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_LONGEST_NAME: Final = 200
"""Bytes of a name that a draft's name takes over: most file systems allow 255 in all."""
_PUT_IT_THERE: Final = "put the file itself there"
_KINDS: Final = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def unfit_error(name: str, code: str, message: str, hint: str = _PUT_IT_THERE) -> UnfitFile:
    """The error for a file that is neither read nor written; its place is the file's first character."""
    return UnfitFile(Finding(name, 1, 1, code, message, hint=hint))


class Reader:
    """Reads files below a root; the folders on the way are looked at once in its life."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[str] = set()

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises `UnfitFile`, and OSError as opening does."""
        folder = name.rpartition("/")[0]
        if folder not in self._known:
            check_folder(self._root, folder)
            self._known.add(folder)
        return _read_all(_open_regular(f"{self._root}/{name}", name, os.O_RDONLY | CAREFULLY), name)


def read(root: Path, name: str) -> bytes:
    """The bytes of one file. Raises `UnfitFile`, and OSError as opening does."""
    return Reader(root).read(name)


def open_descriptor(root: Path, name: str, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    """A descriptor of a regular file. Raises `UnfitFile`, and OSError as opening does."""
    _check_folders(root, name)
    return _open_regular(str(root / name), name, flags | CAREFULLY, mode)


def _open_regular(path: str, name: str, flags: int, mode: int = 0o666) -> int:
    if not _FOLLOW_NO_LINK:
        _check_kind(path, name)
    try:
        descriptor = os.open(path, flags, mode)
    except OSError:
        _check_kind(path, name)  # it tells more than "too many levels of symbolic links"
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _not_regular_error(name, status)
    return descriptor


def _read_all(descriptor: int, name: str) -> bytes:
    """All bytes of a regular file, whose descriptor is closed."""
    try:
        size = os.fstat(descriptor).st_size
        data = b""
        if size <= LARGEST:
            data = os.read(descriptor, size + 1)
            # It may grow meanwhile, and a file system of the network may give less at once than was asked for.
            while len(data) != size and len(data) <= LARGEST and (more := os.read(descriptor, 1024**2)):
                data += more
    finally:
        os.close(descriptor)
    if max(size, len(data)) > LARGEST:
        raise unfit_error(name, TOO_LARGE, f"{name} is larger than {LARGEST // 1024**2} MB", "split it up")
    return data


def read_given(path: Path) -> bytes:
    """The bytes of a file that the user named, wherever it is: a link is followed, what is not regular is refused."""
    name = path.as_posix()
    status = path.stat()  # opening a device may do something
    if not stat.S_ISREG(status.st_mode):
        raise _not_regular_error(name, status)
    return _read_all(_open_regular(str(path), name, os.O_RDONLY | CAREFULLY & ~_FOLLOW_NO_LINK), name)


def target(root: Path, name: str) -> str:
    """The name of the file that a name leads to by links. Raises `UnfitFile` where that is none of the project's own.

    `root` is resolved already.
    """
    real = os.path.realpath(root / name)
    inside = Path(real).relative_to(root).as_posix() if Path(real).is_relative_to(root) else ""
    if not inside or is_closed(inside):
        message = f"{name} cannot be read: it is a link that leads out of the project's files"
        raise unfit_error(name, "outside-project", message)
    if not stat.S_ISREG(mode_of(Path(real))):
        message = f"{name} cannot be read: it is a link that leads to no regular file"
        raise unfit_error(name, "not-a-regular-file", message)
    return inside


def check(root: Path, name: str) -> Path:
    """The path of a file that may be made or replaced. Raises `UnfitFile` where something else has its place."""
    _check_folders(root, name)
    _check_kind(str(root / name), name)
    return root / name


def check_folder(root: Path, name: str) -> Path:
    """The path of a folder that is there or may be made. Raises `UnfitFile` where something else has its place."""
    _check_folders(root, f"{name}/")
    return root / name


def make_folder(root: Path, name: str) -> Path:
    """The path of a folder, which is made where there is none. Raises `UnfitFile`, and OSError as making does."""
    root.mkdir(parents=True, exist_ok=True)
    for folder in _folders_to(name):
        with suppress(FileExistsError):
            (root / folder).mkdir()
        _check_folder(root, folder)  # before anything is made in it
    return root / name


def write(root: Path, name: str, data: bytes | Iterable[bytes], *, mode: int = 0o666, durable: bool = True) -> None:
    """Replace a file so that a reader, or a crash, meets the old bytes or the new ones and nothing between.

    Its folders are made; its mode and owner stay (`mode` is for a new one), and at no moment may anybody read it who
    could not before. Another name of the same file (a hard link) keeps the old bytes. `durable`: on the medium on
    return. Raises `UnfitFile` where it, or a folder on the way, is a link or no regular file, and OSError.
    """
    path = check(root, name)
    make_folder(root, name.rpartition("/")[0])
    before = path.lstat() if path.exists() else None
    with _draft(path, data, mode, before, durable=durable) as draft:
        draft.replace(path)
    if durable:
        sync_folder(path.parent)


def write_private(root: Path, name: str, data: bytes) -> None:
    """As `write`, but whatever mode and owner were there: what is written is the process's own and for it alone."""
    path = check(root, name)
    make_folder(root, name.rpartition("/")[0])
    with _draft(path, data, 0o600, None, durable=True) as draft:
        draft.replace(path)
    sync_folder(path.parent)


def create(root: Path, name: str, data: bytes, *, mode: int = 0o666) -> bool:
    """As `write`, but where nothing is; False where anything is, which is left as it is."""
    make_folder(root, name.rpartition("/")[0])
    path = root / name
    if os.path.lexists(path):
        return False
    with suppress(FileExistsError), _draft(path, data, mode, None, durable=False) as draft:
        try:
            os.link(draft, path)
        except OSError:  # it is there meanwhile, or there are no hard links: whoever makes the empty file replaces it
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CAREFULLY, 0o600))
            draft.replace(path)
        return True
    return False


@contextmanager
def _draft(
    path: Path, data: bytes | Iterable[bytes], mode: int, before: os.stat_result | None, *, durable: bool
) -> Iterator[Path]:
    """A file with the data beside a path; what is left of it in the end is removed."""
    draft = path.with_name(f".{_shortened(path.name)}.{os.getpid()}.tmp")
    try:
        draft.unlink(missing_ok=True)
        mode = mode if before is None else stat.S_IMODE(before.st_mode) & 0o700
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CAREFULLY, mode), "wb") as file:
            if before is not None:
                _keep_owner_and_mode(draft, before)
            file.writelines((data,) if isinstance(data, bytes) else data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        yield draft
    finally:
        with suppress(OSError):
            draft.unlink()


def remove_drafts(path: Path) -> None:
    """Remove what processes that were killed while they wrote a file have left beside it."""
    for draft in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(OSError):
            draft.unlink()


def _keep_owner_and_mode(scratch: Path, before: os.stat_result) -> None:
    draft_status = scratch.lstat()
    if (draft_status.st_uid, draft_status.st_gid) != (before.st_uid, before.st_gid) and hasattr(os, "chown"):
        with suppress(OSError):  # for root alone
            os.chown(scratch, before.st_uid, before.st_gid)
    scratch.chmod(stat.S_IMODE(before.st_mode))


def _shortened(name: str) -> str:
    data = os.fsencode(name)
    return name if len(data) <= _LONGEST_NAME else os.fsdecode(data[:_LONGEST_NAME])


def sync_folder(folder: Path) -> None:
    """Make sure that a power cut does not take away a file just made or renamed; only where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_OTHERS: Final = frozenset(("node_modules", "__pycache__", "site-packages", "venv"))
"""Folders of packages that others have made."""


def walk(root: Path, mark: str) -> Iterator[tuple[str, list[str], bool]]:
    """Each folder below a root, the names in it that are no folders, in order, and whether nothing at all is in it.

    Links are not followed. Hidden folders, those of packages and those that hold a file called `mark`, as the root of
    another project does, are left out, with all below them.
    """
    for at, folders, files in os.walk(root):
        folder = Path(at).relative_to(root).as_posix() if Path(at) != root else ""
        if folder and mark in files:
            folders.clear()
            continue
        is_empty = not (folders or files)
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in _OTHERS)
        yield folder, sorted(files), is_empty


def _folders_to(name: str) -> list[str]:
    """The folders on the way to a folder, and it: of `a/b` these are `a` and `a/b`."""
    return list(accumulate(filter(None, name.split("/")), "{}/{}".format))


def _check_folders(root: Path, name: str) -> None:
    """Raise `UnfitFile` where something on the way to a file is there and no folder of the project's own."""
    for folder in _folders_to(name.rpartition("/")[0]):
        _check_folder(root, folder)


def _check_folder(root: Path, folder: str) -> None:
    mode = mode_of(root / folder)
    if mode and not stat.S_ISDIR(mode):
        message = f"{folder} is {kind_of(mode)} where a folder is meant: nothing is read or written through it"
        raise unfit_error(folder, "not-a-regular-file", message, "make it a folder")


def _check_kind(path: str, name: str) -> None:
    with suppress(OSError):
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular_error(name, status)


def mode_of(path: Path) -> int:
    """The mode of what is there, links not followed; 0 where nothing is. A junction of Windows counts as a link."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    is_junction = getattr(status, "st_reparse_tag", 0) == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
    return stat.S_IFLNK if is_junction else status.st_mode


def kind_of(mode: int) -> str:
    """What a mode says that something is, for one that is no regular file."""
    return next((kind for is_it, kind in _KINDS if is_it(mode)), "a device")


def _not_regular_error(name: str, status: os.stat_result) -> UnfitFile:
    message = f"{name} is {kind_of(status.st_mode)} and no regular file: it is neither read nor written"
    return unfit_error(name, "not-a-regular-file", message)


def folder_in_repository(root: Path) -> str:
    """Where the project stands in the git repository around it, with forward slashes; empty at its root and in none."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return "" if folder == root else root.relative_to(folder).as_posix()
    return ""


def is_junction(entry: os.DirEntry[str]) -> bool:
    """Whether it is what Windows has for a link to a folder; Python tells from 3.12 on."""
    return bool(getattr(entry, "is_junction", bool)())
