"""Manifests that may be in a project and were not read."""

from collections.abc import Sequence
from contextlib import suppress

from reconciler import disk
from reconciler.errors import UnfitFile
from reconciler.manifest.patterns import all_plain, empty_folder, is_yaml, looks_like_manifest, no_match, not_read
from reconciler.model.diagnostic import Finding
from reconciler.project import Manifests, Project, literal_parts


def doubts_about(project: Project, manifests: Manifests, patterns: Sequence[str]) -> list[Finding]:
    """Warnings of patterns that nothing matches, of files that look like manifests, and of folders that are empty.

    Hidden folders, those of other projects and of installed packages are not looked into.
    """
    settings, root = project.settings, project.root
    known = {settings.file, *(text.file for text in manifests.texts), *(each.file for each in manifests.findings)}
    homes = {"/".join(literal_parts(pattern)) for pattern in all_plain(patterns)} - {""}
    reader = disk.Reader(root)
    found = [no_match(each, settings.file, settings.data) for each in manifests.unmatched]
    for folder, files, is_empty in disk.walk(root, settings.file):
        if is_empty and any(f"{folder}/".startswith(f"{home}/") for home in homes):
            found.append(empty_folder(folder))
        for name in (f"{folder}/{file}" if folder else file for file in files if is_yaml(file)):
            with suppress(OSError, UnfitFile):
                if name not in known and looks_like_manifest(reader.read(name)):
                    found.append(not_read(name))
    return found
