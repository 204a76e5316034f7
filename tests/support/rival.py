"""Another server that speaks the Management API, written from the vendor's pages alone.

It shares no code and no habits with the sandbox: where the pages leave a spelling open it takes, unless told otherwise,
the one that is least like what the product writes.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
class Refusal(Exception):
    status: int
    words: str
    more: dict[str, Any] = field(default_factory=dict)


class Rival:
    """The account and the server in front of it.

    `apps` and `placements` hold fields by id, in the vendor's request spelling. `instead` answers calls out of the way:
    by `Asked.name`, a body, or a function of the request that gives (status, body) or None. `twist` changes answers to
    calls that were done.
    """

    def __init__(self, spelling: Spelling | None = None) -> None:
        self.spelling = spelling or Spelling()
        self.apps: dict[int, dict[str, Any]] = {}
        self.placements: dict[int, dict[str, Any]] = {}
        self.asked: list[Asked] = []
        self.instead: dict[str, bytes | Callable[[Asked], tuple[int, bytes] | None]] = {}
        self.twist: Callable[[Asked, int, Any], tuple[int, Any]] | None = None
        self.secrets: tuple[str, str] | None = None
        self.url = ""
        self._lock = threading.Lock()
        self._tokens: set[str] = set()
        self._next = 500_000

    def add_app(self, **fields: Any) -> int:
        """Somebody makes an app in the console."""
        defaults = {"platform": "android", "category1": "Finance", "coppa": False, "status": "active"}
        return self._put(self.apps, {**defaults, **fields})

    def add_placement(self, app: int, **fields: Any) -> int:
        """Somebody makes a placement in the console."""
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
        with self._lock:
            self.asked.append(asked)
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
            return self._one(self.apps, asked.query["appId"], self._app)
        if asked.query.get("publisherId") != PUBLISHER:
            raise Refusal(403, "not your publisher")
        return 200, self._list("apps", [self._app(number) for number in self.apps])

    def _read_placements(self, asked: Asked) -> tuple[int, bytes]:
        if "placementId" in asked.query:
            return self._one(self.placements, asked.query["placementId"], self._placement)
        app = int(asked.query["appId"])
        rows = [self._placement(number) for number, fields in self.placements.items() if fields["app"] == app]
        if not rows and self.spelling.no_placements == "empty-body":
            return 200, b""
        return 200, self._list("placements", rows)

    def _one(self, among: Mapping[int, Any], number: str, spelled: Callable[[int], Any]) -> tuple[int, bytes]:
        if int(number) not in among:
            raise Refusal(404, "not found")
        return 200, json.dumps(spelled(int(number))).encode()

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
        return self._created(self._put(self.apps, {"status": "active", **body}), self._app)

    def _update_app(self, asked: Asked) -> tuple[int, bytes]:
        body = dict(asked.body)
        _refuse_others(body, "appId status coppa rewardedAdUrl")
        return self._updated(self.apps, body, "appId", self._app)

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
        made["floorPrices"] = _with_worldwide(made.get("floorPrices", []))
        return self._created(self._put(self.placements, made), self._placement)

    def _update_placement(self, asked: Asked) -> tuple[int, bytes]:
        body = dict(asked.body)
        _refuse_others(body, f"{_PLACEMENT_FIELDS} placementId status")
        return self._updated(self.placements, body, "placementId", self._placement)

    def _updated(
        self, among: dict[int, dict[str, Any]], body: dict[str, Any], key: str, spelled: Callable[[int], Any]
    ) -> tuple[int, bytes]:
        sent_id = body.pop(key, None)
        if not isinstance(sent_id, str):
            raise Refusal(400, f"{key} must be a string")
        if int(sent_id) not in among:
            raise Refusal(404, "not found")
        known = among[int(sent_id)]
        sent = _checked(body, known.get("placementType"))
        if "floorPrices" in sent:
            kept = known["floorPrices"] if self.spelling.floors == "merge" else []
            table = {line["country"]: line for line in (*kept, *sent["floorPrices"])}
            sent["floorPrices"] = _with_worldwide(list(table.values()))
        known.update(sent)
        said = {
            "full": json.dumps(spelled(int(sent_id))).encode(), "message": b'{"message": "updated successfully."}',
            "empty": b"", "object": b"{}",
        }  # fmt: skip
        return 200, said[self.spelling.put]

    def _delete(self, asked: Asked) -> tuple[int, bytes]:
        among, key = (self.apps, "appId") if asked.path == APP else (self.placements, "placementId")
        number = int(asked.body[key])
        if number not in among:
            raise Refusal(404, "not found")
        del among[number]
        return 200, b'{"message": "deleted successfully."}'

    def _created(self, number: int, spelled: Callable[[int], Any]) -> tuple[int, bytes]:
        told = spelled(number)
        if self.spelling.post == "id":
            told = {key: value for key, value in told.items() if key.lower() in {"placementid", "appid"}}
        return self.spelling.created, json.dumps(told).encode()

    def _put(self, among: dict[int, dict[str, Any]], fields: dict[str, Any]) -> int:
        self._next += 1
        among[self._next] = dict(fields)
        return self._next

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

    def _app(self, number: int) -> dict[str, Any]:
        odd = self.spelling.keys == "odd"
        fields = {key: value for key, value in self.apps[number].items() if key != "coppa"}
        return {
            "appid" if odd else "appId": self._id(number), "publisherId": int(PUBLISHER), **fields,
            "storeURL" if odd else "storeUrl": "https://store.example/1",
            "coppa": self._bool(self.apps[number]["coppa"]),
            "rewardedAdSecurityToken": SECURITY_TOKEN,
        }  # fmt: skip

    def _placement(self, number: int) -> dict[str, Any]:
        odd = self.spelling.keys == "odd"
        fields = dict(self.placements[number])
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
            self.send_header("Content-Type", "application/json;charset=UTF-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler
