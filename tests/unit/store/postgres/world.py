"""Records to write, and another process that writes them."""

import subprocess
import sys
from contextlib import contextmanager

from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry
from reconciler.model.outcome import Ended, Intent, Result

API = "https://console.example.com"
APP = Address("android:com.a")
INT, REWARD = Address("android:com.a/int"), Address("android:com.a/reward")


def entry(address, resource_id="1", **applied):
    return LedgerEntry(address, resource_id, applied or {"status": "active"})


def applied(known, *forget):
    return Ended(Result(known.address, "create", "applied", known.id, 1), known, forget)


def intent(address, **sends):
    return Intent(address, "create", None, 1, sends, {})


HOLDER = """
import sys
from reconciler.cli.clock import SystemClock
from reconciler.model.secret import Secret
from reconciler.store.postgres import open_store
with open_store(Secret(sys.argv[1]), "3432", sys.argv[2], SystemClock()).run({"user": "ada", "job": "ci/17"}) as run:
    print(run.run_id, flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(url, api=API):
    """Another process, and its run that holds the lock until the process is killed or its input ends."""
    command = [sys.executable, "-c", HOLDER, url, api]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()
