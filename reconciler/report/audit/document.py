"""An audit as JSON: `reconciler.drift/1`."""

from datetime import datetime
from typing import Any, Final

from reconciler.diff.audit import Audit, AuditedField, Episode, Item, Trend, summary
from reconciler.model.address import kind_of
from reconciler.model.value import to_json
from reconciler.plan.codec import field_to_json

DRIFT_FORMAT: Final = "reconciler.drift/1"


def audit_document(audit: Audit, history: Trend | None = None) -> dict[str, Any]:
    """The numbers, and every resource with its class, in sync or not; `trend` is null where it was not asked for.

    In `fields`, `applied` was last applied, `before` is live, `after` is what the manifest wants.
    """
    counts = summary(audit)
    return {
        "format": DRIFT_FORMAT,
        "at": audit.at,
        "publisherId": audit.publisher_id,
        "api": audit.api,
        "summary": {
            "drift": counts.drift,
            "pending": counts.pending,
            "conflict": counts.conflict,
            "accepted": counts.accepted,
            "unmanaged": counts.unmanaged,
            "missing": counts.missing,
            "inSync": counts.in_sync,
            "coveragePercent": counts.coverage_percent,
        },
        "items": [_item(item, audit) for item in audit.items],
        "notes": [{"address": note.address or None, "text": note.text} for note in audit.notes],
        "trend": None if history is None else _trend(history, datetime.fromisoformat(audit.at)),
    }


def _item(item: Item, audit: Audit) -> dict[str, Any]:
    return {
        "address": item.address,
        "kind": kind_of(item.address),
        "id": item.id,
        "class": item.of,
        "fields": [_field(field) for field in item.fields],
        "source": None if item.source is None else {"file": item.source.file, "line": item.source.line},
        "note": item.note or None,
        "openSince": audit.open_since.get(item.address),
    }


def _field(field: AuditedField) -> dict[str, Any]:
    acceptance = field.acceptance
    return {
        **field_to_json(field.change),
        "class": field.of,
        "applied": to_json(field.applied),
        "reason": None if acceptance is None else acceptance.reason,
        "until": None if acceptance is None or acceptance.until is None else acceptance.until.isoformat(),
    }


def _trend(history: Trend, now: datetime) -> dict[str, Any]:
    return {
        "since": history.since.isoformat(),
        "days": [
            {
                "day": day.day.isoformat(),
                "audits": day.audits,
                "opened": day.opened,
                "closed": day.closed,
                "open": day.still_open,
            }
            for day in history.days
        ],
        "alarms": [_episode(episode, now) for episode in history.episodes],
    }


def _episode(episode: Episode, now: datetime) -> dict[str, Any]:
    return {
        "address": episode.address,
        "class": episode.of,
        "openedAt": _spelled(episode.opened_at),
        "closedAt": None if episode.closed_at is None else _spelled(episode.closed_at),
        "openSeconds": int(episode.seconds(now)),
    }


def _spelled(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
