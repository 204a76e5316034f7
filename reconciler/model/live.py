"""Live state: the resources in the account, in canonical form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, TypeAlias

from reconciler.model.address import Address, Kind, app_address
from reconciler.model.value import Fields, digest, fields_to_json

IDENTITY: Final[Mapping[Kind, tuple[str, ...]]] = {"app": ("platform", "bundle"), "placement": ("name",)}
"""The fields that identify a resource without its id."""


@dataclass(frozen=True, slots=True)
class LiveResource:
    """An app or placement in the account.

    `fields` holds every field of the answer, and those whose absence from a full answer has a meaning (a block that is
    off). `app_id` is the app of a placement, None for an app. `publisher_id` is its publisher, None where the answer
    had none. `unreadable` names fields whose values cannot be read, each with the reason; they are not in `fields`.
    """

    kind: Kind
    id: str
    fields: Fields
    app_id: str | None = None
    publisher_id: str | None = None
    unreadable: tuple[tuple[str, str], ...] = ()

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
    placements: Mapping[str, tuple[LiveResource, ...]] = field(default_factory=dict)

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
