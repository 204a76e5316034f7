"""Ten million user rows: from CSV to Parquet, and our questions against two plain statements that ask the same.

`python bench/reports.py` prints a table; `--json` what it is made of. Each measure has a process of its own, so that
its peak memory is its own; figures are the best of three runs, of one for the conversion. The rows never change.
"""

# ruff: noqa: PLC0415 - each step loads what it needs and nothing else: its peak memory is measured

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".bench" / "reports"
ROWS = 10_000_000
RUNS = {"convert": 1, "ours": 3, "plain": 3}
DAY = date(2026, 11, 20)
APP = "170709"
COUNTRIES = [
    "US",
    "CA",
    "GB",
    "AU",
    "SE",
    "NO",
    "DK",
    "FI",
    "NA",
    "BR",
    "IN",
    "ID",
    "MX",
    "DE",
    "FR",
    "IT",
    "ES",
    "PL",
    "TR",
    "JP",
]
PLACEMENTS = 40
PRICES = """
    CREATE TABLE answer AS
    WITH spelled AS (
        SELECT placement_name, coalesce(own.country, 'WW') AS cell, day, impressions, revenue, masked
        FROM read_parquet('{path}') AS rows LEFT JOIN own ON rows.country = own.country
    )
    SELECT placement_name, cell, day, sum(impressions) AS impressions, sum(revenue) AS revenue,
           count(*) FILTER (impressions = 1 AND NOT masked AND revenue > 0) AS singles,
           sum(revenue) FILTER (impressions = 1 AND NOT masked AND revenue > 0) AS single_revenue
    FROM spelled GROUP BY ALL
"""
SKETCH = """
    CREATE TABLE sketch AS
    SELECT placement_name, coalesce(own.country, 'WW') AS cell,
           floor(ln(1000 * revenue::DOUBLE) / ln(1.01) + 1e-9)::BIGINT AS bin, count(*) AS rows
    FROM read_parquet('{path}') AS rows LEFT JOIN own ON rows.country = own.country
    WHERE impressions = 1 AND NOT masked AND revenue > 0 GROUP BY ALL
"""
OWN = COUNTRIES[:5]


def generate() -> None:
    """The report as DT writes it, some 1.1 GB."""
    import duckdb

    FOLDER.mkdir(parents=True, exist_ok=True)
    listed = ", ".join(f"'{country}'" for country in COUNTRIES)
    duckdb.execute(f"""COPY (
        SELECT '{DAY}' AS "Date", '{APP}' AS "Fyber App ID", 'CashCrash' AS "App Name",
               'int_' || hash(i) % {PLACEMENTS} AS "Placement Name", 'Interstitial' AS "Placement Type",
               list_extract([{listed}], (1 + hash(3 * i) % {len(COUNTRIES)})::BIGINT) AS "Country",
               'Android' AS "Device OS", md5(i::VARCHAR) AS "Device ID",
               CASE WHEN hash(7 * i) % 10 < 7 THEN 1 ELSE 2 + hash(5 * i) % 8 END AS "Impressions",
               0.0001 * (1 + (hash(11 * i) % 3000) / 100.0) AS "Revenue (USD)"
        FROM range({ROWS}) AS numbers(i)) TO '{FOLDER / "report.csv"}' (HEADER)""")


def convert() -> int:
    """The report to Parquet, as `floors fetch` does it once the file is there."""
    from reconciler.apis.user_reports import ReceivedReport
    from reconciler.model.secret import Secret
    from reconciler.warehouse.report_store import Partition, ReportStore
    from reconciler.warehouse.user_report_intake import IntakeSettings, read_user_report

    store = ReportStore(FOLDER / "shelf")
    with store.draft() as folder:
        (folder / "received").hardlink_to(FOLDER / "report.csv")
        received = ReceivedReport(folder / "received", ROWS + 1, "sha256:0")
        payload = read_user_report(received, APP, DAY, IntakeSettings(Secret("5a" * 32)), datetime.now(UTC))
        store.put(Partition("dt", APP, f"{DAY}"), payload)
    return payload.metadata.rows


def ours() -> int:
    """Evidence for every placement and country, through the warehouse."""
    from reconciler.model.address import Address
    from reconciler.model.evidence import Cell, EvidenceQuery, KnownPlacement
    from reconciler.warehouse.warehouse import Warehouse

    names = [f"int_{number}" for number in range(PLACEMENTS)]
    known = [KnownPlacement(Address(f"android:a/{name}"), name, APP) for name in names]
    cells = [Cell(each.address, country) for each in known for country in (*OWN, "WW")]
    with Warehouse(FOLDER / "shelf") as warehouse:
        found, _ = warehouse.evidence(EvidenceQuery(cells, DAY, DAY, known))
    return sum(one.impressions for one in found)


def plain() -> int:
    """The same sums and bins in two statements of SQL."""
    import duckdb

    path = FOLDER / "shelf" / "source=dt" / f"app={APP}" / f"day={DAY}" / "data.parquet"
    with duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": False}) as connection:
        connection.execute("CREATE TABLE own AS SELECT unnest(?) AS country", [OWN])
        connection.execute(PRICES.format(path=path))
        connection.execute(SKETCH.format(path=path))
        connection.execute("FROM sketch").fetchall()
        return int(connection.execute("SELECT sum(impressions) FROM answer").fetchone()[0])


STEPS: dict[str, Callable[[], int]] = {"convert": convert, "ours": ours, "plain": plain}


def measured(step: str) -> dict[str, float]:
    """One run of a step, in this process: wall and CPU seconds, peak MB, and its result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = STEPS[step]()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu, "peak": peak, "result": result}


def best(step: str) -> dict[str, float]:
    """The run with the least CPU time, each in a process of its own."""
    runs = [
        subprocess.run([sys.executable, __file__, step], check=True, capture_output=True) for _ in range(RUNS[step])
    ]
    return min((json.loads(run.stdout) for run in runs), key=lambda run: run["cpu"])


def rows() -> list[tuple[str, ...]]:
    """The table, without its head: name, wall seconds, CPU seconds, peak MB, CPU of plain SQL's."""
    if not (FOLDER / "report.csv").exists():
        generate()
    found = {step: best(step) for step in STEPS}
    assert found["ours"]["result"] == found["plain"]["result"], found
    names = {"plain": "plain DuckDB SQL", "ours": "evidence", "convert": "CSV to Parquet, checked"}
    return [
        (
            name,
            *(f"{found[step][key]:.2f}" for key in ("wall", "cpu")),
            f"{found[step]['peak']:.0f}",
            f"{found[step]['cpu'] / found['plain']['cpu']:.2f}x" if step == "ours" else "",
        )
        for step, name in names.items()
    ]


def main() -> None:
    if len(sys.argv) == 2 and sys.argv[1] in STEPS:
        print(json.dumps(measured(sys.argv[1])))
    elif sys.argv[1:] == ["--json"]:
        print(json.dumps(rows()))
    else:
        print(f"| {ROWS:,} user rows | wall s | CPU s | peak MB | of plain, CPU |\n|---|---|---|---|---|")
        for row in rows():
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
