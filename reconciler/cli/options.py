"""Options that many commands share, accepted before the command's name and behind it alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from reconciler.cli.offered import (
    DEFAULT_PARALLELISM,
    LONE,
    comment_key_option,
    console_options,
    format_option,
    parallelism_option,
    project_option,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the shared options come to; what stands behind the command's name wins.

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


def shared_options(
    *, formats: Sequence[str] = ("text", "json"), api: bool = False, lone_project: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options behind the command's name; the function gets a `Options` first.

    `api`: the command calls the API. `lone_project`: `--project` may stand there without a path.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(**given: Any) -> Any:
            own = {name: given.pop(name, None) for name in ("project", "format_", "no_color", "verbose", "log_format")}
            own["parallelism"] = given.pop("parallelism", None) if api else None
            key = given.pop("comment_key", "")
            before = click.get_current_context().find_root().obj or {}
            return function(replace(_options(before, own, formats), comment_key=key), **given)

        offered = [
            project_option(lone=lone_project),
            format_option(formats),
            *_bound_options(formats, api=api),
            *console_options(),
        ]
        for option in reversed(offered):
            call = option(call)
        return call

    return decorate


def _bound_options(formats: Sequence[str], *, api: bool) -> list[Callable[..., Any]]:
    """Options of the commands that write Markdown, and of those that call the API."""
    return [*([comment_key_option()] if "markdown" in formats else []), *([parallelism_option()] if api else [])]


def _options(before: dict[str, Any], own: dict[str, Any], formats: Sequence[str]) -> Options:
    def chosen(name: str, default: Any) -> Any:
        return own[name] if own[name] is not None else before.get(name, default)

    form = chosen("format_", formats[0])
    if form not in formats:
        raise click.UsageError(f"this command prints {', '.join(formats)}, not {form}")
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
    )
