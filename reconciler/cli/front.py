"""The way in. `--version` is answered here: importing the command line would cost three times the empty interpreter."""

import sys

from reconciler import __version__
from reconciler.cli.streams import is_told


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--version"] and is_told(f"reconciler {__version__}\n"):
        return
    from reconciler.cli.main import main as run_and_exit  # noqa: PLC0415 - as above

    run_and_exit(given)
