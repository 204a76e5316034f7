"""`reconciler floors suggest`."""

from dataclasses import replace
from datetime import datetime

import click

from reconciler.cli.choices import day_options, only_option
from reconciler.cli.completing import addresses
from reconciler.cli.options import Options, shared_options
from reconciler.cli.reports import Desk
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.model.suggestion import Suggestion, Suggestions
from reconciler.report.floors.document import suggestions_document
from reconciler.report.floors.explain import explain_lines
from reconciler.report.floors.markdown import suggestions_markdown
from reconciler.report.floors.text import suggestion_lines
from reconciler.workflow.floors import suggest_floors


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
def command(
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
    desk = Desk.of(Session.of(options))
    window = desk.window(first and first.date(), last and last.date())
    with desk.warehouse() as warehouse:
        made = suggest_floors(desk.ground(), warehouse, window, desk.rules(), desk.earliest(), only)
    console = desk.session.console
    if explain:
        one = _explained(made, *explain)
        if options.format == "text":
            console.answer(explain_lines(one))
            return 0
        made = replace(made, cells=(one,))
    match options.format:
        case "json":
            console.document(suggestions_document(made))
        case "markdown":
            console.markup(suggestions_markdown(made))
        case "html":
            from reconciler.report.html.floors import suggestions_page  # noqa: PLC0415 - templates cost 0.1 s

            console.markup(suggestions_page(made))
        case _:
            console.answer(suggestion_lines(made, verbose=options.verbosity > 0))
    return 0


def _explained(made: Suggestions, address: str, country: str) -> Suggestion:
    found = [one for one in made.cells if (one.cell.address, one.cell.country) == (address, country.upper())]
    if not found:
        here = sorted(one.cell.country for one in made.cells if one.cell.address == address)
        hint = f"it has floors for {', '.join(here)}" if here else "`reconciler floors suggest` shows the addresses"
        raise ProjectError(f"{address} declares no floor for {country}", hint=hint)
    return found[0]
