"""The command line: which commands there are, and how every end of one becomes an exit code."""

import importlib
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

import click

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.options import group_options
from reconciler.cli.stopping import stop_on_sigterm
from reconciler.errors import Interrupted, InvalidManifests, ReconcilerError, UsageError


class _Entry(NamedTuple):
    """Where a command stands, and its line in the overview, which must not cost an import."""

    module: str
    summary: str


COMMANDS: Final = {
    "init": _Entry("init", "Start a project: settings, an example manifest, schemas, CI workflow."),
    "validate": _Entry("validate", "Check everything that can be known without the network."),
    "plan": _Entry("plan", "Read the account and show what apply would do. Writes nothing."),
    "apply": _Entry("apply", "Make the account as declared, or carry out a saved plan."),
    "rehearse": _Entry("rehearse", "Carry out a saved plan on a sandbox, under faults, and show the account."),
    "show": _Entry("show", "Show a saved plan again."),
    "history": _Entry("history", "Show what was done, when, by which run, and what came of it."),
    "ping": _Entry("ping", "Check the credentials, and what they can see."),
    "schema": _Entry("schema", "Print the JSON Schemas of the project's files, for editors."),
    "sandbox": _Entry("sandbox", "Run a local server that speaks the API, to try things on."),
}


class _Commands(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which one meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(f"reconciler.cli.commands.{entry.module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command named where there is no such one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistyped command

            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
@group_options
def cli() -> None:
    """Waterfall as code: keep a Digital Turbine account in step with YAML manifests in git.

    \b
    A first round, on a local sandbox:
      reconciler init demo && cd demo
      reconciler validate
      reconciler plan
      reconciler apply
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code. Only what is our own bug leaves a traceback.

    SIGTERM, which CI systems send some seconds before SIGKILL, is taken as the interrupt that Ctrl-C is.
    """
    stop_on_sigterm()
    code = run(arguments)
    Console().settle()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    console = Console()
    try:
        code = cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except (click.ClickException, click.exceptions.Exit, click.Abort) as end:
        return _ended_by_click(end, console)
    except ReconcilerError as wrong:
        if isinstance(wrong, InvalidManifests):
            console.findings(wrong.findings, to_answer=False)
        console.error(wrong.message, wrong.hint)
        return wrong.exit_code
    except KeyboardInterrupt:
        return _ended_by_click(click.Abort(), console)
    except BrokenPipeError:
        console.abandon()
        return 1
    return code if isinstance(code, int) else 0


def _ended_by_click(end: BaseException, console: Console) -> int:
    match end:
        case click.exceptions.Exit():
            return end.exit_code
        case click.UsageError():
            console.usage(end)
            return UsageError.exit_code
        case click.ClickException():
            console.error(end.format_message())
            return 1
        case _:
            console.error("interrupted; nothing was in flight")
            return Interrupted.exit_code
