"""Records to write, and another process that writes them."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from reconciler.model.address import Address
from reconciler.model.journal import Intent, Result, StepResult
from reconciler.model.ledger import LedgerEntry
from reconciler.model.secret import Secret
from reconciler.store.postgres.database import Database

API = "https://console.example.com"
APP = Address("android:com.a")
INT, REWARD = Address("android:com.a/int"), Address("android:com.a/reward")


def entry(address, resource_id="1", **applied):
    return LedgerEntry(address, resource_id, applied or {"status": "active"})


def applied(known, *forget):
    return StepResult(Result(known.address, "create", "applied", known.id, 1), known, forget)


def intent(address, **sends):
    return Intent(address, "create", None, 1, sends, {})


HOLDER = """
import sys
from reconciler.api.environment import SystemClock
from reconciler.errors import StoreError
from reconciler.model.secret import Secret
from reconciler.store.postgres.database import Database
from reconciler.store.postgres.store import PostgresStore
database = Database(Secret(sys.argv[1]), idle=float(sys.argv[3]))
with PostgresStore(database, "3432", sys.argv[2], SystemClock()).run({"user": "ada", "job": "ci/17"}) as run:
    print(run.run_id, flush=True)
    try:
        if sys.stdin.read():
            run.record_observation({"event": "told to"})
    except StoreError as wrong:
        print("StoreError", wrong)
"""


@contextmanager
def holder(url, api=API, *, idle=60):
    """Another process, and its run that holds the lock until the process is killed or its input ends.

    What comes in that input makes it record something, and say so where it cannot.
    """
    command = [sys.executable, "-c", HOLDER, url, api, str(idle)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def neighbours(url, number):
    """Other clients of the pooler, which mix up whose session is whose."""
    database = Database(Secret(url))
    going, stop = [], []

    def ask():
        while not stop:
            with database.connection() as connection:
                going.append(connection.exec_driver_sql("SELECT current_setting('statement_timeout')").scalar())

    with ThreadPoolExecutor(number) as workers:
        asked = [workers.submit(ask) for _ in range(number)]
        try:
            yield going
        finally:
            stop.append(True)
            for each in asked:
                each.result(30)
