"""Identity: which live resource each block stands for, by pin, ledger, name or bundle; and which ones look like it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.model.address import Address, folded_app, folded_placement, kind_of, placement_address
from reconciler.model.ledger import Ledger, ids_in
from reconciler.model.state import DesiredApp, DesiredPlacement, LiveResource, Presence

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockIdentity:
    """One block as identity sees it. `former` and `former_key` are its address and identity before a rename.

    `distinct` says that it is another resource than whatever looks like it.
    """

    address: Address
    key: Key
    pin: str | None = None
    former: Address | None = None
    former_key: Key | None = None
    state: Presence = "present"
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The live resource. `renamed_from` is set when the ledger still knows it by another address.

    Others of the same identity that no block stands for: `archived` are ids of inactive ones that it was preferred to,
    `doubles` of active ones that the ledger tells it from.
    """

    live: LiveResource
    renamed_from: Address | None = None
    archived: tuple[str, ...] = ()
    doubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alike:
    """Live resources whose identity is alike: `free` ones that no block stands for, and `claimed` ones.

    `nameless` are those that no block stands for and whose identity cannot be read: each may be any.
    """

    free: tuple[LiveResource, ...] = ()
    claimed: tuple[str, ...] = ()
    nameless: tuple[LiveResource, ...] = ()


NOTHING_ALIKE = Alike()


@dataclass(frozen=True, slots=True)
class NotFound:
    """No live resource, and none was ever ours."""

    alike: Alike = NOTHING_ALIKE


@dataclass(frozen=True, slots=True)
class Missing:
    """The ledger knows an id that the account no longer has, or that is another block's (`taken_by`) now."""

    id: str
    alike: Alike = NOTHING_ALIKE
    taken_by: Address | None = None


@dataclass(frozen=True, slots=True)
class PinNotFound:
    """The pinned id is not in the account (or not in this app)."""

    pin: str


@dataclass(frozen=True, slots=True)
class AmbiguousIdentity:
    """Several live resources could be meant."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crossed:
    """The ledger knows `id` for the block, but `carrier` has its identity, and the ledger knows that for `other`."""

    id: str
    carrier: str
    other: Address


Unclear: TypeAlias = PinNotFound | AmbiguousIdentity | Crossed
Resolution: TypeAlias = Found | NotFound | Missing | Unclear


def resolve_apps(
    apps: Iterable[DesiredApp], live: Iterable[LiveResource], ledger: Ledger
) -> Mapping[Address, Resolution]:
    """The live app of each app block."""
    return resolve([app_identity(app) for app in apps], live, ledger, app_key, _folded_app)


def resolve_placements(
    placements: Sequence[DesiredPlacement], app: Address, live: Iterable[LiveResource], ledger: Ledger
) -> Mapping[Address, Resolution]:
    """The live placement of each placement block of one app."""
    return resolve(
        [_placement_identity(app, each) for each in placements], live, ledger, _placement_key, _folded_placement
    )


def resolve(
    wanted: Sequence[BlockIdentity],
    live: Iterable[LiveResource],
    ledger: Ledger,
    key_of: Callable[[LiveResource], Key],
    fold: Callable[[Key], Key],
) -> Mapping[Address, Resolution]:
    """What each block stands for among the live resources of one scope (all apps, or the placements of one app).

    Every live resource is claimed by at most one block, the stronger kind of identity first. `fold` gives the form in
    which identities that are alike are equal; it is called only where a block has no live resource.
    """
    resolver = _Resolver(wanted, live, ledger, key_of)
    for block in wanted:
        resolver.by_pin(block)
    resolver.by_ledger([block for block in wanted if block.address not in resolver.resolutions])
    for block in wanted:
        if block.address not in resolver.resolutions:
            resolver.by_identity(block)
    resolver.add_doubles(wanted)
    resolver.add_alike(wanted, fold)
    resolver.add_nameless(wanted)
    return resolver.resolutions


class _Resolver:
    """The live resources of one scope, and which block has claimed which of them."""

    def __init__(
        self,
        wanted: Sequence[BlockIdentity],
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
        self._claimed: dict[str, Address] = {}
        self._owned = {ledger[address].id for address in self._declared if address in ledger}
        self._known_as = {
            resource_id: address
            for address, resource_id in ids_in(ledger)
            if address not in self._declared and kind_of(address) == "placement"
        }
        for resource in live:
            self._by_id[resource.id] = resource
            self._by_key.setdefault(key_of(resource), []).append(resource)

    def by_pin(self, block: BlockIdentity) -> None:
        if block.pin is None:
            return
        pinned = self._by_id.get(block.pin)
        if pinned is None:
            self.resolutions[block.address] = PinNotFound(block.pin)
        else:
            self._claim(block, pinned)

    def by_ledger(self, wanted: Iterable[BlockIdentity]) -> None:
        """Claim what the ledger knows: first what has the block's identity still, then what was renamed."""
        renamed: dict[Address, tuple[BlockIdentity, LiveResource]] = {}
        for block in wanted:
            known = self._known_resource(block)
            if known is None:
                continue
            if self._key_of(known) == block.key:
                self._claim(block, known)
            else:
                renamed[block.address] = block, known
        self._resolve_cycles(renamed)
        for block, known in renamed.values():
            if known.id not in self._claimed:
                self._claim_renamed(block, known)

    def _resolve_cycles(self, renamed: Mapping[Address, tuple[BlockIdentity, LiveResource]]) -> None:
        """Resolve blocks whose known resources have each other's identities, in a circle of any length.

        Either each was given the name of the next in the console, or the ids in the ledger are mixed up: nothing tells
        which. A block with a pin is in no circle, for its pin says what it stands for.
        """
        by_key = {block.key: address for address, (block, _) in renamed.items()}
        following = {address: by_key.get(self._key_of(known)) for address, (_, known) in renamed.items()}
        for circle in _cycles(following):
            for before, address in zip((circle[-1], *circle), circle, strict=False):
                known, carrier = renamed[address][1], renamed[before][1]
                self._claimed[known.id] = address
                self.resolutions[address] = Crossed(known.id, carrier.id, before)

    def _claim_renamed(self, block: BlockIdentity, known: LiveResource) -> None:
        others = [other for other in self._free(block.key) if other.id not in self._owned]
        if others and _only_active([known, *others]) is not known:
            self._mark_ambiguous(block, [known, *others])
        else:
            self._claim(block, known)

    def by_identity(self, block: BlockIdentity) -> None:
        named = self._free(block.key)
        former = [] if block.former_key is None else self._free(block.former_key)
        candidates = [*named, *former]
        chosen = None if block.state == "absent" or (named and former) else _only_active(candidates)
        if len(candidates) == 1:
            self._claim(block, candidates[0])
        elif chosen is not None:
            archived = tuple(sorted(each.id for each in candidates if each is not chosen))
            self._claim(block, chosen, archived)
        elif candidates:
            self._mark_ambiguous(block, candidates)
        else:
            self.resolutions[block.address] = self._absence(block)

    def add_doubles(self, wanted: Iterable[BlockIdentity]) -> None:
        """Name the active live resources that no block stands for beside those of their identity that one does."""
        crowded = {key for key, listed in self._by_key.items() if len(listed) > 1}
        for block in wanted if crowded else ():
            resolution = self.resolutions[block.address]
            if not isinstance(resolution, Found) or block.pin is not None:
                continue
            key = self._key_of(resolution.live)
            if key in crowded and key in (block.key, block.former_key):
                active = (each.id for each in self._free(key) if each.fields.get("status") == "active")
                self.resolutions[block.address] = replace(resolution, doubles=tuple(sorted(active)))

    def add_alike(self, wanted: Iterable[BlockIdentity], fold: Callable[[Key], Key]) -> None:
        """Add to what was not found the live resources that are alike."""
        lost = [
            (block, resolution)
            for block in wanted
            if isinstance(resolution := self.resolutions[block.address], NotFound | Missing) and not block.distinct
        ]
        if not (lost and self._by_id):
            return
        by_fold: dict[Key, list[LiveResource]] = {}
        for key, listed in self._by_key.items():
            by_fold.setdefault(fold(key), []).extend(listed)
        for block, resolution in lost:
            keys = dict.fromkeys(fold(key) for key in (block.key, block.former_key) if key is not None)
            alike = sorted((each for key in keys for each in by_fold.get(key, ())), key=lambda each: each.id)
            if alike:
                free = tuple(each for each in alike if each.id not in self._claimed)
                claimed = tuple(each.id for each in alike if each.id in self._claimed)
                self.resolutions[block.address] = replace(resolution, alike=Alike(free, claimed))

    def add_nameless(self, wanted: Iterable[BlockIdentity]) -> None:
        """Add to what was not found the free live resources whose identity cannot be read."""
        free = (each for each in self._by_id.values() if each.is_nameless and each.id not in self._claimed)
        nameless = tuple(sorted(free, key=lambda each: each.id))
        for block in wanted if nameless else ():
            resolution = self.resolutions[block.address]
            if isinstance(resolution, NotFound | Missing):
                self.resolutions[block.address] = replace(
                    resolution, alike=replace(resolution.alike, nameless=nameless)
                )

    def _absence(self, block: BlockIdentity) -> NotFound | Missing:
        entry = self._ledger.get(block.address)
        return NotFound() if entry is None else Missing(entry.id, taken_by=self._claimed.get(entry.id))

    def _known_resource(self, block: BlockIdentity) -> LiveResource | None:
        """The live resource the ledger knows under the block's address, or under its former one."""
        former = block.former if block.former not in self._declared else None
        for address in (block.address, former):
            entry = self._ledger.get(address) if address is not None else None
            if entry is not None and entry.id in self._by_id and entry.id not in self._claimed:
                return self._by_id[entry.id]
        return None

    def _free(self, key: Key) -> list[LiveResource]:
        return [resource for resource in self._by_key.get(key, ()) if resource.id not in self._claimed]

    def _claim(self, block: BlockIdentity, resource: LiveResource, archived: tuple[str, ...] = ()) -> None:
        self._claimed[resource.id] = block.address
        former = self._known_as.get(resource.id) if resource.kind == "placement" else None
        self.resolutions[block.address] = Found(resource, former, archived)

    def _mark_ambiguous(self, block: BlockIdentity, candidates: Iterable[LiveResource]) -> None:
        self.resolutions[block.address] = AmbiguousIdentity(tuple(sorted(candidate.id for candidate in candidates)))


def _only_active(candidates: Sequence[LiveResource]) -> LiveResource | None:
    """The one of several that is active while all others are inactive; None where there is no such one."""
    active = [each for each in candidates if each.fields.get("status") == "active"]
    inactive = sum(each.fields.get("status") == "inactive" for each in candidates)
    return active[0] if len(active) == 1 and inactive == len(candidates) - 1 else None


def _cycles(following: Mapping[Address, Address | None]) -> Iterator[tuple[Address, ...]]:
    """The circles among addresses, each of which leads to at most one other; every address is visited once."""
    seen: set[Address] = set()
    for first in following:
        path: dict[Address, None] = {}
        at: Address | None = first
        while at is not None and at not in seen:
            seen.add(at)
            path[at] = None
            at = following.get(at)
        if at is not None and at in path:
            addresses = tuple(path)
            yield addresses[addresses.index(at) :]


def app_key(app: LiveResource) -> Key:
    """The identity of a live app."""
    return str(app.fields.get("platform", "")), str(app.fields.get("bundle", ""))


def _placement_key(placement: LiveResource) -> Key:
    return (placement.name,)


def _folded_app(key: Key) -> Key:
    platform, bundle = key
    return folded_app(platform, bundle)


def _folded_placement(key: Key) -> Key:
    return folded_placement(*key)


def app_identity(app: DesiredApp) -> BlockIdentity:
    """The block of an app as identity sees it."""
    key = (str(app.fields["platform"]), str(app.fields["bundle"]))
    return BlockIdentity(app.address, key, app.pin, state=app.state, distinct=app.lifecycle.distinct)


def _placement_identity(app: Address, placement: DesiredPlacement) -> BlockIdentity:
    old = placement.renamed_from
    return BlockIdentity(
        placement.address,
        (str(placement.fields["name"]),),
        placement.pin,
        former=None if old is None else placement_address(app, old),
        former_key=None if old is None else (old,),
        state=placement.state,
        distinct=placement.lifecycle.distinct,
    )
