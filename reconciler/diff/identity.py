"""Which live resource a block stands for: its pin, else the ledger, else its natural identity.

The natural identity of an app is platform and bundle, of a placement its name within the app. Two live candidates are
never chosen between: an id in a shipped app decides which of them earns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.address import Address, kind_of
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One block as identity sees it. `former` and `former_key` are its address and identity before a rename."""

    address: Address
    key: Key
    pin: str | None = None
    former: Address | None = None
    former_key: Key | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The live resource. `renamed_from` is set when the ledger still knows it by another address."""

    live: LiveResource
    renamed_from: Address | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """No live resource, and none was ever ours."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The ledger knows an id that the account no longer has."""

    id: str


@dataclass(frozen=True, slots=True)
class PinNotFound:
    """The pinned id is not in the account (or not in this app)."""

    pin: str


@dataclass(frozen=True, slots=True)
class Twins:
    """Several live resources could be meant."""

    ids: tuple[str, ...]


Resolution: TypeAlias = Found | NotFound | Missing | PinNotFound | Twins


def resolve(
    wanted: Sequence[Wanted], live: Iterable[LiveResource], ledger: Ledger, key_of: Callable[[LiveResource], Key]
) -> Mapping[Address, Resolution]:
    """What each block stands for among the live resources of one scope (all apps, or the placements of one app).

    Every live resource is claimed by at most one block, the stronger kind of identity first.
    """
    scope = _Scope(wanted, live, ledger, key_of)
    for step in (scope.by_pin, scope.by_ledger, scope.by_nature):
        for block in wanted:
            if block.address not in scope.resolutions:
                step(block)
    return scope.resolutions


class _Scope:
    """The live resources of one scope, and which block has claimed which of them."""

    def __init__(
        self,
        wanted: Sequence[Wanted],
        live: Iterable[LiveResource],
        ledger: Ledger,
        key_of: Callable[[LiveResource], Key],
    ) -> None:
        self.resolutions: dict[Address, Resolution] = {}
        self._declared = {block.address for block in wanted}
        self._ledger = ledger
        self._key_of = key_of
        self._by_id: dict[str, LiveResource] = {}
        self._by_key: dict[Key, list[LiveResource]] = {}
        self._claimed: set[str] = set()
        self._owned = {ledger[address].id for address in self._declared if address in ledger}
        self._known_as = {
            entry.id: address
            for address, entry in ledger.items()
            if address not in self._declared and kind_of(address) == "placement"
        }
        for resource in live:
            self._by_id[resource.id] = resource
            self._by_key.setdefault(key_of(resource), []).append(resource)

    def by_pin(self, block: Wanted) -> None:
        if block.pin is None:
            return
        pinned = self._by_id.get(block.pin)
        if pinned is None:
            self.resolutions[block.address] = PinNotFound(block.pin)
        else:
            self._claim(block, pinned)

    def by_ledger(self, block: Wanted) -> None:
        known = self._known(block)
        if known is None:
            return
        others = [other for other in self._free(block.key) if other.id not in {known.id, *self._owned}]
        if others and self._key_of(known) != block.key:
            self._refuse(block, [known, *others])
        else:
            self._claim(block, known)

    def by_nature(self, block: Wanted) -> None:
        candidates = self._free(block.key)
        if block.former_key is not None:
            candidates += self._free(block.former_key)
        if len(candidates) == 1:
            self._claim(block, candidates[0])
        elif candidates:
            self._refuse(block, candidates)
        else:
            entry = self._ledger.get(block.address)
            self.resolutions[block.address] = NotFound() if entry is None else Missing(entry.id)

    def _known(self, block: Wanted) -> LiveResource | None:
        """The live resource the ledger knows under the block's address, or under its former one."""
        former = block.former if block.former not in self._declared else None
        for address in (block.address, former):
            entry = self._ledger.get(address) if address is not None else None
            if entry is not None and entry.id in self._by_id and entry.id not in self._claimed:
                return self._by_id[entry.id]
        return None

    def _free(self, key: Key) -> list[LiveResource]:
        return [resource for resource in self._by_key.get(key, ()) if resource.id not in self._claimed]

    def _claim(self, block: Wanted, resource: LiveResource) -> None:
        self._claimed.add(resource.id)
        former = self._known_as.get(resource.id) if resource.kind == "placement" else None
        self.resolutions[block.address] = Found(resource, former)

    def _refuse(self, block: Wanted, candidates: Iterable[LiveResource]) -> None:
        self.resolutions[block.address] = Twins(tuple(sorted(candidate.id for candidate in candidates)))
