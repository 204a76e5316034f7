"""Options of the commands that plan: what part of the account, and which limits are lifted for one run."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final, cast

import click

from reconciler.cli.clock import SystemClock
from reconciler.cli.completing import addresses
from reconciler.plan.guard import Allowances
from reconciler.plan.outlook import OBSTACLES, Obstacle

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def only_option(help_: str = "Only addresses that match, as in 'android:com.a/*'; repeatable.") -> Decorator:
    """`--only`, which a shell completes from the manifests."""
    return click.option("--only", multiple=True, metavar="GLOB", shell_complete=addresses, help=help_)


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--only`, `--recreate`, `--overwrite-drift` and `--hold-conflicts`, given to the function as `selection`."""

    @wraps(function)
    def call(
        *given: Any, only: tuple[str, ...], recreate: bool, overwrite_drift: bool, hold_conflicts: bool, **others: Any
    ) -> Any:
        from reconciler.workflow.observing import Selection  # noqa: PLC0415 - not needed to list options

        if overwrite_drift and hold_conflicts:
            raise click.UsageError("--overwrite-drift and --hold-conflicts contradict each other")
        selection = Selection(only, recreate=recreate, overwrite_drift=overwrite_drift, hold_conflicts=hold_conflicts)
        return function(*given, selection=selection, **others)

    recreate = click.option(
        "--recreate", is_flag=True, help="Make owned resources that are gone from the account again."
    )
    overwrite = click.option(
        "--overwrite-drift",
        is_flag=True,
        help="Overwrite in this run what was changed in the account, whatever safety.onDrift holds.",
    )
    hold = click.option(
        "--hold-conflicts",
        is_flag=True,
        help="Hold what was changed both in the account and in a manifest, unless safety.onDrift is overwrite.",
    )
    return only_option()(recreate(overwrite(hold(call))))


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


def fail_on_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--fail-on`, given to the function as a set of `Obstacle`s."""
    return click.option(
        "--fail-on",
        multiple=True,
        metavar="LIST",
        callback=lambda _context, _option, given: _obstacles(given),
        help="Exit other than 0 where the plan is one of these: refused (6), blocked (3), warnings (1); "
        "with commas between, and repeatable.",
    )(function)


def _obstacles(given: tuple[str, ...]) -> frozenset[Obstacle]:
    words = [word.strip() for each in given for word in each.split(",")]
    for word in words:
        if word not in OBSTACLES:
            raise click.BadParameter(f"{word!r} is none of {', '.join(OBSTACLES)}", param_hint="--fail-on")
    return frozenset(cast("list[Obstacle]", words))


_AGO: Final = re.compile(r"([0-9]{1,6}) ?([mhdw])", re.ASCII)
_MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}


def since_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--since`, given to the function as `first`: a time in UTC, or None."""
    return click.option(
        "--since",
        "first",
        metavar="D",
        callback=lambda _context, _option, given: None if given is None else since_when(given, SystemClock().now()),
        help="Only what is not older: a day or a time (UTC unless it says otherwise), or how long ago, as 7d or 24h.",
    )(function)


def since_when(given: str, now: datetime) -> datetime:
    """The time that a day, a time or a duration before `now` names. Raises `click.BadParameter` for what is none."""
    ago = _AGO.fullmatch(given.strip())
    try:
        if ago is not None:
            return now - timedelta(minutes=int(ago[1]) * _MINUTES[ago[2]])
        at = datetime.fromisoformat(given.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise click.BadParameter(
            f"{given!r} is no day (2026-11-21), time (2026-11-21T19:00Z) or duration (30m, 24h, 7d, 2w)",
            param_hint="--since",
        ) from wrong
