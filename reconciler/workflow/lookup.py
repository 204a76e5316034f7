"""Find live resources by address, pattern or id, with as few calls as the question allows.

An id is one call for each kind that it may be of. An address whose id the ledger or a pin names is one call; another
one needs the list of apps, or of the placements of its app. Only patterns read more.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import ApiRejected, ProjectError, UnreadableAnswer, UsageError
from reconciler.model.address import (
    KINDS,
    Address,
    Kind,
    address_order,
    app_of,
    kind_of,
    name_of,
    placement_address,
    selector,
)
from reconciler.model.ledger import Ledger
from reconciler.model.state import LiveResource, ResourceKey, live_app_address
from reconciler.ports import LiveReader
from reconciler.workflow.observe import all_apps, read_lists, side_by_side
from reconciler.yaml.scalar import did_you_mean

_ID: Final = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9_-]{1,64}", re.ASCII)
_GLOB: Final = re.compile(r"[*?\[]")
EVERYTHING: Final = "*"
"""The pattern that every address matches."""


@dataclass(frozen=True, slots=True)
class FoundResource:
    """A live resource and its address: by the ledger or a pin, else by its own identity."""

    address: Address
    live: LiveResource


@dataclass(frozen=True, slots=True)
class MissingResource:
    """An address, pattern or id that nothing live was found by, why, and what to do about it."""

    reference: str
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What was found, each resource once and in the order of the question; and what was not."""

    found: tuple[FoundResource, ...]
    missing: tuple[MissingResource, ...]


@dataclass(frozen=True, slots=True)
class KnownIds:
    """What is known of an account before it is asked. `pins` gives what manifests say, and is called only if needed.

    `has_publisher`: whether the list of apps can be read; `hint` says what to do where it cannot.
    """

    ledger: Ledger = field(default_factory=dict)
    pins: Callable[[], Mapping[Address, str | None]] = dict
    has_publisher: bool = True
    hint: str = ""


def is_id(reference: str) -> bool:
    """Whether a reference can be an id: it has a digit, and no colon, slash or dot as addresses have."""
    return _ID.fullmatch(reference) is not None


def look_up(
    references: Sequence[str], kind: Kind | None, reader: LiveReader, known: KnownIds, parallelism: int
) -> LookupResult:
    """The live resources of these references, of one kind or of both.

    Raises `UsageError` for an address of another kind, `ProjectError` where a list is needed and nobody knows whose,
    and `ApiError` or a subclass for what cannot be read.
    """
    for each in references:
        if kind is not None and ":" in each and not _GLOB.search(each) and kind_of(Address(each)) != kind:
            raise UsageError(f"{each} is the address of {_OF_KIND[kind_of(Address(each))]}, and --kind is {kind}")
    lookup = _Lookup(reader, known, (kind,) if kind else KINDS, parallelism)
    unique = tuple(dict.fromkeys(references))
    single = dict(zip(unique, side_by_side(lookup.by_known_id, unique, parallelism), strict=True))
    lookup.name_apps(each for answer in single.values() if isinstance(answer, Sequence) for each in answer)
    found: dict[ResourceKey, FoundResource] = {}
    missing: list[MissingResource] = []
    for reference, answer in single.items():
        ends = lookup.by_lists(reference) if answer is None else answer
        if isinstance(ends, MissingResource):
            missing.append(ends)
            continue
        found.update({(each.kind, each.id): FoundResource(lookup.address_of(each), each) for each in ends})
    return LookupResult(tuple(found.values()), tuple(missing))


_OF_KIND: Final[Mapping[Kind, str]] = {"app": "an app", "placement": "a placement"}


class _Lookup:
    """One question: what was read for it is not read again."""

    def __init__(self, reader: LiveReader, known: KnownIds, kinds: tuple[Kind, ...], parallelism: int) -> None:
        self._reader = reader
        self._known = known
        self._kinds = kinds
        self._parallelism = parallelism
        self._addresses: dict[ResourceKey, Address] = {
            (kind_of(address), entry.id): address for address, entry in known.ledger.items()
        }
        self._apps: tuple[LiveResource, ...] | None = None
        self._lists: dict[str, Sequence[LiveResource]] = {}
        self._pins: Mapping[Address, str | None] | None = None

    def by_known_id(self, reference: str) -> Sequence[LiveResource] | MissingResource | None:
        """What is found by an id that is given or owned; None for what lists have to tell. Called from threads."""
        entry = self._known.ledger.get(Address(reference))
        if entry is not None:
            live = self._find(kind_of(entry.address), entry.id)
            return (live,) if isinstance(live, LiveResource) else None
        return self._by_id(reference) if is_id(reference) else None

    def name_apps(self, found: Iterable[LiveResource]) -> None:
        """Note the addresses of apps among what was found, for placements of theirs."""
        for each in found:
            if each.kind == "app":
                self.address_of(each)

    def _by_id(self, resource_id: str) -> Sequence[LiveResource] | MissingResource:
        answers = [self._find(kind, resource_id) for kind in self._kinds]
        if found := [each for each in answers if isinstance(each, LiveResource)]:
            return found
        why = next((each for each in answers if isinstance(each, str)), None)
        what = " or ".join(_OF_KIND[kind] for kind in self._kinds)
        return MissingResource(
            resource_id, why or f"the account has no such id of {what}", "`reconciler get --all` shows all with ids"
        )

    def _find(self, kind: Kind, resource_id: str) -> LiveResource | str | None:
        """One resource; None where there is none, and the API's words where it refuses to say."""
        try:
            return self._reader.find(kind, resource_id)
        except (ApiRejected, UnreadableAnswer) as error:
            return error.message

    def by_lists(self, reference: str) -> Sequence[LiveResource] | MissingResource:
        """What pins and lists tell of an address or a pattern."""
        address = Address(reference)
        if _GLOB.search(reference) is None:
            found = self._by_address(address) if ":" in reference else []
        else:
            found = self._by_pattern(reference)
        if found:
            return found
        nearest = did_you_mean(reference, self._all_addresses(kind_of(address)))
        form = "" if ":" in reference else "an address is platform:bundle, or platform:bundle/name of a placement"
        return MissingResource(reference, "no such resource is in the account", nearest or form)

    def _by_address(self, address: Address) -> list[LiveResource]:
        pin = self._pinned().get(address)
        if pin is not None and isinstance(live := self._find(kind_of(address), pin), LiveResource):
            self._addresses.setdefault((live.kind, live.id), address)
            return [live]
        if kind_of(address) == "app":
            return [app for app in self._all_apps() if live_app_address(app) == address]
        app_ids = self._app_ids(app_of(address))
        return [each for app in app_ids for each in self._placements(app) if each.name == name_of(address)]

    def _app_ids(self, app: Address) -> list[str]:
        """The ids of a placement's app: the owned or pinned one, else those of its identity."""
        entry = self._known.ledger.get(app)
        known = self._pinned().get(app) if entry is None else entry.id
        return [known] if known else [each.id for each in self._all_apps() if live_app_address(each) == app]

    def _by_pattern(self, pattern: str) -> list[LiveResource]:
        apps = self._all_apps()
        homes = {app.id: self.address_of(app) for app in apps}
        needed = homes if "placement" in self._kinds else {}
        to_read = {
            app_id: home
            for app_id, home in needed.items()
            if _may_match_below(pattern, home) and app_id not in self._lists
        }
        self._lists.update(
            read_lists(
                apps, to_read, self._reader, self._known.ledger, self._parallelism, doubtful=set()
            ).live.placements
        )
        everything = [
            *(apps if "app" in self._kinds else ()),
            *(each for id_ in needed for each in self._lists.get(id_, ())),
        ]
        by_address = sorted(
            ((self.address_of(each), each) for each in everything), key=lambda pair: address_order(pair[0])
        )
        exact = [live for address, live in by_address if address == pattern]
        wanted = selector((pattern,))
        return exact or [live for address, live in by_address if wanted(address)]

    def _placements(self, app_id: str) -> Sequence[LiveResource]:
        if app_id not in self._lists:
            self._lists[app_id] = self._reader.placements(app_id, expected=False)
        return self._lists[app_id]

    def _all_apps(self) -> tuple[LiveResource, ...]:
        if self._apps is None:
            if not self._known.has_publisher:
                raise ProjectError(
                    "the list of apps is needed, and whose account it is is not known", hint=self._known.hint
                )
            self._apps, _ = all_apps(self._reader, self._known.ledger, self._parallelism)
        return self._apps

    def _pinned(self) -> Mapping[Address, str | None]:
        if self._pins is None:
            self._pins = self._known.pins()
            pinned = {(kind_of(address), pin): address for address, pin in self._pins.items() if pin is not None}
            self._addresses = {**pinned, **self._addresses}
        return self._pins

    def _all_addresses(self, kind: Kind) -> Iterator[Address]:
        """Every address that is known by now, of the ledger, of manifests and of what was read."""
        read = (*(self._apps or ()), *(each for listed in self._lists.values() for each in listed))
        addresses: Iterable[Address] = (*self._known.ledger, *self._pinned(), *map(self.address_of, read))
        return (address for address in dict.fromkeys(addresses) if kind_of(address) == kind)

    def address_of(self, live: LiveResource) -> Address:
        """The address of a live resource; of a placement, its app is asked for where nothing else tells it."""
        known = self._addresses.get((live.kind, live.id))
        if known is None:
            known = live_app_address(live) if live.kind == "app" else self._placement_address(live)
            self._addresses[live.kind, live.id] = known
        return known

    def _placement_address(self, live: LiveResource) -> Address:
        app_id = live.app_id or ""
        app = next((each for each in self._apps or () if each.id == app_id), None)
        if ("app", app_id) not in self._addresses and app is None and app_id:
            answer = self._find("app", app_id)
            app = answer if isinstance(answer, LiveResource) else None
        home = self._addresses.get(("app", app_id)) if app is None else self.address_of(app)
        return placement_address(home or Address(f"unknown:{app_id}"), live.name)


def _may_match_below(pattern: str, app: Address) -> bool:
    """Whether a pattern may match the address of a placement of an app, by what stands before its first wildcard."""
    begins = _GLOB.split(pattern, maxsplit=1)[0]
    return begins.startswith(f"{app}/") or f"{app}/".startswith(begins)
