"""The commands `reports users` and `reports revenue`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from reconciler.api.results import INCOMPLETE
from reconciler.cli.options import Options, addresses, day_of, day_options, only_option, shared_options
from reconciler.cli.output import PAGE_FORMATS
from reconciler.cli.session import CommandSession
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.api.user_report import UserReportResult
    from reconciler.api.user_value import UserValueResult

# ruff: noqa: PLC0415 - each command imports what it takes

_FIRST_ROWS: Final = 20
_OWNER_ALONE: Final = 0o600
_CHUNK: Final = 1024 * 1024


@click.command("users")
@click.option(
    "--app",
    "apps",
    multiple=True,
    metavar="ADDRESS|ID",
    shell_complete=addresses,
    help="The app, by its address or id; repeatable. All of the project without.",
)
@day_options
@click.option(
    "--people",
    type=click.Choice(["drop", "hash", "keep"]),
    help="What becomes of ids of users and devices: left out, hashed with your salt, or kept in clear. "
    "[default: reports.people of the project, else drop]",
)
@click.option(
    "--summary",
    is_flag=True,
    help="What users are worth instead of their rows: lifetime value, revenue a day, the most valuable ids (csv).",
)
@shared_options(formats=("table", "json", "csv", "parquet", "html"), api=True, out=True, needs_ending=True)
def users(
    options: Options,
    *,
    apps: tuple[str, ...],
    first: datetime | None,
    last: datetime | None,
    people: Literal["drop", "hash", "keep"] | None,
    summary: bool,
) -> int:
    """Fetch DT's user-level report of apps and days, as the vendor gives it.

    Without days: all that DT keeps, ten. By ids of apps it needs no project. Columns that may tell of a person are left
    out unless --people says otherwise. A call that was stopped goes on where it was; each report is ordered once. Exits
    3 when some days could not be had, or more than 1 % of the rows of one could not be read, and names them. DT gives
    user level data once your account manager has turned it on, from six days before.

    With --summary: revenue a user by days since first seen, by week, app and country; revenue a user and day; the share
    of the top users; as csv the ids of the most valuable tenth. It needs --people hash, whose days are kept for longer
    than DT keeps them, or keep.

    \b
      reconciler reports users --app 170709 --from 2026-11-20 --to 2026-11-20 --out users.csv
      reconciler reports users --people hash --out users.parquet
      reconciler reports users --app android:com.cash_crash.54 --format csv | head
      reconciler reports users --people hash --summary --out value.html
      reconciler reports users --people keep --summary --format csv --out retarget.csv
    """
    session = CommandSession.of(options)
    if summary:
        project = session.project_if_any()
        return _print_value(session, project.user_value(apps, first=day_of(first), last=day_of(last), people=people))
    _check_format(options)
    project = session.project_if_any()
    with project.user_report(apps, first=day_of(first), last=day_of(last), people=people) as result:
        return _print_report(session, result)


def _check_format(options: Options) -> None:
    """Raise `UsageError` for a format that the rows of users do not have."""
    if options.out is not None and options.format == "table":
        raise UsageError(
            "a table is for the terminal", hint="name a file that ends in .csv, .json or .parquet, or give --format"
        )
    if options.format == "html":
        raise UsageError("a page is for what users are worth: --summary", hint="rows are csv, json or parquet")


def _print_report(session: CommandSession, result: "UserReportResult") -> int:
    """The rows that are there, and what is missing; the exit code."""
    there = bool(result.report.pieces)
    if there:
        _print(session, result)
    for text in result.lost:
        session.console.warn(text)
    for text in result.missing:
        session.console.warn(f"missing: {text}")
    if not there:
        session.console.error("there is no report", "what is missing, and why, is said above")
    return 0 if result.is_whole else INCOMPLETE if there else 1


def _print_value(session: CommandSession, result: "UserValueResult") -> int:
    """What users are worth, in the requested format; CSV holds the most valuable ids."""
    from reconciler.api.results import RowsResult
    from reconciler.cli.output import print_rows
    from reconciler.render.user_value import value_lines, value_page

    options, value = session.options, result.value
    if options.format == "table" and options.out is None:
        session.console.answer(value_lines(value))
    else:
        rows = replace(value.most_valuable, notes=value.notes) if options.format == "csv" else result.rows
        mode = _OWNER_ALONE if result.people == "keep" else 0o666
        print_rows(session, RowsResult(rows), lambda: value_page(value), mode=mode)
    for text in result.missing:
        session.console.warn(f"missing: {text}")
    return 0 if result.is_done else INCOMPLETE


def _print(session: CommandSession, result: "UserReportResult") -> None:
    """The rows in the requested format, to stdout or to the file of `--out`, which is whole or not there."""
    options, console = session.options, session.console
    for note in result.notes if options.format != "table" else ():
        console.talk(note)
    if options.out is not None:
        _write(session, result)
        console.talk(f"{result.rows:,} rows written to {options.out}")
    elif options.format == "table":
        from reconciler.render.rows import table_lines

        console.answer(table_lines(result.first_rows(_FIRST_ROWS), total=result.rows))
    else:
        for piece in result.json() if options.format == "json" else result.csv():
            console.raw(piece.decode().removesuffix("\n"))
    if unread := result.report.unread_text():
        (console.warn if result.report.unread.is_much else console.talk)(unread)


def _write(session: CommandSession, result: "UserReportResult") -> None:
    from reconciler.files.project import write_given

    out = session.options.out
    if out is None:
        return
    mode = _OWNER_ALONE if result.report.rules.people == "keep" and result.report.personal else 0o666
    match session.options.format:
        case "parquet":
            with result.draft() as folder:
                result.parquet(folder / "parquet")
                write_given(out, _chunks(folder / "parquet"), session.root_if_any(), mode=mode)
        case "json":
            write_given(out, result.json(), session.root_if_any(), mode=mode)
        case _:
            write_given(out, result.csv(), session.root_if_any(), mode=mode)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


_KEYS = ("day", "week", "app", "placement", "type", "country", "platform")


@click.command("revenue")
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(_KEYS),
    help="Sum by this; repeatable, for each combination. [default: day]",
)
@only_option("Only placements that match; repeatable.")
@day_options
@shared_options(formats=PAGE_FORMATS, out=True, needs_ending=True)
def revenue(
    options: Options, *, by: tuple[str, ...], only: tuple[str, ...], first: datetime | None, last: datetime | None
) -> int:
    """Say what was earned: impressions, revenue, eCPM, requests, fill, and what the rest of the waterfall earned.

    From the reports that `floors fetch` and `reports import` have stored; without days, from all of them. Revenue and
    impressions are DT's own report's, or the mediation's on days without one; requests and the rest are the
    mediation's. A week begins on Monday. The page has the trend, countries, and waterfalls by rung.

    \b
      reconciler reports revenue
      reconciler reports revenue --by app --by country --from 2026-11-01
      reconciler reports revenue --by placement --only 'android:com.cash_crash.54/*' --out revenue.csv
      reconciler reports revenue --by week --out revenue.html
    """
    from reconciler.api.results import RowsResult
    from reconciler.cli.output import print_rows

    session = CommandSession.of(options)
    charts = options.format == "html"
    result = session.project().revenue(by or ("day",), first=day_of(first), last=day_of(last), only=only, charts=charts)

    def page() -> str:
        from reconciler.render.revenue_html import revenue_page

        return revenue_page(result.rows, result.days, result.countries, result.waterfalls)

    print_rows(session, RowsResult(result.rows), page)
    return 0
