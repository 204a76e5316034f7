"""The JSON Schema (draft-07) of `reconciler.drift/1`."""

from typing import Any, Final

from reconciler.audit.audit import CLASSES
from reconciler.report.audit.document import DRIFT_FORMAT

_TEXT: Final = {"type": "string"}
_TEXT_OR_NONE: Final = {"type": ["string", "null"]}
_COUNT: Final = {"type": "integer", "minimum": 0}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_DAY: Final = {"type": "string", "format": "date"}
_CLASS: Final = {"enum": list(CLASSES), "description": "What the audit made of it; the gravest first."}


def drift_schema() -> dict[str, Any]:
    """What `drift --format json` prints."""
    summary = dict.fromkeys(("drift", "pending", "conflict", "accepted", "unmanaged", "missing", "inSync"), _COUNT)
    percent = {"type": "number", "minimum": 0, "maximum": 100, "description": "Managed share of the live resources."}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An audit: live state against what was last applied",
        **_record(
            format={"const": DRIFT_FORMAT},
            at=_INSTANT,
            publisherId=_TEXT,
            api=_TEXT,
            summary=_record(**summary, coveragePercent=percent),
            items={"type": "array", "items": _item()},
            notes={"type": "array", "items": _record(address=_TEXT_OR_NONE, text=_TEXT)},
            trend={"anyOf": [{"type": "null"}, _trend()], "description": "Only with --since."},
        ),
    }


def _item() -> dict[str, Any]:
    field = _record(
        path={**_TEXT, "description": "A leaf, as in floorPrices.US."},
        before={"description": "The live value."},
        after={"description": "What the manifest wants; without a block, what was last applied."},
        applied={"description": "What was last applied; null also where nothing was."},
        origin={"enum": ["pending", "drift", "conflict", "unknown"]},
        reason={**_TEXT_OR_NONE, "description": "Of the acceptance that covers it, or covered it until it ended."},
        until={"anyOf": [{"type": "null"}, _DAY]},
        **{"class": _CLASS},
    )
    return _record(
        address=_TEXT,
        kind={"enum": ["app", "placement"]},
        id={**_TEXT_OR_NONE, "description": "Null for what was never made."},
        fields={"type": "array", "items": field},
        source={"anyOf": [{"type": "null"}, _record(file=_TEXT, line={"type": "integer", "minimum": 1})]},
        note=_TEXT_OR_NONE,
        openSince={"anyOf": [{"type": "null"}, _INSTANT], "description": "The first audit that saw the alarm."},
        **{"class": _CLASS},
    )


def _trend() -> dict[str, Any]:
    day = _record(day=_DAY, audits=_COUNT, opened=_COUNT, closed=_COUNT, open=_COUNT)
    alarm = _record(
        address=_TEXT,
        openedAt=_INSTANT,
        closedAt={"anyOf": [{"type": "null"}, _INSTANT]},
        openSeconds=_COUNT,
        **{"class": _CLASS},
    )
    return _record(since=_DAY, days={"type": "array", "items": day}, alarms={"type": "array", "items": alarm})


def _record(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }
