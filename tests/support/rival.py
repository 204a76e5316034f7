"""Another server that speaks the Management API, written from the vendor's pages alone.

It shares no code and no habits with the sandbox: where the pages leave a spelling open it takes, unless told otherwise,
the one that is least like what the product writes.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

AUTH = "/api/v2/management/auth"
APP = "/api/management/v1/app"
PLACEMENT = "/api/management/v1/placement"
PUBLISHER = "3432"
CATEGORIES = ("Finance", "Business", "Games", "Puzzle")
SECURITY_TOKEN = "036ae5027-security-canary-4b864169"


@dataclass(frozen=True)
class Spelling:
    """How answers are written. Each is something that was seen of the API, or that its pages leave open."""

    lists: Literal["array", "lone", "named", "data", "list", "nested"] = "named"
    ids: Literal["number", "text"] = "number"
    keys: Literal["odd", "plain"] = "odd"
    booleans: Literal["json", "text", "empty"] = "text"
    off: Literal["absent", "null", "shown"] = "absent"
    reward: Literal["rewardedConfig", "ssrConfig"] = "rewardedConfig"
    prices: Literal["number", "text"] = "number"
    put: Literal["full", "message", "empty", "object"] = "message"
    post: Literal["full", "id"] = "full"
    created: Literal[200, 201] = 201
    no_placements: Literal["empty-list", "empty-body"] = "empty-list"
    floors: Literal["replace", "merge"] = "replace"
    expires: Literal["number", "text"] = "text"
    store_name: bool = False
    refusal_key: Literal["message", "msg", "error"] = "msg"


@dataclass
class Asked:
    """One request, as it came in."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None

    @property
    def name(self) -> str:
        """Method and resource, and what a read is by: `GET placement appId`."""
        return " ".join([self.method, self.path.rpartition("/")[2], *self.query])


@dataclass
class Doubt:
    """What makes this account hard to believe; nothing does at first, and any of it may be set at any time.

    `list_lag`, `find_lag`: seconds until something new shows in lists, and by its id. `update_lag`: seconds for which
    both show what was before an update, and lists what was deleted. `replicas`: lists are read of one of these, drawn
    by `chance`, each so many seconds behind. `name`, `floors`: what is kept of a name, a bundle, a table; `says_sent`:
    full answers tell what was sent all the same. `echoes`: so many updates are answered in full as if they were
    done, and are not. `late`: creates get a 504 and are done so many seconds later.

    `old_ids`: a create is answered as the last one was and not done (`replay`), done and answered as the one before it
    should have been, at first as the newest resource there (`shift`), or not done where the home has one of that name
    but for case, blanks and `-` (`dedup`). With `old_ids_bare` the answer holds nothing but the id.
    """

    list_lag: float = 0
    find_lag: float = 0
    update_lag: float = 0
    replicas: tuple[float, ...] = (0,)
    chance: Random = field(default_factory=lambda: Random(7))
    name: Callable[[str], str] = str
    floors: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = list
    says_sent: bool = False
    echoes: float = 0
    late: float | None = None
    old_ids: Literal["replay", "shift", "dedup"] | None = None
    old_ids_bare: bool = False


@dataclass
class Refusal(Exception):
    status: int
    words: str
    more: dict[str, Any] = field(default_factory=dict)


class Rival:
    """The account and the server in front of it.

    `apps` and `placements` hold fields by id, in the vendor's request spelling. `instead` answers calls out of the way:
    by `Asked.name`, a body, or a function of the request that gives (status, body) or None; `headers` are put before
    answers, by the same name. `twist` changes answers to calls that were done. `before` is called with each request
    before it is looked at, and may hold it. `doubt` is what makes the account hard to believe; its seconds are those of
    `clock`.
    """

    def __init__(self, spelling: Spelling | None = None) -> None:
        self.spelling = spelling or Spelling()
        self.apps: dict[int, dict[str, Any]] = {}
        self.placements: dict[int, dict[str, Any]] = {}
        self.asked: list[Asked] = []
        self.instead: dict[str, bytes | Callable[[Asked], tuple[int, bytes] | None]] = {}
        self.headers: dict[str, Mapping[str, str]] = {}
        self.twist: Callable[[Asked, int, Any], tuple[int, Any]] | None = None
        self.secrets: tuple[str, str] | None = None
        self.url = ""
        self._lock = threading.Lock()
        self._tokens: set[str] = set()
        self._next = 500_000
        self.number_next: int | None = None
        self.before: Callable[[Asked], None] | None = None
        self.doubt = Doubt()
        self.clock: Callable[[], float] = time.monotonic
        self._born: dict[int, float] = {}
        self._until: dict[int, list[tuple[float, dict[str, Any]]]] = {}
        self._deleted: list[tuple[float, bool, int, dict[str, Any]]] = []
        self._late: list[tuple[float, Callable[[], Any]]] = []
        self._due: dict[str, int] = {}

    def add_app(self, **fields: Any) -> int:
        """Somebody makes an app in the console."""
        defaults = {"platform": "android", "category1": "Finance", "coppa": False, "status": "active"}
        return self._put(self.apps, {**defaults, **fields})

    def add_placement(self, app: int, *, number: int | None = None, **fields: Any) -> int:
        """Somebody makes a placement in the console; with a number that an app may have too."""
        self.number_next = number
        floors = [{"country": "WW", "price": 0.01}]
        defaults = {"placementType": "Interstitial", "coppa": False, "status": "active", "floorPrices": floors}
        return self._put(self.placements, {**defaults, **fields, "app": app})

    def named(self, name: str) -> dict[str, Any]:
        """The fields of the one placement or app of that name, its floors as a mapping."""
        found = [each for each in (*self.placements.values(), *self.apps.values()) if each["name"] == name]
        assert len(found) == 1, f"{len(found)} of {name}"
        told = {key: value for key, value in found[0].items() if value not in (None, [])}
        if "floorPrices" in told:
            told["floorPrices"] = {line["country"]: line["price"] for line in told["floorPrices"]}
        return told

    @property
    def writes(self) -> list[Asked]:
        """Every request that could have changed something."""
        return [asked for asked in self.asked if asked.method != "GET" and asked.path != AUTH]

    def counted(self) -> dict[str, int]:
        """How many requests came in, by name."""
        names = [asked.name for asked in self.asked]
        return {name: names.count(name) for name in sorted(set(names))}

    @contextmanager
    def running(self) -> Iterator["Rival"]:
        """The server, until the context is left."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, asked: Asked, bearer: str) -> tuple[int, bytes]:
        """Status and body for one request."""
        if self.before is not None:
            self.before(asked)
        with self._lock:
            self.asked.append(asked)
            self._do_late()
            instead = self.instead.get(asked.name)
            said = instead(asked) if callable(instead) else None if instead is None else (200, instead)
            if said is not None:
                return said
            try:
                return self._twisted(asked, *self._answer(asked, bearer))
            except Refusal as refusal:
                told = {self.spelling.refusal_key: refusal.words, **refusal.more}
                return refusal.status, json.dumps(told).encode()

    def _twisted(self, asked: Asked, status: int, body: bytes) -> tuple[int, bytes]:
        if self.twist is None or asked.path == AUTH:
            return status, body
        status, told = self.twist(asked, status, json.loads(body) if body else None)
        return status, told if isinstance(told, bytes) else json.dumps(told).encode()

    def _answer(self, asked: Asked, bearer: str) -> tuple[int, bytes]:
        if asked.path == AUTH:
            return self._token(asked.body)
        if bearer not in self._tokens:
            raise Refusal(401, "Unauthorized")
        handlers = {
            ("GET", APP): self._read_apps, ("POST", APP): self._create_app, ("PUT", APP): self._update_app,
            ("GET", PLACEMENT): self._read_placements, ("POST", PLACEMENT): self._create_placement,
            ("PUT", PLACEMENT): self._update_placement,
            ("DELETE", APP): self._delete, ("DELETE", PLACEMENT): self._delete,
        }  # fmt: skip
        handle = handlers.get((asked.method, asked.path))
        if handle is None:
            raise Refusal(404, "no such call")
        return handle(asked)

    def _token(self, body: Any) -> tuple[int, bytes]:
        given = body.get("client_id"), body.get("client_secret")
        if body.get("grant_type") != "management_client_credentials" or not all(given):
            return 400, b'{"error": "invalid_request"}'
        if self.secrets not in (None, given):
            return 400, b'{"error": "invalid_client"}'
        token = f"token-canary-{len(self._tokens)}"
        self._tokens.add(token)
        expires: int | str = "3600" if self.spelling.expires == "text" else 3600
        return 200, json.dumps({"accessToken": token, "tokenType": "bearer", "expiresIn": expires}).encode()

    def _read_apps(self, asked: Asked) -> tuple[int, bytes]:
        if "appId" in asked.query:
            return self._one(self.apps, asked.query["appId"])
        if asked.query.get("publisherId") != PUBLISHER:
            raise Refusal(403, "not your publisher")
        return 200, self._list("apps", [self._app(number, fields) for number, fields in self._listed(self.apps)])

    def _read_placements(self, asked: Asked) -> tuple[int, bytes]:
        if "placementId" in asked.query:
            return self._one(self.placements, asked.query["placementId"])
        app = int(asked.query["appId"])
        listed = self._listed(self.placements)
        rows = [self._placement(number, fields) for number, fields in listed if fields["app"] == app]
        if not rows and self.spelling.no_placements == "empty-body":
            return 200, b""
        return 200, self._list("placements", rows)

    def _one(self, among: Mapping[int, Any], number: str) -> tuple[int, bytes]:
        now, key = self.clock(), int(number)
        if key not in among or self._born.get(key, 0) > now - self.doubt.find_lag:
            raise Refusal(404, "not found")
        return 200, json.dumps(self._told(among, key, self._at(now - self.doubt.update_lag, key, among[key]))).encode()

    def _told(self, among: Mapping[int, Any], number: int, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        fields = among[number] if fields is None else fields
        return self._app(number, fields) if among is self.apps else self._placement(number, fields)

    def _listed(self, among: Mapping[int, dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
        """What the server that happens to answer has in its lists."""
        moment = self.clock() - self.doubt.chance.choice(self.doubt.replicas)
        old = moment - self.doubt.update_lag
        gone = {
            number: fields for at, apps, number, fields in self._deleted if at > old and apps is (among is self.apps)
        }
        shown = sorted({**gone, **among}.items())
        youngest = moment - self.doubt.list_lag
        return [(key, self._at(old, key, now)) for key, now in shown if self._born.get(key, 0) <= youngest]

    def _at(self, moment: float, number: int, now: dict[str, Any]) -> dict[str, Any]:
        """What a resource was at a moment."""
        return next((was for until, was in self._until.get(number, ()) if until > moment), now)

    def _do_late(self) -> None:
        now = self.clock()
        for due in [each for each in self._late if each[0] <= now]:
            self._late.remove(due)
            due[1]()

    def _list(self, name: str, rows: list[Any]) -> bytes:
        shape = self.spelling.lists
        content: Any = rows
        if shape == "lone" and len(rows) == 1:
            content = rows[0]
        elif shape == "nested":
            content = {"data": {name: rows}}
        elif shape not in {"array", "lone"}:
            content = {name if shape == "named" else shape: rows, "total": len(rows)}
        return json.dumps(content).encode()

    def _create_app(self, asked: Asked) -> tuple[int, bytes]:
        body = dict(asked.body)
        _require(body, "name", "bundle", "platform", "category1", "coppa")
        _refuse_others(body, "name bundle platform category1 category2 coppa rewardedAdUrl publisherId status")
        if str(body.pop("publisherId", PUBLISHER)) != PUBLISHER:
            raise Refusal(403, "not your publisher")
        if body["category1"] not in CATEGORIES:
            raise Refusal(409, "Invalid store category1", {"validCategories": list(CATEGORIES)})
        if self.spelling.store_name:
            body["name"] = f"{body['name']} - Apps on the Store"
        return self._made(self.apps, {"status": "active", **body})

    def _update_app(self, asked: Asked) -> tuple[int, bytes]:
        body = dict(asked.body)
        _refuse_others(body, "appId status coppa rewardedAdUrl")
        return self._updated(self.apps, body, "appId")

    def _create_placement(self, asked: Asked) -> tuple[int, bytes]:
        body = dict(asked.body)
        _require(body, "name", "appId", "placementType", "coppa")
        _refuse_others(body, f"{_PLACEMENT_FIELDS} appId placementType")
        app = body.pop("appId")
        if not isinstance(app, str):
            raise Refusal(400, "appId must be a string")
        if int(app) not in self.apps:
            raise Refusal(404, "no such app")
        made = {"status": "active", **_checked(body, body["placementType"]), "app": int(app)}
        return self._made(self.placements, made)

    def _made(self, among: dict[int, dict[str, Any]], sent: dict[str, Any]) -> tuple[int, bytes]:
        """Make a resource of what was sent, as far as this account does, and answer."""
        kept = self._kept(sent)
        if among is self.placements:
            kept["floorPrices"] = _with_worldwide(kept.get("floorPrices", []))
        what = "app" if among is self.apps else "placement"
        if self.doubt.late is not None:
            self._late.append((self.clock() + self.doubt.late, lambda: self._put(among, kept, self.clock())))
            raise Refusal(504, "no answer in time")
        old = self._due.get(what)
        if self.doubt.old_ids == "replay" and old is not None:
            return self._created(among, old, bare=self.doubt.old_ids_bare)
        twin = next((number for number, there in among.items() if _alike(there, kept)), None)
        if self.doubt.old_ids == "dedup" and twin is not None:
            return self._created(among, twin, bare=self.doubt.old_ids_bare)
        newest = max(among, default=None)
        number = self._put(among, kept, self.clock())
        self._due[what] = number
        if self.doubt.old_ids == "shift" and (before := newest if old is None else old) is not None:
            return self._created(among, before, bare=self.doubt.old_ids_bare)
        return self._created(among, number, {**kept, **sent} if self.doubt.says_sent else None)

    def _kept(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: self.doubt.name(value) if key in {"name", "bundle"} else value for key, value in sent.items()}
        if "floorPrices" in kept:
            kept["floorPrices"] = self.doubt.floors([dict(line) for line in kept["floorPrices"]])
        return kept

    def _update_placement(self, asked: Asked) -> tuple[int, bytes]:
        body = dict(asked.body)
        _refuse_others(body, f"{_PLACEMENT_FIELDS} placementId status")
        return self._updated(self.placements, body, "placementId")

    def _updated(self, among: dict[int, dict[str, Any]], body: dict[str, Any], key: str) -> tuple[int, bytes]:
        sent_id = body.pop(key, None)
        if not isinstance(sent_id, str):
            raise Refusal(400, f"{key} must be a string")
        if int(sent_id) not in among:
            raise Refusal(404, "not found")
        known = among[int(sent_id)]
        asked = _checked(body, known.get("placementType"))
        if self.doubt.echoes > 0:
            self.doubt.echoes -= 1
            return 200, json.dumps(self._told(among, int(sent_id), {**known, **asked})).encode()
        sent = self._kept(asked)
        if "floorPrices" in sent:
            kept = known["floorPrices"] if self.spelling.floors == "merge" else []
            table = {line["country"]: line for line in (*kept, *sent["floorPrices"])}
            sent["floorPrices"] = _with_worldwide(list(table.values()))
        self._until.setdefault(int(sent_id), []).append((self.clock(), dict(known)))
        known.update(sent)
        told = self._told(among, int(sent_id), {**known, **asked} if self.doubt.says_sent else None)
        said = {
            "full": json.dumps(told).encode(), "message": b'{"message": "updated successfully."}',
            "empty": b"", "object": b"{}",
        }  # fmt: skip
        return 200, said[self.spelling.put]

    def _delete(self, asked: Asked) -> tuple[int, bytes]:
        among, key = (self.apps, "appId") if asked.path == APP else (self.placements, "placementId")
        number = int(asked.body[key])
        if number not in among:
            raise Refusal(404, "not found")
        self._deleted.append((self.clock(), among is self.apps, number, dict(among[number])))
        del among[number]
        return 200, b'{"message": "deleted successfully."}'

    def _created(
        self, among: Mapping[int, Any], number: int, fields: Mapping[str, Any] | None = None, *, bare: bool = False
    ) -> tuple[int, bytes]:
        told = self._told(among, number, fields)
        if bare or self.spelling.post == "id":
            told = {key: value for key, value in told.items() if key.lower() in {"placementid", "appid"}}
        return self.spelling.created, json.dumps(told).encode()

    def _put(self, among: dict[int, dict[str, Any]], fields: dict[str, Any], born: float = float("-inf")) -> int:
        number, self.number_next = self.number_next, None
        if number is None:
            self._next += 1
            number = self._next
        among[number] = dict(fields)
        self._born[number] = born
        return number

    def _id(self, number: int) -> int | str:
        return number if self.spelling.ids == "number" else str(number)

    def _bool(self, value: Any) -> Any:
        match self.spelling.booleans:
            case "json":
                return bool(value)
            case "text":
                return "true" if value else "false"
            case "empty":
                return True if value else ""

    def _app(self, number: int, stored: Mapping[str, Any]) -> dict[str, Any]:
        odd = self.spelling.keys == "odd"
        fields = {key: value for key, value in stored.items() if key != "coppa"}
        return {
            "appid" if odd else "appId": self._id(number), "publisherId": int(PUBLISHER), **fields,
            "storeURL" if odd else "storeUrl": "https://store.example/1",
            "coppa": self._bool(stored["coppa"]),
            "rewardedAdSecurityToken": SECURITY_TOKEN,
        }  # fmt: skip

    def _placement(self, number: int, stored: Mapping[str, Any]) -> dict[str, Any]:
        odd = self.spelling.keys == "odd"
        fields = dict(stored)
        told: dict[str, Any] = {
            "PlacementId" if odd else "placementId": self._id(number),
            "appid" if odd else "appId": self._id(fields.pop("app")),
        }
        for key, value in fields.items():
            match key:
                case "coppa" | "targetingEnabled":
                    told[key] = self._bool(value)
                case "creativeTypes":
                    told["createTypes" if odd else "creativeTypes"] = list(reversed(value))
                case "floorPrices":
                    told[key] = [self._floor(line) for line in reversed(value)]
                case "geo":
                    told[key] = value and {**value, "include": self._bool(value["include"])}
                case "capping" | "pacing":
                    told[key] = self._limit(value)
                case "ssrConfig":
                    told[self.spelling.reward] = self._reward(value)
                case _:
                    told[key] = value
        return {key: value for key, value in told.items() if value is not None or self.spelling.off == "null"}

    def _floor(self, line: dict[str, Any]) -> dict[str, Any]:
        return {**line, "price": str(line["price"])} if self.spelling.prices == "text" else line

    def _limit(self, block: dict[str, Any] | None) -> dict[str, Any] | None:
        if not block or not block["enabled"]:
            return (
                {"value": 0, "unit": "minute", "enabled": self._bool(False)} if self.spelling.off == "shown" else None
            )
        return {**block, "enabled": self._bool(True)}

    def _reward(self, block: dict[str, Any] | None) -> dict[str, Any] | None:
        on = bool(block and block["enabled"])
        if not on and self.spelling.off != "shown":
            return None
        currency, amount = (block["currency"], block["amount"]) if on and block else ("", 0)
        if self.spelling.reward == "ssrConfig":
            return {"currency": currency, "amount": amount, "enabled": self._bool(on)}
        inner = {"id": currency, "appId": "", "currency": currency}
        return {"id": "", "currency": inner, "amount": amount, "rewardingType": "server" if on else "client"}


_PLACEMENT_FIELDS = (
    "name coppa creativeTypes bannerRefresh floorPrices targetingEnabled geo connectivity capping pacing ssrConfig "
    "skipability"
)
_ONLY_FOR = {"creativeTypes": "Interstitial", "bannerRefresh": "Banner", "ssrConfig": "Rewarded"}


def _require(body: Mapping[str, Any], *keys: str) -> None:
    missing = [key for key in keys if body.get(key) in (None, "")]
    if missing:
        raise Refusal(400, f"missing: {', '.join(missing)}")


def _refuse_others(body: Mapping[str, Any], known: str) -> None:
    others = sorted(set(body) - set(known.split()))
    if others:
        raise Refusal(400, f"not a parameter: {', '.join(others)}")


def _checked(body: dict[str, Any], placement_type: str | None) -> dict[str, Any]:
    for key in ("coppa", "targetingEnabled"):
        if key in body and not isinstance(body[key], bool):
            raise Refusal(400, f"{key} must be a boolean")
    wrong = [key for key, owner in _ONLY_FOR.items() if key in body and owner != placement_type]
    if wrong:
        raise Refusal(400, f"not for {placement_type}: {', '.join(wrong)}")
    for line in body.get("floorPrices", []):
        if isinstance(line["price"], str) or line["price"] < 0.01 or len(line["country"]) != 2:
            raise Refusal(400, f"not a floor: {line}")
    return body


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two resources of a kind differ in nothing by which a server might tell them apart."""
    key = "bundle" if "bundle" in one else "name"
    names = [str(each[key]).strip().lower().replace("_", "-") for each in (one, other)]
    return names[0] == names[1] and one.get("app") == other.get("app")


def _with_worldwide(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    there = any(line["country"] == "WW" for line in lines)
    return lines if there else [*lines, {"country": "WW", "price": 0.01}]


def _handler(rival: Rival) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, parts.path, query, json.loads(raw) if raw else None)
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, body = rival.answer(asked, bearer)
            self.send_response(status)
            usual = {"Content-Type": "application/json;charset=UTF-8", "Content-Length": str(len(body))}
            for name, value in {**usual, **rival.headers.get(asked.name, {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler
