"""New floors -> edits of the manifests that declare them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reconciler.manifest.edit.changes import (
    AddEntry,
    AddItem,
    Edit,
    Path,
    SetScalar,
    SetValue,
    Unwritable,
    Writable,
)
from reconciler.manifest.edit.floor_sites import FIELD, FloorSite, floor_sites
from reconciler.manifest.edit.locate import finding_of, node_along
from reconciler.manifest.edit.rounds import Round
from reconciler.manifest.edit.spans import MapSpan, SeqSpan, Span, Tree, spans
from reconciler.manifest.node import Map
from reconciler.manifest.settings import Settings
from reconciler.manifest.territory import Groups
from reconciler.manifest.text import ManifestText
from reconciler.model.address import Address
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.model.floors import MINIMUM, WORLDWIDE
from reconciler.model.value import price, to_json


@dataclass(frozen=True, slots=True)
class FloorChange:
    """A new floor of a placement in a country (alpha-2, or `WW`), in USD per thousand impressions."""

    address: Address
    country: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class FileEdits:
    """The edits of one file, and the changes that they carry out."""

    edits: tuple[Edit, ...]
    changes: tuple[FloorChange, ...]


@dataclass(frozen=True, slots=True)
class FloorEdits:
    """The edits by file; floors that are in the manifests already need none.

    Findings that are errors say which changes cannot be written and why; warnings say what the edits bring along.
    """

    files: Mapping[str, FileEdits]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Desk:
    """What comes together while changes are looked at one placement after another."""

    groups: Groups
    trees: dict[str, Tree] = field(default_factory=dict)
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    changes: dict[str, list[FloorChange]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def tree(self, text: ManifestText) -> Tree:
        if text.file not in self.trees:
            self.trees[text.file] = spans(text.data.decode("utf-8-sig"))
        return self.trees[text.file]

    def write(self, site: FloorSite, edit: Edit, changes: Iterable[FloorChange]) -> None:
        """Note an edit that can be carried out. Raises `Unwritable` for one that cannot."""
        trial = Round(self.tree(site.text))
        trial.take([edit])
        trial.patches()
        if trial.refused:
            raise trial.refused[0]
        self.edits.setdefault(site.text.file, []).append(edit)
        self.changes.setdefault(site.text.file, []).extend(changes)


def floor_edits(settings: Settings, manifests: Sequence[ManifestText], changes: Iterable[FloorChange]) -> FloorEdits:
    """The edits that give each placement its new floors, and no other placement.

    A country's own line is changed in place. One that has a group's price gets a line of its own below the group's, any
    other a new line. A placement whose floors come from elsewhere gets a table of its own, with the lines that hold for
    it. The manifests are ones that `load_desired` found no error in. Nothing is raised for any change.
    """
    sites = floor_sites(settings, manifests)
    desk = _Desk(settings.country_groups)
    for address, wanted in _by_address(changes).items():
        if address in sites:
            _at_site(sites[address], wanted, desk)
        else:
            message = "no manifest declares this placement"
            desk.findings.append(Finding("reconciler.yaml", 1, 1, "unknown-address", message, address=address))
    files = {file: FileEdits(tuple(desk.edits[file]), tuple(desk.changes[file])) for file in sorted(desk.edits)}
    return FloorEdits(files, tuple(sorted(desk.findings, key=finding_order)))


def _by_address(changes: Iterable[FloorChange]) -> Mapping[Address, list[FloorChange]]:
    """The changes of each placement; of two for one country the later one counts."""
    latest = {(change.address, change.country): change for change in changes}
    found: dict[Address, list[FloorChange]] = {}
    for change in latest.values():
        found.setdefault(change.address, []).append(change)
    return found


def _at_site(site: FloorSite, wanted: Sequence[FloorChange], desk: _Desk) -> None:
    moved = [change for change in wanted if _price_in(site.lines, change.country, desk.groups) != change.price]
    try:
        block = node_along(desk.tree(site.text), site.path, (FIELD,)) if moved else None
    except Unwritable as wrong:
        desk.findings.append(finding_of(wrong, site.text.file, wanted[0].address))
        return
    if not isinstance(block, MapSpan):
        return
    at = block.find(FIELD)
    if at is None:
        _own_table(site, moved, desk)
        return
    for change in moved:
        try:
            desk.write(site, floor_line(site, block.entries[at].value, change, desk.groups), [change])
        except Unwritable as wrong:
            desk.findings.append(finding_of(wrong, site.text.file, change.address))


def _price_in(lines: Any, country: str, groups: Groups) -> Decimal | None:
    """The price that the lines give a country, by its own line or its group's."""
    table = _table(lines)
    if country in table:
        return price(table[country])
    if country == WORLDWIDE:
        return MINIMUM if table else None
    return next((price(table[name]) for name in table if country in groups.get(name, ())), None)


def _table(lines: Any) -> Mapping[str, Any]:
    if isinstance(lines, Map):
        return lines
    return {line["country"]: line["price"] for line in lines or ()}


def floor_line(site: FloorSite, written: Span, change: FloorChange, groups: Groups) -> Edit:
    """The edit for one country in the block's own floors; `written` is where these stand."""
    path = (*site.path, FIELD)
    match written:
        case MapSpan() if written.find(change.country) is not None:
            return SetScalar((*path, change.country), change.price)
        case MapSpan():
            held = [entry.name for entry in written.entries if change.country in groups.get(entry.name, ())]
            return AddEntry(path, change.country, change.price, held[-1] if held else None)
        case SeqSpan():
            at = next((at for at, line in enumerate(site.lines) if line["country"] == change.country), None)
            if at is None:
                return AddItem(path, {"country": change.country, "price": change.price})
            return line_price((*path, at), written.items[at], change.country, change.price)
        case _:
            return SetScalar((*path, change.country), change.price)


def line_price(path: Path, line: Span, country: str, amount: Decimal) -> Edit:
    """The edit that gives a line of the API's list form another price; what `<<` or an alias gave it stays there."""
    if isinstance(line, MapSpan):
        at = line.find("price")
        return AddEntry(path, "price", amount) if at is None else SetScalar((*path, "price"), amount)
    return SetValue(path, {"country": country, "price": amount})


def _own_table(site: FloorSite, changes: Sequence[FloorChange], desk: _Desk) -> None:
    """Floors for a block that has none of its own: the lines that hold for it now, with the changes made."""
    file, address = site.text.file, changes[0].address
    if site.lines is None:
        message, hint = "no floors are declared here", "add floorPrices with a line for WW and for each country"
        desk.findings.append(Finding(file, *site.place, "no-floors", message, address=address, hint=hint))
        return
    table: dict[str, Writable] = {name: price(amount) for name, amount in _table(site.lines).items()}
    table.update({change.country: change.price for change in changes})
    try:
        desk.write(site, AddEntry(site.path, FIELD, table), changes)
    except Unwritable as wrong:
        desk.findings.append(finding_of(wrong, file, address))
        return
    named = ", ".join(f"{change.country} {to_json(change.price)}" for change in changes)
    message = f"its floors came from another block; for {named} it gets a table of its own, which no longer follows"
    desk.findings.append(Finding(file, *site.place, "own-floors", message, "warning", address))
