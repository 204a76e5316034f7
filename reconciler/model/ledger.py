"""The ledger: the resources that are owned, and the values last applied to them; values and their line format."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import orjson

from reconciler.model import checked
from reconciler.model.address import Address, Kind, app_of, kind_of
from reconciler.model.document import AddressText, Id, Shape, Values, key
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits, habits_to_json
from reconciler.model.value import ABSENT, Fields

FORMAT: Final = "reconciler.ledger/2"
_FAMILY: Final = "reconciler.ledger/"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AccountId:
    """The account of a ledger or journal: a publisher at an API, which is scheme, host and port."""

    publisher_id: str
    api: str

    @classmethod
    def of(cls, publisher_id: str, api: str) -> "AccountId":
        """An id with the API normalised: lower case, no default port, no slash at the end.

        Raises ValueError where the API is no URL with a host.
        """
        parts = urlsplit(api.strip())
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
        if not (scheme and host):
            raise ValueError("the API is no URL")
        shown = f"[{host}]" if ":" in host else host
        suffix = "" if port in {None, _DEFAULT_PORTS.get(scheme)} else f":{port}"
        return cls(publisher_id.strip(), f"{scheme}://{shown}{suffix}")

    def __str__(self) -> str:
        return f"publisher {self.publisher_id} at {self.api}"


class NewerFormatError(ValueError):
    """A ledger or journal of a later version of this program."""


def header_line(account: AccountId, habits: AccountHabits = UNKNOWN_HABITS) -> str:
    """The first line of a ledger and of a journal, without its line end: format and account.

    And what is odd about the account's updates, for all who share the file.
    """
    header = {"format": FORMAT, "publisherId": account.publisher_id, "api": account.api}
    return json.dumps({**header, **habits_to_json(habits.cautious())}, separators=(",", ":"), ensure_ascii=False)


def is_header(raw: object) -> bool:
    """Whether a line, read as JSON, is a header: neither entries nor events have a format."""
    return isinstance(raw, Mapping) and "format" in raw


def account_from_json(raw: Mapping[str, Any]) -> AccountId:
    """The inverse of `header_line`. Raises `NewerFormatError`, and KeyError or ValueError for another shape."""
    name = checked.text(raw["format"])
    if name != FORMAT:
        digits = name.removeprefix(_FAMILY)
        if name.startswith(_FAMILY) and digits.isdecimal() and int(digits) > int(FORMAT.removeprefix(_FAMILY)):
            raise NewerFormatError(f"it is of the format {name}, and this program reads {FORMAT} at most")
        raise ValueError(f"the format {name!r} is not known")
    return AccountId.of(checked.identifier(raw["publisherId"]), checked.text(raw["api"]))


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One owned resource.

    `applied` holds the declared values last applied, by field. `unconfirmed` names those of them that the server
    accepted and never returned: they count as in sync until the manifest changes. `kept` holds what the account stores
    in place of some of them (a rounded price, a trimmed name): these are in sync as long as the manifest declares the
    same. `protect` outlives its block. `orphaned`: an apply has seen the resource without a block. `inactive_since`
    (ISO 8601, UTC) starts the quarantine of a resource that is to be deleted.
    """

    address: Address
    id: str
    applied: Fields
    unconfirmed: frozenset[str] = frozenset()
    protect: bool = False
    orphaned: bool = False
    inactive_since: str | None = None
    kept: Fields = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Whether the entry is an app's or a placement's."""
        return kind_of(self.address)

    def moved_to(self, address: Address) -> "LedgerEntry":
        """The same resource under another address (a rename)."""
        return replace(self, address=address)


Ledger: TypeAlias = Mapping[Address, LedgerEntry]


def shared_id(entries: Iterable[LedgerEntry]) -> tuple[LedgerEntry, LedgerEntry] | None:
    """The first two entries of one kind with the same id, which a valid ledger never has; None where there are none."""
    first: dict[tuple[Kind, str], LedgerEntry] = {}
    for entry in entries:
        other = first.setdefault((entry.kind, entry.id), entry)
        if other is not entry:
            return other, entry
    return None


class EntryJson(
    Shape, name="LedgerEntry", order="address kind id applied unconfirmed kept protect orphaned inactive_since"
):
    """A line of the ledger to be written without any call."""

    address: AddressText = key("The resource's address.")
    kind: Kind = key("What the resource is.")
    id: Id = key("The server's id.")
    applied: Values = key("The values last applied, by field.")
    unconfirmed: list[str] = key(
        "Fields that were sent and never shown back.", lambda entry: sorted(entry.unconfirmed) or ABSENT, optional=True
    )
    protect: bool = key("Never to be removed.", lambda entry: entry.protect or ABSENT, optional=True)
    orphaned: bool = key("No manifest names it any more.", lambda entry: entry.orphaned or ABSENT, optional=True)
    inactive_since: str | None = key(
        "When we set it inactive, ISO 8601.",
        lambda entry: ABSENT if entry.inactive_since is None else entry.inactive_since,
        optional=True,
    )
    kept: Values = key("", lambda entry: entry.kept or ABSENT, optional=True)


def entry_to_json(entry: LedgerEntry) -> dict[str, Any]:
    """The entry as one JSON object; flags that are off are left out, so that lines stay short and diffs quiet."""
    return EntryJson.write(entry)


def entry_from_json(raw: Mapping[str, Any]) -> LedgerEntry:
    """The inverse of `entry_to_json`. Raises KeyError, TypeError or ValueError on a line of another shape."""
    address, resource_id = Address(checked.text(raw["address"])), checked.identifier(raw["id"])
    applied = checked.lazy_fields(raw["applied"])
    if raw.keys() <= _LEAST_KEYS:
        return LedgerEntry(address, resource_id, applied)
    return LedgerEntry(
        address,
        resource_id,
        applied,
        unconfirmed=frozenset(checked.listed(checked.text, raw.get("unconfirmed", []))),
        protect=checked.flag(raw.get("protect", False)),
        orphaned=checked.flag(raw.get("orphaned", False)),
        inactive_since=checked.optional(checked.instant_text, raw.get("inactiveSince")),
        kept=checked.fields(raw.get("kept", {})),
    )


_LEAST_KEYS: Final = frozenset(("address", "kind", "id", "applied"))


class IndexedLedger(Mapping[Address, LedgerEntry]):
    """A ledger of which only addresses and ids are known at first; each entry is made when it is asked for.

    `ids` are in the order of the ledger, `lines` what it says in full, `make` makes an entry of that. `check` raises
    what reading all of it raises; until then nothing may be concluded that is shown to anybody.
    """

    def __init__(
        self, ids: Mapping[Address, str], lines: Mapping[Address, str], make: Callable[[Address, str], LedgerEntry]
    ) -> None:
        self.ids, self._lines, self._make = ids, lines, make
        self._made: dict[Address, LedgerEntry] = {}
        self.apps: dict[Address, list[Address]] = {}
        for address in ids:
            self.apps.setdefault(app_of(address), []).append(address)

    def __getitem__(self, address: Address) -> LedgerEntry:
        entry = self._made.get(address)
        if entry is None:
            entry = self._made[address] = self._make(address, self._lines[address])
        return entry

    def __contains__(self, address: object) -> bool:
        return address in self.ids

    def __iter__(self) -> Iterator[Address]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def lines_in(self, app: Address) -> str:
        """The lines of an app's placements."""
        return "\n".join([self._lines[address] for address in self.apps.get(app, ()) if address != app])

    def check(self, but: Container[Address] = ()) -> None:
        """Make all entries that have not been made, except those of placements in the apps `but`."""
        for address in self.ids:
            if address not in self._made and (kind_of(address) == "app" or app_of(address) not in but):
                self[address]


class EntriesOfApp(Mapping[Address, LedgerEntry]):
    """What an `IndexedLedger` holds of an app and its placements."""

    def __init__(self, ledger: IndexedLedger, app: Address) -> None:
        self._ledger = ledger
        self._addresses = dict.fromkeys(ledger.apps.get(app, ()))

    def __getitem__(self, address: Address) -> LedgerEntry:
        if address not in self._addresses:
            raise KeyError(address)
        return self._ledger[address]

    def __contains__(self, address: object) -> bool:
        return address in self._addresses

    def __iter__(self) -> Iterator[Address]:
        return iter(self._addresses)

    def __len__(self) -> int:
        return len(self._addresses)


def ids_in(ledger: Ledger) -> Iterable[tuple[Address, str]]:
    """Each address with its id."""
    if isinstance(ledger, IndexedLedger):
        return ledger.ids.items()
    return ((address, entry.id) for address, entry in ledger.items())


def line_of(address: Address, resource_id: str, applied: Mapping[str, Any], *, protect: bool) -> bytes:
    """The line of a placement of which nothing but this is to be said, as it is written for most of them.

    A line that equals it says just this, and has the form of one. `applied` is by `fields_as_json`.
    """
    tail = b',"protect":true}' if protect else b"}"
    written = orjson.dumps(address), orjson.dumps(applied, option=orjson.OPT_SORT_KEYS), orjson.dumps(resource_id), tail
    return b'{"address":%b,"applied":%b,"id":%b,"kind":"placement"%b' % written
