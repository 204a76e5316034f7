"""Every property of a manifest comes to something, and what it comes to survives each way that it is kept or sent.

The properties are those of the schema, and the fields those of the table in the model: one that is declared there and
forgotten anywhere fails here under its name.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from support.builders import APP_ID, entry, origin
from support.schemas import of_files

from reconciler.adopt.forms import expanded_blocks, plain_json
from reconciler.apis.management.wire import calls
from reconciler.apis.management.wire.answer import live_list
from reconciler.diff.change import Create, FieldChange, Update
from reconciler.manifest.block import EVERY_KEY
from reconciler.manifest.cached_load import load_desired_cached, load_settings_cached
from reconciler.manifest.load import load_desired, load_settings
from reconciler.model.address import kind_of
from reconciler.model.field import FIELDS
from reconciler.model.ledger import entry_from_json, entry_to_json
from reconciler.model.state import LiveResource, Source
from reconciler.model.value import leaves, line_json
from reconciler.plan.document import plan_from_text, plan_text
from reconciler.plan.gate import facts_of
from reconciler.plan.plan import Plan
from reconciler.render.plan_text import change_lines
from reconciler.sandbox import exchange as checks
from reconciler.sandbox.account import StoredResource
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.spelling import response_object
from reconciler.yaml.scalar import ManifestText

SETTINGS = ManifestText("reconciler.yaml", b"version: 1\npublisherId: '3432'\n")
BLOCKS = {
    name: of_files()["manifest.schema.json"]["definitions"][f"{name.title()}Block"]["properties"]
    for name in ("app", "placement", "tier", "waterfall")
}
KIND = {"app": "app", "placement": "placement", "tier": "placement", "waterfall": "placement"}
PROPERTIES = [(block, name) for block, properties in BLOCKS.items() for name in properties]
DECLARED = [(kind, name) for kind, specs in FIELDS.items() for name in specs]

IDENTITY = {"platform": "android", "bundle": "com.acme"}
GOES_WITH = {
    "geo": {"targetingEnabled": True},
    "connectivity": {"targetingEnabled": True},
    "targetingEnabled": {"connectivity": ["WIFI"]},
}
"""What must be declared beside a field for its value to be a sound one."""


def example(block, name):
    """A value of the property that is not its default."""
    schema = BLOCKS[block][name]
    choices = [each for each in schema.get("enum", ()) if each not in (schema.get("default"), "Banner")]
    return choices[-1] if choices else schema["examples"][0]


def placement_type_for(name):
    return FIELDS["placement"][name].only_for or "Banner" if name in FIELDS["placement"] else "Banner"


def app_with(block, name, *, said=True):
    """An app whose block of that name says the property, or all that belongs to it but the property itself."""
    own = {**GOES_WITH.get(name, {}), **({name: example(block, name)} if said else {})}
    if block == "app":
        return {**IDENTITY, **own}
    kind = {"placementType": placement_type_for(name)}
    tier = {"name": "high", "floorPrices": {"WW": 6}}
    match block:
        case "placement":
            return {**IDENTITY, "placements": [{"name": "p", **kind, **own}]}
        case "tier":
            return {**IDENTITY, "waterfalls": [{"name": "w", **kind, "tiers": [{**tier, **own}]}]}
        case "waterfall":
            shared = {"name": "w", **kind, "tiers": [tier if name != "floorPrices" else {"name": "high"}], **own}
            return {**IDENTITY, "waterfalls": [shared]}


def texts(app):
    return [ManifestText("apps/a.yaml", json.dumps({"version": 1, "apps": [app]}).encode())]


def loaded(app):
    """The app that a manifest declares, read and recalled: the same, and without a finding."""
    settings, _ = load_settings(SETTINGS)
    read = load_desired(settings, SETTINGS, texts(app))
    memory = {}
    memory_of = type("Memory", (dict,), {"keeps": True, "put": dict.__setitem__})(memory)
    for _ in range(2):
        outline, _ = load_settings_cached(SETTINGS, memory_of)
        again = load_desired_cached(outline, SETTINGS, texts(app), memory_of)
        assert repr(again) == repr(read)
    assert [found for found in read.findings if found.severity == "error"] == []
    return read.state.apps[0]


def resource(block, name):
    app = loaded(app_with(block, name))
    return app if block == "app" else app.placements[0]


def field_changes(fields):
    return tuple(
        FieldChange(path, None, leaf, "pending") for name in fields for path, leaf in leaves(name, fields[name])
    )


def exactly(value):
    """A canonical value with the types of all its parts, whatever the order of keys: 1, True and Decimal(1) differ."""
    if isinstance(value, Mapping):
        return {key: exactly(value[key]) for key in sorted(value)}
    return type(value), value


def test_the_blocks_have_every_field_of_the_table():
    assert FIELDS["app"].keys() <= BLOCKS["app"].keys()
    assert FIELDS["placement"].keys() == BLOCKS["placement"].keys() & FIELDS["placement"].keys()
    for block in ("tier", "waterfall"):
        assert FIELDS["placement"].keys() - {"placementType"} <= BLOCKS[block].keys()
    assert {name for properties in BLOCKS.values() for name in properties} <= EVERY_KEY


@pytest.mark.parametrize(("block", "name"), PROPERTIES)
def test_a_property_comes_to_a_field_or_to_how_its_resource_is_treated(block, name):
    app = loaded(app_with(block, name))
    found = app if block == "app" else app.placements[0]
    if name in FIELDS[KIND[block]]:
        assert name in found.fields
        return
    without = app_with(block, name, said=False)
    assert repr(loaded(without)) != repr(app)


NEEDED = {
    "app": {"name": "A", "platform": "android", "bundle": "com.acme", "category1": "Finance", "coppa": True},
    "placement": {"name": "p", "coppa": True},
}
"""What no create goes without."""


@pytest.mark.parametrize(("block", "name"), PROPERTIES)
def test_a_property_survives_the_plan(block, name):
    found = resource(block, name)
    declared = {**NEEDED[KIND[block]], **found.fields}
    fields = field_changes(found.fields)
    source = Source("apps/a.yaml", 1)
    changes = (
        Create(found.address, source, fields, declared, declared, None if block == "app" else APP_ID),
        Update(found.address, "7", source, fields, {"coppa": True}, declared, "sha256:b", APP_ID),
    )
    again = plan_from_text(plan_text(Plan(origin(), changes))).changes
    for was, now in zip(changes, again, strict=True):
        assert exactly(now.declared) == exactly(was.declared)
        assert [(each.path, exactly(each.after)) for each in now.fields] == [
            (each.path, exactly(each.after)) for each in was.fields
        ]
    assert again == changes


@pytest.mark.parametrize(("block", "name"), PROPERTIES)
def test_a_property_survives_the_ledger(block, name):
    found = resource(block, name)
    known = replace(entry(found, "7"), kept=found.fields)
    again = entry_from_json(json.loads(line_json(entry_to_json(known))))
    assert again == known
    assert exactly(again.applied) == exactly(again.kept) == exactly(found.fields)


@pytest.mark.parametrize(("kind", "name"), DECLARED)
def test_a_field_is_written_into_a_manifest_as_it_is_read_from_one(kind, name):
    settings, _ = load_settings(SETTINGS)
    desired = load_desired(settings, SETTINGS, texts(app_with(kind, name))).state
    blocks = [plain_json(block) for block in expanded_blocks(desired, settings, lambda _: True)]
    again = loaded(blocks[0])
    was = desired.apps[0]
    assert exactly(again.fields) == exactly(was.fields)
    assert [exactly(each.fields) for each in again.placements or ()] == [
        exactly(each.fields) for each in was.placements or ()
    ]


def through_the_sandbox(kind, fields, quirks):
    """The fields of a resource that was made with them, as an answer of the sandbox is read."""
    body = json.loads(calls.create(kind, fields, APP_ID).body)
    if kind == "app":
        stored = checks.app_to_create(body)
        changed = json.loads(calls.update(LiveResource(kind, "7", {}), fields).body)
        stored |= checks.app_to_update(changed)
    else:
        stored = checks.placement_to_create(body)
        changed = json.loads(calls.update(LiveResource(kind, "7", {}), fields).body)
        stored = checks.complete_placement({**stored, **checks.placement_to_update(changed, fields["placementType"])})
    shown = response_object(StoredResource(kind, "7", stored, APP_ID if kind == "placement" else None), quirks)
    [live] = live_list(kind, json.loads(json.dumps([shown])))
    assert live.unreadable == ()
    return live.fields


@pytest.mark.parametrize("keys", ["plain", "contrary"])
@pytest.mark.parametrize(("kind", "name"), DECLARED)
def test_a_field_is_sent_kept_by_the_sandbox_and_read_back(kind, name, keys):
    fields = {**NEEDED[kind], **resource(kind, name).fields}
    assert through_the_sandbox(kind, fields, Quirks(keys=keys))[name] == fields[name]
    if name in FIELDS[kind] and FIELDS[kind][name].when_unset is None:
        off = {**fields, **dict.fromkeys(GOES_WITH.get(name, ()), False), name: None}
        assert through_the_sandbox(kind, off, Quirks(keys=keys))[name] is None


@pytest.mark.parametrize(("kind", "name"), DECLARED)
def test_a_field_is_told_to_policies_and_to_readers(kind, name):
    desired = resource(kind, name)
    fields = field_changes({name: desired.fields[name]})
    change = Create(desired.address, Source("apps/a.yaml", 1), fields, desired.fields, desired.fields, APP_ID)
    assert name in facts_of(change, {})["declared"]
    told = "".join(span.text for line in change_lines(change, "it") for span in line)
    assert all(field.path in told for field in fields)
    assert kind_of(desired.address) == kind
