"""Addresses: how a resource is named in manifests, plans, ledgers and on the command line.

An app is `platform:bundle`, a placement `platform:bundle/name`. A bundle holds no slash; a name may hold anything.
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import lru_cache
from html import unescape
from typing import Final, Literal, NewType
from unicodedata import category, normalize

Address = NewType("Address", str)
Kind = Literal["app", "placement"]
KINDS: Final[tuple[Kind, ...]] = ("app", "placement")


def app_address(platform: str, bundle: str) -> Address:
    """The address of an app, as in `android:com.cash_crash.54`."""
    return Address(f"{platform}:{bundle}")


def placement_address(app: Address, name: str) -> Address:
    """The address of a placement, as in `android:com.cash_crash.54/int_13`."""
    return Address(f"{app}/{name}")


def app_of(address: Address) -> Address:
    """The app that an address belongs to; an app's own address is returned as it is."""
    return Address(address.partition("/")[0])


def name_of(address: Address) -> str:
    """The placement's name, or an empty string for an app."""
    return address.partition("/")[2]


def kind_of(address: Address) -> Kind:
    """Whether the address is an app's or a placement's."""
    return "placement" if "/" in address else "app"


def address_order(address: Address) -> tuple[str, str]:
    """Sort key: by app, the app itself before its placements, these by name."""
    app, _, name = address.partition("/")
    return app, name


def selector(patterns: Iterable[str]) -> Callable[[Address], bool]:
    """A test for addresses that match any of the patterns; `*` matches slashes too. No pattern selects everything."""
    compiled = [re.compile(translate(pattern)) for pattern in patterns]
    if not compiled:
        return lambda _: True
    return lambda address: any(pattern.match(address) for pattern in compiled)


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
    """A table for `str.translate` that is filled as characters are looked up."""

    def __missing__(self, code: int) -> str | None:
        found = self[code] = _plain_character(chr(code))
        return found


def _plain_character(character: str) -> str | None:
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


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The text in the form in which likeness is compared; folding it again changes nothing.

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

    That is a Damerau-Levenshtein distance of one. Texts of one character never count: they would have nothing in
    common.
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
    """The folded identity of an app: platform and bundle; an App Store number loses an `id` before it."""
    folded = fold(bundle)
    number = _STORE_NUMBER.fullmatch(folded)
    return fold(platform), folded if number is None else number[1]


def folded_placement(name: str) -> tuple[str, ...]:
    """The folded identity of a placement within its app."""
    return (fold(name),)
