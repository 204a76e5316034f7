"""Turn the error that ends a command into its message and its exit code."""

import errno
import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from reconciler.cli.console import Console
from reconciler.cli.scaffold import option_hint
from reconciler.errors import Interrupted, InvalidManifests, ReconcilerError, UsageError
from reconciler.render.text import line

_PACKAGE: Final = Path(__file__).parents[1]
_DONE: Final = "what an apply did until then is in `reconciler history` and in the ledger"
_FEW_FILES: Final = "raise the limit (`ulimit -n 1024`), or lower --parallelism"
_INSTALL: Final = "install the program anew, with all that its lock names, into an environment of its own"
_REPORT: Final = "call it again with -v to see where it happened, and report that"


def exit_code_of(end: Exception | KeyboardInterrupt, words: Sequence[str]) -> int:
    """Print the error that ended a command, and return its exit code. `words` are the arguments as typed.

    Errors of the system are printed in its words; a bug of this program with its place, and with -v as a traceback.
    """
    console = Console()
    match end:
        case click.exceptions.Exit():
            return end.exit_code
        case click.UsageError():
            console.usage(end, option_hint(end, words))
            return UsageError.exit_code
        case click.ClickException():
            console.error(end.format_message())
        case click.Abort() | KeyboardInterrupt():
            console.error("interrupted; nothing was in flight")
            return Interrupted.exit_code
        case ReconcilerError():
            if isinstance(end, InvalidManifests):
                console.findings(end.findings, to_answer=False)
            console.error(end.message, end.hint)
            return end.exit_code
        case BrokenPipeError():
            console.drop_answer()
        case OSError():
            console.error(*_system_error(end))
        case _:
            console.error(*_foreign_error(end))
            if logging.getLogger("reconciler").isEnabledFor(logging.INFO):
                console.answer_on_stderr(
                    line(text) for part in traceback.format_exception(end) for text in part.splitlines()
                )
    return 1


def _system_error(end: OSError) -> tuple[str, str]:
    """Message and hint for an error of the operating system."""
    match end:
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return "too many files and connections are open at once", _FEW_FILES
        case FileNotFoundError(filename=None):
            return "the working directory is not there any more", "call this from a folder that exists"
        case _:
            name = "" if end.filename is None else f"{end.filename}: "
            return f"{name}{end.strerror or end}", ""


def _foreign_error(end: Exception) -> tuple[str, str]:
    """Message and hint for an exception that is none of this program."""
    match end:
        case MemoryError():
            return "there is not enough memory", _DONE
        case UnicodeError():
            return (
                f"a text that is not UTF-8, in an argument or in a file's name, cannot be used ({_raise_site(end)})",
                "",
            )
        case ImportError():
            part = f" ({end.name})" if end.name else ""
            return f"a part of this program{part} cannot be loaded", _INSTALL
        case _:
            return (
                f"this is a bug of reconciler ({_raise_site(end)}): it does not know how to go on",
                f"{_DONE}; {_REPORT}",
            )


def _raise_site(end: BaseException) -> str:
    """Where in this program something was raised, as a file and a line of it."""
    frames = [
        frame for frame in traceback.extract_tb(end.__traceback__) if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    if not frames:
        return "outside of its own code"
    last = frames[-1]
    return f"{Path(last.filename).relative_to(_PACKAGE.parent).as_posix()}:{last.lineno}"
