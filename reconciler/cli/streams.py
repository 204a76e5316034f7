"""The standard streams themselves, for what must not wait for a console to be imported."""

import os
import sys

TYPE_CHECKING = False  # typing itself would cost as much as all the rest
if TYPE_CHECKING:
    from typing import TextIO


def is_told(text: str) -> bool:
    """Write the answer at once; whether it could be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, AttributeError):  # Python has no stdout where the descriptor was closed before it started
        return False
    return True


def settle() -> None:
    """Let go of talk that cannot be written, which would otherwise change the exit code."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def silence(stream: "TextIO") -> None:
    """Let go of what is still to be written, which Python would try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
