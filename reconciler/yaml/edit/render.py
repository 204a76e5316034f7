"""Values -> YAML text that our parser reads as these values."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from reconciler.yaml.edit.changes import Plain, Writable
from reconciler.yaml.scalar import resolve

_DECIMALS: Final = re.compile(r"[-+]?[0-9]+\.([0-9]+)\Z")
_INDICATORS: Final = frozenset("-?:,[]{}#&*!|>'\"%@`=<~")
_UNSAFE: Final = re.compile(r":(?:\s|\Z)|\s#|[\t\x85\xa0\u2028\u2029]")
_UNSAFE_IN_FLOW: Final = re.compile(r"[,\[\]{}:]")
_READ_OTHERWISE_ELSEWHERE: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""What is text to us, and to readers of older YAML is not."""
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def replaced_text(value: Plain, style: str, old: str, *, in_flow: bool) -> str:
    """The text of a value in place of a scalar of the style whose text was `old`."""
    if isinstance(value, str):
        return _string(value, style, in_flow=in_flow)
    return _number(value, old if not style else "")


def new_text(value: Plain, *, like: str = "", style: str = "", in_flow: bool) -> str:
    """The text of a value where none was; a number gets the decimals of `like`, text the quotes of `style`.

    Text that other readers of YAML might take for something else is quoted.
    """
    if not isinstance(value, str):
        return _number(value, like)
    doubtful = value.lower() in _READ_OTHERWISE_ELSEWHERE or value[:1] in {"+", "."} or value[:1].isdigit()
    return _string(value, style or ('"' if doubtful else ""), in_flow=in_flow)


def flow_text(value: Writable, *, like: str = "", in_flow: bool) -> str:
    """The text of any value on one line."""
    match value:
        case str():
            return new_text(value, in_flow=in_flow)
        case Mapping():
            pairs = (f"{new_text(key, in_flow=True)}: {flow_text(part, in_flow=True)}" for key, part in value.items())
            return "{" + ", ".join(pairs) + "}"
        case None | bool() | int() | float() | Decimal():
            return new_text(value, like=like, in_flow=in_flow)
        case _:
            return "[" + ", ".join(flow_text(part, in_flow=True) for part in value) + "]"


def _number(value: float | Decimal | bool | None, like: str) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return _decimal(value if isinstance(value, Decimal) else Decimal(repr(value)), like)


def _decimal(value: Decimal, like: str) -> str:
    """The exact number without an exponent, with as many decimals as `like` has, or as many more as it needs."""
    if not value.is_finite():
        raise ValueError("only finite numbers are written")
    whole, _, decimals = format(value, "f").partition(".")
    kept = _DECIMALS.match(like)
    decimals = decimals.rstrip("0").ljust(len(kept[1]) if kept is not None else 0, "0")
    return f"{whole}.{decimals}" if decimals else whole


def _string(value: str, style: str, *, in_flow: bool) -> str:
    if not style and _may_be_plain(value, in_flow=in_flow):
        return value
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _may_be_plain(text: str, *, in_flow: bool) -> bool:
    if not text or not text.isprintable() or text != text.strip() or text[0] in _INDICATORS:
        return False
    if _UNSAFE.search(text) or text.startswith("..."):
        return False
    return isinstance(resolve(text), str) and not (in_flow and _UNSAFE_IN_FLOW.search(text))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
