"""The inputs of an adoption, its draft, and new blocks for live apps and placements."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconciler.adopt.forms import (
    form_of,
    inconsistent_targeting,
    is_unset,
    lifecycle_form,
    undeclarable,
    undeclarable_lines,
    without_lines,
)
from reconciler.diff.change import FieldChange, Note
from reconciler.manifest.block import APP_KEYS, PLACEMENT_KEYS
from reconciler.manifest.checked_edits import ProjectContext
from reconciler.manifest.settings import Settings
from reconciler.manifest.text import manifest_text
from reconciler.model.address import Address, Kind, app_of, placement_address
from reconciler.model.diagnostic import Finding
from reconciler.model.field import FIELDS, PLACEMENT_TYPES
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits
from reconciler.model.journal import NO_CREATES, PastCreates
from reconciler.model.ledger import Ledger
from reconciler.model.state import DesiredState, Lifecycle, LiveResource, LiveState
from reconciler.model.value import ABSENT, Fields, Value, floor_table, to_json, value_text
from reconciler.yaml.apply_edits import apply_edits
from reconciler.yaml.edits import SetValue, Writable
from reconciler.yaml.scalar import ManifestText


@dataclass(frozen=True, slots=True)
class DeclaredProject:
    """A project: its manifests, which have no errors, and the desired state that they declare.

    `taken` names the files, manifests or not, beside which new ones would stand; `has_schemas` says that editors find
    the format in the project. `doubts` are warnings that there may be more manifests than were read, and `unread` the
    files among what they name that look like manifests.
    """

    context: ProjectContext
    manifests: tuple[ManifestText, ...]
    state: DesiredState
    taken: frozenset[str] = frozenset()
    has_schemas: bool = False
    doubts: tuple[Finding, ...] = ()
    unread: tuple[ManifestText, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """An account as it was read: all apps, and the placements of those to be adopted. `now` is in UTC.

    `past` is what the journal says of creates, `habits` what it says of updates. `theirs`: what is live is taken where
    the manifest has moved, and where an update of ours may have reset it, too.
    """

    live: LiveState
    ledger: Ledger
    now: datetime
    whole: bool = True
    past: PastCreates = NO_CREATES
    theirs: bool = False
    habits: AccountHabits = UNKNOWN_HABITS

    @property
    def chosen(self) -> tuple[LiveResource, ...]:
        """The apps to be adopted."""
        return tuple(app for app in self.live.apps if app.id in self.live.placements)


@dataclass(slots=True)
class AdoptionDraft:
    """The result of an adoption while it is being made, app by app."""

    texts: dict[str, ManifestText]
    new: set[str] = field(default_factory=set)
    added: list[Address] = field(default_factory=list)
    changes: list[tuple[Address, FieldChange]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    held: list[Finding] = field(default_factory=list)


_NEUTRAL: Mapping[str, Value] = {"targetingEnabled": False, "geo": None, "connectivity": None}
"""Values that a block declares against defaults that contradict the rest of it."""


_OF_ALL: Final = ("coppa", "status")
_OF_TYPES: Final = ("creativeTypes", "bannerRefresh", "skipability")
"""Fields whose repetition is habit rather than a decision for each placement."""


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A new block: what stands in it, in order, and the fields that it then declares, defaults included."""

    address: Address
    block: Mapping[str, Writable]
    declares: Fields


@dataclass(slots=True)
class Shortlist:
    """Live resources of one scope that go by one address, one of which can be declared."""

    chosen: list[tuple[Address, LiveResource, bool]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def shortlisted(
    resources: Iterable[tuple[Address, LiveResource]], declared: Iterable[Address], ledger: Ledger
) -> Shortlist:
    """Which resources can be declared, in the order of addresses, and whether each needs a pin.

    Of several under one address the owned one is taken, else an active one, else the one with the least id.
    """
    taken, shortlist = frozenset(declared), Shortlist()
    by_address: dict[Address, list[LiveResource]] = {}
    for address, resource in resources:
        by_address.setdefault(address, []).append(resource)
    for address in sorted(by_address):
        entry = ledger.get(address)
        owned_id = entry.id if entry is not None else None
        first, *others = sorted(by_address[address], key=lambda each: _preference(each, owned_id))
        if address in taken:
            others = [first, *others]
        else:
            shortlist.chosen.append((address, first, bool(others)))
        for other in others:
            what = "app" if other.kind == "app" else "placement"
            inactive = other.fields.get("status") == "inactive"
            why = "it is inactive, and stays unmanaged" if inactive else "rename or remove one of them"
            text = f"id {other.id} goes by the address of another {what} and is left out: {why}"
            shortlist.notes.append(Note(address, text))
    return shortlist


def _preference(resource: LiveResource, owned_id: str | None) -> tuple[bool, bool, int, str]:
    return resource.id != owned_id, resource.fields.get("status") != "active", len(resource.id), resource.id


def without_lost(account: AccountSnapshot, live: LiveResource, address: Address) -> tuple[LiveResource, list[Note]]:
    """A live resource without the fields that an update of ours may have reset: a new block does not declare them."""
    if account.theirs or not account.habits.lost:
        return live, []
    lost = {name: (update, was) for update, left in account.habits.lost_by(live) for name, was in left.items()}
    if not lost:
        return live, []
    notes = [
        Note(address, f"{name}: run {update.run} {update.how} it (it was {value_text(was)}): left undeclared")
        for name, (update, was) in sorted(lost.items())
    ]
    return replace(live, fields={name: value for name, value in live.fields.items() if name not in lost}), notes


def new_app_block(
    live: LiveResource, address: Address, placements: Sequence[NewBlock], *, pinned: bool
) -> tuple[NewBlock | None, list[Note]]:
    """The block of a live app with those of its placements; None, and why, where no manifest can name the app."""
    if not live.is_readable:
        return None, [_unreadable_note(live, address)]
    declarable, notes = _declarable_fields("app", live, address)
    if not {"platform", "bundle"} <= declarable.keys():
        return None, notes
    own: dict[str, Writable] = {name: form_of(name, value, {}) for name, value in declarable.items()}
    if pinned:
        own["appId"] = live.id
    own["placements"] = [placement.block for placement in placements]
    block: dict[str, Writable] = {name: own[name] for name in APP_KEYS if name in own}
    return NewBlock(address, block, declarable), notes


def new_placement_block(
    live: LiveResource, app: Address, settings: Settings, *, pinned: bool
) -> tuple[NewBlock | None, list[Note]]:
    """The block of a live placement: what its type's defaults do not say already, and is not off.

    None, and why, where no manifest can name the placement. A default that the account contradicts in a way no manifest
    can write is left to it by `ignoreChanges`.
    """
    address = placement_address(app, live.name)
    if not live.is_readable:
        return None, [_unreadable_note(live, address)]
    declarable, notes = _declarable_fields("placement", live, address)
    if not {"name", "placementType"} <= declarable.keys():
        return None, notes
    inherited, lifecycle = _inherited(settings, str(declarable["placementType"]))
    lines = undeclarable_lines(live.fields.get("floorPrices")) if "floorPrices" in declarable else {}
    contradicted = sorted(name for name in inherited if name not in declarable)
    neutral = {name: _NEUTRAL[name] for name in contradicted if name in _NEUTRAL}
    declares: dict[str, Value] = dict(inherited)
    own: dict[str, Writable] = {}
    for name, value in {**neutral, **declarable}.items():
        if value != inherited.get(name, FIELDS["placement"][name].when_unset):
            own[name] = form_of(name, value, settings.country_groups)
            declares[name] = value
    if pinned:
        own["placementId"] = live.id
    if contradicted or lines:
        own["lifecycle"] = _ignoring(lifecycle, [*contradicted, *(f"floorPrices.{line}" for line in lines)])
    if contradicted:
        text = (
            f"the defaults say {', '.join(contradicted)}, which the account does not show so: ignored by its lifecycle"
        )
        notes.append(Note(address, text))
    return NewBlock(address, {name: own[name] for name in PLACEMENT_KEYS if name in own}, declares), notes


def _unreadable_note(live: LiveResource, address: Address) -> Note:
    text = f"id {live.id} is left out: the account's answer is not readable there ({live.why_unreadable()})"
    return Note(address, text)


def _declarable_fields(kind: Kind, live: LiveResource, address: Address) -> tuple[dict[str, Value], list[Note]]:
    """The fields that a manifest can declare, and notes on the others that say anything."""
    fields = {name: live.fields[name] for name in FIELDS[kind] if live.fields.get(name, ABSENT) is not ABSENT}
    fields = {name: value for name, value in fields.items() if value not in ("", ())}
    if lines := undeclarable_lines(fields.get("floorPrices")):
        table = without_lines(fields.pop("floorPrices"), lines)
        fields |= {"floorPrices": floor_table(table)} if table else {}
    reasons = dict(undeclarable(kind, fields))
    declarable = {name: value for name, value in fields.items() if name not in reasons}
    targeting = inconsistent_targeting(declarable)
    reasons.update(targeting)
    needed = ("platform", "bundle") if kind == "app" else ("name", "placementType")
    notes = [
        Note(address, f"{name} {why}: it is left undeclared")
        for name, why in reasons.items()
        if name not in needed and not is_unset(fields[name])
    ]
    notes += [Note(address, f"floorPrices of {line} {why}: left undeclared, as it is") for line, why in lines.items()]
    if missing := [
        f"{name} {reasons.get(name, 'is not there')}" for name in needed if name in reasons or name not in fields
    ]:
        notes = [Note(address, f"id {live.id} cannot be declared, and is left out: {'; '.join(missing)}")]
    return {name: value for name, value in declarable.items() if name not in targeting}, notes


def _inherited(settings: Settings, placement_type: str) -> tuple[Fields, Lifecycle]:
    fields: dict[str, Value] = {}
    lifecycle = Lifecycle()
    for layer in settings.defaults.get(placement_type, ()):
        fields.update(layer.fields)
        lifecycle = layer.lifecycle or lifecycle
    return fields, lifecycle


def _ignoring(lifecycle: Lifecycle, fields: Iterable[str]) -> Mapping[str, Writable]:
    """The lifecycle of the defaults, which a block's own replaces, with fields more to ignore."""
    return lifecycle_form(replace(lifecycle, ignore_changes=tuple({*lifecycle.ignore_changes, *fields})))


def manifest_of(resources: Iterable[tuple[Address, LiveResource]], settings: Settings) -> tuple[str, list[Note]]:
    """A manifest of just these live resources, each in its app's block, and what of them it cannot say.

    An app whose placements are not among them has no word of placements, which are then not managed. Resources that go
    by one address have their ids as pins.
    """
    named = list(resources)
    often = Counter(address for address, _ in named)
    notes: list[Note] = []
    apps: dict[tuple[Address, str | None], Mapping[str, Writable]] = {}
    inner: dict[tuple[Address, str | None], list[Mapping[str, Writable]]] = {}
    for address, live in named:
        home = app_of(address), live.id if live.kind == "app" else live.app_id
        if live.kind == "app":
            block, told = new_app_block(live, address, (), pinned=often[address] > 1)
            apps.setdefault(home, {} if block is None else block.block)
        else:
            block, told = new_placement_block(live, home[0], settings, pinned=often[address] > 1)
            inner.setdefault(home, []).extend([] if block is None else [block.block])
        notes += told
    return manifest_text([_app_with(home, apps.get(home), inner.get(home)) for home in {**apps, **inner}]), notes


def _app_with(
    home: tuple[Address, str | None],
    block: Mapping[str, Writable] | None,
    placements: Sequence[Mapping[str, Writable]] | None,
) -> Mapping[str, Writable]:
    """The block of an app, else what names it, with these placements."""
    platform, _, bundle = home[0].partition(":")
    own: dict[str, Writable] = {**(block or {"platform": platform, "bundle": bundle})}
    own.pop("placements", None)
    return own if placements is None else {**own, "placements": placements}


def with_defaults(settings: ManifestText, live: LiveState) -> ManifestText:
    """Settings that have `defaults` with both of its keys, their values replaced by what the account repeats."""
    placements = [each for app in live.apps for each in live.placements.get(app.id, ())]
    by_type: dict[str, Writable] = {}
    for kind in PLACEMENT_TYPES:
        alike = [each for each in placements if each.fields.get("placementType") == kind]
        if repeated := _common_values(alike, _OF_TYPES):
            by_type[kind] = repeated
    path = (0, "defaults")
    edits = [SetValue((*path, "placements"), _common_values(placements, _OF_ALL)), SetValue((*path, "byType"), by_type)]
    return ManifestText(settings.file, apply_edits(settings.data, edits, settings.file))


def _common_values(placements: Sequence[LiveResource], names: Iterable[str]) -> Mapping[str, Writable]:
    """The fields that every placement shows, with the value that more than half of them have."""
    common: dict[str, Writable] = {}
    for name in names:
        shown = [each.fields.get(name, ABSENT) for each in placements]
        values: dict[str, Value] = {str(to_json(value)): value for value in shown if value is not ABSENT}
        counts = Counter(str(to_json(value)) for value in shown if value is not ABSENT)
        for text, number in counts.most_common(1):
            everywhere = sum(counts.values()) == len(placements)
            if everywhere and 2 * number > len(placements) > 1 and not undeclarable("placement", {name: values[text]}):
                common[name] = form_of(name, values[text], {})
    return common
