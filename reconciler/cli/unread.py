"""Manifests that may be in a project and were not read."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from reconciler import disk
from reconciler.errors import UnfitFile
from reconciler.manifest.patterns import (
    all_plain,
    empty_folder,
    empty_manifest,
    is_yaml,
    looks_like_manifest,
    no_match,
    not_read,
    says_nothing,
    set_aside,
    was_set_aside,
)
from reconciler.model.diagnostic import Finding
from reconciler.project import Manifests, Project, literal_parts


def doubts_about(project: Project, manifests: Manifests, patterns: Sequence[str]) -> list[Finding]:
    """Warnings of patterns that nothing matches, of what looks like a manifest, and of what is empty.

    Hidden folders, those of other projects and of installed packages are not looked into.
    """
    settings, root = project.settings, project.root
    known = {settings.file, *(text.file for text in manifests.texts), *(each.file for each in manifests.findings)}
    homes = {"/".join(literal_parts(pattern)) for pattern in all_plain(patterns)}
    reader = disk.Reader(root)
    linked = {Path(os.path.realpath(root / name)) for name in known if (root / name).is_symlink()}
    found = [no_match(each, settings.file, settings.data) for each in manifests.unmatched]
    found += [empty_manifest(text.file) for text in manifests.texts if says_nothing(text.data)]
    for folder, files, is_empty in disk.walk(root, settings.file):
        is_home = any(f"{folder}/".startswith(f"{home}/") for home in homes)
        if is_empty and is_home:
            found.append(empty_folder(folder))
        for name, doubt in _unread(folder, files, known, aside=is_home):
            with suppress(OSError, UnfitFile):
                if root / name not in linked and looks_like_manifest(reader.read(name)):
                    found.append(doubt)
    return found


def _unread(folder: str, files: Iterable[str], known: set[str], *, aside: bool) -> Iterator[tuple[str, Finding]]:
    """The files of a folder that are not read and may be manifests, each with the doubt if it looks like one.

    With `aside` also those that have the name of a manifest with something about it, where that manifest is not there.
    """
    prefix = f"{folder}/" if folder else ""
    there = {name.casefold() for name in known}
    for file in files:
        name, manifest = prefix + file, set_aside(file)
        if is_yaml(file) and name not in known:
            yield name, not_read(name)
        elif aside and manifest is not None and name not in known and f"{prefix}{manifest}".casefold() not in there:
            yield name, was_set_aside(name, f"{prefix}{manifest}")
