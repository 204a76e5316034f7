"""Words for findings: values of strangers made safe to print, and guesses at what was meant."""

from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final
from unicodedata import category

from reconciler.yaml.scalar import Based, spelling

_LONGEST: Final = 80
"""Characters of a stranger's text that a message repeats."""


_UNSEEN_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"})
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that leave no mark (Unicode's Default_Ignorable_Code_Point, and the blank Braille cell)."""


def is_unseen(character: str) -> bool:
    """Whether nobody sees the character at the end of a text: a blank, a control, or one without width."""
    return category(character) in _UNSEEN_CATEGORIES or character in _UNSEEN


def is_hidden(character: str) -> bool:
    """Whether nobody sees the character within a text, and no script needs it there, as some need joiners."""
    return is_unseen(character) and category(character) != "Zs" and character not in "\u200c\u200d"


def unseen_ends(text: str) -> tuple[str, str, str]:
    """The text in three: what nobody sees at its beginning, the rest, and what nobody sees at its end.

    A text of such characters alone is all beginning.
    """
    if text.isascii() and " " < text[:1] < "\x7f" and " " < text[-1:] < "\x7f":
        return "", text, ""
    first = next((at for at, character in enumerate(text) if not is_unseen(character)), len(text))
    last = next((at for at in range(len(text), first, -1) if not is_unseen(text[at - 1])), len(text))
    return text[:first], text[first:last], text[last:]


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
            return f"the number {spelling(value)}" if value.bit_length() < 128 else "a huge number"
        case float() | Decimal() | Based():
            return f"the number {shown(spelling(value))}"
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
