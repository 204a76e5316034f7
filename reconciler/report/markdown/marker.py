"""The hidden first line by which a comment is found again."""

import re
from hashlib import sha256
from typing import Final, Literal

from reconciler.plan.plan import Origin

Document = Literal["plan", "apply", "validate"]
READABLE: Final = 32
_BETWEEN_WORDS: Final = re.compile(r"[^A-Za-z0-9]+")


def marker(document: Document, origin: Origin | None, key: str = "") -> str:
    """A comment of HTML, the same for every run of a project and another for every other project.

    A project is its publisher and API, and a `key` where several share these. No text of a body can hold a marker: all
    of them are escaped.
    """
    names = ("", "", key) if origin is None else (origin.publisher_id, origin.api, key)
    exact = sha256("\0".join(names).encode("utf-8", errors="surrogatepass")).hexdigest()[:16]
    readable = "-".join(filter(None, (_word(names[0]), _word(key), exact)))
    return f"<!-- reconciler:{document} {readable} -->"


def _word(name: str) -> str:
    """What of a name can stand in a comment, where two hyphens might end it."""
    return _BETWEEN_WORDS.sub("-", name).strip("-")[:READABLE].strip("-")
