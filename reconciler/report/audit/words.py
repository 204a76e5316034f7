"""What an audit says in words, the same in every format."""

from collections.abc import Mapping
from typing import Final

from reconciler.diff.audit import Audit, AuditedField, Class, Item, Summary, summary
from reconciler.model.address import kind_of, name_of
from reconciler.report.text import after_text, before_text, shown

LABELS: Final[Mapping[Class, str]] = {
    "missing": "missing",
    "conflict": "conflict",
    "drift": "drift",
    "accepted": "accepted",
    "pending": "pending",
    "unmanaged": "unmanaged",
    "inSync": "in sync",
}

MEANINGS: Final[Mapping[Class, str]] = {
    "missing": "applied by us, gone from the account",
    "conflict": "changed in the account and in the manifest, to different values",
    "drift": "changed in the account since the last apply",
    "accepted": "changed in the account, and somebody agreed to it",
    "pending": "changed in the manifest, not applied yet",
    "unmanaged": "in the account, in no manifest and not in the ledger",
    "inSync": "as applied and as declared",
}


def headline(audit: Audit) -> str:
    """The audit in one sentence: alarms first, then what is no alarm, then the coverage."""
    counts = summary(audit)
    alarms = _told(counts, ("missing", "conflict", "drift"))
    others = _told(counts, ("accepted", "pending", "unmanaged"))
    rest = ", ".join(part for part in (others, f"{counts.in_sync} in sync") if part)
    return f"{f'Drift: {alarms}' if alarms else 'No drift'}; {rest}; {percent(counts)} managed."


def _told(counts: Summary, classes: tuple[Class, ...]) -> str:
    return ", ".join(f"{counts.count(of)} {LABELS[of]}" for of in classes if counts.count(of))


def percent(counts: Summary) -> str:
    """The coverage, as in `97.5 %`."""
    return f"{counts.coverage_percent:g} %"


def field_words(field: AuditedField) -> str:
    """One leaf: what was applied, what is live, what the manifest wants, as far as they differ, and an acceptance."""
    applied = shown(field.applied, field.change.path, field.change.otherwise.applied)
    live, wanted = before_text(field.change), after_text(field.change)
    match field.change.origin:
        case "unknown":
            told = f"live {live}, manifest {wanted}, never applied by us"
        case "pending":
            told = f"live {live}, manifest {wanted}"
        case "drift":
            told = f"applied {applied}, live {live}"
        case "conflict":
            told = f"applied {applied}, live {live}, manifest {wanted}"
    return "; ".join(filter(None, (told, acceptance_words(field))))


def acceptance_words(field: AuditedField) -> str:
    """The acceptance that covers a leaf, or covered it until it ended; empty without one."""
    acceptance = field.acceptance
    if acceptance is None:
        return ""
    if field.of != "accepted":
        return f"the acceptance ended on {acceptance.until} ({acceptance.reason})"
    until = f" until {acceptance.until}" if acceptance.until is not None else ""
    return f"accepted{until} ({acceptance.reason})"


def what(item: Item) -> str:
    """What an item is called below the line of its app."""
    return "the app" if kind_of(item.address) == "app" else name_of(item.address)


def day_and_time(instant: str) -> str:
    """An ISO 8601 instant in UTC, short: `2026-11-21 19:00 UTC`."""
    return f"{instant[:10]} {instant[11:16]} UTC"


def span(seconds: float) -> str:
    """A time that something took, in its two largest units."""
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
