"""The engines that run queries: DuckDB in this process, Spark, or any other that Ibis can connect to.

Also the checks that their libraries are installed.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from reconciler.errors import ProjectError
from reconciler.files import disk
from reconciler.installed import how_to_add
from reconciler.warehouse.user_report_csv import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from ibis import Table as IbisTable
    from ibis.backends import BaseBackend
    from pyarrow import Table


_FLOORS: Final = ("duckdb", "ibis", "pyarrow")


def require_floors() -> None:
    """Raise `ProjectError` where a library that reads reports is not installed. Imports nothing."""
    _require_installed(_FLOORS, "floors")


def require_spark() -> None:
    """Raise `ProjectError` where a library that Spark needs is not installed. Imports nothing."""
    _require_installed((*_FLOORS, "pyspark"), "spark")


def _require_installed(names: tuple[str, ...], extra: str) -> None:
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ProjectError(
            f"reports are read with {', '.join(missing)}: not installed",
            hint=how_to_add(extra),
        )


EMBEDDED: Final = "duckdb"
_SPARK_SETTINGS: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_SCHEMES: Final = ("duckdb", "pyspark")


class Engine(Protocol):
    """Runs queries over tables that were loaded into it. `close` it after use."""

    def load_files(self, table: str, files: Sequence[Path], columns: Mapping[str, str]) -> None:
        """Make a table of the rows of Parquet files; without files an empty one of these columns (name -> SQL type)."""
        ...

    def load_texts(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Make a table of texts from rows in memory."""
        ...

    def make_table(self, table: str, query: str) -> None:
        """Make a table of the rows of a query in DuckDB's SQL, to be queried more than once."""
        ...

    def rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        """The rows of a query in DuckDB's SQL."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def connect(url: str, memory: str, spill: Path) -> Engine:
    """Connect to an engine by its connection string.

    `duckdb` is embedded, with so much `memory` (as DuckDB writes it: `1GB`) and a folder for what does not fit.
    `pyspark://?spark.master=local[4]` is Spark, on whatever its settings name; other strings go to Ibis as they are.
    Raises `ProjectError` where a library is missing or the engine cannot be reached; its message does not repeat the
    string, which may hold a password.
    """
    require_floors()
    if url == EMBEDDED:
        return DuckDbEngine(_connect_duckdb(memory, spill))
    backend = connect_ibis(url, f"the reports' engine ({url.partition(':')[0]})")
    return DuckDbEngine(backend.con) if backend.name == "duckdb" else IbisEngine(backend)


def _connect_duckdb(memory: str, spill: Path) -> "DuckDBPyConnection":
    import duckdb  # noqa: PLC0415 - an extra, and 0.1 s

    disk.make_folder(spill.parent, spill.name)
    connection = duckdb.connect(
        config={"memory_limit": memory, "temp_directory": str(spill), "preserve_insertion_order": False}
    )
    connection.execute("SET enable_progress_bar = false")
    return connection


class DuckDbEngine:
    """Implements `Engine` with a connection of DuckDB; it starts in a tenth of a second and needs no other library."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection = connection

    def load_files(self, table: str, files: Sequence[Path], columns: Mapping[str, str]) -> None:
        """See `Engine`."""
        if not files:
            self._make(table, columns)
            return
        listed = ", ".join(literal(str(path)) for path in sorted(files))
        rows = f"SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608 - our own paths
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {rows}")

    def load_texts(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """See `Engine`."""
        self._make(table, dict.fromkeys(columns, "VARCHAR"))
        if columns_of_rows := [list(column) for column in zip(*rows, strict=True)]:
            unnested = ", ".join("unnest(?::VARCHAR[])" for _ in columns)
            self._connection.execute(f"INSERT INTO {table} SELECT {unnested}", columns_of_rows)

    def make_table(self, table: str, query: str) -> None:
        """See `Engine`."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")

    def rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        """See `Engine`."""
        return self._connection.execute(query).fetchall()

    def close(self) -> None:
        """See `Engine`."""
        self._connection.close()

    def _make(self, table: str, columns: Mapping[str, str]) -> None:
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({listed})")


class IbisEngine:
    """Implements `Engine` with any engine that Ibis connects to; queries are translated to its dialect of SQL."""

    def __init__(self, backend: "BaseBackend") -> None:
        self._backend = backend

    def load_files(self, table: str, files: Sequence[Path], columns: Mapping[str, str]) -> None:
        """See `Engine`. The rows are copied to an engine that cannot read this disk."""
        names = [str(path) for path in sorted(files)]
        if not names:
            self._make(table, columns, ())
        elif self._backend.name == "pyspark":
            # Each file by its name, so that Spark does not take folders for columns; `read_parquet` takes one.
            self._backend._session.read.parquet(*names).createOrReplaceTempView(table)  # noqa: SLF001
        else:
            from pyarrow import dataset  # noqa: PLC0415 - an extra, and 0.2 s

            self._copy(table, dataset.dataset(names, format="parquet", partitioning=None).to_table())

    def load_texts(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """See `Engine`."""
        self._make(table, dict.fromkeys(columns, "VARCHAR"), rows)

    def make_table(self, table: str, query: str) -> None:
        """See `Engine`. Spark keeps the rows in memory, and on disk where they do not fit."""
        if self._backend.name == "pyspark":
            translated = self._backend.compile(self._backend.sql(query, dialect="duckdb"))
            self._backend._session.sql(translated).cache().createOrReplaceTempView(table)  # noqa: SLF001
        else:
            self._copy(table, self._backend.sql(query, dialect="duckdb"))

    def rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        """See `Engine`."""
        found = self._backend.sql(query, dialect="duckdb").to_pyarrow().to_pylist()
        return [tuple(row.values()) for row in found]

    def close(self) -> None:
        """See `Engine`. A session of Spark may be shared with other code of this process, and stays open."""
        if self._backend.name != "pyspark":
            self._backend.disconnect()

    def _make(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[str]]) -> None:
        kinds = {name: _IBIS_TYPES.get(kind, kind.lower()) for name, kind in columns.items()}
        if self._backend.name == "pyspark":
            schema = ", ".join(f"{name} {_SPARK_TYPES.get(kind, kind)}" for name, kind in kinds.items())
            made = self._backend._session.createDataFrame([tuple(row) for row in rows], schema)  # noqa: SLF001
            made.createOrReplaceTempView(table)
            return
        import ibis  # noqa: PLC0415 - an extra, and 0.6 s

        told = [dict(zip(columns, row, strict=True)) for row in rows]
        self._copy(table, ibis.memtable(told, schema=ibis.schema(kinds)))

    def _copy(self, table: str, rows: "Table | IbisTable") -> None:
        with suppress(NotImplementedError):
            self._backend.create_table(table, rows, temp=True, overwrite=True)
            return
        self._backend.create_table(table, rows, overwrite=True)


_IBIS_TYPES: Final = {"VARCHAR": "string", "BIGINT": "int64"}
_SPARK_TYPES: Final = {"int64": "bigint"}


def connect_ibis(url: str, name: str) -> "BaseBackend":
    """Connect to an engine by its connection string. Errors call it `name`: the string may hold a password.

    Raises `ProjectError`: it names a library that is missing and how to install it, a scheme that Ibis does not know,
    or says that the engine cannot be reached.
    """
    require_floors()
    scheme = url.partition(":")[0]
    try:
        return _connect_spark(url) if scheme == "pyspark" else _connect_backend(url)
    except ProjectError:
        raise
    except ImportError as error:
        library = error.name or scheme
        raise ProjectError(
            f"{name} is used with {library}: not installed", hint=f"pip install 'ibis-framework[{_ibis_extra(scheme)}]'"
        ) from None
    except Exception as error:  # noqa: BLE001 - each engine has errors of its own, which may repeat the string
        hint = f"a connection string of Ibis is asked for; {', '.join(_SCHEMES)} are tested"
        if isinstance(error, ValueError) and "know how to connect" in str(error):
            names = ", ".join(sorted(each.name for each in entry_points(group="ibis.backends")))
            raise ProjectError(f"{name}: no engine is called {scheme}; Ibis knows {names}", hint=hint) from None
        raise ProjectError(f"{name} cannot be used: no connection", hint=hint) from None


def _ibis_extra(scheme: str) -> str:
    """The name of the engine's extra of `ibis-framework`."""
    return {"postgresql": "postgres"}.get(scheme, scheme)


def _connect_spark(url: str) -> "BaseBackend":
    """A session of Spark, shared with whatever else in this process uses one."""
    require_spark()
    import ibis  # noqa: PLC0415 - as above
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, and starts a JVM

    builder = SparkSession.builder.appName("reconciler")
    for key, value in {**_SPARK_SETTINGS, **dict(parse_qsl(urlsplit(url).query))}.items():
        builder = builder.config(key, value)
    backend: BaseBackend = ibis.pyspark.connect(session=builder.getOrCreate())
    return backend


def _connect_backend(url: str) -> "BaseBackend":
    import ibis  # noqa: PLC0415 - as above

    return ibis.connect(url)
