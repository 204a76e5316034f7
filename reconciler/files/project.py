"""EDGE. The files of a user's project (found, read and written), and files that a user names.

A named file lies anywhere; below a project it is one of the project's.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from reconciler.errors import InvalidManifests, ProjectError, UnfitFile
from reconciler.files import disk
from reconciler.manifest.project_settings import ENDINGS, all_plain_patterns, is_closed, plain_patterns
from reconciler.model.diagnostic import Finding
from reconciler.yaml.scalar import ManifestText, text_of

SETTINGS_NAME: Final = "reconciler.yaml"
STATE_FOLDER: Final = ".reconciler"


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """A project's root folder and the text of its settings."""

    root: Path
    settings: ManifestText


@dataclass(frozen=True, slots=True)
class Manifests:
    """Manifests in the order of their paths, and findings, all of them errors, on what should be one and is not.

    `unmatched` are the patterns that no file matches.
    """

    texts: tuple[ManifestText, ...]
    findings: tuple[Finding, ...] = ()
    unmatched: tuple[str, ...] = ()

    def valid_texts(self) -> list[ManifestText]:
        """The texts. Raises `InvalidManifests` where there is any finding."""
        if self.findings:
            raise InvalidManifests(self.findings)
        return list(self.texts)


def find_project(start: Path, given: Path | None) -> ProjectFiles:
    """The project at a given folder (or settings file), else the nearest one above `start`.

    Raises `ProjectError` where there is none, and `UnfitFile` for settings that are no file of the project.
    """
    path = find_settings(start, given)
    root = path.parent.resolve()
    return ProjectFiles(root, ManifestText(path.name, _read_file(root, path.name)))


def find_settings(start: Path, given: Path | None) -> Path:
    """The path of the settings that `find_project` reads. Raises `ProjectError` where there are none."""
    if given is not None:
        path = given / SETTINGS_NAME if given.is_dir() else given
        if not _is_there(path):
            raise ProjectError(f"no {SETTINGS_NAME} at {given}", hint="`reconciler init DIR` starts a project")
        return path
    for folder in (start, *start.parents):
        if _is_there(folder / SETTINGS_NAME):
            return folder / SETTINGS_NAME
    raise ProjectError(
        f"no {SETTINGS_NAME} here or in any folder above",
        hint="`reconciler init` starts a project here; --project PATH names one elsewhere",
    )


_NEARER: Final = "move the project nearer to the root, or name it by a shorter path with --project"


def _is_there(path: Path) -> bool:
    """Whether something has this name that is no folder: a link that leads nowhere is not the same as no settings."""
    try:
        return not stat.S_ISDIR(path.lstat().st_mode) or not path.is_dir()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ProjectError("the path of this folder is too long for the system", hint=_NEARER) from error
        return False


def _read_file(root: Path, name: str) -> bytes:
    """The bytes of a file of the project, or of the one that it links to. Raises `ProjectError`."""
    try:
        return disk.read(root, disk.target(root, name) if (root / name).is_symlink() else name)
    except OSError as error:
        raise _read_error(name, error) from error


def _read_error(name: str, error: OSError) -> ProjectError:
    return ProjectError(f"{name} cannot be read: {error.strerror or error}")


def read_manifests(root: Path, patterns: Sequence[str]) -> list[ManifestText]:
    """The manifests that the patterns match below the root; none is no error.

    Raises `InvalidManifests` where something that matches is no file of the project, and `ProjectError`.
    """
    return find_manifests(root, patterns).valid_texts()


def find_manifests(root: Path, patterns: Sequence[str]) -> Manifests:
    """As `read_manifests`, findings as values. Links to files of the project are read, those to folders are not."""
    return search_manifests(root, patterns).read()


def search_manifests(root: Path, patterns: Sequence[str]) -> "ManifestSearch":
    """The files that the patterns match, before they are read."""
    search = ManifestSearch(root)
    for pattern in patterns:
        matches = [search.follow(_parts(plain)) for plain in plain_patterns(pattern)]
        search.unmatched += [] if any(matches) else [pattern]
    return search


def _parts(pattern: str) -> tuple[str, ...]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ProjectError(
            f"manifests: {pattern!r} leads out of the project", hint="patterns are relative to reconciler.yaml"
        )
    return Path(pattern).parts


class ManifestSearch:
    """The files below a root that match patterns, and what stands in the way."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: set[str] = set()
        self._links: set[str] = set()
        self._findings: dict[str, Finding] = {}
        self._listed: dict[str, list[os.DirEntry[str]]] = {}
        self.unmatched: list[str] = []

    def __len__(self) -> int:
        return len(self._files)

    def follow(self, pattern: tuple[str, ...], start: str = "") -> bool:
        """Find what a pattern matches (`**`: any folders, or none), hidden files only by a dot; say if there is any."""
        waiting, seen, matched = [(pattern, start)], set(), False
        while waiting:
            parts, at = step = waiting.pop()
            if not parts or step in seen:
                continue
            seen.add(step)
            if parts[0] == "**":
                below = [name for entry, name in self._entries(at) if self._is_folder(entry, name)]
                waiting += [(parts[1:], at), *((parts, name) for name in below)]
                continue
            matching = [(entry, name) for entry, name in self._entries(at) if fnmatch(entry.name, parts[0])]
            if len(parts) > 1:
                waiting += [(parts[1:], name) for entry, name in matching if self._is_folder(entry, name)]
            else:
                shown = [each for each in matching if parts[0].startswith(".") or not each[0].name.startswith(".")]
                files = {name for entry, name in shown if not entry.is_dir(follow_symlinks=False)}
                self._links.update(name for entry, name in shown if entry.is_symlink())
                self._files |= files
                matched |= bool(files)
        return matched

    def add(self, name: str) -> None:
        """Take a file by its name."""
        self._files.add(name)

    def read(self) -> Manifests:
        """The files' texts, with what cannot be read as findings."""
        texts = []
        reader = disk.Reader(self._root)
        for name in sorted(self._files):
            _check_text(name)
            try:
                data = reader.read(disk.target(self._root, name) if name in self._links else name)
                texts.append(ManifestText(name, data))
            except UnfitFile as error:
                self._findings[name] = error.finding
            except OSError as error:
                self._findings[name] = Finding(name, 1, 1, "unreadable-file", _read_error(name, error).message)
        findings = tuple(self._findings[name] for name in sorted(self._findings))
        return Manifests(tuple(texts), findings, tuple(self.unmatched))

    def _entries(self, at: str) -> Iterator[tuple[os.DirEntry[str], str]]:
        """What is in a folder, with its name below the root, but for the folders that hold no manifests."""
        if at not in self._listed:
            self._listed[at] = []
            try:
                with os.scandir(self._root / at) as entries:
                    self._listed[at] = [entry for entry in entries if not is_closed(entry.name)]
            except OSError as error:
                message = f"{at or self._root.name} cannot be listed: {error.strerror}"
                self._findings[at] = Finding(at or ".", 1, 1, "unreadable-file", message)
        return ((entry, f"{at}/{entry.name}" if at else entry.name) for entry in self._listed[at])

    def _is_folder(self, entry: os.DirEntry[str], name: str) -> bool:
        """Whether manifests may be in it. A link to a folder is a finding: what is behind it is not read."""
        if entry.is_dir(follow_symlinks=False) and not disk.is_junction(entry):
            return True
        with suppress(OSError):
            if entry.is_dir():
                _check_text(name)
                message = f"{name} is a link to a folder: manifests behind it are not read"
                self._findings[name] = disk.unfit_error(name, "not-a-regular-file", message, "make it a folder").finding
        return False


def _check_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ProjectError(f"{name}: the file's name is not UTF-8", hint="rename the file") from error


def write_new(root: Path, name: str, text: str) -> bool:
    """Write a file where none is; False where one is, which is left as it is. Raises `ProjectError`."""
    try:
        return disk.create(root, name, text.encode())
    except OSError as error:
        raise ProjectError(f"{root / name} cannot be written: {error.strerror or error}") from error


def write_state(root: Path, name: str, text: str) -> str:
    """Write a file of the project's own state; its path relative to the root. Raises `ProjectError`."""
    try:
        disk.write(root, f"{STATE_FOLDER}/{name}", text.encode())
    except OSError as error:
        raise ProjectError(f"{name} cannot be written: {error.strerror or error}") from error
    return f"{STATE_FOLDER}/{name}"


def write_manifest(root: Path, text: ManifestText) -> None:
    """Write a manifest so that a reader, or a crash, meets the old text or the new one and nothing between.

    A link to a file of the project is followed, and its target written. Raises `ProjectError`.
    """
    try:
        name = disk.target(root, text.file) if (root / text.file).is_symlink() else text.file
        disk.write(root, name, text.data)
    except OSError as error:
        raise ProjectError(f"{text.file} cannot be written: {error.strerror or error}") from error


def write_manifests(root: Path, read: Iterable[ManifestText], new: Iterable[ManifestText]) -> None:
    """Write manifests that were made of those that were read.

    Raises `ProjectError`, before any is written, where one of these files is no longer as it was read.
    """
    known, texts = {text.file: text.data for text in read}, list(new)
    for text in texts:
        if text.file in known and _read_file(root, text.file) != known[text.file]:
            raise changed_error(text.file)
    for text in texts:
        write_manifest(root, text)


def changed_error(what: str) -> ProjectError:
    """What is raised where files were changed while the command worked with what it had read of them."""
    return ProjectError(f"{what} changed while this command worked: nothing is written", hint="run it again")


def folder_names(root: Path, patterns: Sequence[str]) -> list[str]:
    """The files that stand in the folders the patterns lead into, manifests or not: names that are taken."""
    folders = {root.joinpath(*literal_parts(pattern)) for pattern in all_plain_patterns(patterns)}
    return [path.relative_to(root).as_posix() for folder in folders if folder.is_dir() for path in folder.iterdir()]


def literal_parts(pattern: str) -> list[str]:
    """The folders that a pattern names as they are, on the way to its files."""
    return [part for part in pattern.split("/")[:-1] if part not in {"**", "."} and not set(part) & set("*?[")]


def manifests_at(root: Path, paths: Iterable[Path]) -> list[ManifestText]:
    """The files at these paths, and the YAML files below those that are folders. Raises as `read_manifests` does."""
    search = ManifestSearch(root)
    for path in paths:
        within = path.resolve()
        name = within.relative_to(root).as_posix() if within.is_relative_to(root) else ".."
        if name == ".." or is_closed(name):
            raise ProjectError(f"{path} is not in the project", hint="--project PATH names the one that it is in")
        if within.is_dir():
            for ending in ENDINGS:
                search.follow(("**", f"*{ending}"), "" if within == root else name)
        else:
            search.add(name)
    return search.read().valid_texts()


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


def write_given(path: Path, text: str | bytes | Iterable[bytes], root: Path | None, mode: int = 0o666) -> bool:
    """Write a file that the user named, whole or not at all, over a regular file or none; whether it is one.

    Outside of the project a pipe or a device is written through. Raises `ProjectError`.
    """
    if not path.name:
        raise ProjectError("the name of the file to write is empty", hint="name a file")
    data = text.encode() if isinstance(text, str) else text
    try:
        name = None if root is None else _name_below(root, path)
        if root is None or name is None:
            return _write_anywhere(path, data, mode)
        disk.write(root, name, data, mode=mode)
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


def _write_anywhere(path: Path, data: bytes | Iterable[bytes], mode: int) -> bool:
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
    kind = disk.mode_of(path)
    if not (stat.S_ISFIFO(kind) or stat.S_ISCHR(kind)):
        disk.write(path.parent, path.name, data, mode=mode)
        return True
    try:
        descriptor = os.open(path, os.O_WRONLY | disk.CAREFULLY | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        message = f"{path.name} is {disk.kind_of(kind)} that nobody reads: nothing is written to it"
        raise disk.unfit_error(path.as_posix(), "not-a-regular-file", message, _NAME_IT) from error
    if hasattr(os, "set_blocking"):
        os.set_blocking(descriptor, True)
    _write_all(descriptor, data)
    return False


def _write_all(descriptor: int, data: bytes | Iterable[bytes]) -> None:
    """Write all bytes to a descriptor, and close it."""
    try:
        for piece in (data,) if isinstance(data, bytes) else data:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
