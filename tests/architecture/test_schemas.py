import json
from pathlib import Path

import jsonschema
import pytest
from support.schemas import doubles, of_files

from reconciler.manifest.schema import schema_texts
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import ManifestText

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "tests" / "cases" / "findings" / "contract-example"

MANIFEST = jsonschema.Draft7Validator(of_files()["manifest.schema.json"])
SETTINGS = jsonschema.Draft7Validator(of_files()["reconciler.schema.json"])


def read(path: Path):
    return doubles(parse(ManifestText(path.name, path.read_bytes())).documents[0].value)


def manifest(**placement):
    block = {"name": "a", "placementType": "Interstitial", **placement}
    return {"version": 1, "apps": [{"platform": "ios", "bundle": 1234567, "placements": [block]}]}


@pytest.mark.parametrize("file", sorted(of_files()))
def test_committed_schemas_are_current(file):
    assert (ROOT / "schemas" / file).read_text(encoding="utf-8") == schema_texts()[file]


@pytest.mark.parametrize("file", sorted(of_files()))
def test_schemas_are_valid_draft_07(file):
    schema = of_files()[file]
    assert schema["$schema"].startswith("http://json-schema.org/draft-07/")
    jsonschema.Draft7Validator.check_schema(schema)
    assert "$defs" not in json.dumps(schema)


def test_schemas_accept_the_examples_of_the_contract():
    MANIFEST.validate(read(CONTRACT / "apps" / "cashcrash.yaml"))
    SETTINGS.validate(read(CONTRACT / "reconciler.yaml"))


@pytest.mark.parametrize(
    "placement",
    [
        {"floorPrices": {"WW": 0.01, "US": 1}},
        {"floorPrices": [{"country": "US", "price": 1.2}]},
        {"placementId": 243713},
        {"placementId": "243713"},
        {"capping": None, "geo": None, "connectivity": None},
        {"pacing": {"enabled": False}},
        {"state": "absent"},
    ],
)
def test_the_manifest_schema_accepts(placement):
    MANIFEST.validate(manifest(**placement))


def test_keys_that_begin_with_x_stand_at_the_root_alone():
    MANIFEST.validate({**manifest(), "x-anchors": {"florPrices": 1}})
    SETTINGS.validate({"version": 1, "publisherId": "1", "x-": None})
    for wrong in (manifest(**{"x-note": 1}), {**manifest(), "xfloors": 1}):
        with pytest.raises(jsonschema.ValidationError):
            MANIFEST.validate(wrong)


def test_a_tombstone_needs_no_type():
    tombstone = manifest(state="absent")
    del tombstone["apps"][0]["placements"][0]["placementType"]
    MANIFEST.validate(tombstone)


@pytest.mark.parametrize(
    "placement",
    [
        {"florPrices": {}},
        {"floorPrices": {"US": 0}},
        {"floorPrices": [{"country": "US"}]},
        {"placementType": "banner"},
        {"coppa": None},
        {"capping": {"value": 1}},
        {"geo": {"include": True, "countries": []}},
        {"name": " "},
    ],
)
def test_the_manifest_schema_refuses(placement):
    assert not MANIFEST.is_valid(manifest(**placement))


@pytest.mark.parametrize("file", sorted(of_files()))
def test_every_field_has_a_description_and_examples_that_fit(file):
    schema = of_files()[file]
    for block in (schema, *schema["definitions"].values()):
        for name, part in block.get("properties", {}).items():
            assert part.get("description"), name
            assert part.get("examples"), name
            for example in part["examples"]:
                jsonschema.Draft7Validator({**part, "definitions": schema["definitions"]}).validate(example)
