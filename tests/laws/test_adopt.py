"""Whatever the account holds: adopted, it is declared as it is, and adopting it again changes nothing."""

from decimal import Decimal

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from support.builders import live_app, live_placement, live_state, reconciled
from support.draws import drawn
from support.fake_clock import START

from reconciler.adopt.adoption import adopt
from reconciler.adopt.fresh import AccountSnapshot, DeclaredProject
from reconciler.manifest.checked_edits import ProjectContext, blocks_by_address
from reconciler.manifest.load import load_desired, load_settings
from reconciler.model.state import LiveState
from reconciler.yaml.scalar import ManifestText

EXAMPLES = 150


def law(*strategies):
    """A claim about everything that can be drawn."""
    return lambda claim: drawn(EXAMPLES, HealthCheck.filter_too_much, HealthCheck.data_too_large)(
        given(*strategies)(claim)
    )


GROUPS = 'countryGroups: {tier1: [US, CA, GB], nordics: [SE, "NO"], both: [US, SE]}\n'
SETTINGS = [
    GROUPS,
    f"{GROUPS}defaults: {{placements: {{coppa: false, status: active}}, byType: {{Banner: {{bannerRefresh: 45}}}}}}\n",
    (
        "defaults: {placements: {floorPrices: {US: 2}, capping: {value: 1, unit: day}, skipability: NonSkippable,"
        " targetingEnabled: true, geo: {include: true, countries: [US]}, lifecycle: {ignoreChanges: [status]}}}\n"
    ),
]
COUNTRIES = st.sampled_from(["US", "CA", "GB", "SE", "NO", "ZZ", "FR"])
PRICES = st.sampled_from([Decimal(text) for text in ("0.01", "0.5", "1", "1.25", "2", "12345.678901", "0.001")])
WORDS = st.sampled_from(
    ["NO", "on", "010", "1e3", "null", "a: b", "a #b", " x ", "it's", "\u00e9", "a/b", "x\ny", "", "\ud800"]
)
TEXTS = WORDS | st.text(max_size=6)
LIMITS = st.none() | st.fixed_dictionaries(
    {"value": st.sampled_from([1, 12, 0, Decimal("1.5")]), "unit": st.sampled_from(["minute", "day", "week"])}
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["active", "inactive", "paused"]),
        "coppa": st.booleans(),
        "creativeTypes": st.sampled_from([(), ("video",), ("display", "video"), ("hologram",)]),
        "bannerRefresh": st.sampled_from([0, 30, 45]),
        "floorPrices": st.dictionaries(COUNTRIES | st.just("WW"), PRICES, max_size=6),
        "targetingEnabled": st.booleans(),
        "geo": st.none()
        | st.fixed_dictionaries({"include": st.booleans(), "countries": st.sets(COUNTRIES, min_size=1).map(sorted)}),
        "connectivity": st.sampled_from([None, ("WIFI",), ("Cellular", "WIFI"), ("5G",)]),
        "capping": LIMITS,
        "pacing": LIMITS,
        "ssrConfig": st.none()
        | st.fixed_dictionaries({"currency": TEXTS, "amount": st.sampled_from([0, 10, Decimal("0.1"), -1])}),
        "skipability": TEXTS,
    },
)
TYPES = st.sampled_from(["Interstitial", "Banner", "Rewarded", "MREC", "Native"])
NAMES = st.sampled_from(["a", "b", "NO", "A", "a\u200b", "\uff41"]) | TEXTS


@st.composite
def accounts(draw):
    resources = []
    for number in range(draw(st.integers(0, 3))):
        app_id = str(100 + number)
        bundle = draw(st.sampled_from(["com.a", "com.A", "com.b", "123", "id123", "010", "a b", "", "x:y", "\u00e9"]))
        more = draw(st.fixed_dictionaries({}, optional={"category2": TEXTS, "rewardedAdUrl": TEXTS, "name": TEXTS}))
        platform = draw(st.sampled_from(["android", "ios", "windows"]))
        resources.append(live_app(app_id, bundle=bundle, platform=platform, **more))
        for at in range(draw(st.integers(0, 4))):
            fields = draw(FIELDS)
            name, kind = draw(NAMES), draw(TYPES)
            resources.append(live_placement(f"{app_id}{at}", name, app_id=app_id, placementType=kind, **fields))
    return live_state(*resources)


def declared(extra, texts=()):
    text = ManifestText("reconciler.yaml", f'version: 1\npublisherId: "3432"\n{extra}'.encode())
    read, findings = load_settings(text)
    assert read is not None
    assert read.sound, findings
    loaded = load_desired(read, text, texts)
    assert loaded.state is not None, loaded.findings
    return DeclaredProject(ProjectContext(read, text), tuple(texts), loaded.state)


def after(stands, adoption):
    texts = {text.file: text for text in stands.manifests} | {text.file: text for text in adoption.texts}
    return tuple(texts[file] for file in sorted(texts))


@law(accounts(), st.sampled_from(SETTINGS))
def test_what_was_adopted_needs_no_change_and_is_not_adopted_again(live, extra):
    adoption = adopt(declared(extra), AccountSnapshot(live, {}, START))
    assert adoption.held == ()
    stands = declared(extra, after(declared(extra), adoption))
    ledger = {entry.address: entry for entry in adoption.remember}
    assert reconciled(stands.state, live, ledger).changes == ()
    assert set(ledger) == set(blocks_by_address(stands.state.apps))
    assert adopt(stands, AccountSnapshot(live, ledger, START)).is_empty


@law(accounts(), st.sampled_from(SETTINGS))
def test_every_live_resource_is_declared_or_noted(live, extra):
    adoption = adopt(declared(extra), AccountSnapshot(live, {}, START))
    ids = {entry.id for entry in adoption.remember}
    told = " ".join(note.text for note in adoption.notes)
    for app in live.apps:
        assert app.id in ids or f"id {app.id} " in told
        for each in live.placements[app.id] if app.id in ids else ():
            assert each.id in ids or f"id {each.id} " in told


@law(accounts(), accounts(), st.sampled_from(SETTINGS))
def test_blocks_follow_the_account_or_the_difference_is_told(first, second, extra):
    """The ids of the second account are those of the first, with other values, names and types."""
    stands = declared(extra)
    adoption = adopt(stands, AccountSnapshot(first, {}, START))
    stands = declared(extra, after(stands, adoption))
    ledger = {entry.address: entry for entry in adoption.remember}
    live = LiveState(second.apps, second.placements)
    again = adopt(stands, AccountSnapshot(live, ledger, START))
    changed = declared(extra, after(stands, again))
    told = {each.address for each in (*again.held, *again.notes)}
    ledger = {key: entry for key, entry in ledger.items() if key not in again.forget}
    ledger |= {entry.address: entry for entry in again.remember}
    left = reconciled(changed.state, live, ledger)
    assert {change.address for change in left.changes if change.address.partition("/")[0] not in told} <= told


@law(accounts(), st.sampled_from(SETTINGS))
def test_every_field_that_says_something_is_declared_or_noted(live, extra):
    stands = declared(extra)
    adoption = adopt(stands, AccountSnapshot(live, {}, START))
    blocks = blocks_by_address(declared(extra, after(stands, adoption)).state.apps)
    by_id = {each.id: each for each in (*live.apps, *(one for part in live.placements.values() for one in part))}
    for entry in adoption.remember:
        told = " ".join(note.text for note in adoption.notes if note.address == entry.address)
        for name, value in by_id[entry.id].fields.items():
            if value not in (None, False, (), ""):
                assert blocks[entry.address].fields.get(name) == value or f"{name} " in told


LINES = st.dictionaries(
    st.sampled_from(["WW", "US", "CA", "GB", "SE", "NO", "FR", "tier1", "nordics", "both"]),
    st.sampled_from(["0.50", "1", "1.25"]),
    min_size=1,
    max_size=6,
)
KNOWN = st.dictionaries(
    st.sampled_from(["WW", "US", "CA", "GB", "SE", "NO", "FR"]),
    st.sampled_from([Decimal(text) for text in ("0.01", "0.5", "1", "2")]),
    max_size=7,
)
BLOCK = """version: 1
apps:
  - platform: android
    bundle: com.acme
    placements:  # ours
      - name: int_1
        placementType: Interstitial  # all of it
        floorPrices:{table}
        coppa: false
"""


def tables(lines, layout):
    pairs = [(f'"{name}"' if name == "NO" else name, amount) for name, amount in lines.items()]
    match layout:
        case "flow":
            return f" {{{', '.join(f'{name}: {amount}' for name, amount in pairs)}}}  # floors"
        case "block":
            return "".join(f"\n          {name}: {amount}  # {amount}" for name, amount in pairs)
        case _:
            return "".join(f"\n          - {{country: {name}, price: {amount}}}" for name, amount in pairs)


@law(LINES, KNOWN, st.sampled_from(["flow", "block", "list"]))
def test_any_floors_become_any_others_in_any_layout(lines, floors, layout):
    text = ManifestText("apps/a.yaml", BLOCK.replace("{table}", tables(lines, layout)).encode())
    try:
        stands = declared(GROUPS, [text])
    except AssertionError:
        return  # two groups that disagree
    live = live_state(live_app(), live_placement(floorPrices=floors))
    adoption = adopt(stands, AccountSnapshot(live, {}, START))
    assert adoption.held == ()
    changed = declared(GROUPS, after(stands, adoption))
    assert reconciled(changed.state, live, {}).changes == ()
    kept = [line for line in BLOCK.splitlines() if "{table}" not in line]
    assert [line for line in changed.manifests[0].data.decode().splitlines() if line in kept] == kept
