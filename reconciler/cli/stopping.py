"""Requests to stop: Ctrl-C, and the SIGTERM that CI systems send some seconds before SIGKILL."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def stop_on_sigterm() -> None:
    """Take SIGTERM as the interrupt that Ctrl-C is."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def asked_to_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Within this context a request to stop calls `stop` and raises nothing, however often it comes.

    An exception could strike anywhere, in the middle of a lock of the standard library too.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stop()) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
