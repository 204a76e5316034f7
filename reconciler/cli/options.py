"""Options that commands share, as decorators, and the parsing of their values: days, durations, limits."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from reconciler.cli.groups import (
    DEFAULT_PARALLELISM,
    LONE,
    comment_key_option,
    console_options,
    format_option,
    parallelism_option,
    project_option,
)
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.plan.aftermath import Obstacle

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Options:
    """The values of the shared options; an option after the command's name overrides one before it.

    `for_project` says whether `--project` was given at all, with a path or, where a command takes it so, without.
    """

    project: Path | None
    format: str
    no_color: bool
    verbosity: int
    log_format: str
    parallelism: int
    comment_key: str = ""
    for_project: bool = False
    out: Path | None = None


def shared_options(
    *,
    formats: Sequence[str] = ("text", "json"),
    api: bool = False,
    lone_project: bool = False,
    out: bool = False,
    needs_ending: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options behind the command's name; the function gets a `Options` first.

    `api`: the command calls the API. `lone_project`: `--project` may stand there without a path. `out`: the answer may
    go to a file, whose ending says the format where no `--format` does. `needs_ending`: one that says none is wrong.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(**given: Any) -> Any:
            own = {name: given.pop(name, None) for name in ("project", "format_", "no_color", "verbose", "log_format")}
            own["parallelism"] = given.pop("parallelism", None) if api else None
            own["out"] = given.pop("out", None) if out else None
            key = given.pop("comment_key", "")
            before = click.get_current_context().find_root().obj or {}
            if needs_ending and own["format_"] is None and before.get("format_") is None:
                _check_ending(own["out"], formats)
            return function(replace(_merged_options(before, own, formats), comment_key=key), **given)

        offered = [
            project_option(lone=lone_project),
            format_option(formats),
            *_bound_options(formats, api=api),
            *([out_option()] if out else []),
            *console_options(),
        ]
        optioned: Callable[..., Any] = call
        for option in reversed(offered):
            optioned = option(optioned)
        return optioned

    return decorate


def _bound_options(formats: Sequence[str], *, api: bool) -> list[Callable[..., Any]]:
    """Options of the commands that write Markdown, and of those that call the API."""
    return [*([comment_key_option()] if "markdown" in formats else []), *([parallelism_option()] if api else [])]


def _merged_options(before: dict[str, Any], own: dict[str, Any], formats: Sequence[str]) -> Options:
    def chosen(name: str, default: Any) -> Any:
        return own[name] if own[name] is not None else before.get(name, default)

    out: Path | None = own["out"]
    form = chosen("format_", _format_of(out, formats) or formats[0])
    if form not in formats:
        raise click.UsageError(f"this command prints {', '.join(formats)}, not {form}")
    if form in _FOR_FILES and out is None:
        raise click.UsageError(f"{form} is for a file: name it with --out")
    lone = own["project"] == LONE
    project = before.get("project") if lone else chosen("project", None)
    return Options(
        project=None if project is None else Path(project),
        format=form,
        no_color=chosen("no_color", default=False),
        verbosity=(own["verbose"] or 0) + (before.get("verbose") or 0),
        log_format=chosen("log_format", "text"),
        parallelism=chosen("parallelism", DEFAULT_PARALLELISM),
        for_project=lone or project is not None,
        out=out,
    )


_FOR_FILES: Final = frozenset(("parquet",))
"""Formats that no terminal shows."""
_ENDINGS: Final = {"yml": "yaml", "htm": "html", "txt": "table"}


def out_option() -> Decorator:
    """`--out`, which `Options.out` holds."""
    path = click.Path(path_type=Path, dir_okay=False)
    help_ = "Write the answer to this file; its ending says the format where --format does not."
    return click.option("--out", type=path, metavar="FILE", help=help_)


def _format_of(out: Path | None, formats: Sequence[str]) -> str | None:
    """The format that the ending of a file's name says; None where it says none of these."""
    ending = "" if out is None else out.suffix.lower().removeprefix(".")
    form = _ENDINGS.get(ending, ending)
    return form if form in formats else None


def _check_ending(out: Path | None, formats: Sequence[str]) -> None:
    """Raise `UsageError` where the ending of a file's name says none of the formats."""
    if out is not None and _format_of(out, formats) is None:
        endings = [f".{'txt' if form == 'table' else form}" for form in formats]
        raise UsageError(
            f"{out.name}: its ending says no format of this command",
            hint=f"name a file that ends in {', '.join(endings[:-1])} or {endings[-1]}, or give --format",
        )


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Addresses that the project's manifests declare; none, and no word, where they cannot be read."""
    del param
    from reconciler.api.workspace import Workspace, WorkspaceOptions  # noqa: PLC0415
    from reconciler.files.project import find_manifests, find_project  # noqa: PLC0415 - most calls complete nothing
    from reconciler.manifest.addresses import declared_addresses  # noqa: PLC0415

    given = ctx.params.get("project") or ctx.find_root().params.get("project")
    try:
        project = find_project(Path.cwd(), Path(given) if given else None)
        cache = Workspace(project, WorkspaceOptions.of(None, None, DEFAULT_PARALLELISM)).cache(keeps=False)
        found = declared_addresses(
            project.settings, lambda patterns: find_manifests(project.root, patterns).texts, cache, incomplete
        )
    except (ReconcilerError, OSError):
        return []
    return list(found)


def only_option(help_: str = "Only addresses that match, as in 'android:com.a/*'; repeatable.") -> Decorator:
    """`--only`, which a shell completes from the manifests."""
    return click.option("--only", multiple=True, metavar="GLOB", shell_complete=addresses, help=help_)


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--only`, `--recreate`, `--overwrite-drift` and `--hold-conflicts`, given to the function as `selection`."""

    @wraps(function)
    def call(
        *given: Any, only: tuple[str, ...], recreate: bool, overwrite_drift: bool, hold_conflicts: bool, **others: Any
    ) -> Any:
        from reconciler.workflow.selection import Selection  # noqa: PLC0415 - not needed to list options

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
        from reconciler.model.state import Allowances  # noqa: PLC0415 - as above

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
        callback=lambda _context, _option, given: _obstacle_set(given),
        help="Exit other than 0 where the plan is one of these: refused (6), blocked (3), warnings (1); "
        "with commas between, and repeatable.",
    )(function)


def _obstacle_set(given: tuple[str, ...]) -> "frozenset[Obstacle]":
    from reconciler.plan.aftermath import OBSTACLES  # noqa: PLC0415 - as above

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
        callback=lambda _context, _option, given: None if given is None else since_when(given, datetime.now(UTC)),
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
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{given!r} is no day (2026-11-21), time (2026-11-21T19:00Z) or duration (30m, 24h, 7d, 2w)",
            param_hint="--since",
        ) from error


_DAYS_AGO: Final = re.compile(r"(\d{1,5})d")


def since_day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:
    """A day in UTC, from `2026-11-01` or from `30d`: that number of days before today."""
    if value is None:
        return None
    if ago := _DAYS_AGO.fullmatch(value):
        return datetime.now(UTC).date() - timedelta(days=int(ago[1]))
    try:
        return date.fromisoformat(value)
    except ValueError:
        message = f"{value!r} is neither a day such as 2026-11-01 nor a number of days such as 30d"
        raise click.BadParameter(message, ctx, param) from None


def day_of(given: datetime | None) -> date | None:
    """The day that a `day_options` option names."""
    return None if given is None else given.date()
