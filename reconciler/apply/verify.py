"""PURE. Whether the account is now as was wanted.

What an answer or a read-back says, against what was sent and what was there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.floors import MINIMUM, WORLDWIDE
from reconciler.model.value import ABSENT, Absent, Fields, Value, to_json

UNSET: tuple[Value | Absent, ...] = (ABSENT, None, False, "", (), {WORLDWIDE: MINIMUM}, {})
"""Values a field falls back to when something resets it."""


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


def verify(sent: Fields, before: Fields, after: Fields) -> Verification:
    """Compare what an answer speaks of, or a resource that was read back, with what was sent and what was there.

    A block that was sent and is shown as off counts as not shown: the vendor leaves out both what is off and what it
    does not return.
    """
    unconfirmed = set()
    contradicted: dict[str, Value] = {}
    for name, wanted in sent.items():
        shown = after.get(name, ABSENT)
        if shown == wanted:
            continue
        if shown is ABSENT or shown is None:
            if wanted is not None:
                unconfirmed.add(name)
        else:
            contradicted[name] = shown
    reset = {
        name
        for name, value in before.items()
        if name not in sent and value not in UNSET and after.get(name, ABSENT) in UNSET
    }
    return Verification(frozenset(unconfirmed), contradicted, frozenset(reset))


def contradiction(sent: Fields, verification: Verification) -> str:
    """In words: which fields the account shows otherwise than they were sent."""
    told = [
        f"{name} is {to_json(shown)!r}, wanted {to_json(sent[name])!r}"
        for name, shown in sorted((verification.contradicted or {}).items())
    ]
    return "; ".join(told)
