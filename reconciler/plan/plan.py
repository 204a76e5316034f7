"""The plan: what an apply would do, and what it rests on; and what somebody has reviewed of it.

What is reviewed is the set of changes of a plan, as digests that fit into a comment. It has one entry for each thing
that carrying out the plan would do: a create with all that it sends, each field of an update with its value before and
after, a deactivation, a delete. What is blocked or held, notes and the ledger do not count: nothing of them is sent.
Each entry is bound to the publisher and the API of the plan. A plan made later holds to a set if all of its own entries
are in it. It may have fewer: somebody has done them already.
"""

import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, assert_never

from reconciler.diff.change import (
    AllInSync,
    Blocked,
    Change,
    Contradiction,
    Create,
    Deactivate,
    Delete,
    Forget,
    HeldChange,
    InSync,
    Note,
    Remember,
    Unmanaged,
    Update,
    Verdict,
    action_of,
    id_of,
)
from reconciler.errors import PlanUnusable
from reconciler.model.address import Address, address_order, kind_of
from reconciler.model.ledger import LedgerEntry
from reconciler.model.settled import LazySequence
from reconciler.model.value import canonical_json, fields_to_json, to_json


@dataclass(frozen=True, slots=True)
class PlanOrigin:
    """What a plan was made from and for. `created_at` is ISO 8601 in UTC, `api` scheme and host of the API."""

    tool: str
    created_at: str
    publisher_id: str
    api: str
    manifest_digest: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order of addresses, and what a reader should know beside them.

    `remember` and `forget` bring the ledger up to what was seen, without any call. `unchanged` counts resources that
    are as declared, `owned` all live resources that blocks or the ledger stand for. `held` waits for leave or for a
    time, and is no change until then.
    """

    origin: PlanOrigin
    changes: tuple[Change, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    notes: tuple[Note, ...] = ()
    remember: Sequence[LedgerEntry] = ()
    forget: tuple[Address, ...] = ()
    unchanged: int = 0
    owned: int = 0
    held: tuple[HeldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """How many changes of each action a plan has, how many are held, and how many resources it leaves alone."""

    create: int = 0
    update: int = 0
    deactivate: int = 0
    delete: int = 0
    blocked: int = 0
    held: int = 0
    unchanged: int = 0
    unmanaged: int = 0


def build(verdicts: Iterable[Verdict | AllInSync], owned: int, origin: PlanOrigin) -> Plan:
    """The plan that verdicts come to; `owned` counts the live resources that blocks or the ledger stand for.

    What a change or a held one is about does not count as unmanaged. A contradiction is no part of a plan.
    """
    changes: list[Change] = []
    unmanaged: list[Unmanaged] = []
    notes: list[Note] = []
    remember: list[LedgerEntry] = []
    forget: list[Address] = []
    held: list[HeldChange] = []
    everything = sorted(verdicts, key=lambda each: address_order(each.address))
    settled = [each for each in everything if isinstance(each, AllInSync)]
    unchanged = sum(each.count if isinstance(each, AllInSync) else isinstance(each, InSync) for each in everything)
    for verdict in everything:
        match verdict:
            case Create() | Update() | Deactivate() | Delete() | Blocked():
                changes.append(verdict)
            case Remember(entry):
                remember.append(entry)
            case Unmanaged():
                unmanaged.append(verdict)
            case Note():
                notes.append(verdict)
            case HeldChange():
                held.append(verdict)
            case Forget(address):
                forget.append(address)
            case InSync() | AllInSync() | Contradiction():
                pass
            case _:
                assert_never(verdict)
    return Plan(
        origin,
        tuple(changes),
        _left_alone(unmanaged, (*changes, *(each.change for each in held))),
        tuple(notes),
        _with_settled(remember, settled),
        tuple(forget),
        unchanged,
        owned,
        tuple(held),
    )


def _left_alone(unmanaged: Iterable[Unmanaged], changes: Iterable[Change]) -> tuple[Unmanaged, ...]:
    touched = {(kind_of(each.address), id_of(each)) for each in changes}
    left = (each for each in unmanaged if (kind_of(each.address), each.id) not in touched)
    return tuple(sorted(left, key=lambda each: (address_order(each.address), each.id)))


def _with_settled(entries: list[LedgerEntry], settled: Iterable[AllInSync]) -> Sequence[LedgerEntry]:
    """Entries, and those of what is settled, in the order of addresses; made when somebody asks for one."""
    more = sum(each.remembered for each in settled)
    if not more:
        return tuple(entries)

    def made() -> list[LedgerEntry]:
        found = (verdict for each in settled for verdict in each.verdicts() if isinstance(verdict, Remember))
        return sorted((*entries, *(verdict.entry for verdict in found)), key=lambda entry: address_order(entry.address))

    return LazySequence(len(entries) + more, made)


def summary(plan: Plan) -> PlanSummary:
    """The plan in numbers."""
    counts = Counter(action_of(change) for change in plan.changes)
    return PlanSummary(
        create=counts["create"],
        update=counts["update"],
        deactivate=counts["deactivate"],
        delete=counts["delete"],
        blocked=counts["blocked"],
        held=len(plan.held),
        unchanged=plan.unchanged,
        unmanaged=len(plan.unmanaged),
    )


SIZE: Final = 12
"""Bytes of an entry's digest. Nobody finds another entry with one of 2^96 in time."""

ROOM: Final = 16_384
"""Characters for the entries in a comment, some thousand entries; of more only the digest of the set is written."""

MARK: Final = re.compile(r"<!-- reconciler:reviewed sha256:([0-9a-f]{64})((?: [A-Za-z0-9+/]+)?) -->")
LEFT: Final = re.compile(MARK.pattern.replace("reviewed", "left"))
_WHOLE: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """One thing that a plan would do. `text` says it in words; `digests` are those it may be reviewed under."""

    address: Address
    text: str
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was reviewed: single entries, and whole sets of which only the digest is known (64 hex digits)."""

    entries: frozenset[bytes] = frozenset()
    wholes: frozenset[str] = frozenset()

    def __or__(self, other: "Reviewed") -> "Reviewed":
        return Reviewed(self.entries | other.entries, self.wholes | other.wholes)


ANYTHING: Final = "<!-- reconciler:reviewed anything -->"
"""What says in a file that no review is needed. In a comment it says nothing."""


NOTHING: Final = Reviewed()


def entries(plan: Plan) -> tuple[ReviewEntry, ...]:
    """Everything that carrying out a plan would do, in the order of addresses."""
    return tuple(entry for change in plan.changes for entry in _entries_of_change(change, plan.origin))


def reviewed(plan: Plan) -> Reviewed:
    """The set of a plan that was reviewed whole."""
    return Reviewed(frozenset(entry.digests[0] for entry in entries(plan)))


def unreviewed(plan: Plan, known: Reviewed) -> tuple[ReviewEntry, ...]:
    """What a plan would do that was not reviewed. What is left of a plan may be a set known as a whole."""
    missing = tuple(entry for entry in entries(plan) if known.entries.isdisjoint(entry.digests))
    return () if _set_digest(entry.digests[0] for entry in missing) in known.wholes else missing


def reviewed_mark(plan: Plan, room: int = ROOM) -> str:
    """The set of a plan as a comment of HTML, on one line.

    Its entries are written out where they take no more than `room` characters. It holds no two hyphens in a row.
    """
    digests = reviewed(plan).entries
    return _mark(digests) if _encoded_length(len(digests)) <= room else _mark(digests, told=False)


def left_mark(plan: Plan, done: Collection[Address], room: int = ROOM) -> str:
    """What an apply has left of a plan, as a comment of HTML: everything but the steps to these addresses."""
    left = frozenset(digest for each in entries(plan) if each.address not in done for digest in each.digests)
    return _mark(left, "left", told=_encoded_length(len(left)) <= room)


def left_in(text: str) -> frozenset[bytes] | None:
    """What an apply has left, by the last line of its report; None where the line is no such mark.

    Of more than a comment has room for nothing counts as left, and has to be reviewed again. Raises `PlanUnusable` for
    a mark that was cut or changed.
    """
    mark = LEFT.fullmatch(text)
    return None if mark is None else _parse_mark(mark[1], mark[2].strip()).entries


def marks_of(known: Reviewed) -> str:
    """What was reviewed as lines that `reviewed_in` reads."""
    return "\n".join([_mark(known.entries), *(_line(whole) for whole in sorted(known.wholes))])


def _mark(digests: frozenset[bytes], word: str = "reviewed", *, told: bool = True) -> str:
    packed = b"".join(sorted(digests)) if told else b""
    return _line(_set_digest(digests), f" {b64encode(packed).decode()}" if packed else "", word)


def _line(digest: str, encoded: str = "", word: str = "reviewed") -> str:
    return f"<!-- reconciler:{word} sha256:{digest}{encoded} -->"


def reviewed_in(text: str) -> Reviewed | None:
    """What a text says was reviewed, by the marks that are lines of it, or as one bare digest; None for no such text.

    A digest is taken with or without `sha256:` before it, in small or large letters.

    Raises `PlanUnusable` for a mark that was cut or changed: its entries are not those of its digest.
    """
    if whole := _WHOLE.fullmatch(text.strip()):
        return Reviewed(wholes=frozenset({whole[1].lower()}))
    marks = [found for line in text.splitlines() if (found := MARK.fullmatch(line.strip()))]
    if not marks:
        return None
    known = NOTHING
    for mark in marks:
        known |= _parse_mark(mark[1], mark[2].strip())
    return known


def _parse_mark(digest: str, encoded: str) -> Reviewed:
    if not encoded:
        return Reviewed(wholes=frozenset({digest}))
    try:
        packed = b64decode(encoded, validate=True)
    except ValueError:
        packed = b""
    digests = frozenset(packed[at : at + SIZE] for at in range(0, len(packed), SIZE))
    if len(packed) % SIZE or _set_digest(digests) != digest:
        raise PlanUnusable("the mark of what was reviewed is not whole", hint="make the plan, and the comment, again")
    return Reviewed(digests)


def _encoded_length(number: int) -> int:
    return number * SIZE * 4 // 3


def _set_digest(digests: Iterable[bytes]) -> str:
    return sha256(b"".join(sorted(set(digests)))).hexdigest()


def _entries_of_change(change: Change, origin: PlanOrigin) -> Iterator[ReviewEntry]:
    about = canonical_json(
        [origin.publisher_id, origin.api, action_of(change), kind_of(change.address), change.address]
    ).removesuffix("]")

    def entry(told: str, *facts: Sequence[str]) -> ReviewEntry:
        """What is told of it, and the digests of a list of `about` and facts, which are canonical JSON each."""
        return ReviewEntry(change.address, told, tuple(_digest(",".join((about, *each)) + "]") for each in facts))

    match change:
        case Create():
            sent = canonical_json(fields_to_json(change.send))
            # An app that was to be made by the reviewed plan may have been made by somebody since.
            apps = [change.app_id] if change.app_id is None else [change.app_id, None]
            yield entry("create", *([sent, canonical_json(app)] for app in apps))
        case Update():
            shown_id = canonical_json(change.id)
            yield from (
                entry(f"update {told} (id {change.id})", [shown_id, *facts]) for told, facts in _facts_of_update(change)
            )
        case Deactivate() | Delete():
            yield entry(f"{action_of(change)} id {change.id}", [canonical_json(change.id)])
        case Blocked():
            return


def _facts_of_update(update: Update) -> Iterator[tuple[str, list[str]]]:
    """Each field with its value before and after, and whatever else the update does: in words, and as facts in JSON."""
    for field in update.fields:
        before, after = canonical_json(to_json(field.before)), canonical_json(to_json(field.after))
        yield f"{field.path}: {before} -> {after}", [canonical_json(field.path), before, after]
    for name in sorted(update.send.keys() - {field.field for field in update.fields}):
        sent = canonical_json(to_json(update.send[name]))
        yield f"{name}: {sent} is sent", [canonical_json(name), sent]
    if update.renamed_from is not None:
        yield f"known as {update.renamed_from} before", ['""', canonical_json(update.renamed_from)]


def _digest(facts: str) -> bytes:
    return sha256(facts.encode("utf-8", "backslashreplace")).digest()[:SIZE]
