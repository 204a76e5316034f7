"""The way in. `--version` is answered here: importing the command line would cost three times the empty interpreter."""

import _signal  # type: ignore[import-not-found]  # `signal` without its enums, which take as long as Python's start
import gc
import sys

_YOUNG = 200_000
"""Containers made before the collector looks at them; Python's own 700 has it walk an account a thousand times."""
_INSTALL = "hint: install the program anew, with all that its lock names, into an environment of its own\n"


def collect_rarely() -> None:
    """Have the collector run rarely: imports and the reading of an account make values that live on, and few cycles.

    Measured at a twentieth of `--help`, and at two fifths of the time it takes to make resources of answers.
    """
    gc.set_threshold(_YOUNG, 50, 100)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code.

    While the command line is imported SIGINT ends the process at once, as SIGTERM does: there is nothing to finish yet,
    and a `KeyboardInterrupt` amid imports would be a traceback. Where SIGINT is ignored it stays so.
    """
    collect_rarely()
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from reconciler.cli.streams import prepare, try_write, write_error  # noqa: PLC0415 - after the lines above, as all that follows

    prepare()
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--version"]:
        from reconciler.installed import whence  # noqa: PLC0415

        if try_write(f"{whence()}\n"):
            return
    try:
        from reconciler.cli.main import main as run_and_exit  # noqa: PLC0415 - see the module's first line

        run_and_exit(given)
    except ImportError as missing:  # of a library without which not even errors can be told as usual
        write_error(f"error: a part of this program ({missing.name or missing}) cannot be loaded\n{_INSTALL}")
        sys.exit(1)
