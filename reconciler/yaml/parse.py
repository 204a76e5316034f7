"""One file's parser events -> its documents, for reading and, with the layout, for editing."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.model.diagnostic import Finding, Severity
from reconciler.yaml.events import (
    Events,
    ParseFailure,
    SlowParser,
    encoding_finding,
    parse_failure_finding,
    part_before,
)
from reconciler.yaml.node import (
    LINE,
    MERGE,
    VARIABLE,
    AliasNode,
    Frame,
    Map,
    Mark,
    Node,
    ScalarNode,
    Seq,
    YamlDocument,
    make_map,
    make_seq,
    mark_of,
    merged_map,
    place_of,
    scalar_node,
    set_layout,
)
from reconciler.yaml.plain import read_plain
from reconciler.yaml.scalar import ManifestText, Place, PlainScalars, Scalar, quoted

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without libyaml: slower, but the same events
    _Parser = SlowParser  # type: ignore[assignment,misc]


DEEPEST: Final = 100
"""Levels of nesting; a manifest needs about eight."""
FREE_EXPANSION: Final = 100_000
"""Nodes that aliases may add to any file; larger files may add as many as half their bytes."""
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents that could be read, what is wrong with the text, and what deserves a look in it.

    `broken_off` is what was read of a document before a place from which on the text is no YAML.
    """

    documents: tuple[YamlDocument, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    broken_off: tuple[YamlDocument, ...] = ()


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
        content = text.data.decode()
    except UnicodeDecodeError as error:
        return Parsed((), (encoding_finding(text, error.start),))
    scalars = PlainScalars() if scalars is None else scalars
    plain = read_plain(content, scalars)
    if plain is not None:
        return Parsed((YamlDocument(plain, plain.place, VARIABLE in content),), ())
    return _run_loader(Loader(text, scalars, open_keys))


def read_tree(text: ManifestText, scalars: PlainScalars | None = None) -> Tree:
    """Read a file for edits: what `parse` makes of it, and the layout. Nothing is raised for any bytes."""
    mark = BYTE_ORDER_MARK if text.data.startswith(BYTE_ORDER_MARK) else b""
    body = ManifestText(text.file, text.data[len(mark) :])
    try:
        content = body.data.decode()
    except UnicodeDecodeError:
        return Tree(text, mark, "", parse(text))
    loader = Loader(body, PlainScalars() if scalars is None else scalars, content=content)
    return Tree(text, mark, content, _run_loader(loader))


def _run_loader(loader: "Loader") -> Parsed:
    loader.read()
    errors = tuple(finding for finding in loader.findings if finding.severity == "error")
    warnings = tuple(finding for finding in loader.findings if finding.severity == "warning")
    return Parsed(tuple(loader.documents), errors, warnings, tuple(loader.broken_off))


class _Stop(Exception):
    """Nothing more can be read from this file."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """An anchored node. `size` counts the nodes below it with aliases expanded, `height` their levels.

    `node` is the value as written where the layout is asked for.
    """

    value: Any
    key_text: str | None
    size: int
    height: int
    node: ScalarNode | Map | Seq | None = None


class Loader:
    """Builds the documents of one file from parser events.

    Events are Any: the stubs give their attributes to none of them, and asking would cost more than reading does. With
    `content`, the characters of the text, the layout is noted too.
    """

    def __init__(
        self,
        text: ManifestText,
        scalars: PlainScalars,
        open_keys: frozenset[str] = frozenset(),
        content: str | None = None,
    ) -> None:
        self.documents: list[YamlDocument] = []
        self.broken_off: list[YamlDocument] = []
        self.findings: list[Finding] = []
        self._text = text
        self._scalars = scalars
        self._open_keys = open_keys
        self._content = content
        self._anchors: dict[str, _Anchored | None] = {}
        self._frame = Frame(0, is_map=False, before=0)
        self._stack: list[Frame] = []
        self._nodes = 0
        self._expanded = 0
        self._most_expanded = FREE_EXPANSION + len(text.data) // 2

    def read(self) -> None:
        """Read to the end, or to the first error after which nothing more can be read."""
        try:
            self._read_events()
        except _Stop:
            return
        except ParseFailure as failure:
            if self._report_failure(failure):
                self._close_unfinished()

    def _close_unfinished(self) -> None:
        """Make a document of what was read before the text broke off: whatever is missing in it may come later."""
        while self._stack:
            frame = self._frame
            if frame.is_map and len(frame.items) & 1:
                del frame.items[-1], frame.marks[-1]
            value: Any = (
                self._finish_map(frame) if frame.is_map else make_seq(frame.items, frame.mark, frame.marks, broken=True)
            )
            if isinstance(value, Map):
                value.broken = self._open_keys - value.keys()
            self._frame = self._stack.pop()
            self._frame.items.append(value)
            self._frame.marks.append(frame.mark)
        if self._frame.items and isinstance(self._frame.items[0], Map):
            has_variables = VARIABLE.encode() in self._text.data
            self.broken_off.append(YamlDocument(self._frame.items[0], place_of(self._frame.marks[0]), has_variables))

    def _report_failure(self, failure: ParseFailure) -> bool:
        """Report what PyYAML could not read; False where what was read before it must be ignored.

        PyYAML reads ahead of its events, how far depends on its version, and some versions limit nesting themselves. So
        what comes before the place is read again, alone: if it is too deep already, only that is reported.
        """
        before = part_before(self._text, failure)
        if before is not None:
            reread = Loader(before, self._scalars)
            with suppress(_Stop, ParseFailure):
                reread._read_events()
            if any(finding.code == "depth-limit" for finding in reread.findings):
                self.documents, self.findings = reread.documents, reread.findings
                return False
        self.findings.append(parse_failure_finding(self._text, failure))
        return True

    def _read_events(self) -> None:
        event: Any = None
        try:
            events = Events(_Parser, self._text)
        except Exception as error:  # whatever PyYAML raises is about the text
            raise ParseFailure(error, Place(1, 1)) from error
        next_event, scalars, handlers = events.get_event, self._scalars, self._event_handlers()
        quick = ScalarEvent if self._content is None else None
        while True:
            try:
                event = next_event()
            except Exception as error:
                self.findings += events.findings(0 if event is None else event.end_mark.index)
                raise ParseFailure(
                    error, Place(1, 1) if event is None else place_of(mark_of(event.end_mark))
                ) from error
            kind = type(event)
            if kind is quick and event.tag is None and event.anchor is None:
                frame = self._frame
                items, value = frame.items, event.value
                if not event.style:
                    if not frame.is_map or len(items) & 1:
                        value = scalars[value]
                    elif value == "<<":
                        value, frame.merges = MERGE, True
                items.append(value)
                mark = event.start_mark
                frame.marks.append(mark.line * LINE + mark.column)
            elif kind in handlers:
                handlers[kind](event)
            elif kind is StreamEndEvent:
                self.findings += events.findings()
                return

    def _event_handlers(self) -> dict[type[Event], Callable[[Any], None]]:
        # Not kept: a loader that refers to itself leaves its documents for the collector to find.
        return {
            DocumentStartEvent: self._document_start,
            DocumentEndEvent: self._document_end,
            MappingStartEvent: self._open_frame,
            SequenceStartEvent: self._open_frame,
            MappingEndEvent: self._close_frame,
            SequenceEndEvent: self._close_frame,
            AliasEvent: self._alias,
            ScalarEvent: self._scalar,
        }

    def _document_start(self, event: Any) -> None:
        self._anchors.clear()
        self._frame = Frame(mark_of(event.start_mark), is_map=False, before=0)

    def _document_end(self, _: Any) -> None:
        value = self._frame.items[0]
        if value is not None:
            has_variables = VARIABLE.encode() in self._text.data
            place = place_of(self._frame.marks[0])
            self.documents.append(YamlDocument(value, place, has_variables, tuple(self._frame.nodes)))

    def _open_frame(self, event: Any) -> None:
        mark = mark_of(event.start_mark)
        if self._awaits_key():
            self._stop("bad-key", mark, "a key is text, not a mapping or a list", "quote text that begins with { or [")
        if len(self._stack) >= DEEPEST:
            self._stop("depth-limit", mark, f"nested deeper than {DEEPEST} levels", "")
        self._refuse_tag(event)
        if event.anchor is not None:
            self._add_anchor(event, None)
        self._stack.append(self._frame)
        is_map = type(event) is MappingStartEvent
        self._frame = Frame(mark, event, is_map=is_map, before=self._nodes)

    def _close_frame(self, event: Any) -> None:
        frame = self._frame
        value = self._finish_map(frame) if frame.is_map else make_seq(frame.items, frame.mark, frame.marks)
        self._nodes += len(frame.items) + 1
        parent = self._frame = self._stack.pop()
        parent.items.append(value)
        parent.marks.append(frame.mark)
        parent.height = max(parent.height, frame.height + 1)
        if self._content is not None:
            set_layout(value, frame, event.end_mark.index)
            parent.nodes.append(value)
        anchor = frame.start.anchor
        if anchor is not None:
            size = self._nodes - frame.before
            self._anchors[anchor] = _Anchored(value, None, size, frame.height + 1, value)

    def _scalar(self, event: Any) -> None:
        """Any scalar; `_events` itself takes those without tag and anchor where the layout is not asked for."""
        self._refuse_tag(event)
        frame, key = self._frame, self._awaits_key()
        value: Scalar = event.value if event.style or key else self._scalars[event.value]
        if key and not event.style and value == "<<" and event.tag is None and event.anchor is None:
            value, frame.merges = MERGE, True
        frame.items.append(value)
        frame.marks.append(mark_of(event.start_mark))
        node = None
        if self._content is not None:
            node = scalar_node(self._content, event)
            frame.nodes.append(node)
        if event.anchor is not None:
            self._add_anchor(event, _Anchored(value, event.value, 1, 0, node))

    def _add_anchor(self, event: Any, anchored: _Anchored | None) -> None:
        if event.anchor in self._anchors:
            message = f"the anchor &{event.anchor} is given again: aliases below mean this one"
            self._report("anchor-again", mark_of(event.start_mark), message, "rename one of the two", "warning")
        self._anchors[event.anchor] = anchored

    def _alias(self, event: Any) -> None:
        name, mark = event.anchor, mark_of(event.start_mark)
        if name not in self._anchors:
            self._stop("unknown-alias", mark, f"no anchor &{name} comes before this alias", "")
        anchored = self._anchors[name]
        if anchored is None:
            self._stop("alias-loop", mark, f"*{name} stands inside &{name} itself", "")
        self._nodes += anchored.size
        self._expanded += anchored.size
        if self._expanded > self._most_expanded:
            message = f"aliases expand to more than {self._most_expanded} values"
            self._stop("alias-limit", mark, message, "write the values out, or alias less")
        if len(self._stack) + anchored.height > DEEPEST:
            self._stop("depth-limit", mark, f"nested deeper than {DEEPEST} levels by this alias", "")
        if self._awaits_key() and anchored.key_text is None:
            self._stop("bad-key", mark, "a key is text, not a mapping or a list", "")
        frame = self._frame
        frame.height = max(frame.height, anchored.height)
        frame.items.append(anchored.key_text if self._awaits_key() else anchored.value)
        frame.marks.append(mark)
        if self._content is not None and anchored.node is not None:
            node = AliasNode(event.start_mark.index, event.end_mark.index, place_of(mark), name, anchored.node)
            frame.nodes.append(node)
            anchored.node.uses.append(node)

    def _awaits_key(self) -> bool:
        return self._frame.is_map and not len(self._frame.items) & 1

    def _finish_map(self, frame: Frame) -> Map:
        pairs = dict(zip(frame.items[::2], frame.items[1::2], strict=True))
        if frame.merges or 2 * len(pairs) != len(frame.items):
            return merged_map(frame, self._report)
        return make_map(pairs, frame.mark, frame.marks)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"the tag {quoted(tag)} is not read"
            self._report("tag", mark_of(event.start_mark), message, "remove it; quote a value that is to be text")

    def _report(self, code: str, mark: Mark, message: str, hint: str, severity: Severity = "error") -> None:
        self.findings.append(Finding(self._text.file, *place_of(mark), code, message, severity, hint=hint))

    def _stop(self, code: str, mark: Mark, message: str, hint: str) -> NoReturn:
        self._report(code, mark, message, hint)
        raise _Stop
