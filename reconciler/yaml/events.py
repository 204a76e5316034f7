"""The parser's events of a text, and the characters in it that parsers and readers take for different things.

A line ends where YAML 1.2 says that it does, with the exception of the lone carriage return, which git does not count:
it is refused. U+0085, U+2028 and U+2029, which YAML 1.1 and its parsers take for line ends, end none. They may stand
in double quotes; anywhere else they are refused, as nobody sees them there.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from yaml.events import ScalarEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError

from reconciler.model.diagnostic import Finding
from reconciler.yaml.text import ManifestText, place_of_offset

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
        self.get_event = self._restored

    def _stand_ins(self) -> dict[str, str]:
        used = set(self._content)
        free = (character for code in range(_FIRST_STAND_IN, 0xF900) if (character := chr(code)) not in used)
        return dict(zip(_BREAKS, free, strict=False))

    def _restored(self) -> Any:
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
