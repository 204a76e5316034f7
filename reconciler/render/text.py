"""Text that is shown: lines made of spans with a tone, and untrusted text made harmless for its medium.

Lines are shown with or without colour, wrapped by their columns. Untrusted are names: they come from manifests and from
the network. What nobody could see of them is shown as an escape (`\\x1b`, `\\u202e`) in every medium; what the medium
would obey is told to it in a way that it only shows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final, Literal, TypeAlias
from unicodedata import category, combining, east_asian_width

Tone = Literal["plain", "add", "change", "remove", "blocked", "faint", "strong"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. The tone only repeats what the words say."""

    text: str
    tone: Tone = "plain"


Line: TypeAlias = tuple[Span, ...]


def line(*parts: "str | Span") -> Line:
    """A line of plain texts and spans."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


NARROWEST: Final = 20
"""Columns; a terminal that claims to have fewer breaks lines itself."""
_LABEL: Final = re.compile(r"(?:error|hint|warning): ")
_WORD: Final = re.compile(r"\S+")


def wrapped(whole: Line, width: int) -> Iterator[Line]:
    """A line as lines of at most `width` columns, broken between words; those after the first are indented further.

    Only the blanks at the breaks are dropped. A word longer than a line stands on a line of its own, unbroken.
    """
    text = "".join(span.text for span in whole)
    if width < NARROWEST or columns(text) <= width:
        yield whole
        return
    body = len(text) - len(text.lstrip())
    label = _LABEL.match(text)
    indent = min(label.end() if label else body + 2, width // 2)
    tones = [span.tone for span in whole for _ in span.text]
    begin = end = 0
    for word in _WORD.finditer(text):
        room = width - (indent if begin else 0)
        if end > body and columns(text[begin : word.end()]) > room:
            yield _piece(text, tones, begin, end, indent if begin else 0)
            begin = word.start()
        end = word.end()
    yield _piece(text, tones, begin, end, indent if begin else 0)


def _piece(text: str, tones: list[Tone], begin: int, end: int, indent: int) -> Line:
    spans = []
    for tone, group in groupby(range(begin, end), key=tones.__getitem__):
        at = list(group)
        spans.append(Span(text[at[0] : at[-1] + 1], tone))
    return (*((Span(" " * indent),) if indent else ()), *spans)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def counted(number: int, noun: str) -> str:
    """A number of things: 1 error, 2 errors."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_EMOJI_STYLE: Final = "\ufe0e\ufe0f"

_SHOWN_AS_NOTHING: Final = frozenset(
    chr(code)
    for first, last in (
        *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2060, 0x206F), (0x2800, 0x2800)),
        *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)),
    )
    for code in range(first, last + 1)
) - frozenset(_EMOJI_STYLE)
"""Characters outside the categories above that leave no mark (Unicode's Default_Ignorable_Code_Point, and the blank
Braille cell). Those that choose between text and emoji stand in names of real apps, and stay."""

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_COMMAND: Final = re.compile(r"##(?=[A-Za-z]*\[)")
"""What CI runners look for anywhere in a line: `##[error]` (GitHub, Azure), `##vso[` (Azure), `##teamcity[`."""


def visible(text: str) -> str:
    """Text without anything that steers or hides: control, format and bidi characters are shown as escapes.

    A tab is a space; one line stays one line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character == "\t":
        return " "
    if category(character) not in _HIDDEN and character not in _SHOWN_AS_NOTHING:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def terminal(text: str) -> str:
    """Text that cannot steer a terminal, reorder a line, or hold a command that CI runners look for within lines."""
    shown = visible(text)
    return _COMMAND.sub(r"##\\", shown) if "##" in shown else shown


def whole_line(text: str) -> str:
    """A line of `terminal` texts, put together, that no CI runner takes for a command: `::add-mask::` and the like."""
    shown = _COMMAND.sub(r"##\\", text) if "##" in text else text
    words = shown.lstrip()
    return f"{shown[: len(shown) - len(words)]}\\{words}" if words.startswith("::") else shown


def whole_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(map(whole_line, text.split("\n")))


_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a cell for a formula; in full width, too, as some do."""


def table_cell(text: str) -> str:
    """Text for a cell of CSV, which no spreadsheet computes: what would be a formula stands behind an apostrophe."""
    shown = terminal(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def json_text(document: str) -> str:
    """A JSON document that means the same and holds no `##[`, which runners would look into."""
    return document.replace("##", r"#\u0023")


def html(text: str) -> str:
    """Text for HTML: between tags, and in attribute values between quotes. Not for URLs, scripts and styles."""
    return escape(visible(text), quote=True)


def html_page(page: str) -> str:
    """A page that means the same and holds no `##[`, for it may be printed to the log of a CI runner."""
    return _COMMAND.sub("#&#35;", page)


def github_data(text: str) -> str:
    """The message of a GitHub workflow command (`::error::message`). Its lines stay lines."""
    lines = "\n".join(terminal(line) for line in _LINE_BREAK.split(text))
    return lines.replace("%", "%25").replace("\n", "%0A")


def github_property(text: str) -> str:
    """A property of a GitHub workflow command, as `file` in `::error file=...::`: one line."""
    return terminal(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


_NOTHING: Final = "&#8203;"
"""A space without width: it parts what sites look for in text that is already rendered, and stands in no name, as
`visible` would have shown it."""

_MARKUP: Final = str.maketrans(
    {
        **{mark: f"\\{mark}" for mark in "*_[]{}()~$^"},
        "\\": "&#92;",
        "`": "&#96;",
        "|": "&#124;",
        "<": "&lt;",
        ">": "&gt;",
        "&": "&amp;",
    }
)
_REFERENCE: Final = re.compile(
    r"(?<=[@#!%~$&])(?=\w)|(?<=\bGH-)(?=\d)|(?<=:)(?=[\w+-]+:|//)|(?<=\bwww)(?=\.)", re.IGNORECASE
)
"""Where mentions (`@team`), references (`#12`, `!12`, `GH-12`), emoji (`:tada:`) and links of bare addresses begin."""

_BLOCK: Final = re.compile(r"(?:[-+=#:]|\d+[.)])")
"""What begins a list, a heading, an underline or a definition at the head of a line."""


def markdown(text: str) -> str:
    """Text for Markdown, CommonMark or GitHub's, in a paragraph, a list or a cell of a table: one line, no markup.

    Backslashes before marks show up in no rendering; where a bare mark splits cells or a site looks for links after
    rendering, an entity does it.
    """
    shown = visible(text)
    words = shown.strip()
    parts = [part.translate(_MARKUP) for part in _REFERENCE.split(words)]
    body = _NOTHING.join(parts)
    if head := _BLOCK.match(body):
        body = f"{body[: head.end() - 1]}\\{body[head.end() - 1 :]}"
    before, _, after = shown.partition(words) if words else (shown, "", "")
    return f"{_entities(before)}{body}{_entities(after)}"


def markdown_html(text: str) -> str:
    """Text between tags of HTML that stands in Markdown, where sites look for mentions and links all the same."""
    return _NOTHING.join(escape(part, quote=True) for part in _REFERENCE.split(visible(text)))


def clipped(text: str, limit: int) -> str:
    """Text of `limit` characters or little more: of a longer one head and tail, and how much is left out between."""
    shown = visible(text)
    if len(shown) <= limit:
        return shown
    tail = limit // 3
    return f"{shown[: limit - tail]}…({len(shown) - limit} more)…{shown[-tail:]}"


def _entities(blanks: str) -> str:
    """Blanks at either end of a line, which Markdown would drop or take for code."""
    return "".join(f"&#{ord(blank)};" for blank in blanks)


_CHAT_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "\u02cb"})
_CHAT_MEANING: Final = re.compile(r"(?<=[@#!])(?=\w)|(?<=:)(?=[\w+-]+:|//)|(?<=\bwww)(?=\.)", re.IGNORECASE)


def chat(text: str) -> str:
    """Text for a Slack message (mrkdwn), and for the chats that copy its webhooks: no links, mentions and code.

    What they would look for is parted by a space without width, as there is no escape for it.
    """
    return "\u200b".join(_CHAT_MEANING.split(visible(text))).translate(_CHAT_MARKUP)
