"""Manifests that may be in a project and were not read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from reconciler import disk
from reconciler.errors import ProjectError, UnfitFile
from reconciler.manifest.patterns import (
    all_plain,
    empty_folder,
    is_put_aside,
    is_yaml,
    looks_like_manifest,
    no_match,
    not_checked_out,
    not_read,
    stem,
)
from reconciler.manifest.text import ManifestText
from reconciler.model.diagnostic import Finding
from reconciler.project import Manifests, Project, literal_parts


def doubts_about(
    project: Project, manifests: Manifests, patterns: Sequence[str], variables: Mapping[str, str]
) -> list[Finding]:
    """Warnings of patterns that nothing matches, of files that look like manifests, and of what is not checked out.

    Hidden folders, those of other projects and of installed packages are not looked into. A file of another ending
    counts where no manifest of its name is read: then that one may have been renamed to it.
    """
    settings, root = project.settings, project.root
    known = {settings.file, *(text.file for text in manifests.texts), *(each.file for each in manifests.findings)}
    stems = {stem(name) for name in known}
    homes = {"/".join(literal_parts(pattern)) for pattern in all_plain(patterns)} - {""}
    reader = disk.Reader(root)
    found = [no_match(each, settings.file, settings.data) for each in manifests.unmatched]
    for folder, files, is_empty in disk.walk(root, settings.file):
        if is_empty and any(f"{folder}/".startswith(f"{home}/") for home in homes):
            found.append(empty_folder(folder))
        for file in files:
            name = f"{folder}/{file}" if folder else file
            is_likely = is_yaml(file) or (is_put_aside(file) and stem(name) not in stems)
            with suppress(OSError, UnfitFile):
                if is_likely and name not in known and looks_like_manifest(reader.read(name)):
                    found.append(not_read(name))
    left_out = (each for each in _left_out(root, variables) if is_yaml(each.rpartition("/")[2]) and each not in known)
    within = tuple(f"{home}/" for home in homes) or ("",)
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


def unread_texts(project: Project, doubts: Iterable[Finding]) -> Iterator[ManifestText]:
    """The files among doubts that look like manifests."""
    reader = disk.Reader(project.root)
    for each in doubts:
        if each.code == "unread-manifest":
            with suppress(OSError, UnfitFile):
                yield ManifestText(each.file, reader.read(each.file))
