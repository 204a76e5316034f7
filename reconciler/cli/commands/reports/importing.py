"""`reconciler reports import`."""

from collections.abc import Sequence

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.reports import reports_folder
from reconciler.cli.session import Session
from reconciler.errors import UsageError
from reconciler.report.reports_document import import_document
from reconciler.warehouse.engines import require_floors
from reconciler.warehouse.imports.importing import ImportOptions, import_report
from reconciler.warehouse.imports.readers import opened
from reconciler.warehouse.imports.schema import ADAPTERS, ALSO, COLUMNS
from reconciler.warehouse.imports.telling import import_lines
from reconciler.warehouse.report_store import ReportStore


@click.command("import")
@click.argument("report", metavar="FILE|TABLE")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="COLUMN=NAME",
    help=f"Take a column of the report for one of ours: {', '.join(COLUMNS)}.",
)
@click.option(
    "--network",
    type=click.Choice([*ADAPTERS, *ALSO], case_sensitive=False),
    help="Whose report it is; found by its columns without.",
)
@shared_options()
def command(options: Options, *, report: str, mapped: tuple[str, ...], network: str | None) -> int:
    """Take in a mediation report of AppLovin MAX, Unity LevelPlay or AdMob, or a table of a warehouse of your own.

    FILE is CSV or Parquet, here or at s3:// and gs://. TABLE is FILE.duckdb#TABLE or URL#TABLE, or the name of a table
    in the database that RECONCILER_EVIDENCE_URL names. The platform is found by the report's columns. Days that were
    imported before are replaced. More than 5 % of rows that cannot be read: nothing is imported.

    \b
      reconciler reports import max-report.csv
      reconciler reports import levelplay.csv --network levelplay --map 'Instance=placement'
      reconciler reports import warehouse.duckdb#ads.mediation
      reconciler reports import s3://reports/admob.parquet
    """
    session = Session.of(options)
    wanted = ImportOptions(_pairs(mapped), ALSO.get(network or "", network))
    folder = reports_folder(session.project())
    require_floors()
    environment = session.environment
    url = environment.secret("RECONCILER_EVIDENCE_URL")
    columns = [column for column, _ in wanted.mapped]
    with opened(report, url, environment.s3_keys(), environment.gcs_keys(), columns) as records:
        found = import_report(records, wanted, ReportStore(folder), session.clock.now())
    if options.format == "json":
        session.console.document(import_document(found))
    else:
        session.console.answer(import_lines(found))
    return 0


def _pairs(mapped: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Their column and our name of each mapping. Raises `UsageError`."""
    pairs = []
    for told in mapped:
        column, mark, name = told.rpartition("=")
        if not mark or not column.strip():
            raise UsageError(f"--map {told}: no COLUMN=NAME", hint="as in --map 'Ad Unit=ad_unit'")
        if name.strip() not in COLUMNS:
            raise UsageError(f"--map {told}: no column of ours", hint=f"there are {', '.join(COLUMNS)}")
        pairs.append((column.strip(), name.strip()))
    names = [name for _, name in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--map names {twice} twice")
    return pairs
