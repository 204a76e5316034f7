"""Where the peers are kept, what they are missing, and the sandbox that they and we work on."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import children
from children import RECONCILER

WORK = children.WORK / "peers"


class PeerMissingError(Exception):
    """A peer that cannot be had here, and why."""


@contextmanager
def sandbox(latency: float) -> Iterator[str]:
    """The URL of an empty account that is kept as the product's own sandbox keeps it."""
    called = [*RECONCILER, "sandbox", "--port", "0", "--latency", str(latency)]
    with subprocess.Popen(called, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=WORK) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
