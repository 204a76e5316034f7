"""The engines that expressions run on: DuckDB in this process, Spark, or what else Ibis has a name for."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from reconciler import disk
from reconciler.errors import ProjectError
from reconciler.reporting.libraries import require_floors, require_spark

if TYPE_CHECKING:
    from ibis import Schema, Table
    from ibis.backends import BaseBackend

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
    scheme = url.partition(":")[0]
    try:
        return _spark(url) if scheme == "pyspark" else _other(url)
    except ProjectError:
        raise
    except Exception as wrong:  # noqa: BLE001 - each engine has errors of its own, which may repeat the string
        raise ProjectError(
            f"the reports' engine ({scheme}) cannot be used: {type(wrong).__name__}",
            hint=f"a connection string of Ibis is asked for; {', '.join(_SCHEMES)} are tested",
        ) from None


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
