"""Block style: values as lines, and lines put into and taken out of mappings and lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.yaml.edit.changes import Unwritable, Writable
from reconciler.yaml.edit.patch import (
    Patch,
    after_break,
    break_at,
    has_comment,
    is_first_on_line,
    line_start,
    lines_end,
)
from reconciler.yaml.edit.render import flow_text, new_text
from reconciler.yaml.node import Entry, Map, Node, Seq, number_of, quotes_of

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
    return [line for key, value in block.items() for line in _entry_lines(indent, key, value)]


def _entry_lines(indent: str, key: str, value: Writable) -> list[str]:
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
    return [f"{indent}{name}:", *(f"{below}- {flow_text(part, in_flow=False)}" for part in _items_of(value))]


def _items_of(value: Writable) -> Sequence[Writable]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def entries_behind(text: str, holder: Map, at: int, pairs: Iterable[tuple[str, Writable]]) -> Patch:
    """New lines below the entry at a position, indented as the mapping is."""
    sibling = holder.entries[at]
    indent = " " * _column(text, holder.entries[0].key.begin)
    lines = [line for key, value in pairs for line in _entry(indent, key, value, sibling)]
    return _lines_behind(text, sibling.value.end, lines)


def value_instead(text: str, holder: Map, entry: Entry, value: Writable) -> Patch:
    """Another value in the place of a mapping or list. A comment in it would be lost with it."""
    begin, end = entry.key.end, entry.value.end
    if has_comment(text, begin, end):
        raise Unwritable(entry.value.place, "edit-layout", "there are comments in what would go", "edit it by hand")
    blocks = [] if holder.is_flow else blocks_in(value)
    if not blocks:
        return Patch(begin, end, f": {flow_text(value, in_flow=holder.is_flow)}")
    indent = " " * _column(text, holder.entries[0].key.begin)
    lines = [line for block in blocks for line in item_lines(f"{indent}  ", block)]
    return Patch(begin, end, ":" + "".join(break_at(text, begin) + line for line in lines))


def _entry(indent: str, key: str, value: Writable, sibling: Entry) -> Sequence[str]:
    """The lines of a new entry: one, but for a list of mappings."""
    blocks = blocks_in(value)
    if not blocks:
        return [indent + _pair(key, value, sibling)]
    name = new_text(key, style=quotes_of(sibling.key), in_flow=False)
    return [f"{indent}{name}:", *(line for block in blocks for line in item_lines(f"{indent}  ", block))]


def items_behind(text: str, holder: Seq, values: Iterable[Writable]) -> Patch:
    """New items below the last one, in the form that it has."""
    last = holder.nodes[-1]
    dash = _dash(text, last)
    lines: list[str] = []
    for value in values:
        lines += _item(text, dash, last, value)
    return _lines_behind(text, last.end, lines)


def without_entry(text: str, holder: Map, at: int) -> Patch:
    """The lines of an entry taken out; where it shares its line with a dash, the next one moves up."""
    entry = holder.entries[at]
    if len(holder.entries) == 1:
        raise _last(entry.key)
    begin = entry.key.begin
    if is_first_on_line(text, begin):
        return _without_lines(text, begin, entry.value.end)
    if at + 1 == len(holder.entries) or has_comment(text, entry.value.end, holder.entries[at + 1].key.begin):
        raise _entangled(entry.key)
    return Patch(begin, holder.entries[at + 1].key.begin, "")


def without_item(text: str, holder: Seq, at: int) -> Patch:
    """The lines of an item taken out."""
    item = holder.nodes[at]
    if len(holder.nodes) == 1:
        raise _last(item)
    dash = _dash(text, item)
    if not is_first_on_line(text, dash):
        raise _entangled(item)
    return _without_lines(text, dash, item.end)


def _column(text: str, offset: int) -> int:
    return offset - line_start(text, offset)


def _pair(key: str, value: Writable, sibling: Entry) -> str:
    name = new_text(key, style=quotes_of(sibling.key), in_flow=False)
    return f"{name}: {flow_text(value, like=number_of(sibling.value), in_flow=False)}"


def _item(text: str, dash: int, last: Node, value: Writable) -> Sequence[str]:
    indent = " " * _column(text, dash)
    if not (isinstance(value, Mapping) and value and isinstance(last, Map) and not last.is_flow):
        like = number_of(last)
        return [f"{indent}- {flow_text(value, like=like, in_flow=False)}"]
    first = last.entries[0].key.begin
    gap = first - dash - 1 if line_start(text, first) == line_start(text, dash) else 1
    lines: list[str] = []
    for key, part in value.items():
        at = last.find(key)
        begin = indent + " " * (gap + 1) if lines else f"{indent}-{' ' * gap}"
        lines.append(begin + _pair(key, part, last.entries[at if at is not None else 0]))
    return lines


def _dash(text: str, item: Node) -> int:
    dash = len(text[: item.begin].rstrip()) - 1
    if dash < 0 or text[dash] != "-":
        raise _entangled(item)
    return dash


def _lines_behind(text: str, end: int, lines: Iterable[str]) -> Patch:
    if end and end == line_start(text, end):  # a block scalar ends with its last line break
        return Patch(end, end, "".join(line + break_at(text, end - 1) for line in lines))
    end = lines_end(text, end)
    return Patch(end, end, "".join(break_at(text, end) + line for line in lines))


def _without_lines(text: str, begin: int, end: int) -> Patch:
    first = line_start(text, begin)
    if end == line_start(text, end):
        return Patch(first, end, "")
    last = lines_end(text, end)
    if after_break(text, last) > last or not first:
        return Patch(first, after_break(text, last), "")
    return Patch(first - len(break_at(text, last)), last, "")


def _last(part: Node) -> Unwritable:
    message = "nothing would be left around it"
    return Unwritable(part.place, "edit-last", message, "remove what holds it")


def _entangled(part: Node) -> Unwritable:
    message = "it shares its lines with other things"
    return Unwritable(part.place, "edit-layout", message, "edit it by hand, or give it lines of its own")
