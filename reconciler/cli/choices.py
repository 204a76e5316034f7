"""Options of the commands that plan: what part of the account, and which limits are lifted for one run."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from reconciler.cli.completing import addresses
from reconciler.plan.guard import Allowances

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def only_option(help_: str = "Only addresses that match, as in 'android:com.a/*'; repeatable.") -> Decorator:
    """`--only`, which a shell completes from the manifests."""
    return click.option("--only", multiple=True, metavar="GLOB", shell_complete=addresses, help=help_)


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--only`, `--recreate` and `--overwrite-drift`."""
    recreate = click.option(
        "--recreate", is_flag=True, help="Make owned resources that are gone from the account again."
    )
    drift = click.option(
        "--overwrite-drift",
        is_flag=True,
        help="Overwrite in this run what was changed in the account, whatever safety.onDrift holds.",
    )
    return only_option()(recreate(drift(function)))


def day_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--from` and `--to`, given to the function as `first` and `last`."""
    days = click.DateTime(["%Y-%m-%d"])
    first = click.option("--from", "first", type=days, metavar="DAY", help="The first day, UTC, as in 2026-11-01.")
    last = click.option("--to", "last", type=days, metavar="DAY", help="The last day, UTC; it is included.")
    return first(last(function))


def limit_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--max-deletes` and `--allow-floor-jump`, given to the function as `allowances`."""

    @wraps(function)
    def call(*given: Any, max_deletes: int | None, allow_floor_jump: bool, **others: Any) -> Any:
        return function(*given, allowances=Allowances(max_deletes, allow_floor_jump), **others)

    deletes = click.option(
        "--max-deletes",
        type=click.IntRange(0),
        help="Allow so many deletes in this run, whatever safety.maxDeletes says.",
    )
    jump = click.option(
        "--allow-floor-jump", is_flag=True, help="Allow floor changes beyond safety.maxFloorChangePercent in this run."
    )
    return deletes(jump(call))
