"""What `pull` writes, or would write, as text and as JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any, Final

from reconciler.adopt.adoption import Adoption
from reconciler.model.address import kind_of
from reconciler.model.value import to_json
from reconciler.report.count import counted
from reconciler.report.line import Line, Span, Tone, line
from reconciler.yaml.text import ManifestText

PULL_FORMAT: Final = "reconciler.pull/1"
_NAMED: Final = 3
"""Addresses that a note names which is made of many."""
_TONES: Final[Mapping[str, Tone]] = {"+": "add", "-": "remove", "@": "faint"}
_COMPARABLE: Final = 20_000
"""Lines between the first and the last that differ. The cost of a comparison grows with their square: a second here."""


def adoption_lines(adoption: Adoption, before: Mapping[str, bytes], *, checked: bool) -> Iterator[Line]:
    """New files by name, a diff of each that changes, notes, and one line of numbers.

    `before` holds the bytes of the files that are there; `checked`: nothing was written.
    """
    for text in adoption.texts:
        if text.file in adoption.new:
            yield line(Span(f"+ {text.file}", "add"), f"  {counted(text.data.count(_BREAK), 'line')}")
        else:
            yield from _diff(text, before[text.file])
    if adoption.notes:
        yield line(Span("Notes:", "strong"))
        yield from map(line, _notes(adoption))
    for finding in adoption.held:
        yield line(Span(str(finding), "blocked"))
    yield line(Span(_summary(adoption, checked=checked), "strong"))


_BREAK: Final = b"\n"


def _diff(text: ManifestText, before: bytes) -> Iterator[Line]:
    old, new = (_lines_of(data.decode("utf-8-sig")) for data in (before, text.data))
    for each in changed_lines(old, new, text.file):
        yield line(Span(each, _TONES.get(each[:1], "plain")))


def _lines_of(text: str) -> list[str]:
    """The lines as git counts them: `str.splitlines` ends a line at U+2028 and others, too."""
    return [part.removesuffix("\r") for part in text.removesuffix("\n").split("\n")] if text else []


def changed_lines(old: Sequence[str], new: Sequence[str], file: str) -> Iterator[str]:
    """A unified diff; of texts that differ over too many lines to be compared, how many these are."""
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
    room = min(len(old), len(new)) - same
    ends = zip(reversed(old), reversed(new), strict=False)
    tail = next((at for at, (one, other) in enumerate(ends) if one != other or at == room), room)
    if max(len(old), len(new)) - same - tail <= _COMPARABLE:
        yield from unified_diff(old, new, file, file, lineterm="", n=1)
        return
    yield from (f"--- {file}", f"+++ {file}", f"@@ -{same + 1},{len(old) - same - tail} +{same + 1} @@")
    yield f"  {len(new) - same - tail:,} lines, too many to be compared one by one"


def _notes(adoption: Adoption) -> Iterator[str]:
    """Notes, those that say the same of many resources as one."""
    by_text: dict[str, list[str]] = {}
    for note in adoption.notes:
        by_text.setdefault(note.text, []).append(note.address)
    for text, addresses in by_text.items():
        more = f" and {len(addresses) - _NAMED} more" if len(addresses) > _NAMED else ""
        yield f"  {', '.join(addresses[:_NAMED])}{more}: {text}"


def _summary(adoption: Adoption, *, checked: bool) -> str:
    if adoption.is_empty:
        told = "Nothing to write: what the manifests manage is as the account has it."
        return told if not adoption.held else "Nothing was written."
    apps = sum(kind_of(address) == "app" for address in adoption.added)
    placements = len(adoption.added) - apps
    changed = len(adoption.texts) - len(adoption.new)
    counts = [
        (len(adoption.new), counted(len(adoption.new), "new file")),
        (changed, counted(changed, "changed file")),
        (apps, counted(apps, "app") + " adopted"),
        (placements, counted(placements, "placement") + " adopted"),
        (len(adoption.changes), counted(len(adoption.changes), "value") + " taken over"),
        (len(adoption.remember), f"{len(adoption.remember)} in the ledger"),
        (len(adoption.held), f"{len(adoption.held)} left as declared"),
    ]
    told = ", ".join(words for number, words in counts if number)
    return f"Would write: {told}." if checked else f"Pulled: {told}."


def adoption_document(adoption: Adoption, *, checked: bool) -> dict[str, Any]:
    """The adoption as a JSON document; `written` is false where it was only checked."""
    return {
        "format": PULL_FORMAT,
        "written": not checked,
        "files": [
            {"file": text.file, "action": "create" if text.file in adoption.new else "update"}
            for text in adoption.texts
        ],
        "adopted": list(adoption.added),
        "changes": [
            {"address": address, "path": each.path, "live": to_json(each.before), "declared": to_json(each.after)}
            for address, each in adoption.changes
        ],
        "ledger": [{"address": entry.address, "id": entry.id} for entry in adoption.remember],
        "forgotten": list(adoption.forget),
        "notes": [{"address": note.address, "text": note.text} for note in adoption.notes],
        "held": list(_held(adoption)),
    }


def _held(adoption: Adoption) -> Iterable[dict[str, Any]]:
    for each in adoption.held:
        place = {"file": each.file, "line": each.line, "column": each.column}
        yield {**place, "address": each.address or None, "code": each.code, "message": each.message}
