"""The fault matrix: every kind of fault at every kind of call, and what came of it.

One world serves all cells: a plan that makes an app and placements, changes both kinds, and deletes. In each cell one
fault strikes one call, once or throughout the run, before or after the server has acted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from support.builders import at, desired_app, desired_placement, desired_state, entry
from support.wire import IMPATIENT, PUBLISHER, Wire, app, placement, twins

from reconciler.apply.executor import Execution
from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.errors import ReconcilerError
from reconciler.model.address import Address, app_address
from reconciler.model.journal import Result
from reconciler.model.state import LiveResource
from reconciler.plan.plan import Plan
from reconciler.sandbox import faults
from reconciler.sandbox.faults import Fault
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text

ALPHA, BETA = app_address("android", "com.alpha"), app_address("android", "com.Beta")
ALPHA_ID, TUNED_ID, GONE_ID, STRANGER_ID = "170001", "240002", "240003", "240004"
LONG_AGO = "2020-01-01T00:00:00+00:00"
OFF = "·"
BETWEEN_RUNS = 100.0
"""Seconds: longer than anything here lags."""

Mode = Literal["once", "throughout"]
MODES: Final[tuple[Mode, ...]] = ("once", "throughout")

LIVE = (
    app(ALPHA_ID, "com.alpha", rewardedAdUrl="https://example.com/old", category2="Business"),
    placement("240001", ALPHA_ID, "keep", floorPrices={"WW": 0.01, "US": 3}, capping={"value": 1, "unit": "hour"}),
    placement(TUNED_ID, ALPHA_ID, "tuned", floorPrices={"WW": 0.01, "US": 1}, pacing={"value": 9, "unit": "second"}),
    placement(GONE_ID, ALPHA_ID, "gone", status="inactive"),
    placement(STRANGER_ID, ALPHA_ID, "theirs", floorPrices={"WW": 0.5}),
)
KEEP = desired_placement("keep", app=ALPHA, floorPrices={"US": 3})
TUNED = desired_placement("tuned", app=ALPHA, floorPrices={"US": 2}, capping={"value": 2, "unit": "day"})
GONE = desired_placement("gone", app=ALPHA, state="absent")
FRESH = desired_placement("Fresh_1", app=ALPHA, coppa=False, floorPrices={"US": 4}, capping={"value": 3, "unit": "day"})
FIRST = desired_placement("first", app=BETA, coppa=False, floorPrices={"US": 5})
DESIRED = desired_state(
    desired_app(KEEP, TUNED, GONE, FRESH, bundle="com.alpha", rewardedAdUrl="https://example.com/new"),
    desired_app(FIRST, bundle="com.Beta", name="Beta"),
)
KNOWN = (
    entry(DESIRED.apps[0], ALPHA_ID, applied={"rewardedAdUrl": "https://example.com/old"}),
    entry(KEEP, "240001"),
    entry(TUNED, TUNED_ID, applied={"floorPrices": {"US": 1}}),
    entry(GONE, GONE_ID, inactive_since=LONG_AGO),
)


@dataclass(frozen=True)
class Call:
    """One kind of call: a column. `on` and `containing` pick it; `address` is the step that rests on it, if any."""

    title: str
    on: str
    containing: str
    address: Address | None = None
    lists: bool = False

    @property
    def writes(self) -> bool:
        return not self.on.startswith("GET")


CALLS: Final = (
    Call("POST app", "POST app", "com.Beta", BETA),
    Call("POST placement", "POST placement", "Fresh_1", at("Fresh_1", ALPHA)),
    Call("PUT app", "PUT app", ALPHA_ID, ALPHA),
    Call("PUT placement", "PUT placement", TUNED_ID, at("tuned", ALPHA)),
    Call("DELETE", "DELETE placement", GONE_ID, at("gone", ALPHA)),
    Call("list of apps", "GET app", PUBLISHER, lists=True),
    Call("list of placements", "GET placement", ALPHA_ID, lists=True),
    Call("read-back by id", "GET placement", GONE_ID, at("gone", ALPHA)),
)


@dataclass(frozen=True)
class Kind:
    """One kind of fault, or of server: a row.

    `done`: the server has acted before the fault; None where that makes no difference. `quirks`: how the server
    differs; a row without a fault (`make` is None) is about these alone. `only`: the columns it is about. `left`: what
    the next run cannot settle: `doubt` (nobody can tell what a resource was made for), or `kept` (the account keeps
    something else than was asked for). `second`: another checkout applies between the plan and the first step.
    """

    title: str
    make: Callable[..., Fault] | None
    done: bool | None = None
    only_lists: bool = False
    deadline: float = IMPATIENT.deadline
    more: tuple[tuple[str, Any], ...] = ()
    quirks: tuple[tuple[str, Any], ...] = ()
    only: tuple[str, ...] = ()
    left: Literal["nothing", "doubt", "kept"] = "nothing"
    second: bool = False

    @property
    def row(self) -> str:
        return self.title if self.done is None else f"{self.title}, {'done' if self.done else 'not done'}"

    def strikes(self, call: Call, mode: Mode) -> bool:
        """Whether this row says anything of that column."""
        if self.only_lists:
            return call.lists
        if self.only:
            return call.title in self.only and (self.make is not None or mode == "throughout")
        return call.writes or self.done is not True or self.make in {faults.Truncate, faults.Slow}

    def at(self, call: Call, mode: Mode) -> tuple[Fault, ...]:
        """The fault as it strikes a call, if there is one."""
        if self.make is None:
            return ()
        when = {} if self.done is None else {"when": "after" if self.done else "before"}
        often = {"nth": 1} if mode == "once" else {}
        return (self.make(on=call.on, containing=call.containing, **when, **often, **dict(self.more)),)


CREATES: Final = ("POST app", "POST placement")
UPDATES: Final = ("PUT app", "PUT placement")
FLOORS: Final = ("POST placement", "PUT placement")


def _both(title: str, make: Callable[..., Fault], *, only: tuple[str, ...] = (), **more: Any) -> tuple[Kind, ...]:
    extra = tuple(more.items())
    return tuple(Kind(title, make, done=done, more=extra, only=only) for done in (False, True))


def _lag(seconds: int) -> Iterator[Kind]:
    lag = (("appears_after", seconds), ("found_after", seconds))
    for done in (False, True):
        yield Kind(f"all reads lag {seconds} s, answer lost", faults.Reset, done=done, quirks=lag, only=CREATES)


def _old_id(title: str, more: tuple[tuple[str, Any], ...]) -> Iterator[Kind]:
    for done in (False, True):
        yield Kind(title, faults.OldId, done=done, more=more, only=CREATES)


KINDS: Final = (
    *_both("timeout", faults.Timeout, seconds=5),
    *_both("connection reset", faults.Reset),
    *_both("500", faults.Status, status=500),
    *_both("503", faults.Status, status=503, retry_after=1),
    Kind("429", faults.Status, more=(("status", 429),)),
    Kind("429 with Retry-After", faults.Status, more=(("status", 429), ("retry_after", 2))),
    *_both("HTML page", faults.Garbage),
    *_both("empty body", faults.Empty),
    *_both("`null`", faults.Null),
    *_both("bad gzip", faults.BadGzip),
    Kind("truncated body", faults.Truncate, done=True),
    Kind("trickle beyond the deadline", faults.Slow, done=True, deadline=0.5, more=(("seconds", 2),)),
    Kind("401, token expired", faults.ExpireToken),
    Kind("list leaves out what we own", faults.Omit, only_lists=True, more=(("omit", (ALPHA_ID, TUNED_ID)),)),
    Kind("list leaves out the newest", faults.Omit, only_lists=True, more=(("omit", 1),)),
    Kind("list with a row twice", faults.Duplicate, only_lists=True),
    Kind("list speaks of a next page", faults.Paging, only_lists=True),
    *_lag(8),
    *_lag(20),
    *_lag(50),
    Kind("reads by id lag 50 s, after a good create", None, quirks=(("found_after", 50), ("create_answer", "id")),
         only=CREATES),
    Kind("lists of three servers, 0, 4 and 20 s behind, answer lost", faults.Reset, done=True,
         quirks=(("replicas", (0, 4, 20)),), only=CREATES),
    Kind("done 20 s after its connection broke", faults.Late, more=(("seconds", 20),), only=CREATES),
    *(Kind(f"names {how}, answer lost", faults.Reset, done=True, quirks=(("names", quirk),), only=CREATES, left="doubt")
      for how, quirk in (("in lower case", "lower"), ("with `-` for `_`", "dashes"))),
    *_old_id("an id that was there before", ()),
    *_old_id("the same without fields", (("fields", False),)),
    *(kind for status in (303, 409) for kind in _both(str(status), faults.Status, status=status, only=CREATES)),
    Kind("answered as if done", faults.Echo, only=UPDATES),
    Kind("prices rounded", None, quirks=(("prices", 1.5),), only=FLOORS, left="kept"),
    Kind("a line of floors dropped", None, quirks=(("drops", ("US",)),), only=FLOORS, left="kept"),
    Kind("a line of floors added", None, quirks=(("adds", {"DE": 0.5}),), only=FLOORS, left="kept"),
    Kind("old values for 8 s after an update", None, quirks=(("updates_after", 8),), only=UPDATES),
    Kind("two checkouts at once", None, only=CREATES, left="doubt", second=True),
)  # fmt: skip


def cell(wire: Wire, kind: Kind, call: Call, mode: Mode, root: Path) -> str:
    """What comes of one fault at one call, in a word or two; every law is held against it on the way."""
    if not kind.strikes(call, mode):
        return OFF
    wire.holds(*LIVE)
    roots = (root / "ours", root / "theirs")
    for each in roots:
        each.mkdir()
        (each / LEDGER_NAME).write_text(ledger_text({each.address: each for each in KNOWN}))
    wire.strike(*kind.at(call, mode))
    try:
        patience = replace(IMPATIENT, deadline=kind.deadline)
        between = partial(wire.apply, DESIRED, roots[1]) if kind.second else None
        plan, execution = wire.apply(DESIRED, roots[0], patience=patience, between=between)
    except ReconcilerError as ended:
        _nothing_was_written(wire, ended)
        told = "stops"
    else:
        if not kind.second:
            exact(wire, plan, execution)
        told = _told(execution, call)
    if kind.second:
        _names_both(wire, execution)
    else:
        unharmed(wire)
    wire.strike()
    match kind.left:
        case "nothing":
            converges(wire, roots[0])
        case "doubt" | "kept":
            _nothing_more_is_made(wire, kind, roots[0])
    return told


def _names_both(wire: Wire, execution: Execution) -> None:
    """What two checkouts made twice the later one tells as unknown, with both ids."""
    there, results = wire.truth(), {each.address: each for each in execution.results}
    for name, address in (("com.Beta", BETA), ("Fresh_1", FRESH.address)):
        ids = [each.id for each in there.values() if name in {each.fields.get("bundle"), each.fields.get("name")}]
        assert len(ids) == 2, ids
        assert results[address].outcome == "unknown", results[address]
        assert all(each in str(results[address].error) for each in ids), results[address]


def _nothing_more_is_made(wire: Wire, kind: Kind, root: Path) -> None:
    """Runs that come later write nothing that was not asked for anew, and say what is left or leave nothing."""
    wire.apply(DESIRED, root)
    before, asked = wire.truth(), len(wire.writes("POST", "app")) + len(wire.writes("POST", "placement"))
    plan, execution = wire.apply(DESIRED, root)
    assert len(wire.writes("POST", "app")) + len(wire.writes("POST", "placement")) == asked
    assert wire.truth() == before
    if not kind.second:
        unharmed(wire)
    if kind.left == "kept":
        assert plan.changes == ()
    assert {each.outcome for each in execution.results} <= {"blocked", "unknown", "skipped"}


def _told(execution: Execution, call: Call) -> str:
    outcomes = {each.address: each.outcome for each in execution.results}
    if call.address is not None:
        return outcomes[call.address]
    if set(outcomes.values()) == {"applied"}:
        return "applied"
    return "holds back" if "blocked" in outcomes.values() else " ".join(sorted(set(outcomes.values())))


def _nothing_was_written(wire: Wire, ended: ReconcilerError) -> None:
    written = [seen for seen in wire.account.requests if seen.method != "GET" and not seen.path.endswith("/auth")]
    assert written == [], (ended, written)


def unharmed(wire: Wire) -> None:
    """No twin, no loss, nothing deleted but what was planned, strangers as they were."""
    there = wire.truth()
    assert twins(there.values()) == []
    assert {each["id"] for each in LIVE} - there.keys() <= {GONE_ID}
    assert there[STRANGER_ID].fields["floorPrices"] == desired_placement(floorPrices={"WW": 0.5}).fields["floorPrices"]
    assert "pacing" in there[TUNED_ID].fields
    assert there[TUNED_ID].fields["pacing"] is not None
    deletes = [body["placementId"] for body in wire.writes("DELETE", "placement")]
    assert set(deletes) <= {GONE_ID}
    assert wire.writes("DELETE", "app") == []


def exact(wire: Wire, plan: Plan, execution: Execution) -> None:
    """Each outcome is true of what is really there."""
    there = wire.truth()
    results = {each.address: each for each in execution.results}
    assert len(results) == len(plan.changes)
    for change in plan.changes:
        _true(change, results[change.address], there)


def _true(change: Change, result: Result, there: dict[str, LiveResource]) -> None:
    if isinstance(change, Blocked):
        assert result.outcome == "blocked"
        return
    done = is_done(change, there)
    match result.outcome:
        case "applied":
            assert done, result
        case "failed" | "skipped":
            assert not done, result
        case "unverified" | "unknown":
            assert result.error, result
        case "normalised":
            assert not done, result
            assert getattr(result, "kept", None), result
        case other:
            raise AssertionError(other)


def is_done(change: Change, there: dict[str, LiveResource]) -> bool:
    """Whether the account is as a change would have it."""
    match change:
        case Create():
            key = ("platform", "bundle") if change.app_id is None and "bundle" in change.send else ("name",)
            return any(
                all(each.fields.get(name) == change.send[name] for name in key) and _shows(change.send, each)
                for each in there.values()
            )
        case Update():
            return _shows(change.send, there[change.id])
        case Deactivate():
            return there[change.id].fields["status"] == "inactive"
        case Delete():
            return change.id not in there
        case Blocked():
            return False


def _shows(wanted: Any, live: LiveResource) -> bool:
    return all(live.fields.get(name) == value for name, value in wanted.items())


def converges(wire: Wire, root: Path, runs: int = 2) -> None:
    """The next run, undisturbed, ends where this one should have; what lags may hold it back for one more."""
    for _ in range(runs):
        _, execution = wire.apply(DESIRED, root)
        assert {each.outcome for each in execution.results} <= {"applied", "blocked", "unverified"}, execution.results
        wire.clock.sleep(BETWEEN_RUNS)
        if all(each.outcome == "applied" for each in execution.results):
            break
    wire.apply(DESIRED, root)
    unharmed(wire)
    there = wire.truth()
    assert GONE_ID not in there
    ledger = wire.ledger(root)
    for block in declared():
        live = there[ledger[block.address].id]
        assert _shows(block.fields, live), (block, live)
    assert wire.plan(DESIRED, root).changes == ()


def declared() -> Iterator[Any]:
    """The blocks of the world that are to be there."""
    for block in DESIRED.apps:
        yield block
        yield from (each for each in block.placements or () if each.state == "present")
