"""Findings about text that is no YAML at all: its bytes, its characters, its grammar."""

import re
from typing import Final

import yaml

from reconciler.model.diagnostic import Finding
from reconciler.yaml.hints import shown
from reconciler.yaml.text import ManifestText, Place, place_of_offset

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


class Refused(Exception):
    """What PyYAML raised while it read a text, of whatever type; `read` is where the last event before it ended."""

    def __init__(self, wrong: Exception, read: Place) -> None:
        super().__init__()
        self.wrong = wrong
        self.read = read


def refusal_finding(text: ManifestText, refused: Refused) -> Finding:
    """The finding for what PyYAML could not read."""
    match refused.wrong:
        case yaml.MarkedYAMLError() if conflict := _CONFLICT.search(text.data.decode("utf-8-sig")):
            place = place_of_offset(conflict.string, conflict.start())
            hint = "keep what is meant of its sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
            return _wrong(text, place, "a git merge conflict is left in it", hint)
        case yaml.MarkedYAMLError(problem="found incompatible YAML document") as wrong:
            mark = wrong.problem_mark
            place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
            return _wrong(text, place, "another version of YAML than 1.1 or 1.2", "remove the line %YAML")
        case yaml.MarkedYAMLError() as wrong:
            mark = wrong.problem_mark or wrong.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
            problem = wrong.problem or wrong.context or "unreadable"
            hint = _hint(_character_at(text.data.decode("utf-8-sig"), place))
            return _wrong(text, place, f"not valid YAML: {shown(problem)}", hint)
        case yaml.YAMLError():
            return _unprintable_finding(text)
        case _:  # a limit of Python's or a fault of the parser's
            message = "not valid YAML: the parser gives up after this place"
            return _wrong(text, refused.read, message, "write what follows in a simpler way")


def part_before(text: ManifestText, refused: Refused) -> ManifestText | None:
    """The part of a text that surely comes before the place of a YAML error; None where it names no place."""
    content, wrong, end = text.data.decode(), refused.wrong, None
    if isinstance(wrong, yaml.MarkedYAMLError):
        mark = wrong.problem_mark or wrong.context_mark
        end = None if mark is None else mark.index
    elif isinstance(wrong, yaml.YAMLError):
        bad = _UNPRINTABLE.search(content)
        end = None if bad is None else bad.start()
    return None if end is None else ManifestText(text.file, content[:end].encode())


def _unprintable_finding(text: ManifestText) -> Finding:
    content = text.data.decode("utf-8-sig")
    bad = _UNPRINTABLE.search(content)
    place = place_of_offset(content, bad.start()) if bad else Place(1, 1)
    character = f"U+{ord(bad.group()):04X}" if bad else "character"
    message = f"the control character {character} cannot stand in YAML"
    return _wrong(text, place, message, "remove it, or write it as an escape in double quotes")


def _wrong(text: ManifestText, place: Place, message: str, hint: str) -> Finding:
    return Finding(text.file, *place, "yaml-syntax", message, hint=hint)


def _character_at(content: str, place: Place) -> str:
    lines = content.split("\n", place.line)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column]


def _hint(character: str) -> str:
    match character:
        case "\t":
            return "indent with spaces, not tabs"
        case "@" | "`" | "%" | "{" | "[" | "}" | "]" | "&" | "*" | "!" | "|" | ">" | ",":
            return _QUOTE_IT.format(character)
        case ":":
            return _QUOTE_IT.format("a mark such as {")
        case _:
            return "look at the indentation, and at quotes and brackets that are not closed"
