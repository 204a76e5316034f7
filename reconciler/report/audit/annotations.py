"""An audit as GitHub annotations: one workflow command for each alarm, at its block in the manifest."""

from collections.abc import Iterator

from reconciler.diff.audit import Audit, Item
from reconciler.report.audit.words import LABELS, MEANINGS, field_words, headline
from reconciler.report.sanitise import github_data, github_property


def annotation_lines(audit: Audit) -> Iterator[str]:
    """Alarms as warnings, the gravest class in the title; then the audit in one notice."""
    yield from (_annotation(item) for item in audit.alarming)
    yield f"::notice title=reconciler drift::{github_data(headline(audit))}"


def _annotation(item: Item) -> str:
    place = ""
    if item.source is not None:
        place = f"file={github_property(item.source.file)},line={item.source.line},"
    moved = [f"{field.change.path}: {field_words(field)}" for field in item.fields if field.of != "pending"]
    text = "\n".join([f"{item.address}: {MEANINGS[item.of]}", *([item.note] if item.note else []), *moved])
    return f"::warning {place}title={LABELS[item.of]}::{github_data(text)}"
