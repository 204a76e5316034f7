"""An audit as Markdown for a comment or an issue: one line of counts, a table of the alarms, and the rest folded."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.diff.audit import Audit, AuditClass, AuditItem, Trend
from reconciler.render.drift.text import LABELS, MEANINGS, day_and_time, field_words, headline
from reconciler.render.sanitise import markdown

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
