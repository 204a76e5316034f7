"""Blocks -> the text of a new manifest."""

from collections.abc import Mapping, Sequence

from reconciler.manifest.block import VERSION
from reconciler.manifest.edit.block_text import item_lines
from reconciler.manifest.edit.changes import Writable


def manifest_text(apps: Sequence[Mapping[str, Writable]], schema: str | None = None) -> str:
    """A manifest that declares apps, each a block whose keys are in the order they are to have.

    `schema` is where editors find the format, relative to the file.
    """
    head = [] if schema is None else [f"# yaml-language-server: $schema={schema}"]
    lines = [*head, f"version: {VERSION}", "apps:"]
    for app in apps:
        lines += item_lines("  ", app)
    return "\n".join((*lines, ""))
