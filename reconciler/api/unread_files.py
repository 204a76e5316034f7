"""Warnings of files in a project that may be manifests and were not read."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from reconciler.errors import ProjectError, UnfitFile
from reconciler.files import disk
from reconciler.files.project import Manifests, ProjectFiles, literal_parts
from reconciler.manifest.project_settings import (
    all_plain_patterns,
    empty_folder,
    empty_manifest,
    intended_manifest_name,
    is_empty_text,
    is_yaml,
    looks_like_manifest,
    misnamed_manifest,
    not_checked_out,
    unmatched_pattern,
    unread_manifest,
    without_ending,
)
from reconciler.model.diagnostic import Finding
from reconciler.yaml.scalar import ManifestText


def find_doubts(
    project: ProjectFiles, manifests: Manifests, patterns: Sequence[str], variables: Mapping[str, str]
) -> list[Finding]:
    """Warnings of patterns that nothing matches, of what looks like a manifest, of what is empty or not checked out.

    Hidden folders, those of other projects and of installed packages are not looked into.
    """
    settings, root = project.settings, project.root
    known_files = {settings.file, *(text.file for text in manifests.texts), *(each.file for each in manifests.findings)}
    homes = {"/".join(literal_parts(pattern)) for pattern in all_plain_patterns(patterns)}
    reader = disk.Reader(root)
    linked = {Path(os.path.realpath(root / name)) for name in known_files if (root / name).is_symlink()}
    findings = [unmatched_pattern(each, settings.file, settings.data) for each in manifests.unmatched]
    findings += [empty_manifest(text.file) for text in manifests.texts if is_empty_text(text.data)]
    for folder, files, is_empty in disk.walk(root, settings.file):
        is_home = any(f"{folder}/".startswith(f"{home}/") for home in homes)
        if is_empty and is_home:
            findings.append(empty_folder(folder))
        for name, doubt in _unread_files(folder, files, known_files, aside=is_home):
            with suppress(OSError, UnfitFile):
                if root / name not in linked and looks_like_manifest(reader.read(name)):
                    findings.append(doubt)
    left_out = (
        each for each in _sparse_files(root, variables) if is_yaml(each.rpartition("/")[2]) and each not in known_files
    )
    within = tuple(f"{home}/" if home else "" for home in homes)
    return findings + [not_checked_out(each) for each in left_out if each.startswith(within)]


def _sparse_files(root: Path, variables: Mapping[str, str]) -> Iterable[str]:
    """The files of a project that git knows and a sparse checkout has left out. Of another git is not asked."""
    if not _may_be_sparse(root):
        return ()
    from reconciler.forge.commits import Git  # noqa: PLC0415 - few checkouts are sparse

    try:
        well, output = Git(root, variables).try_run("ls-files", "-t", "-z", "--", ".")
    except ProjectError:
        return ()
    return [line[2:] for line in output.split("\0") if line.startswith("S ")] if well else ()


def _may_be_sparse(root: Path) -> bool:
    """Whether the project's checkout has, or had, patterns of a sparse checkout."""
    with suppress(OSError, ValueError):
        for folder in (root.resolve(), *root.resolve().parents):
            git = folder / ".git"
            if git.is_file():  # of a linked checkout, or of a submodule: it names the place
                git = folder / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
            if git.is_dir():
                return (git / "info" / "sparse-checkout").is_file()
    return False


def read_unread_texts(project: ProjectFiles, doubts: Iterable[Finding]) -> Iterator[ManifestText]:
    """The files among doubts that look like manifests."""
    reader = disk.Reader(project.root)
    for each in doubts:
        if each.code == "unread-manifest":
            with suppress(OSError, UnfitFile):
                yield ManifestText(each.file, reader.read(each.file))


def _unread_files(
    folder: str, files: Iterable[str], known_files: set[str], *, aside: bool
) -> Iterator[tuple[str, Finding]]:
    """The files of a folder that are not read and may be manifests, each with the doubt if it looks like one.

    With `aside` also those that have the name of a manifest with something about it, where that manifest is not there.
    """
    prefix = f"{folder}/" if folder else ""
    there = {without_ending(name) for name in known_files}
    for file in files:
        name, manifest = prefix + file, intended_manifest_name(file)
        if is_yaml(file) and name not in known_files:
            yield name, unread_manifest(name)
        elif (
            aside
            and manifest is not None
            and name not in known_files
            and without_ending(prefix + manifest) not in there
        ):
            yield name, misnamed_manifest(name, f"{prefix}{manifest}")
