"""Edits carried out on a manifest's text, and proof that nothing else changed."""

from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.errors import EditError
from reconciler.manifest.edit.changes import Edit
from reconciler.manifest.edit.expect import after_edits, values_of
from reconciler.manifest.edit.locate import finding_of
from reconciler.manifest.edit.patch import patched
from reconciler.manifest.edit.rounds import Round
from reconciler.manifest.edit.spans import spans
from reconciler.manifest.parse import parse
from reconciler.manifest.text import ManifestText
from reconciler.model.diagnostic import Finding

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def apply_edits(data: bytes, edits: Sequence[Edit], file: str = "manifest") -> bytes:
    """The bytes of a manifest with the edits carried out, every other byte as it was.

    The result is read again: its values are the old ones with exactly these edits. Raises `EditError` with all that
    cannot be carried out, under the name of the file; then nothing is.
    """
    if not edits:
        return data
    before = parse(ManifestText(file, data))
    if before.findings:
        first = before.findings[0]
        raise EditError([Finding(file, first.line, first.column, first.code, first.message, hint="mend it first")])
    mark, body = _split(data)
    edited = mark + _edited(body.decode(), edits, file).encode()
    after = parse(ManifestText(file, edited))
    wanted = after_edits(values_of(before.documents), edits)
    if after.findings or values_of(after.documents) != wanted:
        place = (after.findings[0].line, after.findings[0].column) if after.findings else (1, 1)
        message = "the layout is too unusual: edited, the text would say something else than it should"
        raise EditError([Finding(file, *place, "edit-unsure", message, hint="edit it by hand")])
    return edited


def _split(data: bytes) -> tuple[bytes, bytes]:
    size = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    return data[:size], data[size:]


def _edited(text: str, edits: Iterable[Edit], file: str) -> str:
    findings: list[Finding] = []
    waiting: Sequence[Edit] = tuple(edits)
    while waiting:
        this = Round(spans(text))
        waiting = this.take(waiting)
        patches = this.patches()
        findings += [finding_of(wrong, file) for wrong in this.refused]
        text = patched(text, patches)
    if findings:
        raise EditError(findings)
    return text
