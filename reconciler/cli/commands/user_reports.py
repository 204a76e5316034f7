"""The command `reports users`."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from reconciler.api.results import INCOMPLETE
from reconciler.cli.options import Options, addresses, day_of, day_options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.api.user_report import UserReportResult

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
@shared_options(formats=("table", "json", "csv", "parquet"), api=True, out=True)
def users(
    options: Options,
    *,
    apps: tuple[str, ...],
    first: datetime | None,
    last: datetime | None,
    people: Literal["drop", "hash", "keep"] | None,
) -> int:
    """Fetch DT's user-level report of apps and days, as the vendor gives it.

    Without days: all that DT keeps, ten. By ids of apps it needs no project. Columns that may tell of a person are left
    out unless --people says otherwise. A call that was stopped goes on where it was; each report is ordered once. Exits
    3 when some days could not be had, and names them. DT gives user level data once your account manager has turned it
    on, from six days before.

    \b
      reconciler reports users --app 170709 --from 2026-11-20 --to 2026-11-20 --out users.csv
      reconciler reports users --people hash --out users.parquet
      reconciler reports users --app android:com.cash_crash.54 --format csv | head
    """
    if options.out is not None and options.format == "table":
        raise UsageError(
            "a table is for the terminal", hint="name a file that ends in .csv, .json or .parquet, or give --format"
        )
    session = CommandSession.of(options)
    project = session.project_or_none()
    with project.user_report(apps, first=day_of(first), last=day_of(last), people=people) as result:
        there = bool(result.report.pieces)
        if there:
            _print(session, result)
        for text in result.missing:
            session.console.warn(f"missing: {text}")
        if not there:
            session.console.error("there is no report", "what is missing, and why, is said above")
    return 0 if result.is_done else INCOMPLETE if there else 1


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
        console.talk(unread)


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
