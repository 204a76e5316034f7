"""Look-alikes: names and bundles that differ only in what a person does not see, or a server may not keep.

Two identities are alike where their folded forms are equal. Case, Unicode form and compatibility characters (fullwidth
letters) count for nothing; neither do blanks at the ends, zero-width and control characters, the kind of blank, dash or
underscore between words, how many of these stand there, and the escapes of HTML. Folding follows Unicode's
compatibility caseless matching (section 3.13, D146).
"""

import re
from html import unescape
from typing import Final
from unicodedata import category, normalize

_IGNORABLE: Final = (
    *((code, code) for code in (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x3164, 0xFFA0)),
    *((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)),
)
"""What Unicode calls default ignorable (DerivedCoreProperties.txt) outside the categories Cc and Cf, from and to."""

_BLANKS: Final = "\t\n\v\f\r\x85\u2800"
"""Blanks of category Cc, and the empty Braille pattern, which Unicode counts among the symbols."""

_DASHES: Final = "\u02d7\u2043\u2212"
"""Minus signs and bullets that look like a hyphen; the others are of category Pd."""

_STORE_NUMBER: Final = re.compile(r"id-?([0-9]+)")


class _Plain(dict[int, str | None]):
    """For `str.translate`: each character as it counts, decided when it is first met."""

    def __missing__(self, code: int) -> str | None:
        found = self[code] = _plain(chr(code))
        return found


def _plain(character: str) -> str | None:
    kind = category(character)
    if kind in {"Zs", "Zl", "Zp"} or character in _BLANKS:
        return " "
    if kind in {"Cc", "Cf"} or any(first <= ord(character) <= last for first, last in _IGNORABLE):
        return None
    return "-" if kind in {"Pd", "Pc"} or character in _DASHES else character


_PLAIN: Final = _Plain()
_JOINTS: Final = re.compile(r"[ -]+")


def unescaped(text: str) -> str:
    """The text without the escapes of HTML, however often it was escaped."""
    while "&" in text and (plain := unescape(text)) != text:
        text = plain
    return text


def fold(text: str) -> str:
    """The text as it counts for likeness; folding it again changes nothing.

    `A &amp; B` is `A & B`: an account may keep the escapes of HTML.
    """
    text = unescaped(text)
    if not text.isascii():
        text = normalize("NFD", text.translate(_PLAIN)).casefold()
        text = normalize("NFKD", text).casefold()
        text = normalize("NFKC", text.translate(_PLAIN))
    folded = _JOINTS.sub("-", text.lower().translate(_PLAIN).strip(" "))
    return folded if unescaped(folded) == folded else fold(folded)


def one_typo_apart(one: str, other: str) -> bool:
    """Whether two texts differ in one character more, less or another, or in two neighbours that changed places.

    That is a Damerau-Levenshtein distance of one. Texts of one character are never so near: nothing of them is left.
    """
    short, long = sorted((one, other), key=len)
    if one == other or len(short) < SHORTEST_TYPO or len(long) - len(short) > 1:
        return False
    at = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = long[at : at + 2][::-1]
    return short[at + 1 :] == long[at + 1 :] or (short[at : at + 2] == swapped and short[at + 2 :] == long[at + 2 :])


SHORTEST_TYPO: Final = 2
"""Characters of the shortest text that can be a typo of another."""


def folded_app(platform: str, bundle: str) -> tuple[str, ...]:
    """The identity of an app as it counts: an App Store number may be written with `id` before it."""
    folded = fold(bundle)
    number = _STORE_NUMBER.fullmatch(folded)
    return fold(platform), folded if number is None else number[1]


def folded_placement(name: str) -> tuple[str, ...]:
    """The identity of a placement within its app as it counts."""
    return (fold(name),)
