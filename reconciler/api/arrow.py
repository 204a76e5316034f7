"""Rows of a result as a table of Apache Arrow, for notebooks and warehouses."""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from reconciler.errors import ProjectError

if TYPE_CHECKING:
    from pyarrow import Table

Column: TypeAlias = Literal["text", "count", "number", "flag", "day", "json"]
"""`json` holds any value of a field as JSON text; a value that is not there is null in every kind of column."""

Columns: TypeAlias = Mapping[str, Column]

_EXTRA: Final = "floors"


def table(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> "Table":
    """A table with these columns, and null where a row does not have one.

    Raises `ProjectError` where PyArrow is not installed; its hint names the extra that brings it.
    """
    if find_spec("pyarrow") is None:
        from reconciler.installed import how_to_add  # noqa: PLC0415 - for the error only

        raise ProjectError("tables are made with pyarrow: not installed", hint=how_to_add(_EXTRA))
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s, for those who ask for a table

    types = {
        "text": pa.string(), "count": pa.int64(), "number": pa.float64(), "flag": pa.bool_(), "day": pa.date32(),
        "json": pa.string(),
    }  # fmt: skip
    listed = list(rows)
    arrays = [
        pa.array([_cell(row.get(name), kind) for row in listed], type=types[kind]) for name, kind in columns.items()
    ]
    return pa.table(arrays, names=list(columns))


def flat(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """A row for each of the `fields` of a row; the row itself where it has none."""
    for row in rows:
        fields: Iterable[Mapping[str, Any]] = row.get("fields") or ({},)
        yield from ({**row, **field} for field in fields)


def _cell(value: Any, kind: Column) -> Any:
    return json.dumps(value, sort_keys=True) if kind == "json" and value is not None else value
