"""Commands about reports and floors: the groups `floors` and `reports`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.api.results import INCOMPLETE
from reconciler.cli.groups import CommandEntry, LazyGroup
from reconciler.cli.options import Options, addresses, day_of, day_options, only_option, shared_options
from reconciler.cli.session import CommandSession, print_result
from reconciler.errors import ProjectError, UsageError
from reconciler.warehouse.import_schema import ADAPTERS, ALSO, COLUMNS

if TYPE_CHECKING:
    from reconciler.api.reports import ReportSource
    from reconciler.model.evidence import Backtest, Suggestion, Suggestions

# ruff: noqa: PLC0415 - each command imports what it takes


FLOORS = {
    "fetch": CommandEntry("floors:fetch", "Fetch the reports of both vendors that are missing."),
    "suggest": CommandEntry("floors:suggest", "Say which floors the reports speak for, and why."),
    "write": CommandEntry("floors:write", "Write the suggested floors into the manifests."),
    "backtest": CommandEntry("floors:backtest", "Say what earlier suggestions would have done on later days."),
}


@click.group("floors", cls=LazyGroup, entries=FLOORS)
def floors() -> None:
    """Fetch reports, suggest floors from them, and write them into the manifests.

    \b
      reconciler floors fetch
      reconciler floors suggest
      reconciler floors write && reconciler plan
    """


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
def fetch(
    options: Options, *, first: datetime | None, last: datetime | None, source: "ReportSource", replace: bool
) -> int:
    """Fetch reports that are missing, or that the vendor may have restated, into .reconciler/reports.

    Without days: all that DT still keeps, and two weeks of Chartboost's. A fetch that was stopped goes on where it was.
    A day that comes with half or less of what is there is not taken, unless with --replace.
    Exits 3 when some days could not be had or were not taken, and names them.

    \b
      reconciler floors fetch
      reconciler floors fetch --source chartboost --from 2026-10-01 --to 2026-10-31
      reconciler floors fetch --source dt --from 2026-11-20 --to 2026-11-20 --replace
    """
    from reconciler.warehouse.summary_text import fetch_lines

    session = CommandSession.of(options)
    result = session.project().fetch_reports(source, first=day_of(first), last=day_of(last), replace=replace)
    print_result(session.console, options.format, result, lambda: fetch_lines(result.fetched))
    if result.is_done:
        return 0
    return INCOMPLETE if result.fetched.days else 1


@click.command("suggest")
@day_options
@only_option("Only placements that match; repeatable.")
@click.option(
    "--explain",
    nargs=2,
    metavar="ADDRESS COUNTRY",
    shell_complete=addresses,
    help="Show the working behind one suggestion.",
)
@shared_options(formats=("text", "json", "markdown", "html"))
def suggest(
    options: Options,
    *,
    first: datetime | None,
    last: datetime | None,
    only: tuple[str, ...],
    explain: tuple[str, str] | None,
) -> int:
    """Say for each declared floor what the reports speak for: raise, lower, keep, or not enough evidence; and why.

    Without days: the last two weeks of what was fetched. Changes nothing.

    \b
      reconciler floors suggest
      reconciler floors suggest --only 'android:com.cash_crash.54/*' --format html > floors.html
      reconciler floors suggest --explain android:com.cash_crash.54/int_13 US
    """
    from reconciler.api.floors import SuggestionsResult
    from reconciler.render.floors_markdown import suggestions_markdown
    from reconciler.render.floors_text import explain_lines, suggestion_lines

    session = CommandSession.of(options)
    suggestions = session.project().suggest_floors(day_of(first), day_of(last), only=only).suggestions
    if explain:
        one = _suggestion_of(suggestions, *explain)
        if options.format == "text":
            session.console.answer(explain_lines(one))
            return 0
        suggestions = replace(suggestions, cells=(one,))
    print_result(
        session.console,
        options.format,
        SuggestionsResult(suggestions),
        lambda: suggestion_lines(suggestions, verbose=options.verbosity > 0),
        markdown=lambda: session.console.markup(suggestions_markdown(suggestions)),
        html=lambda: session.console.markup(_suggestions_page(suggestions)),
    )
    return 0


def _suggestions_page(suggestions: "Suggestions") -> str:
    from reconciler.render.floors_html import suggestions_page  # templates cost 0.1 s

    return suggestions_page(suggestions)


def _suggestion_of(suggestions: "Suggestions", address: str, country: str) -> "Suggestion":
    suggestion = [
        one for one in suggestions.cells if (one.cell.address, one.cell.country) == (address, country.upper())
    ]
    if not suggestion:
        here = sorted(one.cell.country for one in suggestions.cells if one.cell.address == address)
        hint = f"it has floors for {', '.join(here)}" if here else "`reconciler floors suggest` shows the addresses"
        raise ProjectError(f"{address} declares no floor for {country}", hint=hint)
    return suggestion[0]


@click.command("write")
@day_options
@only_option("Only placements that match; repeatable.")
@shared_options()
def write(options: Options, *, first: datetime | None, last: datetime | None, only: tuple[str, ...]) -> int:
    """Write suggested floors into the manifests: prices change, and nothing else.

    What speaks for each is kept in reconciler.evidence, so that the plan of the pull request can show it. Exits 3
    when some floors could not be written, and names their places.

    \b
      reconciler floors write
      reconciler floors write --only 'android:com.cash_crash.54/*'
      git diff && reconciler plan
    """
    from reconciler.render.floors_text import written_lines

    session = CommandSession.of(options)
    result = session.project().write_floors(day_of(first), day_of(last), only=only)
    session.console.require_answer()
    session.console.findings(result.findings, to_answer=False)
    print_result(session.console, options.format, result, lambda: written_lines(result.written, result.files))
    return 0 if result.is_done else INCOMPLETE


@click.command("backtest")
@day_options
@click.option(
    "--split",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The last day that suggestions may see; by default seven are held out.",
)
@shared_options(formats=("text", "json", "markdown", "html"))
def backtest(options: Options, *, first: datetime | None, last: datetime | None, split: datetime | None) -> int:
    """Make suggestions from earlier days, and say what they would have done on later ones that they had not seen.

    \b
      reconciler floors backtest
      reconciler floors backtest --from 2026-10-01 --to 2026-10-31 --split 2026-10-24
    """
    from reconciler.render.floors_markdown import backtest_lines, backtest_markdown

    session = CommandSession.of(options)
    result = session.project().backtest_floors(day_of(first), day_of(last), split=day_of(split))
    replayed = result.backtest
    print_result(
        session.console,
        options.format,
        result,
        lambda: backtest_lines(replayed),
        markdown=lambda: session.console.markup(backtest_markdown(replayed)),
        html=lambda: session.console.markup(_backtest_page(replayed)),
    )
    return 0


def _backtest_page(result: "Backtest") -> str:
    from reconciler.render.floors_markdown import backtest_page  # as above

    return backtest_page(result)


REPORTS = {
    "mediation": CommandEntry(
        "mediation:mediation", "Ask Chartboost's mediation API: any dimensions, metrics and days."
    ),
    "users": CommandEntry("reports:users", "Fetch DT's user-level report of apps and days."),
    "import": CommandEntry("floors:import_report", "Take in a report of another platform, or a table of a warehouse."),
    "revenue": CommandEntry("reports:revenue", "Say what was earned, by day, app, country and so on."),
}


@click.group("reports", cls=LazyGroup, entries=REPORTS)
def reports() -> None:
    """Reports: asked of Chartboost's mediation API, or taken in from where another platform mediates.

    \b
      reconciler reports mediation --from 2026-11-01 --dimensions date,country
      reconciler reports import max-report.csv
      reconciler floors suggest
    """


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
def import_report(options: Options, *, report: str, mapped: tuple[str, ...], network: str | None) -> int:
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
    from reconciler.warehouse.summary_text import import_lines

    session = CommandSession.of(options)
    columns = dict(_pairs(mapped))
    result = session.project().import_report(report, columns=columns, network=network)
    print_result(session.console, options.format, result, lambda: import_lines(result.imported))
    return 0


def _pairs(mapped: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Their column and our name of each mapping. Raises `UsageError`."""
    pairs = []
    for message in mapped:
        column, mark, name = message.rpartition("=")
        if not mark or not column.strip():
            raise UsageError(f"--map {message}: no COLUMN=NAME", hint="as in --map 'Ad Unit=ad_unit'")
        if name.strip() not in COLUMNS:
            raise UsageError(f"--map {message}: no column of ours", hint=f"there are {', '.join(COLUMNS)}")
        pairs.append((column.strip(), name.strip()))
    names = [name for _, name in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--map names {twice} twice")
    return pairs
