"""Findings about text that is no YAML at all: its bytes, its characters, its grammar."""

import re
from typing import Final

import yaml

from reconciler.manifest.hints import shown
from reconciler.manifest.text import ManifestText, Place, place_of_offset
from reconciler.model.diagnostic import Finding

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTE_IT: Final = "quote text that begins with {} or holds ': ' or ' #'"


def encoding_finding(text: ManifestText, offset: int) -> Finding:
    """The finding for a file whose byte at an offset is the first that is not UTF-8."""
    readable = text.data[:offset].decode()
    place = place_of_offset(readable, len(readable))
    message = f"byte 0x{text.data[offset]:02X} is not UTF-8"
    return Finding(text.file, *place, "not-utf8", message, hint="save the file as UTF-8")


def syntax_finding(text: ManifestText, wrong: yaml.YAMLError) -> Finding:
    """The finding for what PyYAML could not read."""
    content = text.data.decode("utf-8-sig")
    if isinstance(wrong, yaml.MarkedYAMLError):
        mark = wrong.problem_mark or wrong.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
        problem = wrong.problem or wrong.context or "unreadable"
        hint = _hint(_character_at(content, place))
        return Finding(text.file, *place, "yaml-syntax", f"not valid YAML: {shown(problem)}", hint=hint)
    bad = _UNPRINTABLE.search(content)
    place = place_of_offset(content, bad.start()) if bad else Place(1, 1)
    character = f"U+{ord(bad.group()):04X}" if bad else "character"
    message = f"the control character {character} cannot stand in YAML"
    hint = "remove it, or write it as an escape in double quotes"
    return Finding(text.file, *place, "yaml-syntax", message, hint=hint)


def given_up_finding(text: ManifestText, wrong: Exception, place: Place) -> Finding:
    """The finding for what PyYAML raised that is no error of YAML's: a limit of Python's, or a fault of the parser."""
    message = f"not valid YAML: the parser gives up after this place: {type(wrong).__name__}"
    return Finding(text.file, *place, "yaml-syntax", message, hint="write what follows in a simpler way")


def offset_of(text: ManifestText, wrong: yaml.YAMLError) -> int | None:
    """How many characters surely come before the place of an error; None where it names no place."""
    if isinstance(wrong, yaml.MarkedYAMLError):
        mark = wrong.problem_mark or wrong.context_mark
        return None if mark is None else mark.index
    bad = _UNPRINTABLE.search(text.data.decode())
    return bad.start() if bad else None


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
