"""Standard streams at start and end of the process, for code that must not import the console."""

import os
import sys

TYPE_CHECKING = False  # typing itself would cost as much as all the rest
if TYPE_CHECKING:
    from typing import TextIO


def prepare() -> None:
    """Make sure that no text is refused for its characters, and that no file is taken for a standard stream.

    What a stream's encoding (cp1252, ASCII) does not have is written as an escape, such as `\\u2192`. A descriptor
    that was closed when the process began is opened on the null device: the next file that is opened, the journal
    perhaps, would get its number. A stream that does not block, as some CI runners hand it on, is made to.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            try:
                reconfigure(errors=errors)
            except (OSError, ValueError):  # one that cannot be asked where it stands, or is closed: it stays as it is
                continue
    if hasattr(os, "set_blocking"):
        for number in (1, 2):
            os.set_blocking(number, True)


def try_write(text: str) -> bool:
    """Write the answer at once; whether it could be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, AttributeError):  # Python has no stdout where the descriptor was closed before it started
        return False
    return True


def write_error(text: str) -> None:
    """Write to stderr, where that can be written."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
    except OSError:
        discard_output(sys.stderr)


def flush_streams() -> None:
    """Flush stdout and stderr; discard what cannot be written, or Python would retry it and change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            discard_output(stream)


def discard_output(stream: "TextIO") -> None:
    """Discard what is buffered for a stream, which Python would otherwise try to write at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_unicode(stream: "TextIO | None") -> bool:
    """Whether a stream has all characters; one that keeps texts as they are has no encoding."""
    encoding = getattr(stream, "encoding", None)
    return encoding is None or encoding.lower().startswith("utf")
