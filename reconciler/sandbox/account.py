"""The state of the sandbox: resources and tokens in SQLite, recorded requests, and earlier versions of resources."""

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from math import inf
from pathlib import Path
from typing import Any, Final

from reconciler.errors import ProjectError
from reconciler.model.address import Kind
from reconciler.model.value import MINIMUM
from reconciler.sandbox.exchange import RecordedRequest
from reconciler.sandbox.quirks import Quirks


@dataclass(frozen=True, slots=True)
class StoredResource:
    """An app or placement as the account holds it. `created` is in seconds since the epoch, 0 where it was seeded."""

    kind: Kind
    id: str
    fields: Mapping[str, Any]
    app_id: str | None = None
    created: float = 0.0


class ResourceHistory:
    """Earlier versions of resources that were changed or deleted, in memory.

    `span` is how many seconds they are kept; 0 keeps none. Not safe to share without a lock.
    """

    def __init__(self) -> None:
        self.span = 0.0
        self._versions: dict[tuple[Kind, str], list[tuple[float, StoredResource]]] = {}
        self._ended: dict[tuple[Kind, str], tuple[float, StoredResource]] = {}

    def record_change(self, now: float, was: StoredResource) -> None:
        """Record a change: `was` is the resource as it was until `now`."""
        if self.span:
            versions = self._versions.setdefault((was.kind, was.id), [])
            versions.append((now, was))
            while versions[0][0] <= now - self.span:
                del versions[0]

    def record_deletion(self, now: float, was: StoredResource) -> None:
        """Record a deletion at `now`: `was` is the resource as it was until then."""
        if self.span:
            self.record_change(now, was)
            self._ended[was.kind, was.id] = now, was

    def as_of(self, moment: float, current: StoredResource) -> StoredResource:
        """A resource as it was at a moment; one that was created later, as it was created."""
        versions = self._versions.get((current.kind, current.id), ())
        return next((was for until, was in versions if until > moment), current)

    def list_as_of(
        self, moment: float, current: Iterable[StoredResource], belongs: Callable[[StoredResource], bool]
    ) -> list[StoredResource]:
        """A list as it was at a moment, by id: `current`, and deleted resources that belonged to it then."""
        gone = [was for at, was in self._ended.values() if at > moment and belongs(was)]
        return sorted(
            (self.as_of(moment, resource) for resource in (*current, *gone)), key=lambda resource: int(resource.id)
        )

    def clear(self) -> None:
        """Drop all earlier versions."""
        self._versions.clear()
        self._ended.clear()


_NAMES: Final[Mapping[str, Callable[[str], str]]] = {
    "sent": str,
    "lower": str.lower,
    "trim": str.strip,
    "cut16": lambda name: name[:16],
    "dashes": lambda name: name.replace("_", "-"),
    "escape": escape,
}


def stored_fields(sent: Mapping[str, Any], quirks: Quirks) -> dict[str, Any]:
    """The fields as the account stores them: names and prices changed as the quirks say."""
    stored = dict(sent)
    for name in ("name", "bundle"):
        if isinstance(stored.get(name), str):
            stored[name] = _NAMES[quirks.names](stored[name])
    if isinstance(stored.get("floorPrices"), Mapping):
        stored["floorPrices"] = _stored_floors(stored["floorPrices"], quirks)
    return stored


def _stored_floors(sent: Mapping[str, float], quirks: Quirks) -> dict[str, float]:
    lines = {**quirks.adds, **{name: price for name, price in sent.items() if name not in quirks.drops}}
    return {name: _rounded_price(price, quirks.prices) for name, price in lines.items()} if quirks.prices else lines


def _rounded_price(price: float, step: float) -> float:
    """The nearest multiple of a step, but at least the minimum floor."""
    of, to = Decimal(str(price)), Decimal(str(step))
    return float(max(MINIMUM, (of / to).quantize(Decimal(1), ROUND_HALF_UP) * to))


def is_duplicate(one: StoredResource, other: StoredResource) -> bool:
    """Whether a server without duplicates takes two for one: names or bundles alike but for case and dashes."""
    return (one.kind, one.app_id, _identity(one)) == (other.kind, other.app_id, _identity(other))


def _identity(resource: StoredResource) -> tuple[str, ...]:
    names = ("name",) if resource.kind == "placement" else ("platform", "bundle")
    return tuple(str(resource.fields.get(name, "")).strip().casefold().replace("_", "-") for name in names)


APPS: Final = "apps"
"""The name under which changes of the list of apps are counted; placements are counted by the id of their app."""

_FIRST_IDS: Final[Mapping[Kind, int]] = {"app": 170001, "placement": 240001}
_REMEMBERED_REQUESTS: Final = 200_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS resource (
  kind TEXT NOT NULL, id INTEGER NOT NULL, app_id INTEGER, fields TEXT NOT NULL, created REAL NOT NULL,
  PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS resource_by_app ON resource (kind, app_id, id);
CREATE TABLE IF NOT EXISTS last_id (kind TEXT PRIMARY KEY, id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS token (digest TEXT PRIMARY KEY, expires REAL NOT NULL);
"""


class SandboxAccount:
    """All state of one sandbox. Safe to use from other threads than the server's.

    `database` None keeps it in memory. `requests` holds the requests, oldest first; `past` the earlier versions of
    resources, for servers that lag. Raises `ProjectError` where the file cannot be opened, is no database, or is in use
    by another sandbox.
    """

    def __init__(self, database: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.requests: deque[RecordedRequest] = deque(maxlen=_REMEMBERED_REQUESTS)
        self.past = ResourceHistory()
        self._late: list[tuple[float, Callable[[], object]]] = []
        self._done_at: float | None = None
        self._lock = threading.RLock()
        self._changes: Counter[str] = Counter()
        self._database = _open_database(database)

    def create(self, kind: Kind, fields: Mapping[str, Any], *, app_id: str | None = None) -> StoredResource:
        """Create a resource under an id that was never used."""
        with self._transaction() as sql:
            row = sql.execute("SELECT id FROM last_id WHERE kind = ?", (kind,)).fetchone()
            new = StoredResource(kind, str(row[0] + 1 if row else _FIRST_IDS[kind]), dict(fields), app_id, self._now())
            self._put(sql, new)
        return new

    def load(self, resources: Iterable[StoredResource]) -> None:
        """Put resources under the ids they bring, all in one transaction; an equal id is replaced."""
        with self._transaction() as sql:
            for resource in resources:
                self._put(sql, resource)

    def replace(self, kind: Kind, resource_id: str, fields: Mapping[str, Any]) -> StoredResource:
        """Replace the fields of a resource. Raises KeyError where there is none with that id."""
        with self._transaction() as sql:
            before = self.get(kind, resource_id)
            if before is None:
                raise KeyError(resource_id)
            self.past.record_change(self._now(), before)
            after = StoredResource(kind, before.id, dict(fields), before.app_id, before.created)
            self._put(sql, after)
        return after

    def delete(self, kind: Kind, resource_id: str) -> bool:
        """Delete a resource, an app with its placements; False where there is none with that id."""
        with self._transaction() as sql:
            gone = self.get(kind, resource_id)
            if gone is None:
                return False
            for resource in (gone, *(self.placements(gone.id) if kind == "app" else ())):
                self.past.record_deletion(self._now(), resource)
            sql.execute("DELETE FROM resource WHERE kind = ? AND id = ?", (kind, int(gone.id)))
            if kind == "app":
                sql.execute("DELETE FROM resource WHERE kind = 'placement' AND app_id = ?", (int(gone.id),))
            self._count(gone)
        return True

    def clear(self) -> None:
        """Delete all resources, tokens and requests. New ids continue after the old ones."""
        with self._transaction() as sql:
            sql.execute("DELETE FROM resource")
            sql.execute("DELETE FROM token")
            self._changes.update(dict.fromkeys([APPS, *self._changes], 1))
            self.past.clear()
            self._late.clear()
        self.requests.clear()

    def get(self, kind: Kind, resource_id: str) -> StoredResource | None:
        """The resource with that id; None where there is none."""
        number = _integer_id(resource_id)
        resources = self._select("WHERE kind = ? AND id = ?", kind, number) if number is not None else ()
        return resources[0] if resources else None

    def apps(self) -> tuple[StoredResource, ...]:
        """All apps, by id."""
        return self._select("WHERE kind = 'app' ORDER BY id")

    def placements(self, app_id: str | None = None) -> tuple[StoredResource, ...]:
        """All placements of an app, or of all apps, by id."""
        if app_id is None:
            return self._select("WHERE kind = 'placement' ORDER BY id")
        return self._select("WHERE kind = 'placement' AND app_id = ? ORDER BY id", _integer_id(app_id))

    def changes(self, key: str) -> int:
        """How often the list of apps (`APPS`) or of the placements of the app with that id has changed."""
        self._catch_up(self.clock())
        return self._changes[key]

    def issue_token(self, seconds: float, api: str = "") -> str:
        """Issue a bearer token that is valid for so many seconds and one API. Only its digest is stored."""
        token = secrets.token_urlsafe(32)
        with self._transaction() as sql:
            sql.execute("DELETE FROM token WHERE expires <= ?", (self.clock(),))
            sql.execute("INSERT INTO token VALUES (?, ?)", (_digest(token, api), self.clock() + seconds))
        return token

    def token_is_good(self, token: str, api: str = "") -> bool:
        """Whether the token was issued here for this API and has neither expired nor been revoked."""
        with self._lock:
            row = self._database.execute(
                "SELECT expires FROM token WHERE digest = ?", (_digest(token, api),)
            ).fetchone()
        return row is not None and row[0] > self.clock()

    def revoke_tokens(self) -> None:
        """Revoke every token issued so far."""
        with self._transaction() as sql:
            sql.execute("DELETE FROM token")

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Schedule work on the account in so many seconds; it takes effect as if done at that moment."""
        with self._lock:
            self._late.append((self.clock() + seconds, work))

    def finish(self) -> None:
        """Do all scheduled work now."""
        self._catch_up(inf)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _now(self) -> float:
        return self.clock() if self._done_at is None else self._done_at

    def _catch_up(self, moment: float) -> None:
        """Do the work that is due by a moment, in the order in which it became due."""
        with self._lock:
            if self._database.in_transaction or self._done_at is not None:
                return
            for due in sorted((item for item in self._late if item[0] <= moment), key=lambda item: item[0]):
                self._late.remove(due)
                self._done_at, work = min(due[0], self.clock()), due[1]
                try:
                    work()
                finally:
                    self._done_at = None

    def _put(self, sql: sqlite3.Connection, resource: StoredResource) -> None:
        number = int(resource.id)
        app = None if resource.app_id is None else int(resource.app_id)
        row = (resource.kind, number, app, json.dumps(resource.fields), resource.created)
        sql.execute("INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?, ?)", row)
        sql.execute(
            "INSERT INTO last_id VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET id = max(id, excluded.id)",
            (resource.kind, max(number, _FIRST_IDS[resource.kind] - 1)),
        )
        self._count(resource)

    def _count(self, resource: StoredResource) -> None:
        self._changes[APPS if resource.kind == "app" else str(resource.app_id)] += 1
        if resource.kind == "app":
            self._changes[resource.id] += 1

    def _select(self, where: str, *values: str | int | None) -> tuple[StoredResource, ...]:
        with self._lock:
            self._catch_up(self.clock())
            rows = self._database.execute(f"SELECT kind, id, app_id, fields, created FROM resource {where}", values)  # noqa: S608 - `where` is one of the clauses above
            return tuple(_resource_from_row(row) for row in rows)


def _open_database(path: Path | None) -> sqlite3.Connection:
    place = ":memory:" if path is None else str(path)
    try:
        with ExitStack() as opened:
            database = sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=0.2)
            opened.callback(database.close)
            # One process at a time: two sandboxes on one file would each answer from lists of their own.
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
                database.execute(f"PRAGMA {pragma}")
            database.executescript(_SCHEMA)
            opened.pop_all()
    except sqlite3.Error as error:
        hint = "another sandbox may be using it" if "locked" in str(error) else "name another file, or remove this one"
        raise ProjectError(f"{place}: the sandbox cannot use this file: {error}", hint=hint) from error
    return database


def _resource_from_row(row: tuple[Kind, int, int | None, str, float]) -> StoredResource:
    kind, number, app, fields, created = row
    return StoredResource(kind, str(number), json.loads(fields), None if app is None else str(app), created)


def _integer_id(resource_id: str) -> int | None:
    """The id as the integer it is kept as; None for what cannot be an id."""
    return int(resource_id) if resource_id.isascii() and resource_id.isdigit() and len(resource_id) < 18 else None


def _digest(token: str, api: str) -> str:
    return hashlib.sha256(f"{api}\0{token}".encode()).hexdigest()
