"""The command `reports mediation`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.api.results import INCOMPLETE, RowsResult
from reconciler.apis.mediation_query import (
    DEFAULT_DIMENSIONS,
    DEFAULT_METRICS,
    DEFAULT_ZONE,
    DIMENSIONS,
    FILTERS,
    METRICS,
    NETWORK_FILTERS,
    NETWORK_TYPE,
    ZONES,
    MediationWish,
    split_list,
)
from reconciler.cli.options import Options, day_of, shared_options
from reconciler.cli.output import ROWS_FORMATS, print_rows
from reconciler.cli.session import CommandSession
from reconciler.errors import UsageError

if TYPE_CHECKING:
    pass

# ruff: noqa: PLC0415 - the command imports what it takes

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("mediation")
@click.option("--from", "first", type=_DAY, metavar="DAY", help="The first day; without --to, up to today.")
@click.option(
    "--to",
    "last",
    type=_DAY,
    metavar="DAY",
    help="The last day, included; without --from that day alone. [default: today]",
)
@click.option(
    "--dimensions",
    metavar="NAME,...",
    help=f"What rows are broken down by: {', '.join(DIMENSIONS)}. [default: {','.join(DEFAULT_DIMENSIONS)}]",
)
@click.option(
    "--metrics",
    metavar="NAME,...",
    help=f"What is counted: {', '.join(METRICS)}. [default: {','.join(DEFAULT_METRICS)}]",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE,...",
    help=f"Only rows with one of these values; repeatable. NAME is one of {', '.join((*FILTERS, NETWORK_TYPE))}.",
)
@click.option(
    "--network-type", "network", metavar="NAME", help=f"One of {', '.join(NETWORK_FILTERS)}. [default: all of them]"
)
@click.option("--timezone", "zone", metavar="ZONE", help=f"Whose days: {' or '.join(ZONES)}. [default: {DEFAULT_ZONE}]")
@shared_options(formats=ROWS_FORMATS, out=True, needs_ending=True)
def mediation(
    options: Options,
    *,
    first: datetime | None,
    last: datetime | None,
    dimensions: str | None,
    metrics: str | None,
    filters: tuple[str, ...],
    network: str | None,
    zone: str | None,
) -> int:
    """Ask Chartboost's Mediation Reporting API: rows by any of its dimensions, with any of its metrics.

    What the API would refuse is refused before anything is sent. Longer windows than its 30 days are split, and added
    up; ratios are computed anew from their sums. Days that are not final yet are marked. Needs no project. Exits 3
    where more than 1 % of the rows, or a whole day, could not be read.

    \b
      reconciler reports mediation
      reconciler reports mediation --from 2026-09-01 --to 2026-11-14 --dimensions country --metrics requests,ecpm
      reconciler reports mediation --network-type bidding --metrics win_rate,bid_rate --filter country=US,DE
      reconciler reports mediation --from 2026-11-01 --timezone UTC --out november.parquet
    """
    session = CommandSession.of(options)
    wish = MediationWish(
        dimensions=None if dimensions is None else split_list(dimensions),
        metrics=None if metrics is None else split_list(metrics),
        filters=_pairs(filters),
        network=network,
        zone=zone,
        first=day_of(first),
        last=day_of(last),
    )
    result = _asked(session, wish)
    print_rows(session, result)
    return 0 if result.is_whole else INCOMPLETE


def _asked(session: CommandSession, wish: MediationWish) -> RowsResult:
    from reconciler.api.mediation import ChartboostAccess, mediation_report

    wish.query(session.clock.now())  # what is wrong with it is told before a project is looked for
    return mediation_report(ChartboostAccess.of(session.workspace_if_any()), wish)


def _pairs(given: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Name and values of each filter. Raises `UsageError`."""
    pairs = []
    for text in given:
        name, mark, values = text.partition("=")
        if not mark:
            raise UsageError(f"--filter {text}: no NAME=VALUE", hint="as in --filter country=US,DE")
        pairs.append((name.strip(), split_list(values)))
    return pairs
