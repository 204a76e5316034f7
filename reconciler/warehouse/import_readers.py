"""Open what a user names: a text or Parquet file on this disk or at s3:// and gs://, or a table of a database."""

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from reconciler.errors import ProjectError
from reconciler.model.secret import Secret
from reconciler.render.text import visible
from reconciler.warehouse.engines import connect_ibis
from reconciler.warehouse.import_csv import PARQUET, csv_records, read_head
from reconciler.warehouse.import_schema import (
    LONGEST_TEXT,
    STORES,
    ImportRecords,
    ImportRow,
    StoreKeys,
    TableLocation,
    as_text,
    table_location,
    without_secrets,
)
from reconciler.warehouse.user_report_csv import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow import RecordBatch


BATCH: Final = 20_000
"""Rows of a batch in memory."""
MEMORY: Final = "512MB"
LARGEST_TEXT: Final = 256 * 1024 * 1024
"""Bytes; the largest CSV file that is downloaded from s3:// or gs://."""
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NOT_THERE: Final = re.compile(r"does not exist|not found|no such table|TableNotFound", re.IGNORECASE)
_NOT_ALLOWED: Final = re.compile(r"permission|denied|disabled by configuration|403|401|unauthorized", re.IGNORECASE)


@contextmanager
def table_records(place: TableLocation) -> Iterator[ImportRecords]:
    """The rows of a table, read in batches. Raises `ProjectError` without secrets in its message."""
    url = place.url.reveal()
    file = url.removeprefix("duckdb://").partition("?")[0]
    if not _URL.match(file):
        with _duckdb_file(Path(file), place) as records:
            yield records
        return
    if urlsplit(url).scheme in {"sqlite", "file"} and not Path(urlsplit(url).netloc + urlsplit(url).path).is_file():
        raise ProjectError(f"{without_secrets(url)} is not there")  # SQLite would make it
    backend = connect_ibis(url, without_secrets(url))
    try:
        try:
            schema, _, name = place.table.rpartition(".")
            table = backend.table(name, database=schema or None)
            header = tuple(table.columns)
            batches = backend.to_pyarrow_batches(table, chunk_size=BATCH)
        except Exception as error:  # noqa: BLE001 - each engine has errors of its own, which may repeat the URL
            raise _read_error(place.shown, error) from None
        yield ImportRecords(place.shown, "row", header, _numbered_rows(batches, place.shown))
    finally:
        backend.disconnect()


@contextmanager
def _duckdb_file(path: Path, place: TableLocation) -> Iterator[ImportRecords]:
    if not path.is_file():
        raise ProjectError(f"{visible(path.as_posix())} is not there")
    # The file is a stranger's: its views may not reach for other files.
    with _open_duckdb(str(path), read_only=True, enable_external_access=False) as connection:
        quoted = ".".join(_quoted_identifier(app_day) for app_day in place.table.split("."))
        with _query_records(connection, f"SELECT * FROM {quoted}", place.shown) as records:  # noqa: S608 - quoted
            yield records


@contextmanager
def parquet_records(where: str, name: str, keys: StoreKeys | None = None) -> Iterator[ImportRecords]:
    """The rows of a Parquet file, by its path or the address of an object."""
    with _open_duckdb() as connection:
        if keys is not None:
            _connect_object_store(connection, where, keys)
        with _query_records(connection, f"SELECT * FROM read_parquet({literal(where)})", name) as records:  # noqa: S608
            yield records


def download(where: str, name: str, keys: StoreKeys, target: Path) -> None:
    """Download an object of s3:// or gs:// to a file. Raises `ProjectError` where it cannot be read or is too large."""
    with _open_duckdb() as connection:
        _connect_object_store(connection, where, keys)
        blob = f"FROM read_blob({literal(where)})"
        sizes = _fetch_all(connection, f"SELECT size {blob}", name)
        if len(sizes) != 1:
            raise ProjectError(f"{name} is {len(sizes)} objects and not one")
        if sizes[0][0] > LARGEST_TEXT:
            message = f"{name} is larger than {LARGEST_TEXT // 1024**2} MB"
            raise ProjectError(message, hint="give it as Parquet, or split it up by days")
        contents = _fetch_all(connection, f"SELECT content {blob}", name)
        target.write_bytes(contents[0][0] if contents else b"")


def _fetch_all(connection: "DuckDBPyConnection", query: str, name: str) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except Exception as error:  # noqa: BLE001 - see `_read_error`
        raise _read_error(name, error) from None


@contextmanager
def _open_duckdb(path: str = ":memory:", **more: Any) -> Iterator["DuckDBPyConnection"]:
    """A DuckDB connection with limited memory (`MEMORY`). Raises `ProjectError` where the file cannot be opened."""
    import duckdb  # noqa: PLC0415 - an extra, and 0.1 s

    read_only = more.pop("read_only", False)
    settings: dict[str, Any] = {"memory_limit": MEMORY, "threads": 2, **more}
    try:
        connection = duckdb.connect(path, read_only=read_only, config=settings)
    except duckdb.Error as error:
        raise _read_error(visible(path), error) from None
    with connection:
        connection.execute("SET enable_progress_bar = false")
        yield connection


_INSTALL: Final = """python -c "import duckdb; duckdb.sql('INSTALL httpfs')\""""


def _connect_object_store(connection: "DuckDBPyConnection", where: str, keys: StoreKeys) -> None:
    """Load DuckDB's extension for object stores, and create a secret of the keys in it. Raises `ProjectError`."""
    kind = "gcs" if where.lower().startswith("gs://") else "s3"
    try:
        connection.execute("LOAD httpfs")
    except Exception:  # noqa: BLE001 - not there yet: it is fetched, as DuckDB does by itself
        try:
            connection.execute("INSTALL httpfs")
            connection.execute("LOAD httpfs")
        except Exception:  # noqa: BLE001 - DuckDB has many errors for it
            raise ProjectError(
                f"{where.partition(':')[0]}:// is read with httpfs, an extension of DuckDB: not installed",
                hint=f"with a network, run {_INSTALL}; or copy the file here and import that",
            ) from None
    options = {
        "KEY_ID": keys.key_id.reveal() if keys.key_id else "",
        "SECRET": keys.secret.reveal() if keys.secret else "",
        "SESSION_TOKEN": keys.token.reveal() if keys.token and kind == "s3" else "",
        "REGION": keys.region if kind == "s3" else "",
        **_endpoint_settings(keys.endpoint if kind == "s3" else ""),
    }
    if kind == "s3" and not keys.key_id:
        with suppress(Exception):  # the keys of AWS's own programs, where the extension for them is installed
            connection.execute("LOAD aws")
            connection.execute("CREATE SECRET (TYPE s3, PROVIDER credential_chain)")
            return
    clauses = "".join(f", {key} {literal(value)}" for key, value in options.items() if value)
    try:
        connection.execute(f"CREATE SECRET (TYPE {kind}{clauses})")
    except Exception:  # noqa: BLE001 - its words may repeat the keys
        raise ProjectError(f"DuckDB does not accept the keys of {kind}") from None


def _endpoint_settings(url: str) -> Mapping[str, str]:
    if not url:
        return {}
    scheme, _, host = url.rpartition("://")
    return {"ENDPOINT": host.rstrip("/"), "URL_STYLE": "path", "USE_SSL": "false" if scheme == "http" else "true"}


@contextmanager
def _query_records(connection: "DuckDBPyConnection", query: str, name: str) -> Iterator[ImportRecords]:
    try:
        relation = connection.sql(query)
        header = tuple(relation.columns)
        read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader  # the name until DuckDB 1.4
        batches: Iterator[RecordBatch] = read(BATCH)
    except Exception as error:  # noqa: BLE001 - see `_read_error`
        raise _read_error(name, error) from None
    yield ImportRecords(name, "row", header, _numbered_rows(batches, name))


def _numbered_rows(batches: Iterator["RecordBatch"], name: str) -> Iterator[ImportRow]:
    number = 0
    try:
        for batch in batches:
            columns = [[as_text(value)[: LONGEST_TEXT + 1] for value in column.to_pylist()] for column in batch.columns]
            for record in zip(*columns, strict=True):
                number += 1
                yield number, record
    except Exception as error:  # noqa: BLE001 - see `_read_error`
        raise _read_error(name, error) from None


def _read_error(name: str, error: Exception) -> ProjectError:
    """An engine's error as a `ProjectError` that names its kind only: the engine's text may hold rows and passwords."""
    words = f"{type(error).__name__} {error}"
    if isinstance(error, ProjectError):
        return error
    if _NOT_THERE.search(words):
        hint = "a table is named as in URL#SCHEMA.TABLE" if "#" in name else "look at its name, and at the region"
        return ProjectError(f"{name} is not there", hint=hint)
    if "memory" in words.lower():
        return ProjectError(f"{name} takes more memory than it may ({MEMORY})", hint="write smaller row groups")
    if _NOT_ALLOWED.search(words):
        return ProjectError(f"{name} may not be read", hint="look at the keys and rights for it")
    return ProjectError(f"{name} cannot be read", hint="is it whole, and is it what its name says?")


def _quoted_identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_PARQUET_NAMES: Final = (".parquet", ".pq", ".parq")
_GLOB: Final = re.compile(r"([*?\[])")
"""Characters that DuckDB takes for a pattern in a file name."""


@contextmanager
def open_records(
    location: str, url: Secret | None, s3: StoreKeys, gcs: StoreKeys, mapped: Collection[str] = ()
) -> Iterator[ImportRecords]:
    """The records of a file or table; see `records.table_location` for how a table is named.

    `url` is a database in which a bare name is a table; `s3` and `gcs` are the keys of the stores; `mapped` are columns
    that the user maps, by which the header of a text is found as well. Raises `ProjectError` for what cannot be read
    and `UsageError` for a malformed location; neither message holds a secret.
    """
    place = table_location(location, url)
    if place is not None:
        with table_records(place) as records:
            yield records
    elif location.lower().startswith(STORES):
        with _object_records(location, gcs if location.lower().startswith("gs://") else s3, mapped) as records:
            yield records
    else:
        with _file_records(Path(location), visible(location), mapped) as records:
            yield records


@contextmanager
def _object_records(where: str, keys: StoreKeys, mapped: Collection[str]) -> Iterator[ImportRecords]:
    name = visible(without_secrets(where))
    if where.lower().endswith(_PARQUET_NAMES):
        with parquet_records(where, name, keys) as records:
            yield records
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report"
        download(where, name, keys, target)
        with _file_records(target, name, mapped) as records:
            yield records


@contextmanager
def _file_records(path: Path, name: str, mapped: Collection[str]) -> Iterator[ImportRecords]:
    head = read_head(path, name)
    if not head:
        raise ProjectError(f"{name} is empty")
    if head.startswith(PARQUET):
        with parquet_records(_GLOB.sub(r"[\1]", str(path)), name) as records:
            yield records
    else:
        yield csv_records(path, name, head, mapped)
