"""Parts put into and taken out of collections in flow style: `{WW: 0.01, US: 1.2}`, on one line or many."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.yaml.edit.changes import Unwritable, Writable
from reconciler.yaml.edit.patch import (
    Patch,
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
from reconciler.yaml.edit.render import flow_text, new_text
from reconciler.yaml.node import Entry, Holder, Map, Node, Seq, number_of, parts_of, quotes_of

_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")


def entries_within(text: str, holder: Map, at: int | None, pairs: Iterable[tuple[str, Writable]]) -> list[Patch]:
    """New entries behind the one at a position; None where there is none yet."""
    sibling = holder.entries[at] if at is not None else None
    return _put(text, holder, at, [_pair(text, key, value, sibling) for key, value in pairs])


def items_within(text: str, holder: Seq, values: Iterable[Writable]) -> list[Patch]:
    """New items at the end."""
    last = holder.nodes[-1] if holder.nodes else None
    return _put(
        text, holder, len(holder.nodes) - 1 if last is not None else None, [_item(value, last) for value in values]
    )


def _item(value: Writable, last: Node | None) -> str:
    """The text of an item, its numbers with the decimals of the last item's."""
    if not (isinstance(value, Mapping) and isinstance(last, Map)):
        return flow_text(value, like=number_of(last) if last is not None else "", in_flow=True)
    like = {entry.name: number_of(entry.value) for entry in last.entries}
    pairs = (
        f"{new_text(key, in_flow=True)}: {flow_text(part, like=like.get(key, ''), in_flow=True)}"
        for key, part in value.items()
    )
    return "{" + ", ".join(pairs) + "}"


def without_part(text: str, holder: Holder, at: int) -> list[Patch]:
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
        return [_cut(text, holder, (parts[at - 1][1], end), (parts[at - 1][1], begin))]
    if at + 1 < len(parts):
        return [_cut(text, holder, (begin, parts[at + 1][0]), (end, parts[at + 1][0]))]
    return [_cut(text, holder, (begin, tail), (end, tail))]


def _cut(text: str, holder: Holder, cut: tuple[int, int], gap: tuple[int, int]) -> Patch:
    """A cut whose part `gap` lies between things; a comment there would be lost."""
    if has_comment(text, *gap):
        hint = "edit it by hand, or give it a line of its own"
        raise Unwritable(holder.place, "edit-layout", "a comment stands beside it", hint)
    return Patch(*cut, "")


def _pair(text: str, key: str, value: Writable, sibling: Entry | None) -> str:
    if sibling is None:
        return f"{new_text(key, in_flow=True)}: {flow_text(value, in_flow=True)}"
    style = quotes_of(sibling.key)
    is_tight = style == '"' and text[sibling.key.end : sibling.value.begin] == ":"
    name = new_text(key, style=style, in_flow=True)
    return f"{name}{':' if is_tight else ': '}{flow_text(value, like=number_of(sibling.value), in_flow=True)}"


def _put(text: str, holder: Holder, at: int | None, new: Sequence[str]) -> list[Patch]:
    if text[holder.end - 1] not in "}]":
        hint = "write the braces around it"
        raise Unwritable(holder.place, "edit-layout", "the mapping has no braces of its own", hint)
    if at is None:
        return [_first(text, holder, ", ".join(new))]
    parts = parts_of(holder)
    begin, end = parts[at]
    if is_first_on_line(text, begin) and not _shares_line(text, end):
        return _lines(text, begin, end, new)
    gap = text[parts[at - 1][1] : begin] if at else ""
    comma = gap if _COMMA.fullmatch(gap) else ", "
    return [Patch(end, end, "".join(comma + one for one in new))]


def _shares_line(text: str, end: int) -> bool:
    """Whether another part follows on the line."""
    comma = _comma_behind(text, end)
    return comma is not None and comma <= line_end(text, end) and not is_last_on_line(text, comma + 1)


def _first(text: str, holder: Holder, new: str) -> Patch:
    opened = max(text.rfind(sign, holder.begin, holder.end) for sign in "{[") + 1
    inside = text[opened : holder.end - 1]
    return Patch(opened, opened, f" {new}" if inside == " " else new)


def _lines(text: str, begin: int, end: int, new: Sequence[str]) -> list[Patch]:
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
