"""What a user names, opened: a file of this disk, an object of a store, a table of a database."""

import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from reconciler.errors import ProjectError
from reconciler.model.secret import Secret
from reconciler.report.sanitise import visible
from reconciler.reporting.evidence.csv_file import PARQUET, csv_records, head_of
from reconciler.reporting.evidence.records import Records
from reconciler.reporting.evidence.tables import (
    STORES,
    Keys,
    brought,
    parquet_records,
    place_of,
    table_records,
    without_secrets,
)

_PARQUET_NAMES: Final = (".parquet", ".pq", ".parq")
_GLOB: Final = re.compile(r"([*?\[])")
"""What DuckDB takes for a pattern in the name of a file."""


@contextmanager
def opened(told: str, url: Secret | None, s3: Keys, gcs: Keys, mapped: Collection[str] = ()) -> Iterator[Records]:
    """The records of a file or table; see `tables.place_of` for how a table is named.

    `url` is a database in which a bare name is a table; `s3` and `gcs` open the stores; `mapped` are columns that the
    user names, by which the header of a text is found as well. Raises `ProjectError` for what
    cannot be read and `UsageError` for what is named wrongly; neither tells a secret.
    """
    place = place_of(told, url)
    if place is not None:
        with table_records(place) as records:
            yield records
    elif told.lower().startswith(STORES):
        with _stored(told, gcs if told.lower().startswith("gs://") else s3, mapped) as records:
            yield records
    else:
        with _file(Path(told), visible(told), mapped) as records:
            yield records


@contextmanager
def _stored(where: str, keys: Keys, mapped: Collection[str]) -> Iterator[Records]:
    name = visible(without_secrets(where))
    if where.lower().endswith(_PARQUET_NAMES):
        with parquet_records(where, name, keys) as records:
            yield records
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report"
        brought(where, name, keys, target)
        with _file(target, name, mapped) as records:
            yield records


@contextmanager
def _file(path: Path, name: str, mapped: Collection[str]) -> Iterator[Records]:
    head = head_of(path, name)
    if not head:
        raise ProjectError(f"{name} is empty")
    if head.startswith(PARQUET):
        with parquet_records(_GLOB.sub(r"[\1]", str(path)), name) as records:
            yield records
    else:
        yield csv_records(path, name, head, mapped)
