"""YAML text -> values with places, straight from the parser's events.

Reads the core schema of YAML 1.2 plus merge keys (`<<`). Duplicate keys and tags are findings; depth and the size that
aliases expand to are bounded. Shared anchors stay shared, so an alias costs nothing however often it is used.

`parse` makes values with places. `read_tree` makes the same with the same walk, and with the layout that edits need:
ends, anchors, and the parts as they are written. It takes about twice the time and is for files that are edited.
"""

from dataclasses import dataclass
from typing import Final

from reconciler.model.diagnostic import Finding
from reconciler.yaml.loader import Loader
from reconciler.yaml.node import Document, Node
from reconciler.yaml.scalar import PlainScalars
from reconciler.yaml.syntax import encoding_finding
from reconciler.yaml.text import ManifestText

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents that could be read, what is wrong with the text, and what deserves a look in it.

    `broken_off` is what was read of a document before a place from which on the text is no YAML.
    """

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    broken_off: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A text that was read to be edited. `content` holds its characters without the byte order mark, `mark` that mark.

    Only a text without findings has its layout.
    """

    text: ManifestText
    mark: bytes
    content: str
    parsed: Parsed

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The documents that are not empty, as they are written."""
        return tuple(node for document in self.parsed.documents for node in document.nodes)


def parse(
    text: ManifestText, scalars: PlainScalars | None = None, *, open_keys: frozenset[str] = frozenset()
) -> Parsed:
    """Read a file. Nothing is raised for any bytes.

    `scalars` may be shared between files to save work. `open_keys` are keys that any mapping may have: where the text
    breaks off, those that an unfinished mapping lacks count as broken in it, for they may come later.
    """
    try:
        text.data.decode()
    except UnicodeDecodeError as wrong:
        return Parsed((), (encoding_finding(text, wrong.start),))
    return _parsed(Loader(text, PlainScalars() if scalars is None else scalars, open_keys))


def read_tree(text: ManifestText, scalars: PlainScalars | None = None) -> Tree:
    """Read a file for edits: what `parse` makes of it, and the layout. Nothing is raised for any bytes."""
    mark = BYTE_ORDER_MARK if text.data.startswith(BYTE_ORDER_MARK) else b""
    body = ManifestText(text.file, text.data[len(mark) :])
    try:
        content = body.data.decode()
    except UnicodeDecodeError:
        return Tree(text, mark, "", parse(text))
    loader = Loader(body, PlainScalars() if scalars is None else scalars, content=content)
    return Tree(text, mark, content, _parsed(loader))


def _parsed(loader: "Loader") -> Parsed:
    loader.read()
    errors = tuple(found for found in loader.findings if found.severity == "error")
    warnings = tuple(found for found in loader.findings if found.severity == "warning")
    return Parsed(tuple(loader.documents), errors, warnings, tuple(loader.broken_off))
