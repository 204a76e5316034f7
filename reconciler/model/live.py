"""Live state: what the account holds, in canonical form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, TypeAlias

from reconciler.model.address import Address, Kind, app_address
from reconciler.model.value import Fields, digest, fields_to_json

IDENTITY: Final[Mapping[Kind, tuple[str, ...]]] = {"app": ("platform", "bundle"), "placement": ("name",)}
"""The fields by which a resource is known where no id tells."""


@dataclass(frozen=True, slots=True)
class LiveResource:
    """An app or placement as the account holds it.

    `fields` holds every field that the answer spoke of, and those whose absence from a full answer has a meaning
    (a block that is off). `app_id` is the app a placement belongs to, None for an app. `publisher_id` is whose it is,
    where the answer said so. `unreadable` names the fields whose values have no readable form, each with what is wrong
    with it: nothing is known of them.
    """

    kind: Kind
    id: str
    fields: Fields
    app_id: str | None = None
    publisher_id: str | None = None
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def is_readable(self) -> bool:
        """Whether all that the answer said of it can be read, and it said what identifies it."""
        return not (self.unreadable or self.is_nameless)

    @property
    def is_nameless(self) -> bool:
        """Whether what identifies it is not known: the answer did not say it, or not in a readable form."""
        return any(name not in self.fields for name in IDENTITY[self.kind])

    def why_unreadable(self, *names: str) -> str:
        """What is wrong with the fields that cannot be read, of the named ones or of all; empty where nothing is."""
        reasons = dict.fromkeys((name for name in IDENTITY[self.kind] if name not in self.fields), "it is not there")
        reasons.update(self.unreadable)
        return "; ".join(f"{name}: {why}" for name, why in reasons.items() if not names or name in names)

    @property
    def name(self) -> str:
        """The resource's name in the account; empty where the answer had none."""
        return str(self.fields.get("name", ""))

    def digest(self) -> str:
        """A digest of all that is known of the resource; equal digests mean that nothing moved."""
        return digest({"kind": self.kind, "id": self.id, "appId": self.app_id, "fields": fields_to_json(self.fields)})


def live_app_address(app: LiveResource) -> Address:
    """The natural address of a live app."""
    return app_address(str(app.fields.get("platform", "")), str(app.fields.get("bundle", "")))


@dataclass(frozen=True, slots=True)
class LiveState:
    """What was read: all apps, and the placements of those apps whose lists were asked for, by app id."""

    apps: tuple[LiveResource, ...]
    placements: Mapping[str, tuple[LiveResource, ...]] = field(default_factory=dict)

    def resources(self) -> Iterator[LiveResource]:
        """All that was read, apps first."""
        yield from self.apps
        yield from chain.from_iterable(self.placements.values())

    def by_id(self) -> "ById":
        """All that was read, by kind and id: an app and a placement may have the same id."""
        return {(each.kind, each.id): each for each in self.resources()}


ResourceKey: TypeAlias = tuple[Kind, str]
"""What tells a live resource from all others: its kind and its id."""

ById: TypeAlias = Mapping[ResourceKey, LiveResource]
