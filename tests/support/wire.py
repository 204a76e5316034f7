"""An account behind real HTTP: the sandbox, the real client in front of it, the real store under it, no patience."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from support.builders import origin
from support.fake_gateway import when_unset
from support.histories import Nobody

from reconciler.api.environment import SystemClock
from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.apply.executor import Execution
from reconciler.http.auth import Credentials
from reconciler.http.retry import RetryPolicy
from reconciler.model.field import fields_from_json
from reconciler.model.journal import past_creates
from reconciler.model.ledger import Ledger
from reconciler.model.secret import Secret
from reconciler.model.state import DesiredState, LiveResource, LiveState
from reconciler.plan.plan import Plan
from reconciler.sandbox.account import StoredResource
from reconciler.sandbox.fault_script import FaultScript
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions, seed_resources
from reconciler.store.files import FileStore
from reconciler.workflow.apply import ApplyRequest, carry_out_plan
from reconciler.workflow.plan import PlanningContext, make_plan, make_settled_plan
from reconciler.workflow.selection import Selection

KEYS = Credentials(Secret("wire"), Secret("wire"))
IMPATIENT = RetryPolicy(
    deadline=10, connect=1, read=0.3, tries=2, throttled_tries=3, first_pause=0.005, longest_pause=0.01
)
"""Two tries of 0.3 s: enough for an answer from this machine, and soon over where there is none."""

SETTLE_SECONDS = 30.0
"""As long as by default; whoever sleeps over it puts the hands forward (`HastyClock`)."""
PUBLISHER = "3432"


class HastyClock(SystemClock):
    """The machine's clock, but whoever asks for a long sleep gets a short one, and the hands put forward."""

    longest = 0.01

    def __init__(self) -> None:
        self._skipped = 0.0
        self._lock = Lock()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._skipped)

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, self.longest))
        with self._lock:
            self._skipped += max(0.0, seconds - self.longest)


class Wire:
    """One sandbox, used for many accounts one after another. Its seconds are those of the program's clock."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.account = sandbox.account
        self.clock = HastyClock()
        self.account.clock = lambda: self.clock.now().timestamp()
        self.sent: Mapping[str, int] = {}

    @classmethod
    @contextmanager
    def running(cls, **quirks: Any) -> Iterator["Wire"]:
        """A sandbox with these quirks, until the context is left."""
        with RunningSandbox(SandboxOptions(quirks=Quirks(**quirks))) as sandbox:
            yield cls(sandbox)

    def holds(self, *resources: Mapping[str, Any]) -> None:
        """The account holds these and nothing else, and no call fails. See `seed_resources` for their form."""
        self.account.clear()
        seed_resources(self.account, resources, publisher_id=PUBLISHER)
        self.strike()

    def strike(self, *faults: Fault, seed: int = 0) -> None:
        """From now on these faults strike; none where none is given."""
        self.sandbox.follow(FaultScript(faults, seed=seed))

    @contextmanager
    def gateway(self, patience: RetryPolicy = IMPATIENT) -> Iterator[DtGateway]:
        """The account, as the program sees it. `sent` tells afterwards how many requests that took."""
        with DtClient(self.sandbox.url, KEYS, clock=self.clock, patience=patience) as client:
            yield DtGateway(client, PUBLISHER)
            self.sent = client.requests()

    def apply(
        self,
        desired: DesiredState,
        root: Path,
        *,
        parallelism: int = 4,
        patience: RetryPolicy = IMPATIENT,
        between: Callable[[], object] | None = None,
        **more: Any,
    ) -> tuple[Plan, Execution]:
        """Plan and carry out, as the command does; `between` comes between the two. Raises what reading raises."""
        desired = replace(desired, safety=replace(desired.safety, settle_seconds=SETTLE_SECONDS))
        store = FileStore(root, self.clock)
        with self.gateway(patience) as gateway, store.run({}) as run:
            ledger = store.ledger()
            ground = PlanningContext(gateway, ledger, past_creates(store.events()))
            read_plan = partial(self._plan, desired, ground, Selection(parallelism=parallelism, **more))
            plan, live = make_settled_plan(read_plan, ground, SETTLE_SECONDS, self.clock, str)
            if between is not None:
                between()
            request = ApplyRequest(plan, live, ledger, gateway, run, SETTLE_SECONDS)
            return plan, carry_out_plan(request, self.clock, Nobody(), parallelism)

    def plan(self, desired: DesiredState, root: Path) -> Plan:
        """What an apply would do now."""
        with self.gateway() as gateway:
            past = past_creates(FileStore(root, self.clock).events())
            return self._plan(desired, PlanningContext(gateway, self.ledger(root), past), Selection(parallelism=1))[0]

    def _plan(self, desired: DesiredState, ground: PlanningContext, selection: Selection) -> tuple[Plan, LiveState]:
        made_at = origin(self.clock.now().isoformat(timespec="seconds"))
        return make_plan(desired, ground.reader, ground.ledger, made_at, selection, lambda: ground.past)

    def ledger(self, root: Path) -> Ledger:
        """What the store knows."""
        return FileStore(root, self.clock).ledger()

    def truth(self) -> dict[str, LiveResource]:
        """Everything that is really there, by id, whatever the API says of it."""
        return {each.id: _as_live(each) for each in (*self.account.apps(), *self.account.placements())}

    def writes(self, method: str, resource: str) -> list[Any]:
        """The bodies of all calls of a kind that came in since the account was set up."""
        return [
            seen.body for seen in self.account.requests if seen.method == method and seen.path.endswith(f"/{resource}")
        ]


def _as_live(stored: StoredResource) -> LiveResource:
    fields = {name: value for name, value in stored.fields.items() if name != "publisherId"}
    known = fields_from_json({name: _canonical(value) for name, value in fields.items()})
    return LiveResource(stored.kind, stored.id, {**when_unset(stored.kind, known), **known}, stored.app_id)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(part) for key, part in value.items()}
    return sorted(value) if isinstance(value, list) else value


def app(app_id: str, bundle: str, **fields: Any) -> dict[str, Any]:
    """An app of the account, as `Wire.holds` takes it."""
    known = {"platform": "android", "bundle": bundle, "name": "Acme", "category1": "Finance", "coppa": False}
    return {"kind": "app", "id": app_id, "fields": {**known, "status": "active", **fields}}


def placement(placement_id: str, app_id: str, name: str, **fields: Any) -> dict[str, Any]:
    """A placement of the account, as `Wire.holds` takes it."""
    known = {"name": name, "placementType": "Interstitial", "status": "active", "coppa": False}
    return {"kind": "placement", "id": placement_id, "appId": app_id, "fields": {**known, **fields}}


def twins(resources: Iterable[LiveResource]) -> list[tuple[Any, ...]]:
    """Identities that more than one resource carries."""
    keys = [
        ("app", each.fields["platform"], each.fields["bundle"]) if each.kind == "app" else (each.app_id, each.name)
        for each in resources
    ]
    return sorted({key for key in keys if keys.count(key) > 1}, key=str)
