"""`reconciler floors fetch`."""

from collections.abc import Mapping
from datetime import datetime

import click

from reconciler.apis.days import DayRange, last_complete, usual_range
from reconciler.cli.applying import INCOMPLETE
from reconciler.cli.choices import day_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.progress import watched
from reconciler.cli.reports import Desk
from reconciler.cli.session import Session
from reconciler.cli.sources import Source, sources
from reconciler.errors import UsageError
from reconciler.report.reports_document import fetch_document
from reconciler.warehouse.fetch import FetchRequest, fetch
from reconciler.warehouse.fetch_schedule import FetchOutcome
from reconciler.warehouse.report_store import Partition
from reconciler.warehouse.telling import fetch_lines


@click.command("fetch")
@day_options
@click.option(
    "--source",
    type=click.Choice(["dt", "chartboost", "all"]),
    default="all",
    show_default=True,
    help="Whose reports; all: those there are credentials for.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Fetch days that are there and settled, too, and take what comes even where it holds far less.",
)
@shared_options(api=True)
def command(options: Options, *, first: datetime | None, last: datetime | None, source: Source, replace: bool) -> int:
    """Fetch reports that are missing, or that the vendor may have restated, into .reconciler/reports.

    Without days: all that DT still keeps, and two weeks of Chartboost's. A fetch that was stopped goes on where it was.
    A day that comes with half or less of what is there is not taken, unless with --replace.
    Exits 3 when some days could not be had or were not taken, and names them.

    \b
      reconciler floors fetch
      reconciler floors fetch --source chartboost --from 2026-10-01 --to 2026-10-31
      reconciler floors fetch --source dt --from 2026-11-20 --to 2026-11-20 --replace
    """
    desk = Desk.of(Session.of(options))
    console, clock = desk.session.console, desk.session.clock
    span = _span(first, last, clock.now())
    apps = desk.dt_apps() if source != "chartboost" else ()
    with sources(desk.session, source, desk.settings.reports, desk.folder) as chosen:
        errand = FetchRequest(apps, span, options.parallelism, replace)
        with watched("fetch", _Words(), desk.session.place()) as bar:
            summary = fetch(errand, chosen, desk.shelf(), desk.intake_rules(), clock, bar)
    if options.format == "json":
        console.document(fetch_document(summary))
    else:
        console.answer(fetch_lines(summary))
    if not summary.of("refused", "failed") and not summary.shrunk:
        return 0
    return INCOMPLETE if summary.days else 1


class _Words:
    """How the days of a fetch are told."""

    def told(self, end: FetchOutcome) -> str:
        return f"{end.state} {end.source} {end.app} {end.day}"

    def is_done(self, end: FetchOutcome) -> bool:
        return end.state in {"fetched", "kept"} and not end.shrunk

    def step(self, step: Partition) -> Mapping[str, str]:
        return {"source": step.source, "app": step.app, "day": step.day}

    def end(self, end: FetchOutcome) -> Mapping[str, str | int]:
        about = {"source": end.source, "app": end.app, "day": end.day.isoformat()}
        return {**about, "outcome": end.state, "rows": end.rows, "error": end.why}


def _span(first: datetime | None, last: datetime | None, now: datetime) -> DayRange | None:
    """The days that were named; where only one end was, the other is the usual one."""
    if first is None and last is None:
        return None
    usual = usual_range("chartboost", now)
    span = DayRange(first.date() if first else usual.first, last.date() if last else last_complete(now))
    if not len(span):
        raise UsageError(f"--from {span.first} comes after --to {span.last}")
    return span
