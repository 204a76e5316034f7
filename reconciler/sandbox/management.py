"""The Management API's calls: a token, and apps and placements read, created, updated and deleted.

Source: the vendor's Management API pages; each point they leave open is a quirk.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from reconciler.model.address import Kind
from reconciler.sandbox import checks
from reconciler.sandbox.account import APPS, Account, Stored
from reconciler.sandbox.exchange import Answer, Call, RefusalError, Routes, json_answer
from reconciler.sandbox.keys import Keys
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.spelling import id_key, listed, spelled

AUTH_PATH: Final = "/api/v2/management/auth"
_PATHS: Final[Mapping[Kind, str]] = {
    "app": "/api/management/v1/app",
    "placement": "/api/management/v1/placement",
}
_ID: Final[Mapping[Kind, str]] = {"app": "appId", "placement": "placementId"}
_GRANT: Final = "management_client_credentials"
DEFAULT_PUBLISHER: Final = "3432"

NOTHING: Final = Answer(200, b"")


class Management:
    """The handlers of the Management API over one account."""

    def __init__(self, account: Account, quirks: Quirks, keys: Keys) -> None:
        self._account = account
        self._quirks = quirks
        self._keys = keys
        self._lists: dict[tuple[Kind, str], tuple[int, Answer]] = {}

    def routes(self) -> Routes:
        """Every call of this API."""
        kinds: tuple[Kind, ...] = ("app", "placement")
        verbs = {"GET": self._read, "POST": self._create, "PUT": self._update, "DELETE": self._delete}
        calls = {(verb, _PATHS[kind]): partial(handle, kind) for kind in kinds for verb, handle in verbs.items()}
        return {("POST", AUTH_PATH): self._auth} | {key: partial(self._guarded, call) for key, call in calls.items()}

    def warm(self) -> None:
        """Make every list ready, so that the first readers wait no longer than later ones."""
        apps = self._account.apps()
        for publisher in {_publisher(app) for app in apps}:
            self._list("app", publisher)
        for app in apps:
            self._list("placement", app.id)

    def _auth(self, call: Call) -> Answer:
        try:
            asked = call.json()
        except RefusalError:
            asked = {}
        pair = asked.get("client_id"), asked.get("client_secret")
        if asked.get("grant_type") != _GRANT or not all(isinstance(part, str) and part for part in pair):
            return json_answer(400, {"error": "invalid_request"})
        if not self._keys.fit(*pair):
            return json_answer(400, {"error": "invalid_client"})
        seconds = self._quirks.token_seconds
        return json_answer(
            200,
            {
                "accessToken": self._account.issue_token(seconds),
                "tokenType": "bearer",
                "expiresIn": self._quirks.told(seconds),
            },
        )

    def _guarded(self, handle: "partial[Answer]", call: Call) -> Answer:
        if not self._account.token_is_good(call.token):
            return json_answer(401, {"error": "invalid_token"})
        try:
            return handle(call)
        except RefusalError as refusal:
            status = self._quirks.refusal_status if refusal.status == 400 else refusal.status
            return json_answer(status, {self._quirks.message_key: refusal.message, **refusal.more})

    def _read(self, kind: Kind, call: Call) -> Answer:
        own_id = call.query.get(_ID[kind])
        if own_id:
            return json_answer(200, spelled(self._found(kind, own_id), self._quirks))
        of_whom = "publisherId" if kind == "app" else "appId"
        if not call.query.get(of_whom):
            raise RefusalError(400, f"{_ID[kind]} or {of_whom} is required.")
        return self._list(kind, call.query[of_whom])

    def _create(self, kind: Kind, call: Call) -> Answer:
        body = call.json()
        if kind == "app":
            fields = checks.app_to_create(body)
            fields["publisherId"] = str(body.get("publisherId") or DEFAULT_PUBLISHER)
            if self._quirks.store_names:
                fields["name"] = _store_name(fields["bundle"])
            new = self._account.create("app", fields)
        else:
            fields = checks.settled(checks.placement_to_create(body))
            new = self._account.create("placement", fields, app_id=self._home(body))
        return json_answer(self._quirks.create_status, self._create_content(new))

    def _home(self, body: Mapping[str, Any]) -> str:
        """The id of the app that a new placement goes to. As text only: the real API refuses a number here."""
        if not isinstance(body.get("appId"), str) or not body["appId"]:
            raise RefusalError(400, "appId must be a string.")
        return self._found("app", body["appId"]).id

    def _create_content(self, new: Stored) -> dict[str, Any]:
        full = spelled(new, self._quirks, "create")
        key = id_key(new.kind, self._quirks, "create")
        match self._quirks.create_answer:
            case "full":
                return full
            case "id":
                return {key: full[key]}
            case "no-id":
                return {self._quirks.message_key: f"{_title(new)} has been created successfully."}

    def _update(self, kind: Kind, call: Call) -> Answer:
        body = call.json()
        before = self._found(kind, checks.sent_id(_ID[kind], body))
        after = self._account.replace(kind, before.id, self._updated(before, body))
        match self._quirks.put_answer:
            case "full":
                return json_answer(200, spelled(after, self._quirks, "update"))
            case "stale":
                return json_answer(200, spelled(before, self._quirks, "update"))
            case "message":
                told = f"{_title(after)} has been updated successfully."
                return json_answer(200, {self._quirks.message_key: told})

    def _updated(self, before: Stored, body: Mapping[str, Any]) -> dict[str, Any]:
        replaces = self._quirks.put == "replace"
        if before.kind == "app":
            resets = {"status": "active", "coppa": False, "rewardedAdUrl": None} if replaces else {}
            merged = {**before.fields, **resets, **checks.app_to_update(body)}
            return {name: value for name, value in merged.items() if value is not None}
        fixed = {name: before.fields[name] for name in ("name", "placementType")}
        start = {**fixed, "status": "active", "coppa": False} if replaces else before.fields
        sent = checks.placement_to_update(body, before.fields["placementType"])
        if self._quirks.floors == "merge" and "floorPrices" in sent:
            sent["floorPrices"] = {**before.fields.get("floorPrices", {}), **sent["floorPrices"]}
        return checks.settled({**start, **sent})

    def _delete(self, kind: Kind, call: Call) -> Answer:
        gone = self._found(kind, checks.sent_id(_ID[kind], call.json()))
        self._account.delete(kind, gone.id)
        return json_answer(200, {self._quirks.message_key: f"{_title(gone)} has been deleted successfully."})

    def _found(self, kind: Kind, resource_id: str) -> Stored:
        found = self._account.get(kind, resource_id)
        if found is None:
            raise RefusalError(404, f"{kind.capitalize()} {resource_id} was not found.")
        return found

    def _list(self, kind: Kind, of_whom: str) -> Answer:
        """A list, answered from memory while nothing in it has changed."""
        changes = self._account.changes(APPS if kind == "app" else of_whom)
        kept = self._lists.get((kind, of_whom))
        if kept is not None and kept[0] == changes:
            return kept[1]
        answer = self._apps(of_whom) if kind == "app" else self._placements(of_whom)
        if not self._quirks.appears_after:
            self._lists[kind, of_whom] = changes, answer
        return answer

    def _apps(self, publisher: str) -> Answer:
        return self._listed("app", tuple(app for app in self._account.apps() if _publisher(app) == publisher))

    def _placements(self, app_id: str) -> Answer:
        placements = self._account.placements(app_id)
        if not placements and self._account.get("app", app_id) is None:
            match self._quirks.unknown_app:
                case "not-found":
                    raise RefusalError(404, f"App {app_id} was not found.")
                case "empty-body":
                    return NOTHING
                case "empty":
                    pass
        return self._listed("placement", placements)

    def _listed(self, kind: Kind, resources: tuple[Stored, ...]) -> Answer:
        newest = self._account.clock() - self._quirks.appears_after
        rows = [spelled(resource, self._quirks) for resource in resources if resource.created <= newest]
        if kind == "placement" and not rows and self._quirks.empty_list == "empty-body":
            return NOTHING
        return json_answer(200, listed(kind, rows, self._quirks))


def _title(resource: Stored) -> str:
    return f"{resource.kind.capitalize()} {resource.id}"


def _publisher(app: Stored) -> str:
    return str(app.fields.get("publisherId", DEFAULT_PUBLISHER))


def _store_name(bundle: str) -> str:
    """What the store calls an app, made up from its bundle: `com.cash_crash.54` is Cash Crash 54."""
    words = bundle.partition(".")[2] or bundle
    return words.replace("_", " ").replace(".", " ").title()
