"""What an account may do with what it is sent, beside keeping it: lag, keep it otherwise, answer with an old id.

Each habit is one field of `Habits`; `Readings` answers what a reader sees of an account that lags. Times are seconds of
the account's clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from math import inf
from random import Random
from typing import Final, Literal, TypeAlias, cast

from reconciler.model.address import Kind
from reconciler.model.state import LiveResource
from reconciler.model.value import MINIMUM, WORLDWIDE, Fields, Floors

Keeps: TypeAlias = Callable[[Kind, Fields], Fields]
"""What becomes of fields that are sent: those that are stored."""

OldIds: TypeAlias = Literal["none", "replay", "shift", "dedup"]
"""How a create comes to be answered with an id that was there before.

`replay`: the answer to the first create of a kind is given again to all later ones, which are not carried out.
`shift`: each is carried out and gets the answer that was due to the one before; the first, that of the newest resource
of its kind there. `dedup`: where the home holds a resource of a like name already, nothing is made and its id is given.
"""


@dataclass(frozen=True, slots=True)
class Habits:
    """How this account treats what it is sent.

    `never_returned`: fields taken and never shown. `store_name`: what becomes of an app's name. `put_replaces`: an
    update resets what it was not sent. `floors_merge`: a table of floors leaves the lines that it does not name.
    `hidden_reads`: reads of a list in which something new is not there yet.

    `list_lag`, `find_lag`: seconds until something new shows in lists, and in reads by id. `update_lag`: seconds for
    which both show old values after an update, and lists a resource after its end. `replicas`: the lag, beside those,
    of each server that answers lists; which one answers is drawn from `seed`. `keeps`: what is stored of what is sent;
    answers show it, or with `echoes_normalised` what was sent. `echoes`: so many updates are answered with what they
    sent and change nothing. `old_ids`: see `OldIds`; with `old_ids_say` such answers hold the fields of that resource.
    """

    never_returned: frozenset[str] = frozenset()
    store_name: Callable[[str], str] = str
    put_replaces: bool = False
    floors_merge: bool = False
    silent: bool = False
    hidden_reads: int = 0
    list_lag: float = 0
    find_lag: float = 0
    update_lag: float = 0
    replicas: tuple[float, ...] = (0,)
    seed: object = 0
    keeps: Keeps | None = None
    echoes_normalised: bool = False
    echoes: float = 0
    old_ids: OldIds = "none"
    old_ids_say: bool = True

    @property
    def longest_lag(self) -> float:
        """Seconds after which every reader sees what is there."""
        return max(self.list_lag, self.find_lag, self.update_lag) + max(self.replicas)


ALWAYS: Final = inf
"""For `Habits.echoes`: no update is ever carried out."""


def called(change: Callable[[str], str]) -> Keeps:
    """Names and bundles are kept as `change` makes them."""

    def keeps(_: Kind, sent: Fields) -> Fields:
        return {name: change(value) if _is_name(name, value) else value for name, value in sent.items()}

    return keeps


def _is_name(name: str, value: object) -> bool:
    return name in {"name", "bundle"} and isinstance(value, str)


LOWER: Final = called(str.lower)
TRIMMED: Final = called(str.strip)
CUT: Final = called(lambda name: name[:16])
DASHES: Final = called(lambda name: name.replace("_", "-"))
ESCAPED: Final = called(lambda name: escape(name, quote=True))


def rounded(step: str = "0.01") -> Keeps:
    """Prices are kept as the nearest multiple of a step, in USD, and none below the least price there is."""

    def keeps(_: Kind, sent: Fields) -> Fields:
        return _with_floors(sent, lambda table: {country: _rounded(price, step) for country, price in table.items()})

    return keeps


def _rounded(price: Decimal, step: str) -> Decimal:
    steps = (price / Decimal(step)).quantize(Decimal(1), ROUND_HALF_UP)
    return max(MINIMUM, (steps * Decimal(step)).normalize())


def drops(country: str) -> Keeps:
    """The line of a country is never kept."""

    def keeps(_: Kind, sent: Fields) -> Fields:
        return _with_floors(sent, lambda table: {name: price for name, price in table.items() if name != country})

    return keeps


def adds(country: str, price: str) -> Keeps:
    """Every table gets a line for a country that it has none for."""

    def keeps(_: Kind, sent: Fields) -> Fields:
        return _with_floors(sent, lambda table: {country: Decimal(price), **table})

    return keeps


def _with_floors(sent: Fields, change: Callable[[Floors], Floors]) -> Fields:
    table = sent.get("floorPrices")
    if not isinstance(table, Mapping):
        return sent
    return {**sent, "floorPrices": {WORLDWIDE: MINIMUM, **change(cast("Floors", table))}}


def both(first: Keeps, second: Keeps) -> Keeps:
    """One after the other."""
    return lambda kind, sent: second(kind, first(kind, sent))


def alike(name: str) -> str:
    """A name as far as a server that removes duplicates tells them apart."""
    return name.strip().lower().replace("_", "-")


@dataclass(slots=True)
class Past:
    """All that one resource has been: when each version began. `ended` is when it was deleted."""

    versions: list[tuple[float, LiveResource]]
    ended: float = inf

    @property
    def born(self) -> float:
        return self.versions[0][0]

    def at(self, moment: float) -> LiveResource:
        """The newest version that had begun by then; the first where none had."""
        begun = [version for began, version in self.versions if began <= moment]
        return begun[-1] if begun else self.versions[0][1]


@dataclass(slots=True)
class Readings:
    """What readers see of resources that were `put` and `ended` at known times."""

    habits: Habits
    _past: dict[str, Past] = field(default_factory=dict)
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = Random(f"replicas {self.habits.seed}")

    def put(self, now: float, resource: LiveResource) -> None:
        """A resource is made, or is from now on as given. `-inf`: it has been so for ever."""
        past = self._past.setdefault(resource.id, Past([]))
        past.versions.append((now, resource))

    def end(self, now: float, resource_id: str) -> None:
        """A resource is deleted."""
        self._past[resource_id].ended = now

    def listed(self, now: float) -> list[LiveResource]:
        """All that the server which happens to answer would put into its lists."""
        habits = self.habits
        behind = self._chance.choice(habits.replicas) if len(habits.replicas) > 1 else habits.replicas[0]
        new, old = now - behind - habits.list_lag, now - behind - habits.update_lag
        return [past.at(old) for past in self._past.values() if past.born <= new and old < past.ended]

    def found(self, now: float, resource_id: str) -> LiveResource | None:
        """What a read by id shows; an end shows at once."""
        past = self._past.get(resource_id)
        if past is None or past.ended <= now or past.born > now - self.habits.find_lag:
            return None
        return past.at(now - self.habits.update_lag)
