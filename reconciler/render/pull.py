"""What `pull` writes, or would write, as text with diffs and as JSON (`reconciler.pull/1`)."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from operator import attrgetter, itemgetter
from typing import Final, Literal

from reconciler.adopt.adoption import Adoption
from reconciler.model.address import kind_of
from reconciler.model.document import AddressText, Count, Document, Leaf, Shape, key
from reconciler.plan.document import NoteJson
from reconciler.render.text import Line, Span, Tone, counted, line
from reconciler.yaml.scalar import ManifestText

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
            yield from _diff_lines(text, before[text.file])
    if adoption.notes:
        yield line(Span("Notes:", "strong"))
        yield from map(line, _note_lines(adoption))
    for finding in adoption.held:
        yield line(Span(str(finding), "blocked"))
    yield line(Span(_summary_text(adoption, checked=checked), "strong"))


_BREAK: Final = b"\n"


def _diff_lines(text: ManifestText, before: bytes) -> Iterator[Line]:
    old, new = (_split_lines(data.decode("utf-8-sig")) for data in (before, text.data))
    for each in changed_lines(old, new, text.file):
        yield line(Span(each, _TONES.get(each[:1], "plain")))


def _split_lines(text: str) -> list[str]:
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


def _note_lines(adoption: Adoption) -> Iterator[str]:
    """Notes as lines; notes with the same text are one line with their addresses."""
    by_text: dict[str, list[str]] = {}
    for note in adoption.notes:
        by_text.setdefault(note.text, []).append(note.address)
    for text, addresses in by_text.items():
        more = f" and {len(addresses) - _NAMED} more" if len(addresses) > _NAMED else ""
        yield f"  {', '.join(addresses[:_NAMED])}{more}: {text}"


def _summary_text(adoption: Adoption, *, checked: bool) -> str:
    if adoption.is_empty:
        text = "Nothing to write: what the manifests manage is as the account has it."
        return text if not adoption.held else "Nothing was written."
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
    text = ", ".join(words for number, words in counts if number)
    return f"Would write: {text}." if checked else f"Pulled: {text}."


class WrittenFileJson(Shape):
    """A manifest that was written, or would be."""

    file: str = key("The file, relative to the project, with forward slashes.", itemgetter(0))
    action: Literal["create", "update"] = key("create: it is new; update: values in it change.", itemgetter(1))


class TakenOverJson(Shape):
    """A value that was taken over from the account."""

    address: AddressText = key("The resource's address.", itemgetter(0))
    path: str = key("The field, dotted: `floorPrices.US`.", lambda taken: taken[1].path)
    live: Leaf = key("The live value, which the manifest gets.", lambda taken: taken[1].before)
    declared: Leaf = key("The value that was declared.", lambda taken: taken[1].after)


class AdoptedJson(Shape):
    """A resource that the ledger knows from now on, or knows better."""

    address: AddressText = key("The resource's address.")
    id: str = key("The server's id.")


class UnwrittenJson(Shape, name="Held"):
    """A difference that could not be written, and stays as declared."""

    file: str = key("The file, relative to the project.")
    line: Count = key("Its line, from 1.")
    column: Count = key("Its column, from 1.")
    address: str | None = key("The resource it is about, where one is known.", lambda held: held.address or None)
    code: str = key("What kind of finding it is; stays the same between versions.")
    message: str = key("Why it could not be written.")


def _written_files(adoption: Adoption) -> list[tuple[str, str]]:
    return [(text.file, "create" if text.file in adoption.new else "update") for text in adoption.texts]


class PullDocument(Document, format="reconciler.pull/1", title="Adoption (pull --format json)"):
    """What an adoption came to."""

    written: bool = key("false where it was only checked.")
    files: list[WrittenFileJson] = key("The manifests that change.", _written_files)
    adopted: list[AddressText] = key("Apps and placements that manifests declare from now on.", attrgetter("added"))
    changes: list[TakenOverJson] = key("Values that were taken over.")
    ledger: list[AdoptedJson] = key("Lines of the ledger that are new or other.", attrgetter("remember"))
    forgotten: list[AddressText] = key("Addresses that the ledger drops.", attrgetter("forget"))
    notes: list[NoteJson] = key("What else a reader should know.")
    held: list[UnwrittenJson] = key("What could not be written.")
