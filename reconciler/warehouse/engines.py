"""The engines that run queries: DuckDB in this process, Spark, or any other that Ibis can connect to."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from reconciler import disk
from reconciler.errors import ProjectError
from reconciler.installed import how_to_add

if TYPE_CHECKING:
    from ibis import Schema, Table
    from ibis.backends import BaseBackend


_FLOORS: Final = ("duckdb", "ibis", "pyarrow")


def require_floors() -> None:
    """Raises `ProjectError` where what reads reports is not installed. Imports nothing."""
    _require(_FLOORS, "floors")


def require_spark() -> None:
    """The same for Spark."""
    _require((*_FLOORS, "pyspark"), "spark")


def _require(names: tuple[str, ...], extra: str) -> None:
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


def connect(url: str, memory: str, spill: Path) -> "BaseBackend":
    """An engine by its connection string.

    `duckdb` is embedded, with so much `memory` (in DuckDB's words) and a folder for what does not fit.
    `pyspark://?spark.master=local[4]` is Spark, on whatever its settings name; other strings go to Ibis as they are.
    Raises `ProjectError` where a library is missing or the engine cannot be reached; its message does not repeat the
    string, which may hold a password.
    """
    require_floors()
    if url == EMBEDDED:
        import ibis  # noqa: PLC0415 - an extra, and 0.6 s

        disk.make_folder(spill.parent, spill.name)
        return ibis.duckdb.connect(memory_limit=memory, temp_directory=str(spill), preserve_insertion_order=False)
    return connected(url, f"the reports' engine ({url.partition(':')[0]})")


def connected(url: str, name: str) -> "BaseBackend":
    """An engine by its connection string, which is not repeated: `name` is what it is called where it fails.

    Raises `ProjectError`: it names a library that is missing and how to install it, a scheme that Ibis does not know,
    or says that the engine cannot be reached.
    """
    require_floors()
    scheme = url.partition(":")[0]
    try:
        return _spark(url) if scheme == "pyspark" else _other(url)
    except ProjectError:
        raise
    except ImportError as wrong:
        library = wrong.name or scheme
        raise ProjectError(
            f"{name} is used with {library}: not installed", hint=f"pip install 'ibis-framework[{_extra(scheme)}]'"
        ) from None
    except Exception as wrong:  # noqa: BLE001 - each engine has errors of its own, which may repeat the string
        hint = f"a connection string of Ibis is asked for; {', '.join(_SCHEMES)} are tested"
        if isinstance(wrong, ValueError) and "know how to connect" in str(wrong):
            known = ", ".join(sorted(each.name for each in entry_points(group="ibis.backends")))
            raise ProjectError(f"{name}: no engine is called {scheme}; Ibis knows {known}", hint=hint) from None
        raise ProjectError(f"{name} cannot be used: no connection", hint=hint) from None


def _extra(scheme: str) -> str:
    """What Ibis calls an engine among what can be installed with it."""
    return {"postgresql": "postgres"}.get(scheme, scheme)


def table_of(backend: "BaseBackend", files: Sequence[Path], schema: "Schema") -> "Table":
    """The rows of Parquet files as a table of the engine; an empty one of this schema where there are no files."""
    import ibis  # noqa: PLC0415 - as above

    if not files:
        return ibis.memtable([], schema=schema)
    names = [str(path) for path in sorted(files)]
    if backend.name == "duckdb":
        return backend.read_parquet(names, hive_partitioning=False)
    if backend.name == "pyspark":
        return _spark_table(backend, names)
    return _copied(backend, names)


def table_of_texts(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> "Table":
    """A small table of texts, to be joined with large ones."""
    import ibis  # noqa: PLC0415 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    schema = pa.schema([(name, pa.string()) for name in columns])
    return ibis.memtable(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], schema=schema))


def _spark(url: str) -> "BaseBackend":
    """A session of Spark, shared with whatever else in this process uses one."""
    require_spark()
    import ibis  # noqa: PLC0415 - as above
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, and starts a JVM

    builder = SparkSession.builder.appName("reconciler")
    for key, value in {**_SPARK_SETTINGS, **dict(parse_qsl(urlsplit(url).query))}.items():
        builder = builder.config(key, value)
    backend: BaseBackend = ibis.pyspark.connect(session=builder.getOrCreate())
    return backend


def _spark_table(backend: "BaseBackend", names: Sequence[str]) -> "Table":
    """Each file by its name, so that Spark does not take folders for columns."""
    rows = backend._session.read.parquet(*names)  # noqa: SLF001 - read_parquet takes one
    name = f"reports_{abs(hash(tuple(names))):x}"
    rows.createOrReplaceTempView(name)
    return backend.table(name)


def _other(url: str) -> "BaseBackend":
    import ibis  # noqa: PLC0415 - as above

    return ibis.connect(url)


def _copied(backend: "BaseBackend", names: Sequence[str]) -> "Table":
    """The files' rows in an engine that does not see our disk."""
    from pyarrow import dataset  # noqa: PLC0415 - as above

    rows = dataset.dataset(list(names), format="parquet", partitioning=None).to_table()
    name = f"reconciler_reports_{abs(hash(tuple(names))):x}"
    with suppress(NotImplementedError):
        return backend.create_table(name, rows, temp=True, overwrite=True)
    return backend.create_table(name, rows, overwrite=True)
