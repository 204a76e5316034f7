import copy
import gc
import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.model.state import AcceptedDrift, Lifecycle, Safety
from reconciler.yaml.parse import parse

CONTRACT = Path(__file__).parents[2] / "cases" / "findings" / "contract-example"
HEAD = "version: 1\napps:\n  - platform: {}\n    bundle: {}\n"
TWO = {
    "apps/b.yaml": HEAD.format("ios", 12),
    "apps/a.yaml": HEAD.format("ios", 9) + "---\n" + HEAD.format("android", "z"),
}


def contract():
    settings_text, manifest = (
        ManifestText(name, (CONTRACT / name).read_bytes()) for name in ("reconciler.yaml", "apps/cashcrash.yaml")
    )
    return settings_text, manifest


def test_the_contracts_example_is_read_as_it_says():
    settings_text, manifest = contract()
    settings, findings = load_settings(settings_text)
    assert findings == ()
    assert settings.manifests == ("apps/**/*.yaml",)
    loaded = load_desired(settings, settings_text, [manifest])
    assert {finding.severity for finding in loaded.findings} == {"warning"}
    state = loaded.state
    assert (state.publisher_id, state.prune, state.safety) == ("3432", "report", Safety(settle_seconds=5))
    assert state.country_groups == {"tier1": ("AU", "CA", "GB", "US"), "nordics": ("DK", "FI", "NO", "SE")}
    (app,) = state.apps
    assert (app.address, app.pin, app.source.line) == ("android:com.cash_crash.54", "170709", 3)
    names = [str(placement.fields["name"]) for placement in app.placements]
    assert names == ["bottom", "int_13", "level_end_high", "level_end_low", "level_end_mid", "reward_daily"]
    interstitial = app.placements[1]
    assert (interstitial.pin, interstitial.renamed_from) == ("243713", "int_12")
    assert interstitial.fields["floorPrices"] == {
        "WW": Decimal("0.01"),
        "US": Decimal("1.2"),
        **dict.fromkeys(("CA", "GB", "AU"), Decimal("0.8")),
    }
    assert interstitial.lifecycle == Lifecycle(
        ("skipability",), protect=True, accept_drift=(AcceptedDrift("status", "store review", date(2026, 12, 31)),)
    )
    assert all(placement.fields["coppa"] is False for placement in app.placements)


def test_documents_and_files_make_one_state_in_order(load):
    assert [app.address for app in load(TWO).state.apps] == ["android:z", "ios:12", "ios:9"]


def test_the_order_of_files_makes_no_difference(load):
    assert load(TWO) == load(dict(reversed(TWO.items())))


def test_no_manifests_are_an_empty_state(load):
    assert load({}).state.apps == ()


def test_the_digest_moves_with_every_byte_and_name(load):
    texts = [
        TWO,
        {**TWO, "apps/b.yaml": TWO["apps/b.yaml"] + "#"},
        {"x.yaml": TWO["apps/b.yaml"], "apps/a.yaml": TWO["apps/a.yaml"]},
    ]
    digests = {load(text).state.digest for text in texts} | {load(TWO, "prune: delete\n").state.digest}
    assert len(digests) == 4
    assert all(digest.startswith("sha256:") for digest in digests)


def test_settings_with_errors_find_more_but_make_no_state():
    text = ManifestText("reconciler.yaml", b'version: 1\npublisherId: "1"\nprune: never\n')
    settings, findings = load_settings(text)
    assert [finding.code for finding in findings] == ["bad-value"]
    loaded = load_desired(settings, text, [ManifestText("a.yaml", HEAD.format("ios", "x/y").encode())])
    assert [finding.code for finding in loaded.findings] == ["bad-value"]
    assert load_desired(settings, text, []).state is None


def test_the_collector_is_left_as_it_was(load):
    assert gc.isenabled()
    load(TWO)
    assert gc.isenabled()
    gc.disable()
    try:
        load(TWO)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_importing_the_room_imports_nothing_slow_but_pydantic():
    code = "import sys, reconciler.manifest.load; print([name for name in sys.argv[1:] if name in sys.modules])"
    slow = ["pycountry", "httpx", "deepdiff", "rich"]
    done = subprocess.run([sys.executable, "-c", code, *slow], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_that_an_alias_repeats_is_told_once(load):
    blocks = ", ".join(["*p"] * 50)
    text = HEAD.format("ios", 1) + f"    placements: [&p {{name: a, placementType: Baner}}, {blocks}]\n"
    assert [finding.code for finding in load(text).findings] == ["duplicate-address", "bad-value"]


JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, float("nan"), 10**500, "", "x", "US", "\x1b[2J", [], [None], {}, {"a": 1}]
)


def paths(node, path=()):
    yield path
    for step, part in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from paths(part, (*path, step))


def damaged(node, path, junk):
    if not path:
        return junk
    copied = copy.copy(list(node) if isinstance(node, list) else dict(node))
    copied[path[0]] = damaged(node[path[0]], path[1:], junk)
    return copied


@pytest.mark.parametrize("which", [0, 1])
@given(data=st.data())
def test_damage_is_found_and_never_raised(which, data):
    texts = list(contract())
    whole = parse(texts[which]).documents[0].value
    path = data.draw(st.sampled_from(sorted(paths(whole), key=repr)))
    broken = json.dumps(damaged(whole, path, data.draw(JUNK)), default=float).replace("NaN", ".nan")
    texts[which] = ManifestText(texts[which].file, broken.encode())
    settings, findings = load_settings(texts[0])
    if settings is not None:
        loaded = load_desired(settings, texts[0], [texts[1]])
        findings = (*findings, *loaded.findings)
        assert (loaded.state is None) == any(finding.severity == "error" for finding in findings)
    assert all("\x1b" not in str(finding) and len(str(finding)) < 500 for finding in findings)
    assert settings is not None or findings


def test_an_address_for_rewards_that_is_empty_is_to_be_null(load):
    (finding,) = load({"apps/a.yaml": HEAD.format("android", "com.a") + '    rewardedAdUrl: ""\n'}).findings
    assert (finding.code, finding.hint) == ("bad-value", "write null for none")
