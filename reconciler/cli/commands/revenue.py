"""`reports revenue`: what was earned, from the reports that are stored."""

from datetime import datetime

import click

from reconciler.cli.options import Options, day_of, day_options, only_option, shared_options
from reconciler.cli.output import PAGE_FORMATS, print_rows
from reconciler.cli.session import CommandSession

# ruff: noqa: PLC0415 - each format imports what it takes

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
@shared_options(formats=PAGE_FORMATS, out=True)
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

    session = CommandSession.of(options)
    charts = options.format == "html"
    result = session.project().revenue(by or ("day",), first=day_of(first), last=day_of(last), only=only, charts=charts)

    def page() -> str:
        from reconciler.render.revenue_html import revenue_page

        return revenue_page(result.rows, result.days, result.countries, result.waterfalls)

    print_rows(session, RowsResult(result.rows), page)
    return 0
