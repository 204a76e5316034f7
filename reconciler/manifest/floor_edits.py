"""New floors -> edited manifests that declare exactly these floors and load without errors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from reconciler.errors import EditError
from reconciler.manifest.checked_edits import (
    BlockIndex,
    BlockLocation,
    EditRequest,
    ProjectContext,
    blocks_by_address,
    check_declared,
    declared_in,
)
from reconciler.manifest.layer import Groups
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address, kind_of
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.model.state import DesiredResource, DesiredState
from reconciler.model.value import MINIMUM, WORLDWIDE, Floors, price, to_json
from reconciler.yaml.apply_edits import edit_tree
from reconciler.yaml.edits import (
    AddEntry,
    AddItem,
    Edit,
    Path,
    SetScalar,
    SetValue,
    Unwritable,
    Writable,
    finding_of,
    node_along,
)
from reconciler.yaml.node import Map, Node, Seq
from reconciler.yaml.scalar import ManifestText

FLOOR_FIELD: Final = "floorPrices"


@dataclass(frozen=True, slots=True)
class FloorChange:
    """A new floor of a placement in a country (alpha-2, or `WW`), in USD per thousand impressions."""

    address: Address
    country: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class FloorTexts:
    """The manifests that change, with their new bytes, and the floor changes that are in them.

    Errors among the findings are changes that could not be written; warnings concern those that were.
    """

    texts: tuple[ManifestText, ...]
    written: tuple[FloorChange, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Proposal:
    """An edit, the floor changes of one placement that it makes, and warnings that go with it."""

    edit: Edit
    changes: tuple[FloorChange, ...]
    notes: tuple[Finding, ...] = ()

    @property
    def address(self) -> Address:
        return self.changes[0].address


@dataclass(slots=True)
class _EditBatch:
    """The proposed edits by file, and the findings, while changes are worked through placement by placement."""

    settings: Settings
    proposals: dict[str, list[_Proposal]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def propose(self, location: BlockLocation, proposal: _Proposal) -> None:
        """Take an edit of the file that a block stands in."""
        self.proposals.setdefault(location.file, []).append(proposal)


def write_floors(
    context: ProjectContext, manifests: Sequence[ManifestText], state: DesiredState, changes: Iterable[FloorChange]
) -> FloorTexts:
    """The manifests with new floors, read again to see that these and nothing else were declared anew.

    A country's own line is changed in place. One that has a group's price gets a line of its own below the group's, any
    other a new line. A placement whose floors come from elsewhere gets a table of its own, with the lines that hold for
    it. Floors that are in the manifests already need no edit. A file that would not be sound with its new floors, as
    with a waterfall whose tiers would cross, stays as it is; the findings say why.

    `state` is what the manifests declare, without errors. Nothing is raised for any change.
    """
    index, blocks = BlockIndex(manifests), blocks_by_address(state.apps)
    batch = _EditBatch(context.settings)
    for address, wanted in _by_address(changes).items():
        if kind_of(address) == "placement" and address in blocks:
            _propose_floors(index.location(blocks[address]), wanted, batch)
        else:
            message = "no manifest declares this placement"
            batch.findings.append(Finding("reconciler.yaml", 1, 1, "unknown-address", message, address=address))
    texts: list[ManifestText] = []
    written: list[FloorChange] = []
    for file in (text.file for text in manifests if text.file in batch.proposals):
        text, done = _write_file(context, file, index, blocks, batch)
        texts += [text] if text is not None else []
        written += done
    return FloorTexts(tuple(texts), tuple(written), tuple(sorted(batch.findings, key=finding_order)))


def _write_file(
    context: ProjectContext, file: str, index: BlockIndex, blocks: Mapping[Address, DesiredResource], batch: _EditBatch
) -> tuple[ManifestText | None, Sequence[FloorChange]]:
    """The new text of a file (None: unchanged) and the changes in it. Findings on the others go to the batch."""
    proposals, done = batch.proposals[file], list[FloorChange]()
    try:
        edited = edit_tree(index.tree(file), [each.edit for each in proposals])
        for each in proposals:
            refusal = edited.finding_for(each.edit, each.address)
            batch.findings += each.notes if refusal is None else [refusal]
            done += each.changes if refusal is None else []
        if not done:
            return None, ()
        before = {address: block for address, block in blocks.items() if block.source.file == file}
        after = declared_in(context, edited.tree.text, edited.tree.parsed)
        check_declared(before, after, _floor_requests(blocks, done), file)
    except EditError as error:
        batch.findings += error.findings
        return None, ()
    return edited.tree.text, done


def _floor_requests(blocks: Mapping[Address, DesiredResource], changes: Iterable[FloorChange]) -> Iterator[EditRequest]:
    """What the placements are to declare after the changes."""
    for address, wanted in _by_address(changes).items():
        fields = blocks[address].fields
        floors = {**cast("Floors", fields[FLOOR_FIELD]), **{change.country: change.price for change in wanted}}
        yield EditRequest(address, (), {address: {**fields, FLOOR_FIELD: floors}}, {})


def _by_address(changes: Iterable[FloorChange]) -> Mapping[Address, list[FloorChange]]:
    """The changes of each placement; of two for one country the later one counts."""
    latest = {(change.address, change.country): change for change in changes}
    by_address: dict[Address, list[FloorChange]] = {}
    for change in latest.values():
        by_address.setdefault(change.address, []).append(change)
    return by_address


def _propose_floors(location: BlockLocation, wanted: Sequence[FloorChange], batch: _EditBatch) -> None:
    """Propose what gives a placement its new floors."""
    lines, groups = _effective_lines(location, batch.settings), batch.settings.country_groups
    moved = [change for change in wanted if _country_price(lines, change.country, groups) != change.price]
    try:
        block = node_along(location.tree, location.path, (FLOOR_FIELD,)) if moved else None
    except Unwritable as error:
        batch.findings.append(finding_of(error, location.file, wanted[0].address))
        return
    if not isinstance(block, Map):
        return
    at = block.find(FLOOR_FIELD)
    if at is None:
        _propose_own_table(location, lines, moved, batch)
        return
    for change in moved:
        edit = _country_edit((*location.path, FLOOR_FIELD), lines, block.entries[at].value, change, groups)
        batch.propose(location, _Proposal(edit, (change,)))


def _effective_lines(location: BlockLocation, settings: Settings) -> Any:
    """The floors that hold for a placement, a Map or Seq as written in its block or under it; None where none do."""
    blocks = (location.raw, *location.enclosing)
    kind = next((block["placementType"] for block in blocks if "placementType" in block), None)
    inherited = [overlay.raw for overlay in settings.defaults.get(kind, ())]
    return next((block[FLOOR_FIELD] for block in (*blocks, *reversed(inherited)) if FLOOR_FIELD in block), None)


def _country_price(lines: Any, country: str, groups: Groups) -> Decimal | None:
    """The price that the lines give a country, by its own line or its group's."""
    table = _price_table(lines)
    if country in table:
        return price(table[country])
    if country == WORLDWIDE:
        return MINIMUM if table else None
    return next((price(table[name]) for name in table if country in groups.get(name, ())), None)


def _price_table(lines: Any) -> Mapping[str, Any]:
    if isinstance(lines, Map):
        return lines
    return {line["country"]: line["price"] for line in lines or ()}


def _country_edit(path: Path, lines: Any, written: Node, change: FloorChange, groups: Groups) -> Edit:
    """The edit for one country in the block's own floors; `written` is where these stand."""
    match written:
        case Map() if written.find(change.country) is not None:
            return SetScalar((*path, change.country), change.price)
        case Map():
            group_lines = [entry.name for entry in written.entries if change.country in groups.get(entry.name, ())]
            return AddEntry(path, change.country, change.price, group_lines[-1] if group_lines else None)
        case Seq():
            at = next((at for at, line in enumerate(lines) if line["country"] == change.country), None)
            if at is None:
                return AddItem(path, {"country": change.country, "price": change.price})
            return line_price_edit((*path, at), written.nodes[at], change.country, change.price)
        case _:
            return SetScalar((*path, change.country), change.price)


def line_price_edit(path: Path, line: Node, country: str, amount: Decimal) -> Edit:
    """The edit that gives a line of the API's list form another price; what `<<` or an alias gave it stays there."""
    if isinstance(line, Map):
        at = line.find("price")
        return AddEntry(path, "price", amount) if at is None else SetScalar((*path, "price"), amount)
    return SetValue(path, {"country": country, "price": amount})


def _propose_own_table(location: BlockLocation, lines: Any, changes: Sequence[FloorChange], batch: _EditBatch) -> None:
    """Floors for a block that has none of its own: the lines that hold for it now, with the changes made."""
    address = changes[0].address
    if lines is None:
        message, hint = "no floors are declared here", "add floorPrices with a line for WW and for each country"
        batch.findings.append(Finding(location.file, *location.place, "no-floors", message, address=address, hint=hint))
        return
    table: dict[str, Writable] = {name: price(amount) for name, amount in _price_table(lines).items()}
    table.update({change.country: change.price for change in changes})
    named = ", ".join(f"{change.country} {to_json(change.price)}" for change in changes)
    message = f"its floors came from another block; for {named} it gets a table of its own, which no longer follows"
    note = Finding(location.file, *location.place, "own-floors", message, "warning", address)
    batch.propose(location, _Proposal(AddEntry(location.path, FLOOR_FIELD, table), tuple(changes), (note,)))
