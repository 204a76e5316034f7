"""Reports of other platforms, as they come and as tests make them, and taking them in."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyarrow import parquet

from reconciler.warehouse.import_readers import open_records
from reconciler.warehouse.import_schema import StoreKeys
from reconciler.warehouse.importing import ImportOptions, ImportSummary, import_report
from reconciler.warehouse.report_store import ReportStore

SAMPLES = Path(__file__).parents[1] / "samples" / "reports"
SAMPLE_LAST = date(2025, 3, 30)
"""The last of the fourteen days that each sample tells of."""
NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)
USUAL = {
    "day": "2026-11-20",
    "app": "com.a",
    "platform": "android",
    "ad_unit": "level_end",
    "source": "DT Exchange",
    "placement": "int_13",
    "network_type": "mediation",
    "country": "US",
    "requests": "1000",
    "impressions": "100",
    "revenue": "0.1",
}


def rows_of(store: ReportStore) -> list[dict[str, Any]]:
    """Every row that was imported, as it is stored."""
    files = store.partitions("imported").values()
    return [one for path in files for one in parquet.read_table(path, partitioning=None).to_pylist()]


def recent(sample: str, last: date) -> bytes:
    """A sample, moved so that it ends with this day."""
    data = (SAMPLES / sample).read_bytes()
    encoding = "utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig" if data.startswith(b"\xef") else "utf-8"
    shift = last - SAMPLE_LAST
    moved = re.sub(r"2025-\d\d-\d\d", lambda day: f"{date.fromisoformat(day[0]) + shift}", data.decode(encoding))
    return moved.encode(encoding)


def row(**said: Any) -> dict[str, Any]:
    """A row of our own schema, unless said otherwise; a value of None leaves the column out."""
    return {name: value for name, value in {**USUAL, **said}.items() if value is not None}


def text(*rows: dict[str, Any], delimiter: str = ",", newline: str = "\n") -> str:
    """Rows as CSV; the first one names the columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def take_in(
    where: object, store: ReportStore, *mapped: tuple[str, str], network: str | None = None, url=None
) -> ImportSummary:
    """What `reports import` does with a file or table."""
    with open_records(str(where), url, StoreKeys(), StoreKeys(), [column for column, _ in mapped]) as records:
        return import_report(records, ImportOptions(mapped, network), store, NOW)


def many(count: int, **said: Any) -> list[dict[str, Any]]:
    """So many rows that differ in their day, counted back from the usual one."""
    last = date.fromisoformat(USUAL["day"])
    return [row(**{"day": f"{last - timedelta(days=number)}", **said}) for number in range(count)]
