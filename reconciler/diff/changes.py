"""Assessments -> verdicts: what a plan changes, notes, remembers and forgets."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import assert_never

from reconciler.diff.assess import assess_declared, assess_others
from reconciler.diff.assessment import (
    Assessment,
    InBlockedApp,
    IncompleteList,
    Matched,
    MatchedTombstone,
    NotListed,
    NotRead,
    Settled,
    Undeclared,
    UnmatchedBlock,
    UnownedResource,
    without_unclear_creates,
)
from reconciler.diff.change import (
    AllInSync,
    Blocked,
    Contradiction,
    Create,
    Deactivate,
    Delete,
    Forget,
    InSync,
    Note,
    Remember,
    Unmanaged,
    Update,
    Verdict,
    one_by_one,
)
from reconciler.diff.context import DiffOptions, context_of
from reconciler.diff.look_alikes import identity_contradiction, look_alike_notes, nameless_notes
from reconciler.diff.removals import RemovalStage
from reconciler.diff.resolve import AmbiguousIdentity, Crossed, Missing
from reconciler.diff.updates import update_verdicts
from reconciler.model.address import Address, Kind, app_of, kind_of, placement_address
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.settled import JsonFields
from reconciler.model.state import DesiredResource, DesiredState, LiveResource, LiveState, live_app_address


def verdicts_on(desired: DesiredState, live: LiveState, ledger: Ledger, options: DiffOptions) -> list[Verdict]:
    """All verdicts on an account: in the order of the blocks, then those on resources that no block names."""
    return list(one_by_one(summed_verdicts_on(desired, live, ledger, options)))


def summed_verdicts_on(
    desired: DesiredState, live: LiveState, ledger: Ledger, options: DiffOptions
) -> list[Verdict | AllInSync]:
    """The same with one value for what was found settled of an app."""
    context = context_of(desired, live, ledger, options)
    verdicts: list[Verdict | AllInSync] = []
    for each in assess_declared(context):
        if isinstance(each, Settled) and not (each.unknown and ledger):  # an entry may have to go for a new one
            verdicts.append(
                AllInSync(each.app.address, len(each.places), each.unknown, partial(_settled_verdicts, each))
            )
        else:
            verdicts += verdicts_for(each, options)
    verdicts += moved_entries([each for each in verdicts if not isinstance(each, InSync | AllInSync)], ledger)
    verdicts += [verdict for each in assess_others(context) for verdict in verdicts_for(each, options)]
    return list(without_unclear_creates(verdicts, context)) if options.past.unclear else verdicts


def owned_count(verdicts: Iterable[Verdict | AllInSync]) -> int:
    """How many live resources blocks or the ledger stand for."""
    strange = (Create, Unmanaged, Note, Remember, Forget, Contradiction)
    settled, addresses = 0, set()
    for each in verdicts:
        if isinstance(each, AllInSync):
            settled += each.count
        elif not isinstance(each, strange):
            addresses.add(each.address)
    return settled + len(addresses)


def verdicts_for(each: Assessment | InBlockedApp | Settled, options: DiffOptions) -> Iterable[Verdict]:
    """The verdicts on one resource: its change, notes, and changes of the ledger."""
    verdicts: Iterable[Verdict] = ()
    match each:
        case Matched(block, found, entry):
            contradictions = _contradictions(block, found.live, entry) if found.live.kind == "app" else ()
            asides_of_block = look_alike_notes(block, found) if found.archived or found.doubles else ()
            verdicts = chain(asides_of_block, update_verdicts(each, options), contradictions)
        case Settled():
            verdicts = _settled_verdicts(each)
        case UnmatchedBlock():
            verdicts = _unmatched_verdicts(each)
        case MatchedTombstone(block, found, _, removal):
            former = () if found.renamed_from is None else (Forget(found.renamed_from, block.address),)
            verdicts = chain(look_alike_notes(block, found), _removal_verdicts(removal), former)
        case Undeclared(_, live, removal, _, shown_as):
            verdicts = chain(
                () if shown_as is None else _unmanaged_verdicts(live, shown_as), _removal_verdicts(removal)
            )
        case UnownedResource(address, live):
            verdicts = _unmanaged_verdicts(live, address)
        case NotListed(_, verdict):
            verdicts = () if verdict is None else (verdict,)
        case InBlockedApp(app, Matched(block) | UnmatchedBlock(block) | NotRead(block)) if block.state == "present":
            verdicts = (Blocked(block.address, f"its app {app} is blocked", block.pin, source=block.source),)
        case NotRead() | IncompleteList() | InBlockedApp():
            pass
        case _:
            assert_never(each)
    return verdicts


def _settled_verdicts(each: Settled) -> Iterator[Verdict]:
    """What `update_verdicts` gives for each, without any of its values."""
    outlines, found, entries = each.listed.outlines, each.listed.found, each.entries
    for place in each.places:
        outline = outlines[place]
        yield InSync(outline.address)
        if outline.address not in entries:
            applied = JsonFields(outline.fields)
            yield Remember(LedgerEntry(outline.address, found[place], applied, protect=outline.protect))


def _unmatched_verdicts(each: UnmatchedBlock) -> Iterator[Verdict]:
    block, resolution = each.block, each.resolution
    yield from look_alike_notes(block, resolution)
    if each.step is None:
        if isinstance(resolution, Missing) or (each.entry is not None and each.entry.address == block.address):
            yield Forget(block.address)
        yield InSync(block.address)
        return
    yield each.step
    yield from each.notes
    if isinstance(resolution, Crossed) and isinstance(each.step, Blocked):
        yield Contradiction(block.address, each.step.reason)
    if each.nearest is not None:
        live = each.nearest.found.live
        if live.kind == "app" and isinstance(resolution, AmbiguousIdentity) and live.id in resolution.ids:
            yield from _contradictions(block, live, each.entry)
        if each.unclaimed:
            app = app_of(block.address)
            yield from _unmanaged_verdicts(
                live, live_app_address(live) if live.kind == "app" else placement_address(app, live.name)
            )


def _removal_verdicts(removal: RemovalStage | None) -> Iterator[Verdict]:
    if removal is not None:
        yield removal.step
        if removal.remember is not None:
            yield Remember(removal.remember)


def _unmanaged_verdicts(live: LiveResource, address: Address) -> Iterator[Verdict]:
    yield Unmanaged(address, live.id)
    yield from nameless_notes(live, address)


def _contradictions(block: DesiredResource, live: LiveResource, entry: LedgerEntry | None) -> Iterator[Contradiction]:
    """That the ledger's id of an app block without a pin is an app of another identity, which no app can change."""
    if entry is not None and block.pin is None and (contradiction := identity_contradiction(entry, live)) is not None:
        way = f"take the line of {block.address} out of the ledger, or pin the app that is meant with `appId`"
        yield Contradiction(block.address, f"{contradiction}; {way}")


def moved_entries(verdicts: Iterable[Verdict], ledger: Ledger) -> list[Forget]:
    """The ledger entries to be dropped because a block has taken their resource, by its pin as a rule.

    Those of a taken app's placements go with its own. Without them the ledger would hold one id twice. The entries that
    updates drop themselves are not among them.
    """
    taken: dict[tuple[Kind, str], Address] = {}
    forgotten = set()
    for each in verdicts:
        if isinstance(each, Update | Deactivate):
            entry, resource_id = ledger.get(each.address), each.id
        elif isinstance(each, Remember):
            entry, resource_id = ledger.get(each.address), each.entry.id
        else:
            forgotten |= {each.address} if isinstance(each, Forget) else set()
            continue
        if entry is None or entry.id != resource_id:
            taken[kind_of(each.address), resource_id] = each.address
        if isinstance(each, Update) and each.renamed_from is not None:
            forgotten.add(each.renamed_from)
    if not (taken and ledger):
        return []
    became = {address: taken.get((entry.kind, entry.id), address) for address, entry in ledger.items()}
    forgets = []
    for address in ledger:
        new, app = became[address], became.get(app_of(address), address)
        if address not in forgotten and new != address:
            forgets.append(Forget(address, new))
        elif address not in forgotten and app not in {address, app_of(address)}:
            forgets.append(Forget(address, app))
    return forgets


def select(verdicts: Iterable[Verdict], wanted: Callable[[Address], bool]) -> list[Verdict]:
    """The verdicts on the selected addresses.

    Beside them the app creations that selected new placements need, and the deletions that go with a selected app's.
    """
    everything = list(verdicts)
    parents = {
        app_of(each.address)
        for each in everything
        if isinstance(each, Create) and kind_of(each.address) == "placement" and wanted(each.address)
    }
    deleted = {each.address for each in everything if isinstance(each, Delete) and wanted(each.address)}
    return [
        each
        for each in everything
        if wanted(each.address)
        or (isinstance(each, Forget) and each.became is not None and wanted(each.became))
        or (isinstance(each, Create | Blocked) and each.address in parents)
        or (isinstance(each, Delete) and app_of(each.address) in deleted)
    ]
