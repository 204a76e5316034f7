"""Untrusted text made harmless, one function per medium. Names come from manifests and from the network."""

import unicodedata
from typing import Final

KEPT_CONTROLS: Final = "\t"

BIDI_AND_JOINERS: Final = frozenset("\u200b\u200c\u200d\u200e\u200f\u061c\ufeff") | frozenset(
    chr(code) for span in (range(0x202A, 0x202F), range(0x2060, 0x2070)) for code in span
)
"""Characters that change how others are shown, or are not shown at all."""


def terminal(text: str) -> str:
    """Text that cannot steer a terminal or reorder a line: control, format and bidi characters are shown as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in KEPT_CONTROLS:
        return " "
    if character in BIDI_AND_JOINERS or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character
