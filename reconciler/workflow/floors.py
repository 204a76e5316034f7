"""Make floor suggestions and backtests from manifests, ledger, journal and reports."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Final

from reconciler.diff.resolve import Found, resolve_apps
from reconciler.errors import ProjectError
from reconciler.floors.current_floors import (
    CurrentFloor,
    FloorMove,
    current_floors_of,
    floor_days,
    floor_moves,
    last_changes,
    tables_on,
)
from reconciler.floors.curve import Reaction, total_reaction, windows_before
from reconciler.floors.decide import Rules, Window
from reconciler.floors.suggest import backtest, suggest
from reconciler.model.address import Address, app_of, kind_of, name_of, selector
from reconciler.model.evidence import Backtest, Cell, EvidenceQuery, KnownPlacement, Suggestions
from reconciler.model.journal import past_runs
from reconciler.model.ledger import Ledger
from reconciler.model.state import DesiredPlacement, DesiredState
from reconciler.model.value import Floors, effective, floor_table
from reconciler.ports import EvidenceReader, LedgerReader, LiveReader

WINDOWS_BACK: Final = 26
"""Half a year: bidders and the rest of the waterfall change, and so does what earlier floors say of them."""


@dataclass(frozen=True, slots=True)
class FloorsInput:
    """Input of suggestions besides reports: declared floors, floors in force, their changes, placements, waterfalls.

    `declared` holds the tables of the manifests; `in_force` those that were last applied, or, where none was, the
    declared ones.
    """

    declared: Mapping[Address, Floors]
    in_force: Mapping[Address, Floors]
    waterfalls: tuple[tuple[Address, ...], ...]
    known: tuple[KnownPlacement, ...]
    past: tuple[FloorMove, ...]

    def current_floors(self) -> dict[Cell, CurrentFloor]:
        """Where each declared floor stands now."""
        plain = current_floors_of(self.declared, self.waterfalls)
        changed = last_changes(self.past, plain)
        return {
            cell: replace(one, changed=changed.get(cell), pending=self._is_pending(cell)) for cell, one in plain.items()
        }

    def current_floors_on(self, day: date) -> dict[Cell, CurrentFloor]:
        """Where each of those floors stood at the end of a day."""
        tables = dict(tables_on(day, self.past, self.in_force))
        plain = current_floors_of(tables, self.waterfalls)
        changed = last_changes((move for move in self.past if move.day <= day), plain)
        return {cell: replace(one, changed=changed.get(cell)) for cell, one in plain.items()}

    def question(self, cells: Iterable[Cell], first: date, last: date) -> EvidenceQuery:
        """The query of evidence for these cells and days."""
        wanted = list(cells)
        return EvidenceQuery(wanted, first, last, self.known, floor_days(self.past, self.in_force, wanted, first, last))

    def _is_pending(self, cell: Cell) -> bool:
        in_force = self.in_force[cell.address]
        return effective(in_force, cell.country) != effective(self.declared[cell.address], cell.country)


def read_floors_input(desired: DesiredState, store: LedgerReader) -> FloorsInput:
    """Declared floors, floors in force and their changes, from manifests, ledger and journal. Raises `StoreError`."""
    ledger = store.ledger()
    placements = [each for app in desired.apps if app.state == "present" for each in app.placements or ()]
    declared = dict(_declared_floors(placements))
    applied = (
        (address, floor_table(ledger[address].applied.get("floorPrices"))) for address in declared if address in ledger
    )
    in_force = {**declared, **{address: table for address, table in applied if table is not None}}
    owners = {entry.id: address for address, entry in ledger.items() if kind_of(address) == "placement"}
    waterfalls = tuple(waterfall for app in desired.apps for waterfall in app.ladders)
    past = floor_moves(past_runs(store.events()), owners)
    return FloorsInput(declared, in_force, waterfalls, tuple(known_placements(desired, ledger)), past)


def _declared_floors(placements: Iterable[DesiredPlacement]) -> Iterator[tuple[Address, Floors]]:
    for each in placements:
        table = floor_table(each.fields.get("floorPrices"))
        managed = each.state == "present" and "floorPrices" not in each.lifecycle.ignore_changes
        if table is not None and managed and each.fields.get("status") != "inactive":
            yield each.address, table


def known_placements(desired: DesiredState, ledger: Ledger) -> Iterator[KnownPlacement]:
    """All placements that manifests declare or the ledger knows, with the ids and names that reports may have."""
    apps = {app.address: app.pin for app in desired.apps}
    present = (app.placements or () for app in desired.apps if app.state == "present")
    declared = {each.address: each for placements in present for each in placements}
    owned = {address for address in ledger if kind_of(address) == "placement"}
    for address in sorted({*declared, *owned}):
        block, entry, app = declared.get(address), ledger.get(address), ledger.get(app_of(address))
        fields = {**(entry.applied if entry else {}), **(block.fields if block else {})}
        kind = fields.get("placementType")
        yield KnownPlacement(
            address,
            name_of(address),
            app.id if app else apps.get(app_of(address)),
            entry.id if entry else block.pin if block else None,
            kind if isinstance(kind, str) else None,
        )


def app_ids(desired: DesiredState, ledger: Ledger, reader: LiveReader | None = None) -> dict[Address, str | None]:
    """The account's id of each declared app, by the ledger or a pin; with a reader, by what is live.

    Raises the errors of the reader.
    """
    owned = {address: entry.id for address, entry in ledger.items() if kind_of(address) == "app"}
    ids = {app.address: app.pin or owned.get(app.address) for app in desired.apps}
    if reader is None:
        return ids
    resolved = resolve_apps(desired.apps, reader.apps(), ledger)
    return {
        address: app_id or (resolution.live.id if isinstance(resolution := resolved[address], Found) else None)
        for address, app_id in ids.items()
    }


def suggest_floors(
    on: FloorsInput, reports: EvidenceReader, window: Window, rules: Rules, earliest: date, only: Sequence[str] = ()
) -> Suggestions:
    """A suggestion for every declared floor; `only`: address patterns.

    Reports from `earliest` on tell how bidders have answered to floors that moved. Raises `ProjectError` where no
    placement matches.
    """
    wanted = selector(only)
    stand = on.current_floors()
    rules = replace(rules, known=_reaction(on, reports, stand, window, earliest))
    evidence, unmatched = reports.evidence(on.question(stand, window.first, window.last))
    chosen = {cell: one for cell, one in stand.items() if wanted(cell.address)}
    if only and not chosen:
        raise ProjectError(
            f"--only {' '.join(only)}: no placement with declared floors matches",
            hint="a placement takes part when its manifest declares floorPrices",
        )
    return suggest(evidence, chosen, window.first, window.last, window.today, rules, unmatched)


def _reaction(
    on: FloorsInput, reports: EvidenceReader, cells: Iterable[Cell], window: Window, earliest: date
) -> Reaction:
    """What floors that moved before the window say; windows in which none did are not looked at."""
    wanted = list(cells)
    spans = islice(windows_before(window.first, window.last, earliest), WINDOWS_BACK)
    informative = [
        span for span in spans if any(span[0] <= move.day <= span[1] for move in on.past if move.before is not None)
    ]
    return total_reaction(reports.evidence(on.question(wanted, *span))[0] for span in informative)


def backtest_floors(on: FloorsInput, reports: EvidenceReader, window: Window, split: date, rules: Rules) -> Backtest:
    """What the suggestions of the days up to `split` would have done on the days after it, up to the window's end."""
    stand = on.current_floors_on(split)
    earlier, unmatched = reports.evidence(on.question(stand, window.first, split))
    after = split + timedelta(days=1)
    suggestions = suggest(earlier, stand, window.first, split, after, rules, unmatched)
    later, _ = reports.evidence(on.question(stand, after, window.last))
    return backtest(suggestions, later, after, window.last, rules)
