"""Where each cell stands before a suggestion: its floor, its neighbours in the ladder, its last change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from reconciler.model.address import Address
from reconciler.model.evidence import Cell
from reconciler.model.floors import WORLDWIDE, Floors, complete, effective


@dataclass(frozen=True, slots=True)
class Standing:
    """One cell with a declared floor. Prices are USD per thousand impressions.

    `current` is the floor in force, `worldwide` that of countries without a line; `own_line` says whether the country
    has one. `dearer` and `cheaper` are the floors of the next rungs of the ladder in this country, None at its ends;
    for `WW` the nearest of all countries that it stands for. `changed` is the day of its last change in the journal;
    `pending` says that the manifest has another floor than the account was last given.
    """

    current: float
    worldwide: float
    own_line: bool = True
    dearer: float | None = None
    cheaper: float | None = None
    changed: date | None = None
    pending: bool = False


def standings(
    tables: Mapping[Address, Floors],
    ladders: Iterable[Sequence[Address]] = (),
    changed: Mapping[Cell, date] | None = None,
) -> dict[Cell, Standing]:
    """The standing of every line of the floor tables. A ladder names its rungs, the dearest first."""
    whole = {address: complete(floors) for address, floors in tables.items()}
    rungs = [pair for ladder in ladders for pair in pairwise(rung for rung in ladder if rung in whole)]
    above = {cheap: whole[dear] for dear, cheap in rungs}
    below = {dear: whole[cheap] for dear, cheap in rungs}
    days = changed or {}
    return {
        Cell(address, country): Standing(
            current=float(floor),
            worldwide=float(floors[WORLDWIDE]),
            dearer=min(_beside(floors, country, above.get(address)), default=None),
            cheaper=max(_beside(floors, country, below.get(address)), default=None),
            changed=days.get(Cell(address, country)),
        )
        for address, floors in whole.items()
        for country, floor in floors.items()
    }


def _beside(floors: Floors, country: str, neighbour: Floors | None) -> Iterator[float]:
    """The neighbour's floors wherever this line holds; the worldwide one holds where only the neighbour has a line."""
    if neighbour is None:
        return
    yield float(effective(neighbour, country))
    if country == WORLDWIDE:
        yield from (float(floor) for other, floor in neighbour.items() if other not in floors)
