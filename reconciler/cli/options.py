"""Options that many commands share, accepted before the command's name and behind it alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

DEFAULT_PARALLELISM: Final = 8
MAX_PARALLELISM: Final = 256

_FORMATS: Final = ("text", "json", "markdown", "html", "sarif", "github", "gitlab", "codequality", "openmetrics")


@dataclass(frozen=True, slots=True)
class Options:
    """What the shared options come to; what stands behind the command's name wins."""

    project: Path | None
    format: str
    no_color: bool
    verbosity: int
    log_format: str
    parallelism: int
    comment_key: str = ""


def _project() -> Callable[..., Any]:
    return click.option(
        "--project",
        type=click.Path(path_type=Path),
        help="The project's folder or reconciler.yaml; found upwards from here by default.",
    )


def _console_options() -> list[Callable[..., Any]]:
    return [
        click.option("--no-color", is_flag=True, default=None, help="No colours; NO_COLOR does the same."),
        click.option(
            "-v",
            "--verbose",
            count=True,
            default=None,
            help="More talk on stderr, large plans whole; -vv: requests.",
        ),
        click.option("--log-format", type=click.Choice(["text", "json"]), help="How talk on stderr is written."),
    ]


def _parallelism() -> Callable[..., Any]:
    return click.option(
        "--parallelism",
        type=click.IntRange(1, MAX_PARALLELISM),
        help=f"Calls side by side at most. [default: {DEFAULT_PARALLELISM}]",
    )


def _format(formats: Sequence[str]) -> Callable[..., Any]:
    return click.option("--format", "format_", type=click.Choice(formats), help="How to print the answer.")


def _comment_key() -> Callable[..., Any]:
    return click.option(
        "--comment-key",
        default="",
        metavar="NAME",
        help="With markdown: tells this project's comment from others of the same account.",
    )


def group_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The shared options before the command's name."""

    @wraps(function)
    def call(**given: Any) -> Any:
        click.get_current_context().obj = {name: value for name, value in given.items() if value is not None}
        return function()

    for option in (_format(_FORMATS), *reversed(_console_options()), _parallelism(), _project()):
        call = option(call)
    return call


def shared_options(
    *, formats: Sequence[str] = ("text", "json"), api: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options behind the command's name; the function gets a `Options` first. `api`: the command calls the API."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(**given: Any) -> Any:
            own = {name: given.pop(name, None) for name in ("project", "format_", "no_color", "verbose", "log_format")}
            own["parallelism"] = given.pop("parallelism", None) if api else None
            key = given.pop("comment_key", "")
            before = click.get_current_context().find_root().obj or {}
            return function(replace(_options(before, own, formats), comment_key=key), **given)

        offered = [_project(), _format(formats), *_bound_options(formats, api=api), *_console_options()]
        for option in reversed(offered):
            call = option(call)
        return call

    return decorate


def _bound_options(formats: Sequence[str], *, api: bool) -> list[Callable[..., Any]]:
    """Options of the commands that write Markdown, and of those that call the API."""
    return [*([_comment_key()] if "markdown" in formats else []), *([_parallelism()] if api else [])]


def _options(before: dict[str, Any], own: dict[str, Any], formats: Sequence[str]) -> Options:
    def chosen(name: str, default: Any) -> Any:
        return own[name] if own[name] is not None else before.get(name, default)

    form = chosen("format_", formats[0])
    if form not in formats:
        raise click.UsageError(f"this command prints {', '.join(formats)}, not {form}")
    return Options(
        project=chosen("project", None),
        format=form,
        no_color=chosen("no_color", default=False),
        verbosity=(own["verbose"] or 0) + (before.get("verbose") or 0),
        log_format=chosen("log_format", "text"),
        parallelism=chosen("parallelism", DEFAULT_PARALLELISM),
    )
