"""What a user names, opened: a file of this disk, an object of a store, a table of a database."""

import tempfile
from collections.abc import Iterator
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


@contextmanager
def opened(told: str, url: Secret | None, s3: Keys, gcs: Keys) -> Iterator[Records]:
    """The records of a file or table; see `tables.place_of` for how a table is named.

    `url` is a database in which a bare name is a table; `s3` and `gcs` open the stores. Raises `ProjectError` for what
    cannot be read and `UsageError` for what is named wrongly; neither tells a secret.
    """
    place = place_of(told, url)
    if place is not None:
        with table_records(place) as records:
            yield records
    elif told.lower().startswith(STORES):
        with _stored(told, gcs if told.lower().startswith("gs://") else s3) as records:
            yield records
    else:
        with _file(Path(told), visible(told)) as records:
            yield records


@contextmanager
def _stored(where: str, keys: Keys) -> Iterator[Records]:
    name = visible(without_secrets(where))
    if where.lower().endswith(_PARQUET_NAMES):
        with parquet_records(where, name, keys) as records:
            yield records
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report"
        brought(where, name, keys, target)
        with _file(target, name) as records:
            yield records


@contextmanager
def _file(path: Path, name: str) -> Iterator[Records]:
    head = head_of(path, name)
    if not head:
        raise ProjectError(f"{name} is empty")
    if head.startswith(PARQUET):
        with parquet_records(str(path), name) as records:
            yield records
    else:
        yield csv_records(path, name, head)
