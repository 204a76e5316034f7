"""The Management API: tokens, and reading, creating, updating and deleting apps and placements.

Source: the vendor's Management API pages; each point that they leave open is a quirk.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl

from reconciler.model.address import Kind
from reconciler.sandbox import exchange as checks
from reconciler.sandbox.account import APPS, SandboxAccount, StoredResource, is_duplicate, stored_fields
from reconciler.sandbox.exchange import (
    ClientCredentials,
    RefusalError,
    Routes,
    SandboxRequest,
    SandboxResponse,
    json_answer,
)
from reconciler.sandbox.faults import Echo, OldId
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.spelling import UNLESS_SENT, id_key, list_content, response_object

AUTH_PATH: Final = "/api/v2/management/auth"
_PATHS: Final[Mapping[Kind, str]] = {
    "app": "/api/management/v1/app",
    "placement": "/api/management/v1/placement",
}
_ID: Final[Mapping[Kind, str]] = {"app": "appId", "placement": "placementId"}
_GRANT: Final = "management_client_credentials"
DEFAULT_PUBLISHER: Final = "3432"

USUAL_REFRESH: Final = 30
"""The refresh interval that a replacing update leaves where it sends none."""

NOTHING: Final = SandboxResponse(200, b"")


class Management:
    """The handlers of the Management API over one account. `chance` seeds which replica answers a list."""

    def __init__(self, account: SandboxAccount, quirks: Quirks, keys: ClientCredentials, chance: int = 0) -> None:
        self._account = account
        self._quirks = quirks
        self._keys = keys
        self._chance = Random(f"replicas {chance}")  # noqa: S311 - a lag, not a secret
        account.past.span = quirks.longest_lag
        self._lists: dict[tuple[Kind, str], tuple[int, SandboxResponse]] = {}

    def routes(self) -> Routes:
        """Every call of this API."""
        kinds: tuple[Kind, ...] = ("app", "placement")
        verbs = {"GET": self._read, "POST": self._create, "PUT": self._update, "DELETE": self._delete}
        calls = {(verb, _PATHS[kind]): partial(handle, kind) for kind in kinds for verb, handle in verbs.items()}
        return {("POST", AUTH_PATH): self._auth} | {key: partial(self._with_token, call) for key, call in calls.items()}

    def warm(self) -> None:
        """Compute every list, so that the first reads take no longer than later ones."""
        apps = self._account.apps()
        for publisher in {_publisher(app) for app in apps}:
            self._list("app", publisher)
        for app in apps:
            self._list("placement", app.id)

    def _auth(self, call: SandboxRequest) -> SandboxResponse:
        body = self._auth_body(call)
        pair = body.get("client_id"), body.get("client_secret")
        if body.get("grant_type") != _GRANT or not all(isinstance(part, str) and part for part in pair):
            return json_answer(400, {"error": "invalid_request"})
        if not self._keys.fit(*pair):
            return json_answer(400, {"error": "invalid_client"})
        seconds = self._quirks.token_seconds
        return json_answer(
            200,
            {
                "accessToken": self._account.issue_token(seconds),
                "tokenType": "bearer",
                "expiresIn": self._quirks.token_lifetime(seconds),
            },
        )

    def _auth_body(self, call: SandboxRequest) -> Mapping[str, Any]:
        try:
            return call.json()
        except RefusalError:
            if self._quirks.auth == "json":
                return {}
            return dict(parse_qsl(call.body.decode("utf-8", "replace")))

    def _with_token(self, handle: "partial[SandboxResponse]", call: SandboxRequest) -> SandboxResponse:
        if not self._account.token_is_good(call.token):
            return json_answer(401, {"error": "invalid_token"})
        try:
            return handle(call)
        except RefusalError as refusal:
            status = self._quirks.refusal_status if refusal.status == 400 else refusal.status
            return json_answer(status, {self._quirks.message_key: refusal.message, **refusal.more})

    def _read(self, kind: Kind, call: SandboxRequest) -> SandboxResponse:
        own_id = call.query.get(_ID[kind])
        if own_id:
            return json_answer(200, response_object(self._resource_as_read(kind, own_id), self._quirks))
        of_whom = "publisherId" if kind == "app" else "appId"
        if not call.query.get(of_whom):
            raise RefusalError(400, f"{_ID[kind]} or {of_whom} is required.")
        return self._list(kind, call.query[of_whom])

    def _create(self, kind: Kind, call: SandboxRequest) -> SandboxResponse:
        body = call.json()
        home = None if kind == "app" else self._app_id_of(body)
        sent = self._fields_to_create(kind, body)
        resource = self._old_resource(kind, call.fault) or self._duplicate(StoredResource(kind, "", sent, home))
        if resource is None or (isinstance(call.fault, OldId) and call.fault.when == "after"):
            new = self._account.create(kind, self._complete(kind, stored_fields(sent, self._quirks)), app_id=home)
            resource = resource or self._resource_in_response(new, sent)
        bare = isinstance(call.fault, OldId) and not call.fault.fields
        return json_answer(self._quirks.create_status, self._create_content(resource, bare=bare))

    def _fields_to_create(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        if kind == "placement":
            return checks.placement_to_create(body)
        fields = checks.app_to_create(body)
        if self._quirks.app_status == "ignored":
            fields.pop("status", None)
        fields["publisherId"] = str(body.get("publisherId") or DEFAULT_PUBLISHER)
        if self._quirks.store_names:
            fields["name"] = _store_name(fields["bundle"])
        return fields

    def _complete(self, kind: Kind, fields: dict[str, Any]) -> dict[str, Any]:
        return checks.complete_placement(fields) if kind == "placement" else fields

    def _old_resource(self, kind: Kind, fault: object) -> StoredResource | None:
        """The existing resource that an `OldId` fault answers a create with; None without that fault or a resource."""
        if not isinstance(fault, OldId):
            return None
        if fault.id is not None:
            return self._account.get(kind, str(fault.id)) or StoredResource(kind, str(fault.id), {})
        there = self._account.apps() if kind == "app" else self._account.placements()
        return there[-1] if there else None

    def _duplicate(self, new: StoredResource) -> StoredResource | None:
        """The existing resource that a server without duplicates takes for the new one; None where there is none."""
        if not self._quirks.dedup:
            return None
        there = self._account.apps() if new.kind == "app" else self._account.placements(new.app_id)
        return next((resource for resource in there if is_duplicate(resource, new)), None)

    def _resource_in_response(self, stored: StoredResource, sent: Mapping[str, Any]) -> StoredResource:
        """A written resource as a full response shows it: as stored, or with what was sent."""
        if self._quirks.kept_answer == "stored":
            return stored
        return replace(stored, fields=self._complete(stored.kind, {**stored.fields, **sent}))

    def _app_id_of(self, body: Mapping[str, Any]) -> str:
        """The id of the app of a new placement. It must be a text: the real API refuses a number here."""
        if not isinstance(body.get("appId"), str) or not body["appId"]:
            raise RefusalError(400, "appId must be a string.")
        return self._require("app", body["appId"]).id

    def _create_content(self, new: StoredResource, *, bare: bool = False) -> dict[str, Any]:
        full = response_object(new, self._quirks, "create")
        key = id_key(new.kind, self._quirks, "create")
        match "id" if bare else self._quirks.create_answer:
            case "full":
                return full
            case "id":
                return {key: full[key]}
            case "no-id":
                return {self._quirks.message_key: f"{_title(new)} has been created successfully."}

    def _update(self, kind: Kind, call: SandboxRequest) -> SandboxResponse:
        body = call.json()
        before = self._require(kind, checks.sent_id(_ID[kind], body))
        self._refuse_empty_targeting(body)
        sent = self._fields_to_update(before, body)
        if isinstance(call.fault, Echo):
            unchanged = replace(before, fields=self._updated_fields(before, sent))
            return json_answer(200, response_object(unchanged, self._quirks, "update"))
        after = self._account.replace(kind, before.id, self._updated_fields(before, stored_fields(sent, self._quirks)))
        match self._quirks.put_answer:
            case "full":
                return json_answer(
                    200, response_object(self._resource_in_response(after, sent), self._quirks, "update")
                )
            case "stale":
                return json_answer(200, response_object(before, self._quirks, "update"))
            case "message":
                text = f"{_title(after)} has been updated successfully."
                return json_answer(200, {self._quirks.message_key: text})

    def _refuse_empty_targeting(self, body: Mapping[str, Any]) -> None:
        geo, connectivity = body.get("geo"), body.get("connectivity")
        countries = geo.get("countries") if isinstance(geo, Mapping) else None
        if self._quirks.empty_targeting == "refused" and [] in (countries, connectivity):
            raise RefusalError(400, "geo and connectivity must not be empty.")

    def _fields_to_update(self, before: StoredResource, body: Mapping[str, Any]) -> dict[str, Any]:
        if before.kind == "app":
            return checks.app_to_update(body)
        return checks.placement_to_update(body, before.fields["placementType"])

    def _updated_fields(self, before: StoredResource, sent: dict[str, Any]) -> dict[str, Any]:
        replaces = self._quirks.put == "replace"
        if before.kind == "app":
            resets = {name: UNLESS_SENT.get(name) for name in checks.OF_APPS} if replaces else {}
            merged = {**before.fields, **resets, **sent}
            return {name: value for name, value in merged.items() if value is not None}
        fixed = {name: before.fields[name] for name in ("name", "placementType")}
        start = {**_usual_fields(fixed["placementType"]), **fixed} if replaces else before.fields
        if self._quirks.floors == "merge" and "floorPrices" in sent:
            sent["floorPrices"] = {**before.fields.get("floorPrices", {}), **sent["floorPrices"]}
        return checks.complete_placement({**start, **sent})

    def _delete(self, kind: Kind, call: SandboxRequest) -> SandboxResponse:
        gone = self._require(kind, checks.sent_id(_ID[kind], call.json()))
        self._account.delete(kind, gone.id)
        return json_answer(200, {self._quirks.message_key: f"{_title(gone)} has been deleted successfully."})

    def _require(self, kind: Kind, resource_id: str) -> StoredResource:
        resource = self._account.get(kind, resource_id)
        if resource is None:
            raise _not_found(kind, resource_id)
        return resource

    def _resource_as_read(self, kind: Kind, resource_id: str) -> StoredResource:
        """The resource as a read by its id returns it, with the lags of the quirks. Raises `RefusalError` (404)."""
        resource, now = self._require(kind, resource_id), self._account.clock()
        if resource.created > now - self._quirks.found_after:
            raise _not_found(kind, resource_id)
        return self._account.past.as_of(now - self._quirks.updates_after, resource)

    def _list(self, kind: Kind, of_whom: str) -> SandboxResponse:
        """A list; the same response is reused while nothing in it has changed."""
        changes = self._account.changes(APPS if kind == "app" else of_whom)
        ready = self._lists.get((kind, of_whom))
        if ready is not None and ready[0] == changes:
            return ready[1]
        answer = self._apps(of_whom) if kind == "app" else self._placements(of_whom)
        if not self._quirks.longest_lag:
            self._lists[kind, of_whom] = changes, answer
        return answer

    def _apps(self, publisher: str) -> SandboxResponse:
        def belongs(resource: StoredResource) -> bool:
            return resource.kind == "app" and _publisher(resource) == publisher

        return self._list_response("app", filter(belongs, self._account.apps()), belongs)

    def _placements(self, app_id: str) -> SandboxResponse:
        placements = self._account.placements(app_id)
        if not placements and self._account.get("app", app_id) is None:
            match self._quirks.unknown_app:
                case "not-found":
                    raise RefusalError(404, f"App {app_id} was not found.")
                case "empty-body":
                    return NOTHING
                case "empty":
                    pass
        return self._list_response("placement", placements, lambda each: each.app_id == app_id)

    def _list_response(
        self, kind: Kind, there: Iterable[StoredResource], belongs: Callable[[StoredResource], bool]
    ) -> SandboxResponse:
        moment = self._account.clock() - self._chance.choice(self._quirks.replicas)
        shown = self._account.past.list_as_of(moment - self._quirks.updates_after, there, belongs)
        youngest = moment - self._quirks.appears_after
        rows = [response_object(resource, self._quirks) for resource in shown if resource.created <= youngest]
        if kind == "placement" and not rows:
            match self._quirks.empty_list:
                case "empty-body":
                    return NOTHING
                case "null":
                    return json_answer(200, {"data": None})
                case "not-found":
                    return json_answer(404, {self._quirks.message_key: "No placements were found."})
                case "same":
                    pass
        return json_answer(200, list_content(kind, rows, self._quirks))


def _usual_fields(placement_type: Any) -> dict[str, Any]:
    """What a replacing update leaves of the fields that it does not send."""
    refresh = {"bannerRefresh": USUAL_REFRESH} if placement_type == "Banner" else {}
    return {"status": "active", "coppa": False, **refresh}


def _not_found(kind: Kind, resource_id: str) -> RefusalError:
    return RefusalError(404, f"{kind.capitalize()} {resource_id} was not found.")


def _title(resource: StoredResource) -> str:
    return f"{resource.kind.capitalize()} {resource.id}"


def _publisher(app: StoredResource) -> str:
    return str(app.fields.get("publisherId", DEFAULT_PUBLISHER))


def _store_name(bundle: str) -> str:
    """The store's name of an app, derived from its bundle: `com.cash_crash.54` is Cash Crash 54."""
    words = bundle.partition(".")[2] or bundle
    return words.replace("_", " ").replace(".", " ").title()
