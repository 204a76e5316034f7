"""Requests to stop: Ctrl-C, a closed terminal, and the SIGTERM that CI systems send some seconds before SIGKILL.

A SIGINT or SIGHUP that was ignored when the process began (a background job of a script, `nohup`) stays ignored.
SIGTERM is always heard, since a run that cannot be asked to stop would be killed instead.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from time import monotonic
from types import FrameType
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
TOGETHER_SECONDS: Final = 1.0
"""Requests that come within this time of the first are one request: runners send SIGINT and SIGTERM at once."""
_IMPORTING: Final = "<frozen importlib._bootstrap>"


def stop_on_request() -> None:
    """Take SIGINT, SIGTERM and SIGHUP as a `KeyboardInterrupt`, once; further requests end the process at once.

    Amid an import nothing is raised and the process ends at once, by the signal: code that is being loaded does not
    expect an exception there, and swallows it or reports it as something else. The same holds where an exception
    cannot be raised, as in `__del__`.
    """
    request = _StopRequest()
    for number in _handled_signals():
        signal.signal(number, request)
    usual = sys.unraisablehook

    def unraisable(arguments: "sys.UnraisableHookArgs") -> None:
        if issubclass(arguments.exc_type, KeyboardInterrupt):
            end_by(signal.SIGINT)
        usual(arguments)

    sys.unraisablehook = unraisable


def stop_at_once() -> None:
    """From here on a request to stop ends the process at once: the command is done, and Python shuts down."""
    for number in _handled_signals():
        signal.signal(number, signal.SIG_DFL)


def end_by(number: int) -> NoReturn:
    """End the process by a signal with its default action; where it is blocked, with exit code 128 + number."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)


@contextmanager
def stop_handler(stop: Callable[[], None]) -> Iterator[None]:
    """Within this context a request to stop calls `stop` and raises nothing, however often it comes.

    An exception could strike anywhere, in the middle of a lock of the standard library too.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stop()) for number in _handled_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _StopRequest:
    """The handler of both signals; it remembers when the first request came, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._first: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = monotonic()
        if self._first is not None and now - self._first < TOGETHER_SECONDS:
            return
        if self._first is not None or _is_importing(frame):
            end_by(number)
        self._first = now
        raise KeyboardInterrupt


def _handled_signals() -> list[signal.Signals]:
    return [number for number in SIGNALS if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN]


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False
