"""Manifests that may be in a project and were not read."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from reconciler import disk
from reconciler.errors import ProjectError, UnfitFile
from reconciler.manifest.patterns import (
    all_plain,
    empty_folder,
    empty_manifest,
    is_yaml,
    looks_like_manifest,
    no_match,
    not_checked_out,
    not_read,
    says_nothing,
    set_aside,
    was_set_aside,
    without_ending,
)
from reconciler.model.diagnostic import Finding
from reconciler.project import Manifests, ProjectFiles, literal_parts
from reconciler.yaml.text import ManifestText


def doubts_about(
    project: ProjectFiles, manifests: Manifests, patterns: Sequence[str], variables: Mapping[str, str]
) -> list[Finding]:
    """Warnings of patterns that nothing matches, of what looks like a manifest, of what is empty or not checked out.

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
    left_out = (each for each in _left_out(root, variables) if is_yaml(each.rpartition("/")[2]) and each not in known)
    within = tuple(f"{home}/" if home else "" for home in homes)
    return found + [not_checked_out(each) for each in left_out if each.startswith(within)]


def _left_out(root: Path, variables: Mapping[str, str]) -> Iterable[str]:
    """The files of a project that git knows and a sparse checkout has left out. Of another git is not asked."""
    if not _may_be_sparse(root):
        return ()
    from reconciler.forge.git import Git  # noqa: PLC0415 - few checkouts are sparse

    try:
        well, told = Git(root, variables).tries("ls-files", "-t", "-z", "--", ".")
    except ProjectError:
        return ()
    return [line[2:] for line in told.split("\0") if line.startswith("S ")] if well else ()


def _may_be_sparse(root: Path) -> bool:
    """Whether the checkout that a project is in has, or had, patterns of what git is to leave out."""
    with suppress(OSError, ValueError):
        for folder in (root.resolve(), *root.resolve().parents):
            git = folder / ".git"
            if git.is_file():  # of a linked checkout, or of a submodule: it names the place
                git = folder / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
            if git.is_dir():
                return (git / "info" / "sparse-checkout").is_file()
    return False


def unread_texts(project: ProjectFiles, doubts: Iterable[Finding]) -> Iterator[ManifestText]:
    """The files among doubts that look like manifests."""
    reader = disk.Reader(project.root)
    for each in doubts:
        if each.code == "unread-manifest":
            with suppress(OSError, UnfitFile):
                yield ManifestText(each.file, reader.read(each.file))


def _unread(folder: str, files: Iterable[str], known: set[str], *, aside: bool) -> Iterator[tuple[str, Finding]]:
    """The files of a folder that are not read and may be manifests, each with the doubt if it looks like one.

    With `aside` also those that have the name of a manifest with something about it, where that manifest is not there.
    """
    prefix = f"{folder}/" if folder else ""
    there = {without_ending(name) for name in known}
    for file in files:
        name, manifest = prefix + file, set_aside(file)
        if is_yaml(file) and name not in known:
            yield name, not_read(name)
        elif aside and manifest is not None and name not in known and without_ending(prefix + manifest) not in there:
            yield name, was_set_aside(name, f"{prefix}{manifest}")
