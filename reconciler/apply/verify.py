"""PURE. Comparing an answer or a reading with what was sent and what was there before: which fields were taken."""

import unicodedata
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reconciler.diff.compare import field_changes
from reconciler.model.address import unescaped
from reconciler.model.habits import dependents, is_reset
from reconciler.model.journal import Outcome
from reconciler.model.value import ABSENT, PLACES, Fields, Value, value_text


@dataclass(frozen=True, slots=True)
class Verification:
    """What is known after a write.

    `unconfirmed`: sent, but not shown. `contradicted`: sent, and shown otherwise, by field. `reset`: not sent, set
    before, and unset now: the call replaced what it should have merged. `untaken`: the contradicted ones that show no
    sign of the write; in the place of the others the account keeps a value of its own.
    """

    unconfirmed: frozenset[str] = frozenset()
    contradicted: Mapping[str, Value] | None = None
    reset: frozenset[str] = frozenset()
    untaken: frozenset[str] = frozenset()

    @property
    def kept(self) -> Fields:
        """What the account keeps in the place of what was sent."""
        return {name: value for name, value in (self.contradicted or {}).items() if name not in self.untaken}


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
    follows = dependents(sent, before) if before else ()
    reset = {
        name
        for name, value in before.items()
        if name not in sent and name not in follows and is_reset(name, value, after.get(name, ABSENT))
    }
    return Verification(frozenset(unconfirmed), contradicted, frozenset(reset))


NEVER_NORMALISED: Final = frozenset({"platform", "placementType", "status"})
"""Fields of which another value than the one that was sent is a refusal, not another form of the same."""


def untaken_fields(
    sent: Fields, before: Fields, said: Fields, verification: Verification, *, settled: bool, refused: bool = False
) -> frozenset[str]:
    """The contradicted fields that show no sign of the write: what is shown is what was there before.

    A value that the server's own answer spoke of is its reply to ours, and so is an old value beside other parts of the
    same write that were taken: these the account keeps otherwise, for good. Before the account had its time to show
    what was written (`settled`), only the former tells anything: what is shown may be of an earlier day. Where the
    answer was no acceptance (`refused`), an old value is an old value, however like it is to what was sent.
    """
    contradicted = verification.contradicted or {}
    unsaid = {
        name for name, shown in contradicted.items() if name in NEVER_NORMALISED or said.get(name, ABSENT) != shown
    }
    if not settled:
        return frozenset(unsaid)
    untouched = {
        name
        for name in unsaid
        if name in NEVER_NORMALISED
        or (before.get(name) == contradicted[name] and (refused or not is_form_of(sent[name], contradicted[name])))
    }
    took_others = any(
        name not in verification.unconfirmed and name not in untouched and before.get(name, ABSENT) != value
        for name, value in sent.items()
    )
    return frozenset(untouched & NEVER_NORMALISED if took_others else untouched)


CENTS: Final = 2
"""Decimal places that an account keeps of a price at least: 2 after 2.2 was sent is no rounding."""


def is_form_of(sent: Value, shown: Value) -> bool:
    """Whether what is shown may be made of what was sent: a name in another spelling, prices that were rounded."""
    match sent, shown:
        case str(), str():
            return is_kept_form(sent, shown)
        case Decimal(), Decimal():
            places = -int(shown.normalize().as_tuple().exponent)
            return places < 2 * PLACES and round(sent, max(places, CENTS)) == shown
        case Mapping(), Mapping():
            alike = sent.keys() == shown.keys()
            return alike and all(sent[key] == shown[key] or is_form_of(sent[key], shown[key]) for key in sent)
        case _:
            return False


def is_kept_form(sent: str, kept: str) -> bool:
    """Whether a server may have made the one text of the other: case, blanks, dashes, escapes, a cut end."""
    wanted, seen = _letters_and_digits(unescaped(sent)), _letters_and_digits(unescaped(kept))
    return bool(seen) and wanted.startswith(seen)


def _letters_and_digits(text: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(each for each in plain if each.isalnum())


def kept_leaves(
    sent: Fields, names: Iterable[str], verification: Verification
) -> tuple[dict[str, Value], dict[str, Value]]:
    """What was asked for and what the account keeps instead, by dotted path, of contradicted fields."""
    wanted: dict[str, Value] = {}
    kept: dict[str, Value] = {}
    for name in sorted(names):
        for change in field_changes(name, (verification.contradicted or {})[name], sent[name], None):
            wanted[change.path], kept[change.path] = change.after, change.before
    return wanted, kept


def outcome_when_taken(
    verification: Verification, wanted: Mapping[str, Value], kept: Mapping[str, Value]
) -> tuple[Outcome, str | None]:
    """The outcome of a write all of which was taken, and what is to be said of it; the rest as of `kept_leaves`."""
    if verification.kept:
        return "normalised", _differences_text("keeps", wanted, kept)
    if verification.unconfirmed:
        return "unverified", f"not shown back: {', '.join(sorted(verification.unconfirmed))}"
    return "applied", None


def contradiction_text(sent: Fields, names: Iterable[str], verification: Verification) -> str:
    """In words: which fields the account shows otherwise than they were sent."""
    return _differences_text("shows", *kept_leaves(sent, names, verification))


def _differences_text(verb: str, wanted: Mapping[str, Value], there: Mapping[str, Value]) -> str:
    return "; ".join(
        f"the account {verb} {path} {value_text(there[path])}, asked for {value_text(value)}"
        for path, value in wanted.items()
    )
