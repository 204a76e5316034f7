"""A load that remembers comes to what one that reads everything comes to: the same values, places and findings."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.draws import drawn

from reconciler.manifest.cached_load import NullCache, load_desired_cached, load_settings_cached
from reconciler.manifest.load import load_desired, load_settings
from reconciler.manifest.parsed_manifest import DecimalCache, ParsedManifest, parsed_manifest_from_bytes
from reconciler.manifest.project_settings import project_settings_from_bytes
from reconciler.yaml.scalar import ManifestText

CASES = Path(__file__).parents[1] / "cases"
SETTINGS = ManifestText(
    "reconciler.yaml",
    b"""
version: 1
publisherId: "3432"
countryGroups: {tier1: [US, CA], nordics: [SE, "NO"]}
defaults: {placements: {coppa: false, floorPrices: {nordics: 0.3}}, byType: {Banner: {bannerRefresh: 45}}}
safety: {maxFloor: 20, quarantineDays: 0.1}
policies: [{name: cap, rule: 'action != "delete"', message: none, severity: warning}]
""",
)


class Kept(dict):
    """A memory that keeps everything, and counts what it could tell."""

    recalled = 0
    keeps = True

    def get(self, key):
        found = super().get(key)
        self.recalled += found is not None
        return found

    def put(self, key, data):
        self[key] = data


def cold(settings_text, manifests):
    found, findings = load_settings(settings_text)
    return findings, None if found is None else load_desired(found, settings_text, manifests)


def recalled(settings_text, manifests, memory):
    outline, findings = load_settings_cached(settings_text, memory)
    return findings, None if outline is None else load_desired_cached(outline, settings_text, manifests, memory)


def exactly(result):
    """Values with their types and the order of fields: 1, True and Decimal(1) are equal, and not the same."""
    return repr(result)


def assert_the_same(settings_text, manifests):
    """The number of texts that were recalled in the end."""
    read, memory = cold(settings_text, manifests), Kept()
    assert exactly(recalled(settings_text, manifests, memory)) == exactly(read)
    memory.recalled = 0
    assert exactly(recalled(settings_text, manifests[::-1], memory)) == exactly(read)
    assert recalled(settings_text, manifests, memory) == read
    return memory.recalled // 2


def project_in(folder):
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.yaml"))}
    settings_text = ManifestText("reconciler.yaml", found.pop("reconciler.yaml", SETTINGS.data))
    return settings_text, [ManifestText(file, data) for file, data in found.items()]


@pytest.mark.parametrize("folder", sorted(CASES.glob("*/*/")), ids=lambda folder: folder.name)
def test_a_case_is_recalled_as_it_was_read(folder):
    settings_text, manifests = project_in(folder)
    readable = load_settings(settings_text)[0] is not None
    assert assert_the_same(settings_text, manifests) == (1 + len(manifests) if readable else 0)


WORDS = st.sampled_from(["a", "b", "NO", "ü", "x" * 90, "<<", "\ud800", "10"]) | st.text(max_size=4)
NUMBERS = st.integers(-1, 10**25) | st.floats(0.01, 1e9) | st.sampled_from([0.1 + 0.2, 1e300, 12.345678, True])
COUNTRY = st.sampled_from(["US", "CA", "SE", "WW", "tier1", "nordics", "XX"])
FREQUENCY = st.none() | st.fixed_dictionaries(
    {"value": NUMBERS, "unit": st.sampled_from(["hour", "day"])}, optional={"enabled": st.booleans()}
)
LIFECYCLE = st.fixed_dictionaries(
    {},
    optional={
        "protect": st.booleans(),
        "distinct": st.booleans(),
        "ignoreChanges": st.lists(st.sampled_from(["status", "floorPrices.US", "stauts"]), max_size=2),
        "acceptDrift": st.lists(
            st.fixed_dictionaries(
                {"field": st.just("status"), "reason": WORDS},
                optional={"until": st.dates().map(str)},
            ),
            max_size=2,
        ),
    },
)
FIELDS = {
    "status": st.sampled_from(["active", "inactive"]),
    "coppa": st.booleans(),
    "floorPrices": st.dictionaries(COUNTRY, NUMBERS, max_size=4)
    | st.lists(st.fixed_dictionaries({"country": COUNTRY, "price": NUMBERS}), max_size=3),
    "targetingEnabled": st.booleans(),
    "geo": st.none() | st.fixed_dictionaries({"include": st.booleans(), "countries": st.lists(COUNTRY, max_size=3)}),
    "connectivity": st.none() | st.lists(st.sampled_from(["WIFI", "Cellular"]), max_size=3),
    "creativeTypes": st.lists(st.sampled_from(["video", "display"]), max_size=2),
    "capping": FREQUENCY,
    "pacing": FREQUENCY,
    "ssrConfig": st.none() | st.fixed_dictionaries({"currency": WORDS, "amount": NUMBERS}),
    "skipability": WORDS,
    "lifecycle": LIFECYCLE,
}
NAMED = {
    "placementId": st.sampled_from(["1", "2"]) | st.integers(1, 10**20),
    "renamedFrom": WORDS,
    "state": st.sampled_from(["present", "absent"]),
}
TYPES = st.sampled_from(["Banner", "Interstitial", "Rewarded", "MREC"])
PLACEMENT = st.fixed_dictionaries({"name": WORDS, "placementType": TYPES}, optional={**FIELDS, **NAMED})
TIER = st.fixed_dictionaries({"name": WORDS}, optional={**FIELDS, **NAMED})
WATERFALL = st.fixed_dictionaries(
    {"name": WORDS, "placementType": TYPES, "tiers": st.lists(TIER, min_size=1, max_size=3)}, optional=FIELDS
)
APP = st.fixed_dictionaries(
    {"platform": st.sampled_from(["android", "ios"]), "bundle": st.sampled_from(["com.a", "com.b", 12345])},
    optional={
        "appId": st.integers(1, 3),
        "name": WORDS,
        "category1": st.sampled_from(["Arcade", "Arcad"]),
        "rewardedAdUrl": st.sampled_from(["https://x.example/?u={{USER_ID}}", "http://x.example"]),
        "prune": st.sampled_from(["report", "delete"]),
        "state": st.sampled_from(["present", "absent"]),
        "lifecycle": LIFECYCLE,
        "placements": st.lists(PLACEMENT, max_size=3),
        "waterfalls": st.lists(WATERFALL, max_size=2),
    },
)


def as_manifest(number, apps):
    return ManifestText(f"apps/{number}.yaml", json.dumps({"version": 1, "apps": apps}).encode())


@drawn(150)
@given(files=st.lists(st.lists(APP, max_size=2), max_size=3))
def test_any_project_is_recalled_as_it_was_read(files):
    assert_the_same(SETTINGS, [as_manifest(number, apps) for number, apps in enumerate(files)])


TEXTS = [path.read_bytes() for path in sorted((CASES / "findings").rglob("*.yaml")) if path.name != "reconciler.yaml"]


@drawn(150)
@given(text=st.sampled_from(TEXTS), at=st.floats(0, 1), cut=st.integers(0, 9), put=st.binary(max_size=3))
def test_a_damaged_manifest_is_recalled_with_the_same_findings(text, at, cut, put):
    place = int(at * len(text))
    damaged = text[:place] + put + text[place + cut :]
    assert_the_same(SETTINGS, [ManifestText("apps/a.yaml", damaged), ManifestText("apps/b.yaml", text)])


@pytest.mark.parametrize("file", ["reconciler.yaml", "apps/a.yaml", "apps/b.yaml"])
def test_what_is_edited_is_read_again_and_settings_with_all_that_follows_from_them(file):
    files = {
        "reconciler.yaml": SETTINGS.data,
        **{
            f"apps/{name}.yaml": b"version: 1\napps: [{platform: ios, bundle: com.%b, placements:"
            b" [{name: p, placementType: MREC}]}]" % name.encode()
            for name in "ab"
        },
    }

    def texts():
        manifests = [ManifestText(name, data) for name, data in files.items() if name != "reconciler.yaml"]
        return ManifestText("reconciler.yaml", files["reconciler.yaml"]), manifests

    memory = Kept()
    recalled(*texts(), memory)
    memory.recalled = 0
    files[file] = files[file].replace(b"3432", b"3433").replace(b"MREC", b"Banner")
    assert exactly(recalled(*texts(), memory)) == exactly(cold(*texts()))
    assert memory.recalled == (0 if file == "reconciler.yaml" else 2)


def test_a_text_under_another_name_is_read_again():
    memory = Kept()
    text = b"version: 1\napps: [{platform: ios, bundle: com.a, nonsense: 1}]"
    recalled(SETTINGS, [ManifestText("apps/a.yaml", text)], memory)
    _, loaded = recalled(SETTINGS, [ManifestText("apps/b.yaml", text)], memory)
    assert {finding.file for finding in loaded.findings} == {"apps/b.yaml"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=2), lambda inner: st.lists(inner, max_size=9)
)


@drawn(200)
@given(data=st.binary(max_size=20) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bytes_of_anything_else_raise_nothing(data):
    assert isinstance(parsed_manifest_from_bytes(data, "apps/a.yaml", DecimalCache()), ParsedManifest | None)
    assert isinstance(project_settings_from_bytes(data), tuple | None)


def test_without_a_memory_everything_is_read():
    manifests = [ManifestText("apps/a.yaml", b"version: 1\napps: [{platform: ios, bundle: com.a}]")]
    assert exactly(recalled(SETTINGS, manifests, NullCache())) == exactly(cold(SETTINGS, manifests))
