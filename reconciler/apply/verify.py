"""PURE. Whether the account is now as was wanted.

What an answer or a read-back says, against what was sent and what was there.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.floors import MINIMUM, WORLDWIDE
from reconciler.model.value import ABSENT, Absent, Fields, Value, to_json

UNSET: tuple[Value | Absent, ...] = (ABSENT, None, False, "", (), {WORLDWIDE: MINIMUM}, {})
"""Values a field falls back to when something resets it."""

TARGETING: Final = ("geo", "connectivity")
"""What goes when targeting is switched off, without being sent."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What is known after a write.

    `unconfirmed`: sent, but not shown. `contradicted`: sent, and shown otherwise, by field. `reset`: not sent, set
    before, and unset now: the call replaced what it should have merged.
    """

    unconfirmed: frozenset[str] = frozenset()
    contradicted: Mapping[str, Value] | None = None
    reset: frozenset[str] = frozenset()

    @property
    def clean(self) -> bool:
        """Whether everything sent was shown back, and nothing else moved."""
        return not (self.unconfirmed or self.contradicted or self.reset)


def verify(sent: Fields, before: Fields, after: Fields, returned: Container[str] = ()) -> Verification:
    """Compare what an answer speaks of, or a resource that was read back, with what was sent and what was there.

    A block that was sent and is shown as off counts as not shown: the vendor leaves out both what is off and what it
    does not return. Not so for the fields in `returned`, which this account is known to show where they are set.
    """
    unconfirmed = set()
    contradicted: dict[str, Value] = {}
    for name, wanted in sent.items():
        shown = after.get(name, ABSENT)
        if shown == wanted:
            continue
        if shown is ABSENT or shown is None:
            if wanted is not None and name in returned:
                contradicted[name] = None
            elif wanted is not None:
                unconfirmed.add(name)
        else:
            contradicted[name] = shown
    follows = TARGETING if sent.get("targetingEnabled") is False else ()
    reset = {
        name
        for name, value in before.items()
        if name not in sent and name not in follows and _is_reset(name, value, after.get(name, ABSENT))
    }
    return Verification(frozenset(unconfirmed), contradicted, frozenset(reset))


def _is_reset(name: str, was: Value, shown: Value | Absent) -> bool:
    """Whether a field went back to what it is in a new resource: unset, and of the status: active."""
    return (was not in UNSET and shown in UNSET) or (name == "status" and was == "inactive" and shown == "active")


def contradiction(sent: Fields, verification: Verification) -> str:
    """In words: which fields the account shows otherwise than they were sent."""
    told = [
        f"{name} is {to_json(shown)!r}, wanted {to_json(sent[name])!r}"
        for name, shown in sorted((verification.contradicted or {}).items())
    ]
    return "; ".join(told)
