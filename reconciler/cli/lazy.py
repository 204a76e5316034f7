"""Groups of commands that import a command's module only when that command is called."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """Where a command stands below `cli.commands`, and its line in the overview, which must not cost an import."""

    module: str
    summary: str


class Lazy(click.Group):
    """A group of commands by name, in the order in which one meets them."""

    def __init__(self, *given: Any, entries: Mapping[str, Entry], **options: Any) -> None:
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
        command: click.Command = importlib.import_module(f"reconciler.cli.commands.{entry.module}").command
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
            from reconciler.cli.other_tools import COMMANDS  # noqa: PLC0415 - as below

            if ctx.parent is None and args[0].lower() in COMMANDS:
                raise click.UsageError(f"No such command {args[0]!r}: {COMMANDS[args[0].lower()]}", ctx)
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistyped command

            near = get_close_matches(args[0], self.entries, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)
