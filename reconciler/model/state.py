"""Desired and live state: the resources that manifests declare, and those in the account, in canonical form.

Desired state is expanded: defaults, country groups and waterfalls are written out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Final, Literal, TypeAlias

from reconciler.model.address import Address, Kind, app_address
from reconciler.model.diagnostic import Severity
from reconciler.model.value import Fields, digest, fields_to_json

Prune = Literal["report", "deactivate", "delete"]
OnDrift = Literal["overwrite", "warn", "hold"]
Presence = Literal["present", "absent"]


@dataclass(frozen=True, slots=True)
class Source:
    """The place of a block: the file, relative to the project with forward slashes, and the line, from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class AcceptedDrift:
    """A difference that is accepted up to and including a day (UTC); None: without end."""

    path: str
    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How a resource is to be treated. Paths are field names (`status`) or dotted ones (`floorPrices.US`).

    `distinct`: the resource is another than live ones with a similar identity.
    """

    ignore_changes: tuple[str, ...] = ()
    protect: bool = False
    accept_drift: tuple[AcceptedDrift, ...] = ()
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class DesiredPlacement:
    """A placement block. `fields` holds the declared ones only, `name` and `placementType` among them."""

    address: Address
    fields: Fields
    source: Source
    pin: str | None = None
    renamed_from: str | None = None
    state: Presence = "present"
    lifecycle: Lifecycle = Lifecycle()


@dataclass(frozen=True, slots=True)
class DesiredApp:
    """An app block. `fields` holds the declared ones only, `platform` and `bundle` among them.

    `placements` is None where the block does not mention placements: they are then not managed. `ladders` names the
    tiers of each waterfall, the highest floor first.
    """

    address: Address
    fields: Fields
    source: Source
    pin: str | None = None
    state: Presence = "present"
    prune: Prune = "report"
    placements: Sequence[DesiredPlacement] | None = None
    lifecycle: Lifecycle = Lifecycle()
    ladders: tuple[tuple[Address, ...], ...] = ()


DesiredResource: TypeAlias = DesiredApp | DesiredPlacement


@dataclass(frozen=True, slots=True)
class Safety:
    """The limits of `reconciler.yaml` under `safety`. Percents are 0..100, prices USD, times as named.

    `on_drift` says what happens to fields that changed in the account: they are overwritten, overwritten with a
    warning, or held.
    """

    max_deletes: int = 0
    max_change_percent: float = 30
    max_floor_change_percent: float = 50
    max_floor: float = 50
    settle_seconds: float = 30
    quarantine_days: float = 14
    on_drift: OnDrift = "warn"


@dataclass(frozen=True, slots=True)
class Allowances:
    """Limits lifted for one run: `--max-deletes N` and `--allow-floor-jump`."""

    max_deletes: int | None = None
    floor_jump: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule of the project's own, in CEL, that every change must keep; `message` says what it forbids."""

    name: str
    rule: str
    message: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything the manifests of a project declare.

    `digest` is of the texts of manifests and settings, but for limits, policies and reports in the latter. `unread`
    says, in words, why there may be more manifests than were read.
    """

    publisher_id: str
    apps: tuple[DesiredApp, ...]
    digest: str
    prune: Prune = "report"
    safety: Safety = Safety()
    country_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    unread: str | None = None

    @property
    def prune_of_apps(self) -> Prune | None:
        """What becomes of owned apps that no block names; None where no app is declared, when nothing is pruned."""
        return self.prune if self.apps else None


IDENTITY: Final[Mapping[Kind, tuple[str, ...]]] = {"app": ("platform", "bundle"), "placement": ("name",)}
"""The fields that identify a resource without its id."""


@dataclass(frozen=True, slots=True)
class LiveResource:
    """An app or placement in the account.

    `fields` holds every field of the answer, and those whose absence from a full answer has a meaning (a block that is
    off). `app_id` is the app of a placement, None for an app. `publisher_id` is its publisher, None where the answer
    had none. `unreadable` names fields whose values cannot be read, each with the reason; they are not in `fields`.
    `store_url` is the page of an app in its store, None where the answer had none: nobody can declare it, and no two
    resources differ by it. `spelled` holds what the account shows beyond `fields`, and no two resources differ by: the
    values of a block that is off, and lists in an order of their own.
    """

    kind: Kind
    id: str
    fields: Fields
    app_id: str | None = None
    publisher_id: str | None = None
    unreadable: tuple[tuple[str, str], ...] = ()
    store_url: str | None = field(default=None, compare=False)
    spelled: Fields = field(default_factory=dict, compare=False)

    @property
    def is_readable(self) -> bool:
        """Whether every field of the answer can be read, and those that identify the resource are there."""
        return not (self.unreadable or self.is_nameless)

    @property
    def is_nameless(self) -> bool:
        """Whether a field that identifies the resource is missing or unreadable."""
        return any(name not in self.fields for name in IDENTITY[self.kind])

    def why_unreadable(self, *names: str) -> str:
        """Why fields cannot be read, of the named ones or of all; empty where all can be read."""
        reasons = dict.fromkeys((name for name in IDENTITY[self.kind] if name not in self.fields), "it is not there")
        reasons.update(self.unreadable)
        return "; ".join(f"{name}: {why}" for name, why in reasons.items() if not names or name in names)

    @property
    def name(self) -> str:
        """The resource's name in the account; empty where the answer had none."""
        return str(self.fields.get("name", ""))

    def digest(self) -> str:
        """A digest of the resource; equal digests mean that nothing has changed."""
        return digest({"kind": self.kind, "id": self.id, "appId": self.app_id, "fields": fields_to_json(self.fields)})


def live_app_address(app: LiveResource) -> Address:
    """The natural address of a live app."""
    return app_address(str(app.fields.get("platform", "")), str(app.fields.get("bundle", "")))


@dataclass(frozen=True, slots=True)
class LiveState:
    """All apps, and the placements of those apps whose lists were read, by app id."""

    apps: tuple[LiveResource, ...]
    placements: Mapping[str, Sequence[LiveResource]] = field(default_factory=dict)

    def resources(self) -> Iterator[LiveResource]:
        """All resources, apps first."""
        yield from self.apps
        yield from chain.from_iterable(self.placements.values())

    def by_id(self) -> "ById":
        """All resources by kind and id: an app and a placement may have the same id."""
        return {(each.kind, each.id): each for each in self.resources()}


ResourceKey: TypeAlias = tuple[Kind, str]
"""The kind and id of a live resource, which identify it."""

ById: TypeAlias = Mapping[ResourceKey, LiveResource]
