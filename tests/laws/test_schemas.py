"""Schemas and `validate` agree: what validate lets pass without a word every schema lets pass, and what it finds that a
schema can say, the schema finds as well. Over the cases of findings, and over blocks made of right and wrong parts.
"""

import json
from functools import lru_cache

import jsonschema
import pytest
from cases.test_findings import CASES, DEFAULT_SETTINGS, texts
from hypothesis import given
from hypothesis import strategies as st
from support.draws import drawn
from support.schemas import doubles

from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.manifest.schema import schema_context, schemas
from reconciler.yaml.parse import parse

EXAMPLES = 100

SAID = {
    "bad-value", "floor-too-low", "missing-field", "targeting-incomplete", "type-bound-field", "unknown-category",
    "unknown-country", "unknown-field", "unknown-group", "unknown-version", "wrong-type", "floor-above-maximum",
    "coppa-mismatch", "reward-url",
}  # fmt: skip
"""The codes that a schema of a project can say, in most of their forms."""

SETTINGS = {
    "version": 1, "publisherId": "1", "countryGroups": {"tier1": ["US", "GB"], "EU": ["DE", "FR"]},
    "safety": {"maxFloor": 20},
}  # fmt: skip
DEFAULTS = {"defaults": {"placements": {"targetingEnabled": True, "floorPrices": {"WW": 1}}}}


@lru_cache
def validator(file, known=None):
    """Made once for a project: an example brings another manifest, and seldom another project."""
    return jsonschema.Draft7Validator(schemas(known)[file])


def findings_in(told, manifest):
    """The settings, and what validate says of a manifest beside them."""
    text = ManifestText("reconciler.yaml", json.dumps(told).encode())
    project, found = load_settings(text)
    assert found == ()
    return project, load_desired(project, text, [ManifestText("apps/a.yaml", json.dumps(manifest).encode())]).findings


def readable(text):
    """The values of a text's documents; none of one that is no YAML as we read it."""
    read = parse(text)
    return [] if read.findings else [doubles(document.value) for document in read.documents]


FOLDERS = [folder for folder in sorted(CASES.iterdir()) if folder.name != "not-utf8"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_in_every_case_the_schemas_let_pass_what_validate_lets_pass(folder):
    by_file = {text.file: text for text in texts(folder)}
    of_settings = by_file.pop("reconciler.yaml", ManifestText("reconciler.yaml", DEFAULT_SETTINGS))
    project, found = load_settings(of_settings)
    if project is None:
        return
    found = (*found, *load_desired(project, of_settings, list(by_file.values())).findings)
    wrong = {finding.file for finding in found}
    for known in (None, schema_context(project)):
        if "reconciler.yaml" not in wrong:
            [validator("reconciler.schema.json", known).validate(value) for value in readable(of_settings)]
        for file in by_file.keys() - wrong:
            [validator("manifest.schema.json", known).validate(value) for value in readable(by_file[file])]


@pytest.mark.parametrize("name", sorted(SAID))
def test_what_a_case_is_about_its_schema_refuses(name):
    by_file = {text.file: text for text in texts(CASES / name)}
    of_settings = by_file.pop("reconciler.yaml", ManifestText("reconciler.yaml", DEFAULT_SETTINGS))
    project, found = load_settings(of_settings)
    found = (*found, *load_desired(project, of_settings, list(by_file.values())).findings)
    known = schema_context(project)
    files = {finding.file for finding in found if finding.code == name}
    assert files
    for file in files:
        about = "reconciler.schema.json" if file == "reconciler.yaml" else "manifest.schema.json"
        text = of_settings if file == "reconciler.yaml" else by_file[file]
        assert not all(validator(about, known).is_valid(value) for value in readable(text))


def maybe(**fields):
    return st.fixed_dictionaries({}, optional=fields)


COUNTRY = st.sampled_from(["US", "DE", "WW", "tier1", "EU", "UK", "XX", "tier2", "us"])
PRICE = st.sampled_from([0.01, 1.2, 20, 20.5, 0, "1"])
FLOORS = st.one_of(
    st.dictionaries(COUNTRY, PRICE, max_size=3),
    st.lists(st.fixed_dictionaries({"country": COUNTRY, "price": PRICE}), max_size=2),
)
GEO = st.none() | st.fixed_dictionaries(
    {"include": st.booleans()}, optional={"countries": st.lists(COUNTRY, max_size=2)}
)
SHARED = {
    "status": st.sampled_from(["active", "off"]),
    "coppa": st.booleans(),
    "creativeTypes": st.sampled_from([["video"], [], ["audio"]]),
    "bannerRefresh": st.sampled_from([45, 0]),
    "floorPrices": FLOORS,
    "targetingEnabled": st.booleans(),
    "geo": GEO,
    "connectivity": st.sampled_from([None, ["WIFI"], ["5G"]]),
    "capping": st.sampled_from([None, {"value": 1}, {"value": 1, "unit": "day"}, {"enabled": False}]),
    "ssrConfig": st.sampled_from([None, {"currency": "coins", "amount": 1}, {"amount": 1}]),
    "lifecycle": st.sampled_from(
        [{"ignoreChanges": ["floorPrices.US"]}, {"ignoreChanges": ["floors"]}, {"protect": True}]
    ),
}
STATE = st.sampled_from(["present", "absent"])
KIND = st.sampled_from(["Banner", "Rewarded", "Interstitial", "MREC", "Native"])


def few(fields):
    """Some of the fields, seldom many: a block with one fault says more than one with ten."""
    return st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: fields[name] for name in names})
    )


PLACEMENT = st.builds(
    lambda kind, more: {"name": "p", **({"placementType": kind} if kind else {}), **more},
    KIND | st.none(), few({**SHARED, "state": STATE}),
)  # fmt: skip
TIER = st.builds(lambda more: {"name": "t", **more}, few({**SHARED, "state": STATE}))
WATERFALL = st.builds(
    lambda kind, tier, more: {"name": "w", "placementType": kind, "tiers": [tier], **more}, KIND, TIER, few(SHARED)
)
CATEGORY = st.sampled_from(["Finance", "Health & Fitness", "finance", "Weather"])
APP = st.builds(
    lambda platform, more, parts: {"platform": platform, "bundle": "com.a", **more, **parts},
    st.sampled_from(["android", "ios"]),
    few({
        "category1": CATEGORY, "category2": CATEGORY, "coppa": st.booleans(), "state": STATE, "appId": st.just(7),
        "rewardedAdUrl": st.sampled_from(["https://a/{{USER_ID}}", "http://a/{{USER_ID}}", "https://a"]),
        "lifecycle": st.sampled_from([{"ignoreChanges": ["status"]}, {"ignoreChanges": ["geo"]}]),
    }),
    maybe(placements=st.lists(PLACEMENT, max_size=1), waterfalls=st.lists(WATERFALL, max_size=1)),
)  # fmt: skip


@pytest.mark.parametrize("defaults", [{}, DEFAULTS], ids=["no defaults", "defaults"])
@drawn(EXAMPLES)
@given(app=APP)
def test_validate_and_the_schemas_agree_on_an_app(defaults, app):
    manifest = {"version": 1, "apps": [app]}
    project, found = findings_in({**SETTINGS, **defaults}, manifest)
    anyones, its_own = validator("manifest.schema.json"), validator("manifest.schema.json", schema_context(project))
    if not found:
        anyones.validate(manifest)
        its_own.validate(manifest)
    said = {finding.code for finding in found} & SAID
    if said - ({"targeting-incomplete"} if defaults else set()):
        assert not its_own.is_valid(manifest), said


INHERITED = {
    "targetingEnabled": st.booleans(),
    "geo": st.sampled_from([None, {"include": True, "countries": ["US"]}]),
    "connectivity": st.sampled_from([None, ["WIFI"]]),
    "coppa": st.booleans(),
}
LADDER = st.builds(
    lambda tiers, more: {"name": "w", "placementType": "Banner", "floorPrices": {"WW": 1}, "tiers": tiers, **more},
    st.lists(st.builds(lambda more: {"name": "t", **more}, maybe(**INHERITED, state=STATE)), min_size=1, max_size=1),
    maybe(**INHERITED),
)


@pytest.mark.parametrize("defaults", [{}, DEFAULTS], ids=["no defaults", "defaults"])
@drawn(400)
@given(waterfall=LADDER, coppa=st.booleans())
def test_validate_and_the_schemas_agree_on_what_tiers_take_from_their_waterfall(defaults, waterfall, coppa):
    app = {"platform": "android", "bundle": "com.a", "name": "A", "category1": "Finance", "coppa": coppa}
    manifest = {"version": 1, "apps": [{**app, "waterfalls": [waterfall]}]}
    project, found = findings_in({**SETTINGS, **defaults}, manifest)
    its_own = validator("manifest.schema.json", schema_context(project))
    if not found:
        validator("manifest.schema.json").validate(manifest)
        its_own.validate(manifest)
    elif not defaults:
        assert not its_own.is_valid(manifest), found


SETTINGS_PARTS = {
    "countryGroups": st.dictionaries(COUNTRY, st.lists(COUNTRY, max_size=2), max_size=2),
    "manifests": st.lists(
        st.sampled_from([
            "apps/**/*.yaml", "/apps/a.yaml", "../a.yaml", "a\\b.yaml", "C:/a", "a**/b", "**b", ".git/a", "x/.GIT. /a",
            "./apps/*.yaml", ".", "./", "...", "a/../b", ".github/a.yaml", "..a/b", "a//b", "é:a", ".reconciler",
        ]),
        max_size=2,
    ),
    "defaults": maybe(
        placements=few(SHARED),
        byType=st.dictionaries(st.sampled_from(["Banner", "Rewarded", "MREC", "Native"]), few(SHARED), max_size=2),
    ),
    "safety": st.sampled_from([{"maxFloor": 0}, {"maxFloor": 3}, {"settleSeconds": 1e9}, {"maxDeletes": -1}]),
    "policies": st.sampled_from([[{"name": "a", "rule": "true", "message": "m"}], [{"name": "a", "rule": "true"}]]),
    "prune": st.sampled_from(["report", "none"]),
}  # fmt: skip


@drawn(EXAMPLES)
@given(parts=few(SETTINGS_PARTS))
def test_validate_and_the_schemas_agree_on_settings(parts):
    told = {"version": 1, "publisherId": "1", **parts}
    project, found = load_settings(ManifestText("reconciler.yaml", json.dumps(told).encode()))
    if not found:
        validator("reconciler.schema.json").validate(told)
        validator("reconciler.schema.json", schema_context(project)).validate(told)
    elif project is not None and {finding.code for finding in found} & SAID:
        assert not validator("reconciler.schema.json", schema_context(project)).is_valid(told), found
