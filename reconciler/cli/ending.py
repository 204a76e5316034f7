"""How a command that did not simply return becomes an exit code, with what is to be said of it."""

from collections.abc import Sequence

import click

from reconciler.cli.console import Console
from reconciler.cli.other_tools import hint_of_option
from reconciler.errors import Interrupted, InvalidManifests, ReconcilerError, UsageError


def ended(end: Exception | KeyboardInterrupt, words: Sequence[str]) -> int:
    """Say what ended the command that was called with these words; its exit code. Our own bugs are raised again."""
    console = Console()
    match end:
        case click.exceptions.Exit():
            return end.exit_code
        case click.UsageError():
            console.usage(end, hint_of_option(end, words))
            return UsageError.exit_code
        case click.ClickException():
            console.error(end.format_message())
            return 1
        case click.Abort() | KeyboardInterrupt():
            console.error("interrupted; nothing was in flight")
            return Interrupted.exit_code
        case ReconcilerError():
            if isinstance(end, InvalidManifests):
                console.findings(end.findings, to_answer=False)
            console.error(end.message, end.hint)
            return end.exit_code
        case BrokenPipeError():
            console.abandon()
            return 1
        case _:
            raise end
