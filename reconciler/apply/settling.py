"""PURE. Creates that earlier runs left open: sent, and never told apart from not sent.

Whoever plans too soon after one may not see in a list yet what it made, and would make a twin of it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.checked import instant


def seconds_to_settle(events: Iterable[Mapping[str, Any]], now: datetime, settle_seconds: float) -> float:
    """How long to wait until every open create had its settle time; 0 where there is none. `events`: the journal."""
    open_since: dict[Any, str] = {}
    for event in events:
        match event:
            case {"event": "intent", "action": "create", "address": address, "at": str(at)}:
                open_since[address] = at
            case {"event": "ended", "action": "create", "address": address, "outcome": outcome}:
                if outcome != "unknown":
                    open_since.pop(address, None)
            case _:
                pass
    waits = (_until(at, settle_seconds) - now for at in open_since.values())
    longest = max((wait.total_seconds() for wait in waits), default=0.0)
    return min(max(longest, 0.0), settle_seconds)


def _until(at: str, settle_seconds: float) -> datetime:
    return instant(at) + timedelta(seconds=settle_seconds)
