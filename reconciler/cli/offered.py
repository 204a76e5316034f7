"""The options that many commands share, as click offers them; kept apart because `--help` must not wait for more."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

import click

DEFAULT_PARALLELISM: Final = 8
MAX_PARALLELISM: Final = 256

_FORMATS: Final = (
    "text",
    "json",
    "markdown",
    "html",
    "sarif",
    "github",
    "gitlab",
    "codequality",
    "junit",
    "openmetrics",
    "csv",
)


LONE: Final = "\0"
"""What `--project` without a path is given as: no path is called so."""


def project_option(*, lone: bool = False) -> Callable[..., Any]:
    """`--project`, as text; `lone`: it may stand without a path."""
    taken: dict[str, Any] = {"type": str, "is_flag": False, "flag_value": LONE} if lone else {"type": click.Path()}
    return click.option(
        "--project",
        help="The project's folder or reconciler.yaml; found upwards from here by default.",
        **taken,
    )


def console_options() -> list[Callable[..., Any]]:
    """`--no-color`, `--verbose` and `--log-format`."""
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


def parallelism_option() -> Callable[..., Any]:
    """`--parallelism`."""
    return click.option(
        "--parallelism",
        type=click.IntRange(1, MAX_PARALLELISM),
        help=f"Calls side by side at most. [default: {DEFAULT_PARALLELISM}]",
    )


def format_option(formats: Sequence[str]) -> Callable[..., Any]:
    """`--format`, given to the function as `format_`."""
    return click.option("--format", "format_", type=click.Choice(formats), help="How to print the answer.")


def comment_key_option() -> Callable[..., Any]:
    """`--comment-key`."""
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

    for option in (format_option(_FORMATS), *reversed(console_options()), parallelism_option(), project_option()):
        call = option(call)
    return call


def forge_options() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--forge`, `--repository` and `--request`: for jobs that do not say it themselves."""

    def offered(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(
            (
                click.option(
                    "--forge",
                    type=click.Choice(["github", "gitlab", "gitea", "bitbucket", "azure"]),
                    help="Whose API. [default: the job's]",
                ),
                click.option(
                    "--repository",
                    metavar="R",
                    help="OWNER/NAME; at Azure DevOps PROJECT/NAME, at GitLab a number, too. [default: the job's]",
                ),
                click.option(
                    "--request",
                    "--number",
                    "request",
                    type=click.IntRange(1),
                    help="Which pull or merge request. [default: the job's]",
                ),
            )
        ):
            function = option(function)
        return function

    return offered
