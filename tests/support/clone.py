"""A clone of a project: a store of its own on files, over an account and a clock that it may share with others."""

import json
from pathlib import Path
from typing import Any

from support.builders import origin
from support.fake_clock import FakeClock
from support.histories import Nobody

from reconciler.apply.executor import Execution
from reconciler.model.address import Address
from reconciler.model.journal import Result, past_creates
from reconciler.model.ledger import Ledger
from reconciler.model.state import DesiredState, LiveState
from reconciler.plan.plan import Plan
from reconciler.ports import Gateway
from reconciler.store.files import FileStore
from reconciler.workflow.apply import ApplyRequest, carry_out_plan
from reconciler.workflow.plan import PlanningContext, make_plan, make_settled_plan
from reconciler.workflow.selection import Selection


class Clone:
    """`plan` and `execution` are those of the last apply."""

    def __init__(self, root: Path, gateway: Gateway, clock: FakeClock) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.gateway = gateway
        self.clock = clock
        self.plan: Plan
        self.execution: Execution

    def planned(self, desired: DesiredState, *, recreate: bool = False) -> Plan:
        """What an apply would do now."""
        made_at = origin(self.clock.now().isoformat(timespec="seconds"))
        chosen = Selection(parallelism=1, recreate=recreate)
        past = past_creates(FileStore(self.root, self.clock).events())
        self.plan, self._live = make_plan(desired, self.gateway, self.ledger(), made_at, chosen, lambda: past)
        return self.plan

    def apply(self, desired: DesiredState, *, recreate: bool = False, parallelism: int = 1) -> dict[Address, Result]:
        """Plan and carry out, as the command does. Results by address."""
        store = FileStore(self.root, self.clock)
        settle = desired.safety.settle_seconds
        with store.run({}) as run:
            past = past_creates(store.events())

            def read_plan() -> tuple[Plan, LiveState]:
                return self.planned(desired, recreate=recreate), self._live

            ground = PlanningContext(self.gateway, self.ledger(), past)
            plan, _ = make_settled_plan(read_plan, ground, settle, self.clock, str)
            settle_seconds = past.settle_seconds(settle)
            request = ApplyRequest(plan, self._live, self.ledger(), self.gateway, run, settle_seconds)
            self.execution = carry_out_plan(request, self.clock, Nobody(), parallelism)
        return {each.address: each for each in self.execution.results}

    def ledger(self) -> Ledger:
        """What the store knows."""
        return FileStore(self.root, self.clock).ledger()

    def journal(self) -> list[dict[str, Any]]:
        """The lines of the journal."""
        lines = (self.root / ".reconciler" / "journal.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]
