"""Creates that an earlier run left open: sent, and never told apart from not sent. None is sent again blindly."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from reconciler.diff.change import Blocked, Create, Note, Unmanaged
from reconciler.diff.identity import Found, Missing, NotFound, Resolution
from reconciler.diff.unclear import Block, pin_of
from reconciler.diff.unnamed import Ground
from reconciler.diff.verdict import Verdict
from reconciler.model.address import Address, Kind, app_of, kind_of
from reconciler.model.journal import PastCreates, UnclearCreate
from reconciler.model.live import LiveResource


def without_unclear_creates(verdicts: Sequence[Verdict], ground: Ground) -> Iterator[Verdict]:
    """The verdicts, with those creates blocked that an earlier run may have done already.

    That is so where an id that it may have made is live and nobody's, and where the list does not show other things
    that were made lately. Before its time is over a create says from when on it may be sent.
    """
    unmanaged: dict[Kind, set[str]] = {"app": set(), "placement": set()}
    for each in verdicts:
        if isinstance(each, Unmanaged):
            unmanaged[kind_of(each.address)].add(each.id)
    held: set[Address] = set()
    for each in verdicts:
        if not isinstance(each, Create):
            yield each
            continue
        reason = _why_not(each, unmanaged[kind_of(each.address)], ground)
        if reason is not None:
            held.add(each.address)
        elif app_of(each.address) in held:
            reason = f"its app {app_of(each.address)} is blocked"
        yield _with_time(each, ground) if reason is None else Blocked(each.address, reason, source=each.source)


def _why_not(change: Create, unmanaged: set[str], ground: Ground) -> str | None:
    known = ground.view.past.unclear.get(change.address)
    if known is None:
        return None
    suspects = [] if change.distinct else _perhaps_made(known, _listed(change, ground), unmanaged)
    if suspects:
        return _told(change.address, suspects)
    if any(_hidden(change, ground)):
        return (
            "an earlier create of it was not answered clearly, and the account's list does not show other things yet "
            "that were made since; plan again later"
        )
    return None


def _perhaps_made(known: UnclearCreate, listed: frozenset[str], unmanaged: Container[str]) -> list[str]:
    """Live ids that an earlier create may have made: nobody's, and those it may have made or new since it was sent."""
    new = frozenset() if known.before is None else listed - known.before
    return sorted(each for each in {*known.suspects, *new} if each in unmanaged)


def earlier_creates(
    blocks: Iterable[Block],
    resolutions: Mapping[Address, Resolution],
    listed: Iterable[LiveResource],
    past: PastCreates,
) -> tuple[frozenset[str], list[Note]]:
    """Live ids that earlier creates of blocks without a live resource may have made, and a note for each such block.

    To adopt one as something else would let its block be created once more.
    """
    ids = frozenset(each.id for each in listed)
    free = ids - {each.live.id for each in resolutions.values() if isinstance(each, Found)}
    lost = [
        block
        for block in blocks
        if isinstance(resolutions[block.address], NotFound | Missing)
        and block.state == "present"
        and not block.lifecycle.distinct
        and block.address in past.unclear
    ]
    perhaps = {block.address: _perhaps_made(past.unclear[block.address], ids, free) for block in lost}
    notes = [Note(address, _told(address, made)) for address, made in perhaps.items() if made]
    return frozenset(chain.from_iterable(perhaps.values())), notes


def _told(address: Address, suspects: Iterable[str]) -> str:
    """In words: which live ids an earlier create may have made, and both ways out."""
    return (
        f"an earlier create of it was not answered clearly and may have made id {' or '.join(suspects)}: adopt "
        f"that by `{pin_of(address)}`, or write `lifecycle: {{distinct: true}}` if it is another"
    )


def _listed(change: Create, ground: Ground) -> frozenset[str]:
    """The ids in the list that would show what a create makes."""
    is_app = kind_of(change.address) == "app"
    listed = ground.live.apps if is_app else ground.live.placements.get(change.app_id or "", ())
    return frozenset(each.id for each in listed)


def _hidden(change: Create, ground: Ground) -> Iterable[bool]:
    """For each owned resource of the list that would show a create: whether it was made lately and is not shown."""
    kind = kind_of(change.address)
    shown = _listed(change, ground)
    app = app_of(change.address)
    for address, entry in ground.ledger.items():
        if entry.kind == kind and (kind == "app" or app_of(address) == app) and entry.id not in shown:
            yield ground.view.made_lately(kind, entry.id) is not None


def _with_time(change: Create, ground: Ground) -> Create:
    """The create; where an earlier one of it may still come to light, with the time until when that is waited for."""
    known = ground.view.past.unclear.get(change.address)
    over = None if known is None else known.sent_at + ground.view.settled_after
    if over is None or over <= ground.view.now:
        return change
    reason = f"an earlier create of it was not answered clearly: an apply looks for it until {over:%H:%M:%S} UTC first"
    return replace(change, reason=reason)
