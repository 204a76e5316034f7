"""Replacements in a text, and the lines they are made in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_BREAK: Final = re.compile(r"\r?\n")
_REST: Final = re.compile(r"[ \t]*(?:(?<=[ \t])(#)[^\n\r]*)?")
_COMMENT_LINE: Final = re.compile(r"[ \t]*(#)[^\n\r]*")
_BLANK_OR_COMMENT: Final = re.compile(r"(?:\s|(?<![^\s,\[{])#[^\n\r]*)*")


@dataclass(frozen=True, slots=True)
class Patch:
    """Put `text` in the place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


def patched(text: str, patches: Sequence[Patch]) -> str:
    """The text with all patches made; those at one place in the order given. They must not overlap."""
    parts: list[str] = []
    done = 0
    for patch in sorted(patches, key=_by_place):
        if patch.start < done:
            raise ValueError("edits overlap")
        parts += (text[done : patch.start], patch.text)
        done = patch.end
    return "".join((*parts, text[done:]))


def _by_place(patch: Patch) -> tuple[int, int]:
    return patch.start, patch.end


def line_start(text: str, offset: int) -> int:
    """Where the line of an offset begins."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """Where the line of an offset ends, its break left out."""
    found = _BREAK.search(text, offset)
    return found.start() if found is not None else len(text)


def after_break(text: str, end: int) -> int:
    """Where the line behind a line's end begins; the end of the text where there is none."""
    found = _BREAK.match(text, end)
    return found.end() if found is not None else end


def break_at(text: str, offset: int) -> str:
    """The line break that the line of an offset ends with; for the last line, the one before it ends with."""
    found = _BREAK.search(text, offset)
    if found is None:
        begin = line_start(text, offset)
        start = begin - 2 if text[max(0, begin - 2) : begin] == "\r\n" else begin - 1
        found = _BREAK.match(text, start) if begin else None
    return found.group() if found is not None else "\n"


def is_first_on_line(text: str, offset: int) -> bool:
    """Whether only blanks stand before the offset on its line."""
    return not text[line_start(text, offset) : offset].strip(" \t")


def is_last_on_line(text: str, offset: int) -> bool:
    """Whether only blanks and a comment stand behind the offset on its line."""
    return _rest(text, offset).end() == line_end(text, offset)


def lines_end(text: str, offset: int) -> int:
    """The end of the line of an offset, or of the last line that its trailing comment goes on in, one below another."""
    end = line_end(text, offset)
    comment = _rest(text, offset).start(1)
    if comment < 0:
        return end
    column = comment - line_start(text, comment)
    while (below := after_break(text, end)) > end:
        found = _COMMENT_LINE.match(text, below)
        if found is None or found.start(1) - below != column:
            break
        end = found.end()
    return end


def next_sign(text: str, offset: int) -> int:
    """Where the next character stands that is no blank, line break or comment."""
    found = _BLANK_OR_COMMENT.match(text, offset)
    return found.end() if found is not None else offset


def has_comment(text: str, start: int, end: int) -> bool:
    """Whether a comment stands between two neighbours of a list or mapping."""
    return "#" in text[start:end]


def _rest(text: str, offset: int) -> re.Match[str]:
    found = _REST.match(text, offset)
    if found is None:
        raise AssertionError("the pattern matches nothing at all, too")
    return found
