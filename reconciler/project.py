"""EDGE. The files of a user's project: finding it, reading settings and manifests."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.errors import ProjectError
from reconciler.manifest.text import ManifestText

SETTINGS_NAME: Final = "reconciler.yaml"
STATE_FOLDER: Final = ".reconciler"


@dataclass(frozen=True, slots=True)
class Project:
    """A project's root folder and the text of its settings."""

    root: Path
    settings: ManifestText


def find_project(start: Path, given: Path | None) -> Project:
    """The project at a given folder (or settings file), else the nearest one above `start`.

    Raises `ProjectError` where there is none.
    """
    if given is not None:
        path = given / SETTINGS_NAME if given.is_dir() else given
        if not path.is_file():
            raise ProjectError(f"no {SETTINGS_NAME} at {given}", hint="`reconciler init DIR` starts a project")
        return _project(path)
    for folder in (start, *start.parents):
        if (folder / SETTINGS_NAME).is_file():
            return _project(folder / SETTINGS_NAME)
    raise ProjectError(
        f"no {SETTINGS_NAME} here or in any folder above",
        hint="`reconciler init` starts a project here; --project PATH names one elsewhere",
    )


def _project(path: Path) -> Project:
    return Project(path.parent.resolve(), ManifestText(path.name, read_bytes(path)))


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises `ProjectError`."""
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise ProjectError(f"{path.name} cannot be read: {wrong.strerror or wrong}") from wrong


def read_manifests(root: Path, patterns: Sequence[str]) -> list[ManifestText]:
    """The manifests that the patterns match below the root, in the order of their paths; none is no error."""
    found: dict[str, Path] = {}
    for pattern in patterns:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise ProjectError(
                f"manifests: {pattern!r} leads out of the project", hint="patterns are relative to reconciler.yaml"
            )
        for path in _matching(root, pattern):
            found[_name(path, root)] = path
    return [ManifestText(name, read_bytes(found[name])) for name in sorted(found)]


def _matching(root: Path, pattern: str) -> list[Path]:
    """The files that a pattern matches, and links that lead nowhere: a manifest that cannot be read is not one less."""
    try:
        return [path for path in root.glob(pattern) if path.is_file() or (path.is_symlink() and not path.exists())]
    except OSError as wrong:
        raise ProjectError(f"manifests: {pattern!r} cannot be followed: {wrong.strerror or wrong}") from wrong


def _name(path: Path, root: Path) -> str:
    name = path.relative_to(root).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as wrong:
        raise ProjectError(f"{name}: the file's name is not UTF-8", hint="rename the file") from wrong
    return name


def folder_in_repository(root: Path) -> str:
    """Where the project stands in the git repository around it, with forward slashes; empty at its root and in none."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return "" if folder == root else root.relative_to(folder).as_posix()
    return ""


def write_new(path: Path, text: str) -> bool:
    """Write a file where none is; False where one is, which is left as it is. Raises `ProjectError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as wrong:
        raise ProjectError(f"{path} cannot be written: {wrong.strerror or wrong}") from wrong
    return True


def write_state(root: Path, name: str, text: str) -> str:
    """Write a file of the project's own state; its path relative to the root. Raises `ProjectError`."""
    path = root / STATE_FOLDER / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as wrong:
        raise ProjectError(f"{path.name} cannot be written: {wrong.strerror or wrong}") from wrong
    return path.relative_to(root).as_posix()


def write_manifest(root: Path, text: ManifestText) -> None:
    """Write a manifest so that a reader, or a crash, meets the old text or the new one and nothing between.

    A link is followed, and its target written, but never out of the project. Raises `ProjectError`.
    """
    path = (root / text.file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ProjectError(f"{text.file} leads out of the project", hint="nothing is written there")
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as file:
            file.write(text.data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            scratch.chmod(path.stat().st_mode & 0o7777)
        scratch.replace(path)
    except OSError as wrong:
        with suppress(OSError):
            scratch.unlink()
        raise ProjectError(f"{text.file} cannot be written: {wrong.strerror or wrong}") from wrong


def folder_names(root: Path, patterns: Sequence[str]) -> list[str]:
    """The files that stand in the folders the patterns lead into, manifests or not: names that are taken."""
    folders = {root.joinpath(*_literal_parts(pattern)) for pattern in patterns}
    return [path.relative_to(root).as_posix() for folder in folders if folder.is_dir() for path in folder.iterdir()]


def _literal_parts(pattern: str) -> list[str]:
    return [part for part in pattern.split("/")[:-1] if part not in {"**", "."} and not set(part) & set("*?[")]


def manifests_at(root: Path, paths: Sequence[Path]) -> list[ManifestText]:
    """The files at these paths, and the YAML files below those that are folders. Raises `ProjectError`."""
    found: dict[str, Path] = {}
    for path in paths:
        within = path.resolve()
        if not within.is_relative_to(root):
            raise ProjectError(f"{path} is not in the project", hint="--project PATH names the one that it is in")
        files = sorted(within.rglob("*.yaml")) if within.is_dir() else [within]
        found.update({_name(file, root): file for file in files})
    return [ManifestText(name, read_bytes(found[name])) for name in sorted(found)]
