"""An audit as text, Markdown, a chat message, GitHub annotations and OpenMetrics, and words that all formats share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from reconciler.diff.audit import (
    CLASSES,
    Audit,
    AuditClass,
    AuditedField,
    AuditItem,
    AuditSummary,
    Episode,
    Trend,
    summary,
)
from reconciler.model.address import app_of, kind_of, name_of
from reconciler.render.plan_text import after_text, before_text, shown
from reconciler.render.text import Line, Span, Tone, chat, github_data, github_property, line, markdown, visible

LABELS: Final[Mapping[AuditClass, str]] = {
    "missing": "missing",
    "conflict": "conflict",
    "drift": "drift",
    "accepted": "accepted",
    "pending": "pending",
    "unmanaged": "unmanaged",
    "inSync": "in sync",
}

MEANINGS: Final[Mapping[AuditClass, str]] = {
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
    alarms = _counts_text(counts, ("missing", "conflict", "drift"))
    others = _counts_text(counts, ("accepted", "pending", "unmanaged"))
    rest = ", ".join(part for part in (others, f"{counts.in_sync} in sync") if part)
    return f"{f'Drift: {alarms}' if alarms else 'No drift'}; {rest}; {percent(counts)} managed."


def _counts_text(counts: AuditSummary, classes: tuple[AuditClass, ...]) -> str:
    return ", ".join(f"{counts.count(of)} {LABELS[of]}" for of in classes if counts.count(of))


def percent(counts: AuditSummary) -> str:
    """The coverage, as in `97.5 %`."""
    return f"{counts.coverage_percent:g} %"


def field_words(field: AuditedField) -> str:
    """One leaf: what was applied, what is live, what the manifest wants, as far as they differ, and an acceptance."""
    applied = shown(field.applied, field.change.path, field.change.worldwide.applied)
    live, wanted = before_text(field.change), after_text(field.change)
    match field.change.origin:
        case "unknown":
            values = f"live {live}, manifest {wanted}, never applied by us"
        case "pending":
            values = f"live {live}, manifest {wanted}"
        case "drift":
            values = f"applied {applied}, live {live}"
        case "conflict":
            values = f"applied {applied}, live {live}, manifest {wanted}"
    return "; ".join(filter(None, (values, acceptance_words(field))))


def acceptance_words(field: AuditedField) -> str:
    """The acceptance that covers a leaf, or covered it until it ended; empty without one."""
    acceptance = field.acceptance
    if acceptance is None:
        return ""
    if field.of != "accepted":
        return f"the acceptance ended on {acceptance.until} ({acceptance.reason})"
    until = f" until {acceptance.until}" if acceptance.until is not None else ""
    return f"accepted{until} ({acceptance.reason})"


def short_name(item: AuditItem) -> str:
    """What an item is called below the line of its app."""
    return "the app" if kind_of(item.address) == "app" else name_of(item.address)


def day_and_time(instant: str) -> str:
    """An ISO 8601 instant in UTC, short: `2026-11-21 19:00 UTC`."""
    return f"{instant[:10]} {instant[11:16]} UTC"


def duration_text(seconds: float) -> str:
    """A time that something took, in its two largest units."""
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


SIGNS: Final[Mapping[AuditClass, tuple[str, Tone]]] = {
    "missing": ("x", "remove"),
    "conflict": ("!", "blocked"),
    "drift": ("~", "change"),
    "accepted": ("=", "faint"),
    "pending": ("+", "add"),
    "unmanaged": ("?", "faint"),
    "inSync": (" ", "plain"),
}


def audit_lines(audit: Audit, history: Trend | None = None) -> Iterator[Line]:
    """What is not in sync as a tree by app, what is unmanaged, notes, the trend where asked for, and the numbers."""
    moved = [item for item in audit.items if item.of not in {"inSync", "unmanaged"}]
    for app, items in groupby(moved, key=lambda item: app_of(item.address)):
        yield line(Span(app, "strong"))
        for item in items:
            yield from _item_lines(item, audit.open_since.get(item.address))
        yield ()
    unmanaged = [item for item in audit.items if item.of == "unmanaged"]
    if unmanaged:
        yield line(Span(f"Unmanaged ({len(unmanaged)}), in no manifest and not in the ledger:", "strong"))
        yield from (line(f"  {item.address}", Span(f"  id {item.id}", "faint")) for item in unmanaged)
        yield ()
    notes = [*_quiet_notes(audit), *((note.address, note.text) for note in audit.notes)]
    if notes:
        yield line(Span("Notes:", "strong"))
        yield from (line(f"  {address}{': ' if address else ''}{text}") for address, text in notes)
        yield ()
    if history is not None:
        yield from _trend_lines(history, audit.at)
        yield ()
    yield line(Span(headline(audit), "strong"))


def _quiet_notes(audit: Audit) -> list[tuple[str, str]]:
    """What there is to say of resources that are in sync."""
    return [(item.address, item.note) for item in audit.items if item.of == "inSync" and item.note]


def _item_lines(item: AuditItem, since: str | None) -> Iterator[Line]:
    sign, tone = SIGNS[item.of]
    id_text = f"  id {item.id}" if item.id is not None else ""
    place = f"  {item.source.file}:{item.source.line}" if item.source is not None else ""
    began = f"  open since {day_and_time(since)}" if since is not None else ""
    yield line(
        "  ", Span(f"{sign} {LABELS[item.of]}", tone), f" {short_name(item)}", Span(f"{id_text}{place}{began}", "faint")
    )
    if item.note:
        yield line(f"      {item.note}")
    for field in item.fields:
        label = f"  {LABELS[field.of]}" if field.of != item.of else ""
        yield line(f"      {field.change.path}: {field_words(field)}", Span(label, "faint"))


def _trend_lines(history: Trend, now: str) -> Iterator[Line]:
    yield line(Span(f"Since {history.since} (UTC):", "strong"))
    if not history.days:
        yield line("  no audit is remembered")
        return
    yield line(Span("  day         audits  opened  closed    open", "faint"))
    for day in history.days:
        yield line(f"  {day.day}  {day.audits:>6}  {day.opened:>6}  {day.closed:>6}  {day.still_open:>6}")
    for episode in history.episodes:
        yield _episode_line(episode, datetime.fromisoformat(now))


def _episode_line(episode: Episode, now: datetime) -> Line:
    opened = f"{episode.opened_at:%Y-%m-%d %H:%M}"
    took = duration_text(episode.seconds(now))
    ended = (
        f"open for {took}" if episode.closed_at is None else f"closed {episode.closed_at:%Y-%m-%d %H:%M} after {took}"
    )
    return line(f"  {episode.address}  {LABELS[episode.of]}  opened {opened}, {ended}")


MOST_ITEMS: Final = 20
MOST_FIELDS: Final = 5
LONGEST_NAME: Final = 200
"""What keeps a message readable, and far below the 40,000 characters at which Slack cuts."""


def audit_message(audit: Audit) -> dict[str, Any]:
    """The alarms of an audit. Nothing in it mentions anybody, and links are not unfolded."""
    return {"text": "\n".join(_message_lines(audit)), "unfurl_links": False, "unfurl_media": False}


def _message_lines(audit: Audit) -> Iterator[str]:
    yield f"Publisher {chat(_clipped(audit.publisher_id))}: {headline(audit)}"
    for item in audit.alarming[:MOST_ITEMS]:
        since = audit.open_since.get(item.address)
        began = f", open since {day_and_time(since)}" if since is not None else ""
        yield f"• {LABELS[item.of]} {chat(_clipped(item.address))}{began}"
        yield from _field_texts(item)
    more = len(audit.alarming) - MOST_ITEMS
    if more > 0:
        yield f"and {more} more: `reconciler drift` shows them"


def _field_texts(item: AuditItem) -> Iterator[str]:
    moved = [field for field in item.fields if field.of != "pending"]
    for field in moved[:MOST_FIELDS]:
        yield f"      {chat(_clipped(f'{field.change.path}: {field_words(field)}'))}"
    if len(moved) > MOST_FIELDS:
        yield f"      and {len(moved) - MOST_FIELDS} more fields"


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def annotation_lines(audit: Audit) -> Iterator[str]:
    """Alarms as warnings, the gravest class in the title; then the audit in one notice."""
    yield from (_annotation(item) for item in audit.alarming)
    yield f"::notice title=reconciler drift::{github_data(headline(audit))}"


def _annotation(item: AuditItem) -> str:
    place = ""
    if item.source is not None:
        place = f"file={github_property(item.source.file)},line={item.source.line},"
    moved = [f"{field.change.path}: {field_words(field)}" for field in item.fields if field.of != "pending"]
    text = "\n".join([f"{item.address}: {MEANINGS[item.of]}", *([item.note] if item.note else []), *moved])
    return f"::warning {place}title={LABELS[item.of]}::{github_data(text)}"


def metrics_text(audit: Audit, project: str = "") -> str:
    """Resources by class, the coverage, when the audit was, and how long the oldest alarm is open; ends with EOF.

    Every sample carries the labels `publisher` (the id) and `project`, what the project is called where it is run.
    """
    return "\n".join((*_metric_lines(audit, project), "# EOF"))


def _metric_lines(audit: Audit, project: str) -> Iterator[str]:
    counts = summary(audit)
    at = datetime.fromisoformat(audit.at)
    whose = f'publisher="{_label_value(audit.publisher_id)}",project="{_label_value(project)}"'
    yield "# TYPE reconciler_drift_resources gauge"
    yield "# HELP reconciler_drift_resources Resources by what an audit made of them."
    yield from (f'reconciler_drift_resources{{{whose},class="{of}"}} {counts.count(of)}' for of in CLASSES)
    yield "# TYPE reconciler_coverage_ratio gauge"
    yield "# UNIT reconciler_coverage_ratio ratio"
    yield "# HELP reconciler_coverage_ratio Managed share of the live resources, 0 to 1."
    yield f"reconciler_coverage_ratio{{{whose}}} {round(counts.coverage_percent / 100, 6):g}"
    yield "# TYPE reconciler_audit_timestamp_seconds gauge"
    yield "# UNIT reconciler_audit_timestamp_seconds seconds"
    yield "# HELP reconciler_audit_timestamp_seconds When the audit looked at the account."
    yield f"reconciler_audit_timestamp_seconds{{{whose}}} {int(at.timestamp())}"
    opened = [datetime.fromisoformat(since) for since in audit.open_since.values()]
    oldest = max(((at - since).total_seconds() for since in opened), default=0.0)
    yield "# TYPE reconciler_drift_oldest_open_seconds gauge"
    yield "# UNIT reconciler_drift_oldest_open_seconds seconds"
    yield "# HELP reconciler_drift_oldest_open_seconds How long the oldest alarm has been open."
    yield f"reconciler_drift_oldest_open_seconds{{{whose}}} {int(oldest)}"


def _label_value(value: str) -> str:
    """A label's value: what cannot be seen is shown by its code, line ends too, and quotes are escaped."""
    return visible(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


MARKER: Final = "<!-- reconciler: drift -->"
"""By which a comment or an issue of an earlier audit is found again."""

LONGEST: Final = 65_536
"""Characters that GitHub takes in one comment or issue."""

_CUT: Final = 400
"""Room kept for saying what was left out, and for the end."""


def audit_markdown(audit: Audit, history: Trend | None = None) -> str:
    """The audit, at most as long as a comment may be; what had to be left out is said."""
    head = [MARKER, f"**{markdown(headline(audit))}**", ""]
    room = LONGEST - sum(map(len, head)) - _CUT
    lines: list[str] = []
    left_out = 0
    for block in _blocks(audit, history):
        size = sum(len(line) + 1 for line in block.lines)
        taken = list(block.lines) if size <= room else list(_fitting_rows(block, room))
        room -= sum(len(line) + 1 for line in taken)
        left_out += block.rows(len(block.lines)) - block.rows(len(taken))
        lines += taken
    if left_out:
        lines.append(f"_{left_out} lines are left out here, for want of room: `--format json` holds everything._")
    return "\n".join([*head, *lines]).rstrip()


class _Block:
    """Lines that stand or fall together, but for rows, which may end early: `head`, rows, `tail`."""

    def __init__(self, head: Sequence[str], rows: Iterable[str], tail: Sequence[str] = ("",)) -> None:
        self.head, self.body, self.tail = tuple(head), tuple(rows), tuple(tail)

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.head, *self.body, *self.tail)

    def rows(self, lines: int) -> int:
        """How many rows are among the first `lines` lines of the block."""
        return max(0, lines - len(self.head) - len(self.tail))


def _fitting_rows(block: _Block, room: int) -> Iterator[str]:
    """As many rows of a block as there is room for; nothing where there is none for a single one."""
    frame = sum(len(line) + 1 for line in (*block.head, *block.tail))
    rows: list[str] = []
    for row in block.body:
        frame += len(row) + 1
        if frame > room:
            break
        rows.append(row)
    if rows:
        yield from (*block.head, *rows, *block.tail)


def _blocks(audit: Audit, history: Trend | None) -> Iterator[_Block]:
    if audit.alarming:
        head = ("| class | resource | what | open since |", "|---|---|---|---|")
        yield _Block(head, (_alarm_row(item, audit.open_since.get(item.address)) for item in audit.alarming))
    if history is not None and history.days:
        columns = (f"Since {history.since}:", "", "| day | audits | opened | closed | open |", "|---|--:|--:|--:|--:|")
        yield _Block(
            columns, (f"| {d.day} | {d.audits} | {d.opened} | {d.closed} | {d.still_open} |" for d in history.days)
        )
    quiet: tuple[AuditClass, ...] = ("accepted", "pending", "unmanaged")
    for of in quiet:
        items = [item for item in audit.items if item.of == of]
        if items:
            title = f"<details><summary>{len(items)} {LABELS[of]}: {MEANINGS[of]}</summary>"
            yield _Block((title, ""), map(_item_bullet, items), ("", "</details>", ""))


def _alarm_row(item: AuditItem, since: str | None) -> str:
    place = f"<br>{markdown(f'{item.source.file}:{item.source.line}')}" if item.source is not None else ""
    details = _item_details(item, "<br>") or MEANINGS[item.of]
    began = day_and_time(since) if since is not None else ""
    return f"| {LABELS[item.of]} | {markdown(item.address)}{place} | {details} | {began} |"


def _item_bullet(item: AuditItem) -> str:
    details = _item_details(item, "; ")
    id_text = f" (id {markdown(item.id)})" if item.id is not None else ""
    return f"- {markdown(item.address)}{id_text}{f': {details}' if details else ''}"


def _item_details(item: AuditItem, between: str) -> str:
    notes = [markdown(item.note)] if item.note else []
    return between.join([*notes, *(f"{markdown(f.change.path)}: {markdown(field_words(f))}" for f in item.fields)])
