"""How far a floor may move towards its target in one change, and what holds it back.

Limits are exact Decimals, since the gate of a later apply compares exactly, and rounding goes away from them: a raised
floor is rounded down, a lowered one up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

from reconciler.floors.current_floors import CurrentFloor
from reconciler.floors.rules import Rules
from reconciler.model.floors import MINIMUM
from reconciler.model.value import price

CENT: Final = Decimal("0.01")
TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Limit:
    """A floor that is not passed in one change, and why."""

    floor: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """The floor that may be suggested (the current one: no change), and what held it back."""

    floor: Decimal
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the evidence says of how far a raise may go.

    Up to `sure` no step is too long and no demand too dear to lose; `most_cut` is the floor that cuts as many
    impressions as one change may; `fixed` the price of demand that never bids more.
    """

    sure: float
    most_cut: float
    fixed: float | None = None


def guarded_raise(target: float, ceiling: Ceiling, at: CurrentFloor, rules: Rules) -> Guarded:
    """The raise that every limit allows."""
    current = at.current
    limits = list(_raise_limits(current, ceiling, at, rules))
    nearest = min(limits, key=lambda limit: limit.floor)
    floor = rounded(min(exact(target), nearest.floor), ROUND_DOWN)
    held = (nearest.why,) if nearest.floor < exact(target) else ()
    if floor < current + max(CENT, current * exact(rules.least_raise)):
        return Guarded(at.current, (*held, f"A raise of less than {rules.least_raise:.0%} is not worth a change."))
    return Guarded(price(floor), held)


def guarded_lower(target: float, at: CurrentFloor, rules: Rules) -> Guarded:
    """The lower floor that every limit allows."""
    current = at.current
    nearest = max(_lower_limits(current, at, rules), key=lambda limit: limit.floor)
    floor = rounded(max(exact(target), nearest.floor), ROUND_UP)
    held = (nearest.why,) if nearest.floor > exact(target) else ()
    if floor > current * exact(1 - rules.least_lower):
        return Guarded(at.current, (*held, f"A change of less than {rules.least_lower:.0%} is not worth one."))
    if floor > exact(rules.safety.max_floor):
        return Guarded(at.current, (f"Even {floor} USD is above the project's maxFloor: lower it by hand.",))
    return Guarded(price(floor), held)


def cooling(at: CurrentFloor, today: date, rules: Rules) -> str | None:
    """Why a floor that moved lately, or is about to, has to stand still; None where it may move."""
    if at.pending:
        return "The manifest has another floor than the one in force: apply that change first, and see what it does."
    if at.changed is None:
        return None
    days = (today - at.changed).days
    if days >= rules.cool_down:
        return None
    return f"The floor changed on {at.changed}, less than {rules.cool_down} days ago: what it does has to be seen."


def _raise_limits(current: Decimal, ceiling: Ceiling, at: CurrentFloor, rules: Rules) -> Iterator[Limit]:
    step, sure = current * exact(rules.raise_step), exact(ceiling.sure)
    yield Limit(
        max(step, sure), f"One change raises a floor at most {rules.raise_step:g} times beyond the safe region."
    )
    yield Limit(exact(ceiling.most_cut), f"One change cuts at most {rules.most_cut:.0%} of the impressions.")
    if ceiling.fixed is not None:
        why = f"Some demand pays a fixed {ceiling.fixed:.2f} USD: it would not answer a higher floor, but leave."
        yield Limit(max(exact(ceiling.fixed), sure), why)
    yield Limit(exact(rules.safety.max_floor), f"The project's maxFloor is {rules.safety.max_floor:g} USD.")
    if current > MINIMUM:
        percent = rules.safety.max_floor_change_percent
        yield Limit(current * (100 + exact(percent)) / 100, f"The project's maxFloorChangePercent is {percent:g}.")
    if at.dearer is not None:
        halfway = (current + at.dearer) / 2
        yield Limit(
            halfway,
            f"The dearer tier stands at {float(at.dearer):g} USD: a rung goes at most half way to it.",
        )


def _lower_limits(current: Decimal, at: CurrentFloor, rules: Rules) -> Iterator[Limit]:
    yield Limit(MINIMUM, f"No floor is below {MINIMUM} USD.")
    yield Limit(current * exact(rules.lower_step), f"One change leaves at least {rules.lower_step:.0%} of a floor.")
    if current > MINIMUM:
        percent = rules.safety.max_floor_change_percent
        yield Limit(current * (100 - exact(percent)) / 100, f"The project's maxFloorChangePercent is {percent:g}.")
    if at.cheaper is not None:
        halfway = (current + at.cheaper) / 2
        yield Limit(
            halfway,
            f"The cheaper tier stands at {float(at.cheaper):g} USD: a rung goes at most half way to it.",
        )


def exact(number: float) -> Decimal:
    """A float as the decimal number that it is written as."""
    return Decimal(repr(float(number)))


def rounded(floor: Decimal, rounding: str) -> Decimal:
    """A price in whole cents below 1 USD and in tenths from there on."""
    return floor.quantize(CENT if floor < 1 else TENTH, rounding)
