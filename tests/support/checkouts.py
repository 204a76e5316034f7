"""Random histories of two checkouts of one project, each with a store of its own, that apply at the same time."""

from pathlib import Path
from random import Random

from support.builders import origin
from support.chaos import SETTLE_SECONDS, ChaoticStore, World, some_world
from support.habits import Habits
from support.histories import BETWEEN_QUIET_RUNS, History, Nobody, Tally, played

from reconciler.apply.executor import Execution
from reconciler.model.address import Address, app_of
from reconciler.model.state import LiveResource
from reconciler.plan.plan import Plan
from reconciler.workflow.apply import ApplyRequest, carry_out_plan
from reconciler.workflow.plan import make_plan
from reconciler.workflow.selection import Selection


class TwoCheckouts(History):
    """Two clones of a project, each with a store of its own, that apply to one account at the same time."""

    def drawn_world(self, chance: Random) -> World:
        """Mostly accounts whose lists show at once what there is: there the second run has to see all twins."""
        return World(Habits()) if chance.random() < 0.6 else some_world(chance)

    def play(self, folder: Path) -> Tally:
        """The second plans before the first creates, and applies after it; then they take turns. Raises `Broken`."""
        ours, theirs = folder / "ours", folder / "theirs"
        for root in (ours, theirs):
            root.mkdir()
            self.leave_ledger(root)
        late = ChaoticStore(theirs, self.fate)
        with late.run({}) as run:
            ledger = late.ledger()
            made_at = origin(self.clock.now().isoformat(timespec="seconds"))
            plan, live = make_plan(self.desired, self.gateway, ledger, made_at, Selection(parallelism=1))
            self.exact(*self.run(ours, recreate=False), quiet=True)
            self.require(not self.twins(), f"one checkout alone made twins: {self.twins()}")
            if not self.world.lags:
                self.clock.advance(seconds=self.chance.choice([0, 1, 60]))
            self.gateway.shown.clear()
            request = ApplyRequest(plan, live, ledger, self.gateway, run, SETTLE_SECONDS)
            execution = carry_out_plan(request, self.clock, Nobody(), self.parallelism)
        self.tally.runs["interleaved"] += 1
        self.tally.outcomes.update(each.outcome for each in execution.results)
        made_twice = self._made_twice()
        self._named(execution, made_twice)
        count = len(list(self.everything()))
        for root in (ours, theirs, ours):
            self.clock.advance(seconds=BETWEEN_QUIET_RUNS)
            plan, execution = self.run(root, recreate=False)
            self.tally.runs["quiet"] += 1
            now = self._made_twice()
            self.require(now == made_twice, f"more twins: {now}, before {made_twice}")
            told = {each.address for each in execution.results if each.outcome in {"blocked", "unknown", "skipped"}}
            told |= {each for each in made_twice if self._listed_as_unmanaged(each, plan)}
            silent = [each for each in made_twice if each not in told and app_of(each) not in {*made_twice} - {each}]
            self.require(not silent, f"twins that a later run does not tell: {silent}")
        self.require(len(list(self.everything())) <= count, "more was made later")
        self.tally.calls = self.gateway.calls
        return self.tally

    def _made_for(self, address: Address | None) -> list[LiveResource]:
        return [each for each in self.everything() if self.meant_as(each) == address]

    def _made_twice(self) -> list[Address]:
        """Addresses that several live resources were made for, whatever these are called now."""
        return [address for address in self.twins() if len(self._made_for(address)) > 1]

    def _listed_as_unmanaged(self, address: Address, plan: Plan) -> bool:
        """Whether a plan lists one of the resources that were made for an address as nobody's."""
        ids = {each.id for each in self._made_for(address)}
        return bool(ids & {each.id for each in plan.unmanaged})

    def _named(self, execution: Execution, made_twice: list[Address]) -> None:
        """Twins that the last lists of a run showed, or had to show, are told with both ids, and are no success.

        What the account calls otherwise than it was asked to cannot be told for a twin by anybody.
        """
        results = {each.address: each for each in execution.results}
        for address in made_twice:
            if app_of(address) != address and app_of(address) in made_twice:
                continue  # each is in an app of its own, and in no list beside the other
            made = self._made_for(address)
            ids = {each.id for each in made}
            key = "bundle" if app_of(address) == address else "name"
            if any(each.fields[key] != self.account.sent_for.get(each.id, each.fields)[key] for each in made):
                continue
            seen = any(ids <= shown for shown in self.gateway.shown.values())
            if not seen and self.world.lags:
                continue
            result = results[address]
            named = result.error is not None and all(each in result.error for each in ids)
            self.require(result.outcome == "unknown" and named, f"{result} does not name {sorted(ids)}")


def play_two(seed: object, *, parallelism: int = 1) -> Tally:
    """One history of two checkouts. Raises `Broken`."""
    return played(TwoCheckouts(f"two {seed}", parallelism=parallelism))
