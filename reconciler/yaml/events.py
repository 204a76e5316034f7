"""The parser's events with places as git and editors count them, and findings on texts that are not valid YAML.

A line ends where YAML 1.2 says that it does, except at a lone carriage return, which git does not count: it is refused.
U+0085, U+2028 and U+2029, which YAML 1.1 and its parsers take for line ends, end no line. They are allowed in double
quotes and refused elsewhere, because they cannot be seen there.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml
from yaml.events import ScalarEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError

from reconciler.model.diagnostic import Finding
from reconciler.yaml.scalar import ManifestText, Place, place_of_offset, shown

_BREAKS: Final = {
    "\r": "CARRIAGE RETURN without a line feed",
    "\x85": "NEXT LINE",
    "\u2028": "LINE SEPARATOR",
    "\u2029": "PARAGRAPH SEPARATOR",
}
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Controls of the bidirectional algorithm by which a line is shown in another order than it is read in."""
_SEEN_BY_NOBODY: Final = "\u200b\u2060\ufeff"
_SPECIAL: Final = re.compile(f"\r(?!\n)|[\x85\u2028\u2029{''.join(sorted(_REORDERING))}{_SEEN_BY_NOBODY}]")
_FIRST_STAND_IN: Final = 0xE000
"""Where the characters for private use begin, which mean nothing to a parser."""
_BREAK: Final = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_ESCAPE_IT: Final = "remove it; in a value write the escape {} in double quotes"
_GetEvent = Callable[[], Any]


class Events:
    """The parser's events of a text, with lines and columns as git and editors count them.

    `get_event` gives the next one, and raises what the parser does.
    """

    def __init__(self, parser: Callable[[bytes], Any], text: ManifestText) -> None:
        content = "" if text.data.isascii() and b"\r" not in text.data else text.data.decode("utf-8-sig")
        self._text = text
        self._content = content
        self._special = [found.start() for found in _SPECIAL.finditer(content)]
        self._quoted: list[tuple[int, int, str]] = []
        self._back: dict[int, str] = {}
        if not self._special:
            self.get_event: _GetEvent = parser(text.data).get_event
            return
        stand_ins = self._stand_ins()
        self._back = {ord(other): character for character, other in stand_ins.items()}
        self._next: _GetEvent = parser(_BREAK.sub(lambda it: stand_ins[it[0]], content).encode()).get_event
        self.get_event = self._next_restored

    def _stand_ins(self) -> dict[str, str]:
        used = set(self._content)
        free = (character for code in range(_FIRST_STAND_IN, 0xF900) if (character := chr(code)) not in used)
        return dict(zip(_BREAKS, free, strict=False))

    def _next_restored(self) -> Any:
        event: Any = self._next()
        is_scalar = type(event) is ScalarEvent
        if is_scalar:
            event.value = event.value.translate(self._back)
            if event.style in {'"', "'"}:
                self._quoted.append((event.start_mark.index, event.end_mark.index, event.style))
        return event

    def findings(self, end: int | None = None) -> Iterator[Finding]:
        """What may not stand in the text as far as the events went (up to the offset `end`): errors, then warnings."""
        for at in self._special:
            if end is not None and at >= end:
                return
            character = self._content[at]
            style = next((style for start, stop, style in self._quoted if start <= at < stop), "")
            if character in _BREAKS and (style != '"' or character == "\r"):
                name = f"U+{ord(character):04X} {_BREAKS[character]}"
                message = f"{name} stands here: some programs end a line at it, git and editors do not"
                yield self._finding(at, "error", "line-break", message)
            elif character in _REORDERING:
                message = f"U+{ord(character):04X} stands here: by it a line is shown in another order than it is read"
                yield self._finding(at, "warning", "hidden-character", message)
            elif character in _SEEN_BY_NOBODY and not style:
                message = f"U+{ord(character):04X} stands here, which nobody sees"
                yield self._finding(at, "warning", "hidden-character", message)

    def _finding(self, at: int, severity: Any, code: str, message: str) -> Finding:
        place = place_of_offset(self._content, at)
        character = self._content[at]
        escape = {"\r": r"\r", "\x85": r"\x85"}.get(character, f"\\u{ord(character):04X}")
        hint = _ESCAPE_IT.format(escape)
        return Finding(self._text.file, *place, code, message, severity, hint=hint)


class SlowParser(Reader, Scanner, Parser):
    """PyYAML's own parser, for installations without libyaml: the same events, about ten times slower.

    `get_event` gives them one by one.
    """

    def __init__(self, stream: bytes) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)

    def get_event(self) -> Any:
        """The next event. Raises `ScannerError` for escapes of surrogates, as libyaml does: they are no characters."""
        event: Any = super().get_event()  # type: ignore[no-untyped-call]
        if type(event) is ScalarEvent and any("\ud800" <= character <= "\udfff" for character in event.value):
            mark: Any = event.start_mark
            raise ScannerError(
                "while parsing a quoted scalar", mark, "found invalid Unicode character escape code", mark
            )
        return event


_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONFLICT: Final = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?\r?$", re.MULTILINE)
"""The lines that git puts around the sides of a conflict; the one between them may stand in a text."""
_QUOTE_IT: Final = "quote text that begins with {} or holds ': ' or ' #'"


def encoding_finding(text: ManifestText, offset: int) -> Finding:
    """The finding for a file whose byte at an offset is the first that is not UTF-8."""
    readable = text.data[:offset].decode()
    place = place_of_offset(readable, len(readable))
    message = f"byte 0x{text.data[offset]:02X} is not UTF-8"
    return Finding(text.file, *place, "not-utf8", message, hint="save the file as UTF-8")


class ParseFailure(Exception):
    """What PyYAML raised while it read a text, of whatever type; `read` is where the last event before it ended."""

    def __init__(self, error: Exception, read: Place) -> None:
        super().__init__()
        self.error = error
        self.read = read


def parse_failure_finding(text: ManifestText, failure: ParseFailure) -> Finding:
    """The finding for what PyYAML could not read."""
    match failure.error:
        case yaml.MarkedYAMLError() if conflict := _CONFLICT.search(text.data.decode("utf-8-sig")):
            place = place_of_offset(conflict.string, conflict.start())
            hint = "keep what is meant of its sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
            return _syntax_finding(text, place, "a git merge conflict is left in it", hint)
        case yaml.MarkedYAMLError(problem="found incompatible YAML document") as error:
            mark = error.problem_mark
            place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
            return _syntax_finding(text, place, "another version of YAML than 1.1 or 1.2", "remove the line %YAML")
        case yaml.MarkedYAMLError() as error:
            mark = error.problem_mark or error.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
            problem = error.problem or error.context or "unreadable"
            hint = _syntax_hint(_character_at(text.data.decode("utf-8-sig"), place))
            return _syntax_finding(text, place, f"not valid YAML: {shown(problem)}", hint)
        case yaml.YAMLError():
            return _unprintable_finding(text)
        case _:  # a limit of Python's or a fault of the parser's
            message = "not valid YAML: the parser gives up after this place"
            return _syntax_finding(text, failure.read, message, "write what follows in a simpler way")


def part_before(text: ManifestText, failure: ParseFailure) -> ManifestText | None:
    """The part of a text that surely comes before the place of a YAML error; None where it names no place."""
    content, error, end = text.data.decode(), failure.error, None
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        end = None if mark is None else mark.index
    elif isinstance(error, yaml.YAMLError):
        bad = _UNPRINTABLE.search(content)
        end = None if bad is None else bad.start()
    return None if end is None else ManifestText(text.file, content[:end].encode())


def _unprintable_finding(text: ManifestText) -> Finding:
    content = text.data.decode("utf-8-sig")
    bad = _UNPRINTABLE.search(content)
    place = place_of_offset(content, bad.start()) if bad else Place(1, 1)
    character = f"U+{ord(bad.group()):04X}" if bad else "character"
    message = f"the control character {character} cannot stand in YAML"
    return _syntax_finding(text, place, message, "remove it, or write it as an escape in double quotes")


def _syntax_finding(text: ManifestText, place: Place, message: str, hint: str) -> Finding:
    return Finding(text.file, *place, "yaml-syntax", message, hint=hint)


def _character_at(content: str, place: Place) -> str:
    lines = content.split("\n", place.line)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column]


def _syntax_hint(character: str) -> str:
    match character:
        case "\t":
            return "indent with spaces, not tabs"
        case "@" | "`" | "%" | "{" | "[" | "}" | "]" | "&" | "*" | "!" | "|" | ">" | ",":
            return _QUOTE_IT.format(character)
        case ":":
            return _QUOTE_IT.format("a mark such as {")
        case _:
            return "look at the indentation, and at quotes and brackets that are not closed"
