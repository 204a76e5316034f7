"""Command groups that import a command when it is called, and the options that many commands share.

Imports nothing but click, so that `--help` is fast.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


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
    "table",
    "csv",
    "parquet",
    "yaml",
)


class CommandEntry(NamedTuple):
    """Where a command stands below `cli.commands` (`module:name`), and its line in the overview.

    Neither costs an import.
    """

    place: str
    summary: str


class LazyGroup(click.Group):
    """A group of commands by name, in the order in which one meets them."""

    def __init__(self, *given: Any, entries: Mapping[str, CommandEntry], **options: Any) -> None:
        super().__init__(*given, **options)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands."""
        del ctx
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        del ctx
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        command: click.Command = getattr(importlib.import_module(f"reconciler.cli.commands.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        """Names from the table, options from click: completing a name imports no command."""
        from click.shell_completion import CompletionItem as Item  # noqa: PLC0415 - only for a shell that completes

        named = [Item(name, help=entry.summary) for name, entry in self.entries.items() if name.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with what it is called here, or the nearest command, named where there is no such one."""
        if args and args[0] not in self.entries and not args[0].startswith("-"):
            from reconciler.cli.scaffold import COMMANDS  # noqa: PLC0415 - as below

            if ctx.parent is None and args[0].lower() in COMMANDS:
                raise click.UsageError(f"No such command {args[0]!r}: {COMMANDS[args[0].lower()]}", ctx)
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistyped command

            near = get_close_matches(args[0], self.entries, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


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
            help="More talk on stderr, large plans whole, unmanaged resources named; -vv: requests.",
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
