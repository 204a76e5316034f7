"""Random histories over real HTTP: the world of the matrix, several kinds of faults at once, steps side by side."""

from pathlib import Path
from random import Random
from typing import Any, Final

from support.histories import Broken, Tally
from support.matrix import ALPHA_ID, DESIRED, KNOWN, LIVE, TUNED_ID, converges, exact, unharmed
from support.wire import Wire

from reconciler.errors import ReconcilerError
from reconciler.sandbox import faults
from reconciler.sandbox.faults import Fault
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text

QUIRKS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"list_shape": "named", "ids": "number", "put_answer": "message", "appears_after": 20, "found_after": 8},
    {"list_shape": "lone-object", "booleans": "text", "create_answer": "id", "create_status": 201},
    {"keys": "contrary", "off_blocks": "shown", "create_answer": "no-id", "put_answer": "stale"},
    {"appears_after": 50, "found_after": 50, "updates_after": 8},
    {"replicas": (0, 4, 15), "appears_after": 2, "dedup": True},
)
"""Habits of servers. What is done late shows within the settle time all the same, but for the last but one."""

ANYWHERE: Final = ("*", "POST placement", "POST app", "PUT placement", "* app", "GET placement", "DELETE placement")


def some_fault(chance: Random) -> Fault:
    """One kind of fault, at some calls, every so often."""
    on, when = chance.choice(ANYWHERE), chance.choice(["before", "after"])
    often: dict[str, Any] = {"on": on, "probability": chance.choice([0.1, 0.3, 0.6])}
    return chance.choice([
        lambda: faults.Reset(when=when, **often),
        lambda: faults.Status(status=chance.choice([500, 502, 503, 504]), when=when, **often),
        lambda: faults.Status(status=429, retry_after=chance.choice([None, 1]), **often),
        lambda: faults.Truncate(**often),
        lambda: faults.Garbage(when=when, **often),
        lambda: faults.Empty(when=when, **often),
        lambda: faults.Null(when=when, **often),
        lambda: faults.BadGzip(when=when, **often),
        lambda: faults.ExpireToken(**often),
        lambda: faults.Duplicate(**often),
        lambda: faults.Paging(**often),
        lambda: faults.Omit(omit=(ALPHA_ID, TUNED_ID), **often),
        lambda: faults.Status(status=chance.choice([303, 409]), when=when, on="POST placement", probability=0.3),
        lambda: faults.OldId(when=when, fields=chance.random() < 0.5, on="POST placement", probability=0.3),
        lambda: faults.Echo(on="PUT placement", probability=0.5),
        lambda: faults.Timeout(when=when, seconds=5, on=on, probability=0.02),
    ])()  # fmt: skip


def play_on(wire: Wire, seed: object, root: Path) -> Tally:
    """One history from beginning to end. Raises `Broken`."""
    chance = Random(f"wire {seed}")
    tally = Tally(1)
    wire.holds(*LIVE)
    (root / LEDGER_NAME).write_text(ledger_text({each.address: each for each in KNOWN}))
    try:
        for _ in range(chance.randint(1, 2)):
            script = [some_fault(chance) for _ in range(chance.randint(1, 3))]
            wire.strike(*script, seed=chance.randint(0, 10**9))
            _disturbed(wire, root, chance, tally)
        wire.strike()
        converges(wire, root)
    except (AssertionError, KeyError) as wrong:
        raise Broken(f"wire seed {seed}: {wrong}") from wrong
    tally.calls = len(wire.account.requests)
    return tally


def _disturbed(wire: Wire, root: Path, chance: Random, tally: Tally) -> None:
    try:
        plan, execution = wire.apply(DESIRED, root, parallelism=chance.choice([1, 4]))
    except ReconcilerError:
        tally.runs["failed to plan"] += 1
    else:
        tally.runs["ended"] += 1
        tally.outcomes.update(each.outcome for each in execution.results)
        exact(wire, plan, execution)
    unharmed(wire)
