"""`floors suggest` over a hundred million user rows: what it takes, and that its memory does not grow with them.

`python bench/many_rows.py [ROWS]` prints a table: a tenth of the rows, then all of them, in ten days. The rows are made
on disk first, 30 bytes each, and removed at the end; where the disk has no room for them nothing is made.
"""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from children import RECONCILER, WORK, Ran, ran
from generate import app, project
from table import show

from reconciler.warehouse.report_store import DATA, Partition, PartitionMetadata, PartitionPayload, ReportStore

FOLDER = WORK / "many_rows"
ROWS = 100_000_000
DAYS = 10
PLACEMENTS = 40
USERS = 5_000_000
BYTES_A_ROW = 40
"""More than a row takes on disk."""
APP = "170709"
TITLE = f"`floors suggest`, {PLACEMENTS} placements, {DAYS} days"
HEADINGS = ("wall s", "CPU s", "peak MB")


def store_day(store: ReportStore, number: int, day: date, rows: int) -> None:
    """User reports of a day as a fetch leaves them; masked rows, unknown countries and half the users come each day."""
    import duckdb  # noqa: PLC0415 - for those who ask for this table

    with store.draft() as folder:
        duckdb.execute(
            f"""COPY (SELECT '{APP}' AS app, DATE '{day}' AS day, '' AS placement_id,
                lower(['Interstitial', 'Rewarded', 'Banner', 'MREC'][1 + (hash(i) % {PLACEMENTS} % 4)::INTEGER])
                    || printf('_%02d', hash(i) % {PLACEMENTS}) AS placement_name,
                ['Interstitial', 'Rewarded', 'Banner', 'MREC'][1 + (hash(i) % {PLACEMENTS} % 4)::INTEGER]
                    AS placement_type,
                ['US', 'CA', 'GB', 'SE', 'NO', 'DE', 'JP', 'BR', 'IN', ''][1 + (hash(i + 1) % 10)::INTEGER] AS country,
                'Android' AS device_os,
                CASE WHEN hash(i + 2) % 50 = 0 THEN NULL
                    ELSE md5((hash(i + {number}) % {USERS})::VARCHAR) END AS person,
                hash(i + 2) % 50 = 0 AS masked, (1 + hash(i + 3) % 3)::BIGINT AS impressions,
                (((hash(i + 4) % 9973)::DOUBLE / 1000000))::DECIMAL(18, 10) AS revenue
            FROM range({rows}) AS numbers(i)) TO '{folder / DATA}' (FORMAT parquet)"""
        )
        metadata = PartitionMetadata(datetime.now(UTC), "sha256:0", rows)
        store.put(Partition("dt", APP, f"{day}"), PartitionPayload(folder / DATA, metadata))


def suggested(rows: int) -> Ran:
    """A whole command, over so many rows."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    block = app(0, PLACEMENTS)
    project(FOLDER, [block])
    store = ReportStore(FOLDER / ".reconciler" / "reports")
    today = datetime.now(UTC).date()
    for number in range(DAYS):
        store_day(store, number, today - timedelta(days=number + 1), rows // DAYS)
    return ran([*RECONCILER, "floors", "suggest"], FOLDER)


def table_rows(most: int) -> Iterator[tuple[str, ...]]:
    try:
        for rows in (most // 10, most):
            FOLDER.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(FOLDER).free < 2 * rows * BYTES_A_ROW:
                yield f"{rows:,} user rows: no room on this disk", "", "", ""
                return
            done = suggested(rows)
            yield f"{rows:,} user rows", f"{done.wall:.1f}", f"{done.cpu:.1f}", f"{done.peak:.0f}"
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def main() -> None:
    show(TITLE, table_rows(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS), *HEADINGS)


if __name__ == "__main__":
    main()
