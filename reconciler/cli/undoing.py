"""Undoing a run that the journal tells of: which there are, the plan of one, and the manifests beside it."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from reconciler.adopt.known import restored
from reconciler.cli.pulling import declared
from reconciler.cli.session import Session
from reconciler.diff.change import FieldChange
from reconciler.errors import ProjectError
from reconciler.manifest.checked_edits import blocks_by_address
from reconciler.model.address import Address, address_order
from reconciler.model.desired import DesiredState
from reconciler.model.journal import FOREIGN, UNREAD, PastRun, past_runs, run_named
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.model.value import Fields
from reconciler.plan.plan import Origin
from reconciler.plan.reversal import Ground, Reversal, declared_again, is_undoable, reversal
from reconciler.ports import Store
from reconciler.project import Project, write_manifests
from reconciler.report.count import counted
from reconciler.report.line import Span

RECENT: Final = 20
"""Runs that are listed, the latest ones."""


def recorded(session: Session, store: Store) -> list[PastRun]:
    """The runs of the journal, oldest first; lines of it that came from elsewhere, or cannot be read, are told."""
    events = list(store.events())
    if unread := [event["line"] for event in events if event.get("event") == UNREAD]:
        session.console.talk(
            Span("warning: ", "change"),
            f"{counted(len(unread), 'line')} of the journal cannot be read (the first is line {unread[0]}): what was "
            "done there is not shown; a run that was killed leaves one, more are left by whatever changed the file",
        )
    if foreign := sum(bool(event.get(FOREIGN)) for event in events) - len(unread):
        session.console.talk(
            Span("warning: ", "change"),
            f"{counted(foreign, 'line')} of the journal came from elsewhere or from an earlier version: they are "
            "shown, and no ledger is made of them",
        )
    return past_runs(events)


def named_run(runs: Sequence[PastRun], name: str) -> PastRun:
    """The run that is called so, or begins so. Raises `ProjectError` where there is none, or more than one."""
    try:
        return run_named(runs, name)
    except ValueError as wrong:
        raise ProjectError(str(wrong), hint="`reconciler history` and `reconciler undo` list them") from wrong


def undoable(runs: Iterable[PastRun]) -> list[PastRun]:
    """The latest runs of which anything may be undone, oldest first."""
    return [run for run in runs if any(map(is_undoable, run.steps))][-RECENT:]


def way_back(
    run: PastRun, runs: Sequence[PastRun], desired: DesiredState, live: LiveState, ledger: Ledger, origin: Origin
) -> Reversal:
    """The plan that undoes a run, on what is live and declared now."""
    blocks = blocks_by_address(desired.apps)
    sources = {address: block.source for address, block in blocks.items()}
    protected = frozenset(address for address, block in blocks.items() if block.lifecycle.protect)
    earlier = runs[: runs.index(run)]
    return reversal(run, earlier, Ground(live, ledger, sources, protected), origin)


@dataclass(frozen=True, slots=True)
class Asking:
    """What the manifests still ask for of what is undone, by the address of the block.

    `again` holds the fields that a block would declare instead, where the next apply would else do it again; `quiet`
    those that say what the next apply leaves alone anyhow; `by_hand` says what no edit of values can do.
    """

    again: Mapping[Address, Fields]
    quiet: Mapping[Address, Fields]
    by_hand: Mapping[Address, str]

    def without(self, addresses: AbstractSet[Address]) -> "Asking":
        """The same but for these addresses."""
        again, quiet = (
            {address: fields for address, fields in each.items() if address not in addresses}
            for each in (self.again, self.quiet)
        )
        by_hand = {address: text for address, text in self.by_hand.items() if address not in addresses}
        return Asking(again, quiet, by_hand)


def still_asked(desired: DesiredState, leaves: Mapping[Address, tuple[FieldChange, ...]]) -> Asking:
    """What blocks declare of leaves that are as before the run again, or are to be."""
    again: dict[Address, Fields] = {}
    quiet: dict[Address, Fields] = {}
    by_hand: dict[Address, str] = {}
    blocks = blocks_by_address(desired.apps)
    for address, changes in leaves.items():
        block = blocks.get(address)
        status = next((each.after for each in changes if each.path == "status"), None)
        if block is None or block.state == "absent":
            if status == "active":
                how = "no block declares it" if block is None else "its block says `state: absent`"
                by_hand[address] = f"{how}: change that, or it may be switched off again"
            continue
        if any(each.path == "name" for each in changes):
            by_hand[address] = "its block keeps the name that the run gave it: change it back, and take out renamedFrom"
        values = [each for each in changes if each.path != "name"]
        fields = declared_again(block.fields, values)
        if fields != block.fields:
            again[address] = fields
        elif status == "inactive" and "status" not in block.fields:
            quiet[address] = {**block.fields, "status": status}
    return Asking(again, quiet, by_hand)


def tell_of_manifests(session: Session, project: Project, asking: Asking, *, write: bool) -> bool:
    """Write the old values into the manifests, or say that the next apply does it again. False: some are left."""
    console = session.console
    for address, text in asking.by_hand.items():
        console.talk(Span("warning: ", "change"), f"{address}: {text}")
    if not write:
        if asking.again:
            console.talk(
                Span("warning: ", "change"),
                "the manifests still ask for what was undone, so the next apply does it again: "
                f"{_named(asking.again)}; `reconciler undo RUN --manifests` writes the old values into them",
            )
        return True
    wanted = {**asking.again, **asking.quiet}
    stands = declared(session, project)
    made = restored(stands, wanted)
    write_manifests(project.root, stands.manifests, made.texts)
    for manifest in made.texts:
        console.talk(f"wrote {manifest.file}")
    console.findings(made.held, to_answer=False)
    left = [address for address in wanted if address not in made.done]
    if left:
        told = f"the old values could not be written for {_named(left)}: edit them, or the next apply does it again"
        console.talk(Span("warning: ", "change"), told)
    return not left and not asking.by_hand


def _named(addresses: Iterable[Address]) -> str:
    ordered = sorted(addresses, key=address_order)
    more = f" and {len(ordered) - 5} more" if len(ordered) > 5 else ""
    return ", ".join(ordered[:5]) + more
