"""Words for findings: values of strangers made safe to print, and guesses at what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

_LONGEST: Final = 80
"""Characters of a stranger's text that a message repeats."""


def shown(text: str) -> str:
    """Text in one line: cut, with every character that does not print written as an escape."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def quoted(text: str) -> str:
    """Text in quotes, cut and safe to print."""
    return f'"{shown(text)}"'


def described(value: Any) -> str:
    """What a YAML value is, in the words of somebody who writes YAML."""
    match value:
        case None | True | False:
            return {None: "empty", True: "true", False: "false"}[value]
        case int():
            # A longer one is not worth reading, and Python refuses to write it.
            return f"the number {value}" if value.bit_length() < 128 else "a huge number"
        case float():
            return f"the number {value!r}"
        case str():
            return f"the text {quoted(value)}"
        case dict():
            return "a mapping"
        case _:
            return "a list"


def nearest(text: str, choices: Iterable[str]) -> str | None:
    """The choice most like the text, whatever its case; None where none is like it."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = get_close_matches(text[:_LONGEST].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(text: str, choices: Iterable[str]) -> str:
    """A hint with the nearest choice, or an empty one."""
    found = nearest(text, choices)
    return f"did you mean {found}?" if found is not None else ""
