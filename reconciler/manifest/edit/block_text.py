"""Values -> lines in block style, as new manifests and new blocks are written."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.manifest.edit.changes import Writable
from reconciler.manifest.edit.render import flow_text, new_text

WIDEST: Final = 110
"""Characters a line may have before what stands on it gets lines of its own."""


def blocks_in(value: Writable) -> Sequence[Mapping[str, Writable]]:
    """The items of a list that holds mappings and nothing else; empty for every other value."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    blocks = [part for part in items if isinstance(part, Mapping) and part]
    return blocks if len(blocks) == len(items) else ()


def item_lines(indent: str, block: Mapping[str, Writable]) -> list[str]:
    """A mapping as an item of a list whose dash stands behind the indent."""
    lines = mapping_lines(f"{indent}  ", block)
    return [f"{indent}- {lines[0].lstrip(' ')}", *lines[1:]]


def mapping_lines(indent: str, block: Mapping[str, Writable]) -> list[str]:
    """A mapping, one key a line; what does not fit on a line, and lists of mappings, stand below their key."""
    return [line for key, value in block.items() for line in _entry(indent, key, value)]


def _entry(indent: str, key: str, value: Writable) -> list[str]:
    name = new_text(key, in_flow=False)
    line = f"{indent}{name}: {flow_text(value, in_flow=False)}"
    blocks = blocks_in(value)
    if not blocks and (len(line) <= WIDEST or not isinstance(value, Mapping | Sequence) or isinstance(value, str)):
        return [line]
    below = f"{indent}  "
    if isinstance(value, Mapping):
        return [f"{indent}{name}:", *mapping_lines(below, value)]
    if blocks:
        return [f"{indent}{name}:", *(line for block in blocks for line in item_lines(below, block))]
    return [f"{indent}{name}:", *(f"{below}- {flow_text(part, in_flow=False)}" for part in _parts(value))]


def _parts(value: Writable) -> Sequence[Writable]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
