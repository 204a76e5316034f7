"""Values as YAML text, and patches that insert, replace and remove entries and items, in block and flow style."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from reconciler.yaml.edits import (
    Patch,
    Plain,
    Unwritable,
    Writable,
    after_break,
    break_at,
    has_comment,
    is_first_on_line,
    is_last_on_line,
    line_end,
    line_start,
    lines_end,
    next_sign,
)
from reconciler.yaml.node import Holder, Map, MapEntry, Node, Seq, number_of, parts_of, quotes_of
from reconciler.yaml.scalar import resolve

_DECIMALS: Final = re.compile(r"[-+]?[0-9]+\.([0-9]+)\Z")
_INDICATORS: Final = frozenset("-?:,[]{}#&*!|>'\"%@`=<~")
_UNSAFE: Final = re.compile(r":(?:\s|\Z)|\s#|[\t\x85\xa0\u2028\u2029]")
_UNSAFE_IN_FLOW: Final = re.compile(r"[,\[\]{}:]")
_WORDS_OF_YAML_1_1: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""What is text to us, and to readers of older YAML is not."""
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def replaced_text(value: Plain, style: str, old: str, *, in_flow: bool) -> str:
    """The text of a value in place of a scalar of the style whose text was `old`."""
    if isinstance(value, str):
        return _string(value, style, in_flow=in_flow)
    return _number(value, old if not style else "")


def new_text(value: Plain, *, like: str = "", style: str = "", in_flow: bool) -> str:
    """The text of a value where none was; a number gets the decimals of `like`, text the quotes of `style`.

    Text that other readers of YAML might take for something else is quoted.
    """
    if not isinstance(value, str):
        return _number(value, like)
    doubtful = value.lower() in _WORDS_OF_YAML_1_1 or value[:1] in {"+", "."} or value[:1].isdigit()
    return _string(value, style or ('"' if doubtful else ""), in_flow=in_flow)


def flow_text(value: Writable, *, like: str = "", in_flow: bool) -> str:
    """The text of any value on one line."""
    match value:
        case str():
            return new_text(value, in_flow=in_flow)
        case Mapping():
            pairs = (f"{new_text(key, in_flow=True)}: {flow_text(part, in_flow=True)}" for key, part in value.items())
            return "{" + ", ".join(pairs) + "}"
        case None | bool() | int() | float() | Decimal():
            return new_text(value, like=like, in_flow=in_flow)
        case _:
            return "[" + ", ".join(flow_text(part, in_flow=True) for part in value) + "]"


def _number(value: float | Decimal | bool | None, like: str) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return _decimal(value if isinstance(value, Decimal) else Decimal(repr(value)), like)


def _decimal(value: Decimal, like: str) -> str:
    """The exact number without an exponent, with as many decimals as `like` has, or as many more as it needs."""
    if not value.is_finite():
        raise ValueError("only finite numbers are written")
    whole, _, decimals = format(value, "f").partition(".")
    kept = _DECIMALS.match(like)
    decimals = decimals.rstrip("0").ljust(len(kept[1]) if kept is not None else 0, "0")
    return f"{whole}.{decimals}" if decimals else whole


def _string(value: str, style: str, *, in_flow: bool) -> str:
    if not style and _may_be_plain(value, in_flow=in_flow):
        return value
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escape, value)) + '"'


def _may_be_plain(text: str, *, in_flow: bool) -> bool:
    if not text or not text.isprintable() or text != text.strip() or text[0] in _INDICATORS:
        return False
    if _UNSAFE.search(text) or text.startswith("..."):
        return False
    return isinstance(resolve(text), str) and not (in_flow and _UNSAFE_IN_FLOW.search(text))


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


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


def insert_entries(text: str, holder: Map, at: int, pairs: Iterable[tuple[str, Writable]]) -> Patch:
    """New lines below the entry at a position, indented as the mapping is."""
    sibling = holder.entries[at]
    indent = " " * _column(text, holder.entries[0].key.begin)
    lines = [line for key, value in pairs for line in _new_entry_lines(indent, key, value, sibling)]
    return _insert_lines(text, sibling.value.end, lines)


def replace_value(text: str, holder: Map, entry: MapEntry, value: Writable) -> Patch:
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


def _new_entry_lines(indent: str, key: str, value: Writable, sibling: MapEntry) -> Sequence[str]:
    """The lines of a new entry: one, but for a list of mappings."""
    blocks = blocks_in(value)
    if not blocks:
        return [indent + _entry_text(key, value, sibling)]
    name = new_text(key, style=quotes_of(sibling.key), in_flow=False)
    return [f"{indent}{name}:", *(line for block in blocks for line in item_lines(f"{indent}  ", block))]


def insert_items(text: str, holder: Seq, values: Iterable[Writable]) -> Patch:
    """New items below the last one, in the form that it has."""
    last = holder.nodes[-1]
    dash = _dash_offset(text, last)
    lines: list[str] = []
    for value in values:
        lines += _new_item_lines(text, dash, last, value)
    return _insert_lines(text, last.end, lines)


def remove_entry(text: str, holder: Map, at: int) -> Patch:
    """The lines of an entry taken out; where it shares its line with a dash, the next one moves up."""
    entry = holder.entries[at]
    if len(holder.entries) == 1:
        raise _last_part_error(entry.key)
    begin = entry.key.begin
    if is_first_on_line(text, begin):
        return _remove_lines(text, begin, entry.value.end)
    if at + 1 == len(holder.entries) or has_comment(text, entry.value.end, holder.entries[at + 1].key.begin):
        raise _shared_lines_error(entry.key)
    return Patch(begin, holder.entries[at + 1].key.begin, "")


def remove_item(text: str, holder: Seq, at: int) -> Patch:
    """The lines of an item taken out."""
    item = holder.nodes[at]
    if len(holder.nodes) == 1:
        raise _last_part_error(item)
    dash = _dash_offset(text, item)
    if not is_first_on_line(text, dash):
        raise _shared_lines_error(item)
    return _remove_lines(text, dash, item.end)


def _column(text: str, offset: int) -> int:
    return offset - line_start(text, offset)


def _entry_text(key: str, value: Writable, sibling: MapEntry) -> str:
    name = new_text(key, style=quotes_of(sibling.key), in_flow=False)
    return f"{name}: {flow_text(value, like=number_of(sibling.value), in_flow=False)}"


def _new_item_lines(text: str, dash: int, last: Node, value: Writable) -> Sequence[str]:
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
        lines.append(begin + _entry_text(key, part, last.entries[at if at is not None else 0]))
    return lines


def _dash_offset(text: str, item: Node) -> int:
    dash = len(text[: item.begin].rstrip()) - 1
    if dash < 0 or text[dash] != "-":
        raise _shared_lines_error(item)
    return dash


def _insert_lines(text: str, end: int, lines: Iterable[str]) -> Patch:
    if end and end == line_start(text, end):  # a block scalar ends with its last line break
        return Patch(end, end, "".join(line + break_at(text, end - 1) for line in lines))
    end = lines_end(text, end)
    return Patch(end, end, "".join(break_at(text, end) + line for line in lines))


def _remove_lines(text: str, begin: int, end: int) -> Patch:
    first = line_start(text, begin)
    if end == line_start(text, end):
        return Patch(first, end, "")
    last = lines_end(text, end)
    if after_break(text, last) > last or not first:
        return Patch(first, after_break(text, last), "")
    return Patch(first - len(break_at(text, last)), last, "")


def _last_part_error(part: Node) -> Unwritable:
    message = "it is the only entry here, and the mapping or list would be empty"
    return Unwritable(part.place, "edit-last", message, "remove the whole mapping or list")


def _shared_lines_error(part: Node) -> Unwritable:
    message = "it shares its lines with other things"
    return Unwritable(part.place, "edit-layout", message, "edit it by hand, or give it lines of its own")


_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")


def insert_flow_entries(text: str, holder: Map, at: int | None, pairs: Iterable[tuple[str, Writable]]) -> list[Patch]:
    """New entries behind the one at a position; None where there is none yet."""
    sibling = holder.entries[at] if at is not None else None
    return _flow_patches(text, holder, at, [_flow_pair(text, key, value, sibling) for key, value in pairs])


def insert_flow_items(text: str, holder: Seq, values: Iterable[Writable]) -> list[Patch]:
    """New items at the end."""
    last = holder.nodes[-1] if holder.nodes else None
    return _flow_patches(
        text, holder, len(holder.nodes) - 1 if last is not None else None, [_flow_item(value, last) for value in values]
    )


def _flow_item(value: Writable, last: Node | None) -> str:
    """The text of an item, its numbers with the decimals of the last item's."""
    if not (isinstance(value, Mapping) and isinstance(last, Map)):
        return flow_text(value, like=number_of(last) if last is not None else "", in_flow=True)
    like = {entry.name: number_of(entry.value) for entry in last.entries}
    pairs = (
        f"{new_text(key, in_flow=True)}: {flow_text(part, like=like.get(key, ''), in_flow=True)}"
        for key, part in value.items()
    )
    return "{" + ", ".join(pairs) + "}"


def remove_from_flow(text: str, holder: Holder, at: int) -> list[Patch]:
    """The entry or item at a position taken out, with its comma."""
    parts = parts_of(holder)
    begin, end = parts[at]
    comma = _comma_behind(text, end)
    tail = end if comma is None else comma + 1
    if is_first_on_line(text, begin) and is_last_on_line(text, tail):
        stop = lines_end(text, tail)
        whole = Patch(line_start(text, begin), after_break(text, stop), "")
        before = _comma_behind(text, parts[at - 1][1]) if at and comma is None else None
        return [whole] if before is None else [Patch(before, before + 1, ""), whole]
    if at and not has_comment(text, parts[at - 1][1], begin):
        return [_cut_patch(text, holder, (parts[at - 1][1], end), (parts[at - 1][1], begin))]
    if at + 1 < len(parts):
        return [_cut_patch(text, holder, (begin, parts[at + 1][0]), (end, parts[at + 1][0]))]
    return [_cut_patch(text, holder, (begin, tail), (end, tail))]


def _cut_patch(text: str, holder: Holder, cut: tuple[int, int], gap: tuple[int, int]) -> Patch:
    """A cut whose part `gap` lies between things; a comment there would be lost."""
    if has_comment(text, *gap):
        hint = "edit it by hand, or give it a line of its own"
        raise Unwritable(holder.place, "edit-layout", "a comment stands beside it", hint)
    return Patch(*cut, "")


def _flow_pair(text: str, key: str, value: Writable, sibling: MapEntry | None) -> str:
    if sibling is None:
        return f"{new_text(key, in_flow=True)}: {flow_text(value, in_flow=True)}"
    style = quotes_of(sibling.key)
    is_tight = style == '"' and text[sibling.key.end : sibling.value.begin] == ":"
    name = new_text(key, style=style, in_flow=True)
    return f"{name}{':' if is_tight else ': '}{flow_text(value, like=number_of(sibling.value), in_flow=True)}"


def _flow_patches(text: str, holder: Holder, at: int | None, new: Sequence[str]) -> list[Patch]:
    if text[holder.end - 1] not in "}]":
        hint = "write the braces around it"
        raise Unwritable(holder.place, "edit-layout", "the mapping has no braces of its own", hint)
    if at is None:
        return [_first_part(text, holder, ", ".join(new))]
    parts = parts_of(holder)
    begin, end = parts[at]
    if is_first_on_line(text, begin) and not _shares_line(text, end):
        return _line_patches(text, begin, end, new)
    gap = text[parts[at - 1][1] : begin] if at else ""
    comma = gap if _COMMA.fullmatch(gap) else ", "
    return [Patch(end, end, "".join(comma + one for one in new))]


def _shares_line(text: str, end: int) -> bool:
    """Whether another part follows on the line."""
    comma = _comma_behind(text, end)
    return comma is not None and comma <= line_end(text, end) and not is_last_on_line(text, comma + 1)


def _first_part(text: str, holder: Holder, new: str) -> Patch:
    opened = max(text.rfind(sign, holder.begin, holder.end) for sign in "{[") + 1
    inside = text[opened : holder.end - 1]
    return Patch(opened, opened, f" {new}" if inside == " " else new)


def _line_patches(text: str, begin: int, end: int, new: Sequence[str]) -> list[Patch]:
    """Each part on a line of its own, below one that has its own."""
    indent = text[line_start(text, begin) : begin]
    comma = _comma_behind(text, end)
    if comma is not None and comma <= line_end(text, end) and is_last_on_line(text, comma + 1):
        stop = lines_end(text, comma + 1)
        return [Patch(stop, stop, "".join(f"{break_at(text, stop)}{indent}{one}," for one in new))]
    if comma is None and is_last_on_line(text, end):
        stop = lines_end(text, end)
        below = f",{break_at(text, stop)}{indent}".join(new)
        return [Patch(end, end, ","), Patch(stop, stop, f"{break_at(text, stop)}{indent}{below}")]
    return [Patch(end, end, "".join(f",{break_at(text, begin)}{indent}{one}" for one in new))]


def _comma_behind(text: str, end: int) -> int | None:
    at = next_sign(text, end)
    return at if text[at : at + 1] == "," else None
