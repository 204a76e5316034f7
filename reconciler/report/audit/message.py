"""An audit as a message to a chat, in the form that Slack's incoming webhooks take and others copy."""

from collections.abc import Iterator
from typing import Any, Final

from reconciler.diff.audit import Audit, Item
from reconciler.report.audit.words import LABELS, day_and_time, field_words, headline
from reconciler.report.sanitise import chat

MOST_ITEMS: Final = 20
MOST_FIELDS: Final = 5
LONGEST_NAME: Final = 200
"""What keeps a message readable, and far below the 40,000 characters at which Slack cuts."""


def audit_message(audit: Audit) -> dict[str, Any]:
    """The alarms of an audit. Nothing in it mentions anybody, and links are not unfolded."""
    return {"text": "\n".join(_lines(audit)), "unfurl_links": False, "unfurl_media": False}


def _lines(audit: Audit) -> Iterator[str]:
    yield f"Publisher {chat(_cut(audit.publisher_id))}: {headline(audit)}"
    for item in audit.alarming[:MOST_ITEMS]:
        since = audit.open_since.get(item.address)
        began = f", open since {day_and_time(since)}" if since is not None else ""
        yield f"• {LABELS[item.of]} {chat(_cut(item.address))}{began}"
        yield from _fields(item)
    more = len(audit.alarming) - MOST_ITEMS
    if more > 0:
        yield f"and {more} more: `reconciler drift` shows them"


def _fields(item: Item) -> Iterator[str]:
    moved = [field for field in item.fields if field.of != "pending"]
    for field in moved[:MOST_FIELDS]:
        yield f"      {chat(_cut(f'{field.change.path}: {field_words(field)}'))}"
    if len(moved) > MOST_FIELDS:
        yield f"      and {len(moved) - MOST_FIELDS} more fields"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
