"""PURE. A table as an answer: columns with a type and a unit, and rows. Every report for people ends in one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeAlias

ColumnType: TypeAlias = Literal["text", "day", "count", "number", "flag", "json"]
"""A `number` is a `Decimal` or a float, `json` any value of a field as JSON text; None is what is not there, in all."""
Cell: TypeAlias = str | date | int | Decimal | float | bool | None

USD: Final = "USD"
USD_PER_THOUSAND: Final = "USD per 1,000 impressions"
SHARE: Final = "share"
"""The units of columns. A share lies between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer. `unit` is None for what has none."""

    name: str
    type: ColumnType
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: each row has a cell for each column, in their order.

    `notes` are sentences for whoever reads it. `incomplete` are days whose figures are not final yet. `tables` are
    further tables of the answer, by name.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    notes: tuple[str, ...] = ()
    incomplete: tuple[date, ...] = ()
    tables: tuple[tuple[str, "Rows"], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def records(self) -> Iterator[Mapping[str, Cell]]:
        """Each row as a mapping from column names to cells."""
        names = self.names
        for row in self.rows:
            yield dict(zip(names, row, strict=True))


@dataclass(frozen=True, slots=True)
class UserValue:
    """What users are worth, as tables.

    `lifetime` has a row for each view, key and age (days since first seen) with the mean revenue that a user had
    brought until then; `daily` a row for each day and app; `concentration` the share of the top users; `lorenz` the
    share of the revenue by share of users, the most valuable first; `most_valuable` the ids that bring most.
    """

    lifetime: Rows
    daily: Rows
    concentration: Rows
    lorenz: Rows
    most_valuable: Rows
    users: int
    revenue: Decimal
    hidden: Decimal
    notes: tuple[str, ...] = ()
