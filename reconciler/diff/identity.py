"""What identity sees of a block, and the live resource that it stands for: the answers of `resolve`."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.address import Address
from reconciler.model.desired import Presence
from reconciler.model.live import LiveResource

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
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
class AmbiguousMatch:
    """Several live resources could be meant."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crossed:
    """The ledger knows `id` for the block, but `carrier` has its identity, and the ledger knows that for `other`."""

    id: str
    carrier: str
    other: Address


Unclear: TypeAlias = PinNotFound | AmbiguousMatch | Crossed
Resolution: TypeAlias = Found | NotFound | Missing | Unclear
