"""Which fault strikes which call: the faults of a server, and how far each has come."""

from collections.abc import Sequence
from random import Random

from reconciler.sandbox.exchange import Call
from reconciler.sandbox.faults import Echo, Fault, ListFault, OldId


class Script:
    """The faults of a server and how far each has come. The same calls and seed give the same faults."""

    def __init__(self, faults: Sequence[Fault], *, seed: int = 0) -> None:
        self._lines = [_Line(fault, Random(f"{seed} {place}")) for place, fault in enumerate(faults)]  # noqa: S311 - faults, not secrets

    def strike(self, call: Call) -> Fault | None:
        """The fault that strikes this call: the first in order that is due. Each that matches counts the call."""
        due = [line for line in self._lines if line.counts(call)]
        if not due:
            return None
        due[0].struck += 1
        return due[0].fault


class _Line:
    """One fault of a script: how many matching calls it saw, and how many it struck."""

    def __init__(self, fault: Fault, chance: Random) -> None:
        self.fault = fault
        self.struck = 0
        self._seen = 0
        self._chance = chance

    def counts(self, call: Call) -> bool:
        """Count the call if it matches, and say whether the fault is due."""
        if not _matches(self.fault, call):
            return False
        self._seen += 1
        return self._is_due() and (self.fault.times is None or self.struck < self.fault.times)

    def _is_due(self) -> bool:
        fault = self.fault
        if fault.nth is not None:
            return fault.nth <= self._seen and self.struck < (fault.times or 1)
        if fault.every is not None:
            return self._seen % fault.every == 0
        return fault.probability is None or self._chance.random() < fault.probability


def _matches(fault: Fault, call: Call) -> bool:
    if not _is_possible(fault, call):
        return False
    method, _, resource = fault.on.partition(" ")
    if method not in ("*", call.method) or resource not in ("", "*", call.resource):
        return False
    if not fault.containing:
        return True
    said = " ".join(call.query.values()) + " " + call.body.decode(errors="replace")
    return fault.containing in said


def _is_possible(fault: Fault, call: Call) -> bool:
    """Whether the fault can strike such a call at all."""
    if isinstance(fault, ListFault):
        return is_list(call)
    if isinstance(fault, OldId | Echo):
        needed = "POST" if isinstance(fault, OldId) else "PUT"
        return call.method == needed and call.resource in {"app", "placement"}
    return True


def is_list(call: Call) -> bool:
    """Whether the call reads a list."""
    of_whom = {"app": "publisherId", "placement": "appId"}.get(call.resource, "")
    own = {"app": "appId", "placement": "placementId"}.get(call.resource, "")
    return call.method == "GET" and bool(call.query.get(of_whom)) and not call.query.get(own)
