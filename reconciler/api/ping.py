"""Check every set of keys that is there, and what those of the Management API can see.

Only tokens are asked for, and one list of apps. Nothing is written, ordered or fetched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from reconciler.api.environment import CHARTBOOST_KEYS, MANAGEMENT_KEYS, REPORTING_KEYS, Environment
from reconciler.api.workspace import Workspace
from reconciler.apis.mediation_reports import MEDIATION, TOKEN_PATHS, token_call
from reconciler.apis.user_reports import REPORTING
from reconciler.errors import ApiError, CredentialsError, ProjectError, ReconcilerError, WrongAccount
from reconciler.http.auth import Service
from reconciler.http.client import ApiClient
from reconciler.installed import program
from reconciler.render.account import PingDocument
from reconciler.render.text import counted
from reconciler.workflow.observe import side_by_side

ServiceName: TypeAlias = Literal["management", "users", "mediation"]
KeyState: TypeAlias = Literal["good", "refused", "unreachable"]

KEYS: Final[Mapping[ServiceName, tuple[str, str]]] = {
    "management": MANAGEMENT_KEYS,
    "users": REPORTING_KEYS,
    "mediation": CHARTBOOST_KEYS,
}
"""The variables of each set of keys."""


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What came of asking a service for a token with the keys of `variable`.

    `api` is its base URL. `error` is what went wrong, None for keys that are good. `token_url` is what
    CHARTBOOST_AUTH_URL has to be, where another URL than the present one gave the token.
    """

    service: ServiceName
    variable: str
    api: str
    error: ReconcilerError | None = None
    token_url: str | None = None

    @property
    def state(self) -> KeyState:
        """Good; refused by the service, or not whole; or the service gave no answer that says either."""
        if self.error is None:
            return "good"
        return "refused" if isinstance(self.error, CredentialsError) else "unreachable"

    @property
    def why(self) -> str | None:
        """What went wrong, in words."""
        return None if self.error is None else self.error.message


@dataclass(frozen=True, slots=True)
class PingResult:
    """Each set of keys that is there, and what those of the Management API see.

    `apps` counts the apps of the publisher; None without keys, or without a project that says whose account it is.
    """

    api: str
    publisher_id: str | None
    apps: int | None
    services: tuple[KeyCheck, ...]

    @property
    def is_good(self) -> bool:
        """Whether all keys that are there are good."""
        return all(each.error is None for each in self.services)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.ping/1`."""
        return PingDocument.write(self, program=program())


def ping(workspace: Workspace) -> PingResult:
    """Check all sets of keys that are there, side by side.

    Raises `CredentialsError` where there are none, `WrongAccount` where those of the Management API see another
    publisher's apps, or none although the ledger knows some, and `InvalidManifests` for settings with errors.
    """
    environment = workspace.environment
    there = [name for name, variables in KEYS.items() if any(environment.has(each) for each in variables)]
    if not there:
        hint = "or set those of a reporting API: " + ", ".join(KEYS[name][0] for name in ("users", "mediation"))
        try:
            environment.required_secret(KEYS["management"][0])
        except CredentialsError as error:
            raise CredentialsError(error.message, hint=f"{error.hint}; {hint}") from None
    management = _Management(workspace, "management" in there)
    checks: Mapping[ServiceName, Callable[[], KeyCheck]] = {
        "management": management.check,
        "users": lambda: _check_users(workspace),
        "mediation": lambda: _check_mediation(workspace),
    }
    done = side_by_side(lambda name: checks[name](), there, len(checks))
    api = workspace.api() if "management" in there else _shown(environment.management_url)
    return PingResult(api, management.publisher_id, management.apps, tuple(done))


def _shown(url: str) -> str:
    """A base URL without what does not belong there; the form of one that cannot be used is told elsewhere."""
    parts = urlsplit(url.strip())
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class _Management:
    """The keys of the Management API, and what they see."""

    def __init__(self, workspace: Workspace, is_there: bool) -> None:
        self._workspace = workspace
        self.apps: int | None = None
        self.publisher_id = None
        if workspace.is_project and (is_there or workspace.publisher_if_known() is not None):
            self.publisher_id = workspace.settings().publisher_id

    def check(self) -> KeyCheck:
        """Ask for the list of apps; for a token alone where nobody knows whose account it is."""
        workspace, publisher_id = self._workspace, self.publisher_id
        told = KeyCheck("management", KEYS["management"][0], _shown(workspace.environment.management_url))
        try:
            if publisher_id is None:
                with workspace.reader(None) as reader:
                    reader.sign_in()
                return told
            ledger = workspace.store(publisher_id).ledger()
            with workspace.reader(publisher_id) as reader:
                self.apps = len(reader.apps())
        except (ApiError, CredentialsError) as error:
            return replace(told, error=error)
        if not self.apps:
            _check_empty(workspace, sum(entry.kind == "app" for entry in ledger.values()))
        return told


def _check_empty(workspace: Workspace, owned: int) -> None:
    """Warn of an account without any app. Raises `WrongAccount` where the ledger knows some in it."""
    check = "check publisherId in reconciler.yaml, and whose keys DT_CLIENT_ID and DT_CLIENT_SECRET are"
    if owned:
        told = f"no app is visible, and the ledger knows {counted(owned, 'app')}"
        raise WrongAccount(f"{told}: the credentials may be of another account", hint=check)
    workspace.warn("no app is visible, which is right for an empty account alone")
    workspace.inform(f"hint: {check}")


def _check_users(workspace: Workspace) -> KeyCheck:
    url = workspace.environment.reporting_url
    return KeyCheck("users", KEYS["users"][0], _shown(url), _sign_in(workspace, "users", _Place(REPORTING, url, None)))


def _check_mediation(workspace: Workspace) -> KeyCheck:
    """Ask where the environment says, and where that does not work at the other places that public clients ask."""
    environment = workspace.environment
    told = KeyCheck("mediation", KEYS["mediation"][0], _shown(environment.chartboost_url))
    failures: list[ReconcilerError] = []
    for url, place in _token_places(environment).items():
        error = _sign_in(workspace, "mediation", place)
        if error is None:
            return replace(told, token_url=url if failures else None)
        failures.append(error)
    refused = (each for each in failures if isinstance(each, CredentialsError))
    return replace(told, error=next(refused, failures[0]))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a token is asked for: at `token_url`, or at the base URL itself."""

    service: Service
    base_url: str
    token_url: str | None


def _token_places(environment: Environment) -> Mapping[str, _Place]:
    """The places by their whole URL, the one that the environment names first; all on hosts that it names."""
    api, named = environment.chartboost_url, environment.chartboost_auth_url.strip().rstrip("/")
    own_path = urlsplit(named).path
    at_api = replace(MEDIATION, token=lambda keys: replace(token_call(keys), path=TOKEN_PATHS[1]))
    return {
        named if own_path else f"{named}{TOKEN_PATHS[0]}": _Place(MEDIATION, api, named),
        f"{_shown(api)}{TOKEN_PATHS[1]}": _Place(at_api, api, None),
        **({f"{_shown(named)}{TOKEN_PATHS[0]}": _Place(MEDIATION, api, _shown(named))} if own_path else {}),
    }


def _sign_in(workspace: Workspace, name: ServiceName, place: _Place) -> ReconcilerError | None:
    """Ask for a token; what went wrong, None where one came."""
    try:
        keys = workspace.environment.credentials(KEYS[name])
        url, clock = place.base_url, workspace.clock
        with ApiClient(place.service, url, keys, clock=clock, token_url=place.token_url) as client:
            client.sign_in()
    except (ApiError, CredentialsError, ProjectError) as error:
        return error
    return None
