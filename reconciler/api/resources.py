"""Single resources of the account: apps and placements by address, pattern or id, and an app's reward token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.adopt.fresh import manifest_of
from reconciler.api.results import RowsResult
from reconciler.api.workspace import Workspace
from reconciler.errors import ProjectError, UsageError
from reconciler.manifest.project_settings import WHERE_PUBLISHERS_ARE
from reconciler.manifest.settings import Settings, load_settings
from reconciler.model.address import Address, Kind, kind_of
from reconciler.model.ledger import Ledger
from reconciler.model.secret import Secret
from reconciler.render.resources import ResourcesDocument, all_fields
from reconciler.workflow.lookup import (
    EVERYTHING,
    FoundResource,
    KnownIds,
    LookupResult,
    MissingResource,
    is_id,
    look_up,
)
from reconciler.yaml.scalar import ManifestText

if TYPE_CHECKING:
    from pyarrow import Table

    from reconciler.model.rows import Rows

_NO_PROJECT: Final = "ids work without a project; for addresses and lists, name one with --project PATH"
_BARE: Final = ManifestText("reconciler.yaml", b'version: 1\npublisherId: "1"\n')
"""Settings without defaults, for manifests of what is outside of a project."""


@dataclass(frozen=True, slots=True)
class ResourcesResult:
    """Live resources in the order of the question, and what was not found."""

    resources: tuple[FoundResource, ...]
    missing: tuple[MissingResource, ...]
    settings: Settings

    @property
    def is_done(self) -> bool:
        """Whether everything that was named was found."""
        return not self.missing

    @property
    def rows(self) -> "Rows":
        """A row for each resource, with a column for each field that any of them has; blocks as JSON text."""
        return all_fields(self.resources)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.resources/1`."""
        return ResourcesDocument.write(self.resources)

    def to_arrow(self) -> "Table":
        """The rows."""
        return RowsResult(self.rows).to_arrow()

    def to_yaml(self) -> str:
        """A manifest that declares these resources, by the defaults and groups of the project."""
        return self.manifest()[0]

    def manifest(self) -> tuple[str, tuple[str, ...]]:
        """The same, and in words what of the resources no manifest can say."""
        text, notes = manifest_of(((each.address, each.live) for each in self.resources), self.settings)
        return text, tuple(f"{note.address}: {note.text}" for note in notes)


def get(workspace: Workspace, references: Sequence[str] | None, kind: Kind | None) -> ResourcesResult:
    """The live resources of these references, all without any. Reads only what these need.

    Raises `UsageError` for an address that is not of the kind, and `ProjectError` where whose account it is has to be
    known and is not.
    """
    wanted = (EVERYTHING,) if references is None else tuple(each.strip() for each in references)
    publisher_id = workspace.publisher_if_known()
    with workspace.reader(publisher_id) as reader:
        found = look_up(wanted, kind, reader, _known_ids(workspace, publisher_id), workspace.parallelism)
    missing = found.missing if references is not None else ()
    return ResourcesResult(found.found, missing, _settings(workspace, publisher_id))


def reward_token(workspace: Workspace, app: str) -> Secret:
    """The token that signs the reward callbacks of an app, by its id or address.

    Raises `UsageError` for what is no app, and `ProjectError` where there is no such app, or none that has a token.
    """
    app = app.strip()
    if not is_id(app) and kind_of(Address(app)) != "app":
        raise UsageError(f"{app} is the address of a placement: apps have reward tokens")
    publisher_id = workspace.publisher_if_known()
    with workspace.reader(publisher_id) as reader:
        app_id = app
        if not is_id(app):
            known = _known_ids(workspace, publisher_id)
            app_id = _only_app(look_up((app,), "app", reader, known, workspace.parallelism), app)
        token = reader.reward_token(app_id)
    if token is None:
        raise ProjectError(f"{app}: no such app is in the account, or it has no reward token")
    return token


def _only_app(answer: LookupResult, app: str) -> str:
    """The id of the one app that was found."""
    for each in answer.missing:
        raise ProjectError(f"{each.reference}: {each.why}", hint=each.hint)
    if len(answer.found) != 1:
        ids = ", ".join(each.live.id for each in answer.found)
        raise UsageError(f"{app} names {len(answer.found)} apps, and a token is of one", hint=f"name one by id: {ids}")
    return answer.found[0].live.id


def _known_ids(workspace: Workspace, publisher_id: str | None) -> KnownIds:
    hint = WHERE_PUBLISHERS_ARE if workspace.is_project else _NO_PROJECT
    return KnownIds(_ledger(workspace, publisher_id), lambda: _pins(workspace), publisher_id is not None, hint)


def _ledger(workspace: Workspace, publisher_id: str | None) -> Ledger:
    """What the project owns; nothing while nobody knows whose account it is."""
    return {} if publisher_id is None else workspace.store(publisher_id).ledger()


def _pins(workspace: Workspace) -> Mapping[Address, str | None]:
    """The addresses of the manifests with their pins; none where the manifests have errors."""
    state = workspace.validate().state if workspace.is_project else None
    if state is None:
        return {}
    pins = {app.address: app.pin for app in state.apps}
    return pins | {each.address: each.pin for app in state.apps for each in app.placements or ()}


def _settings(workspace: Workspace, publisher_id: str | None) -> Settings:
    if publisher_id is not None:
        return workspace.settings()
    settings, _ = load_settings(_BARE)
    if settings is None:
        raise AssertionError("settings without defaults are sound")
    return settings
