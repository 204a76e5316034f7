from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.lint import _not_below
from reconciler.model.value import MINIMUM, complete, effective

PRICES = st.sampled_from([MINIMUM, Decimal("0.5"), Decimal(1), Decimal(2)])
FLOORS = st.dictionaries(st.sampled_from(["US", "DE", "FR", "WW"]), PRICES).map(complete)

LADDER = """version: 1
apps:
  - platform: ios
    bundle: 1
    waterfalls:
      - {{name: w, placementType: MREC, tiers: [{{name: high, floorPrices: {}}}, {{name: low, floorPrices: {}}}]}}
"""


@given(FLOORS, FLOORS)
def test_a_ladder_is_upside_down_exactly_where_some_country_pays_no_less_below(above, below):
    countries = {"US", "DE", "FR", "WW", "JP"}
    wrong = {
        country
        for country in countries
        if effective(below, country) >= effective(above, country)
        and not effective(below, country) == effective(above, country) == MINIMUM
    }
    found = {country for country, _, _ in _not_below(above, below)}
    assert found == wrong & {*above, *below}
    assert bool(found) == bool(wrong)


@pytest.mark.parametrize(
    ("above", "below", "named"),
    [
        ("{US: 12, WW: 6}", "{US: 12, WW: 2}", ["US (12 against 12)"]),
        ("{US: 12, WW: 6}", "{DE: 7, WW: 2}", ["DE (7 against 6)"]),
        ("{US: 1, WW: 6}", "{WW: 2}", ["US (2 against 1)"]),
        ("{US: 1}", "{US: 0.5, WW: 0.02}", ["WW (0.02 against 0.01)"]),
        ("{US: 1}", "{US: 0.5}", []),
    ],
)
def test_the_countries_both_prices_and_both_tiers_are_named(load, above, below, named):
    found = load(LADDER.format(above, below)).findings
    assert [finding.code for finding in found] == ["inverted-ladder"] * len(named)
    for finding, country in zip(found, named, strict=True):
        assert country in finding.message
        assert '"high"' in finding.message
        assert '"low"' in finding.message
        assert finding.severity == "error"


def test_a_duplicate_names_the_place_of_the_first(load):
    app = "version: 1\napps:\n  - platform: ios\n    bundle: 1\n"
    (finding,) = load({"apps/b.yaml": app, "apps/a.yaml": app}).findings
    assert (finding.file, finding.line, finding.column, finding.code) == ("apps/b.yaml", 4, 13, "duplicate-address")
    assert "apps/a.yaml:4" in finding.message


def test_the_same_name_in_two_apps_is_no_duplicate(load):
    app = "version: 1\napps:\n  - {{platform: ios, bundle: {}, placements: [{{name: a, placementType: MREC}}]}}\n"
    assert load({"a.yaml": app.format(1), "b.yaml": app.format(2)}).findings == ()


def test_warnings_leave_the_state(load):
    loaded = load("version: 1\napps: [{platform: ios, bundle: 1, category1: books}]\n")
    assert [finding.code for finding in loaded.findings] == ["unknown-category"]
    assert loaded.state is not None


BLANK = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: {app}
    placements:
      - {{name: {placement}, placementType: Banner}}
    waterfalls:
      - name: {waterfall}
        placementType: MREC
        tiers: [{{name: {tier}, floorPrices: {{WW: 1}}}}]
"""
SOUND = {"app": "A", "placement": "b", "waterfall": "c", "tier": "d"}
LINES = {"app": 5, "placement": 7, "waterfall": 9, "tier": 11}


@pytest.mark.parametrize("what", SOUND)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('"a "', 'the name "a " ends with a blank'),
        ('"  a"', 'the name "  a" begins with 2 blanks'),
        ('" a\\u200b"', "begins with a blank and ends with U+200B"),
        ('"a\\u00a0"', "ends with U+00A0"),
        ('"\\ufeffa"', "begins with U+FEFF"),
        ('"a\\u0085"', "ends with U+0085"),
        ('"a\\u3164\\u3000"', "ends with U+3164 U+3000"),
    ],
)
def test_ends_of_a_name_that_nobody_sees_are_warned_of_wherever_names_stand(load, what, name, said):
    (found,) = load(BLANK.format(**{**SOUND, what: name})).findings
    assert (found.code, found.severity, found.line) == ("name-ends", "warning", LINES[what])
    assert said in found.message
    assert found.hint.startswith('write name: "a"')
    assert found.message.isprintable()


@pytest.mark.parametrize("name", ["a b", '"\u2764\ufe0f"', '"a\u200db"', "\u00e9"])
def test_blanks_within_a_name_and_letters_of_any_script_are_fine(load, name):
    assert load(BLANK.format(**{**SOUND, "placement": name})).findings == ()


def test_a_name_of_which_nothing_is_seen_needs_another(load):
    (found,) = load(BLANK.format(**{**SOUND, "placement": '"\\u200b"'})).findings
    assert (found.code, found.hint) == ("name-ends", "give it a name that can be seen")


def test_tombstones_may_be_called_as_they_are(load):
    text = BLANK.format(**{**SOUND, "placement": '"a ", state: absent'})
    assert load(text).findings == ()


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("a/b", "name-slash", "holds a slash"),
        ('"a\\u202eb"', "name-hidden", "U+202E"),
        ('"a\\u200bb"', "name-hidden", "U+200B"),
        ('"a\\u2028b"', "name-hidden", "U+2028"),
        ('"a\\u0085b"', "name-hidden", "U+0085"),
    ],
)
@pytest.mark.parametrize("what", ["placement", "waterfall", "tier"])
def test_what_makes_an_address_hard_to_read_or_type_is_warned_of_once(load, what, name, code, said):
    (found,) = load(BLANK.format(**{**SOUND, what: name})).findings
    assert (found.code, found.severity, found.line) == (code, "warning", LINES[what])
    assert said in found.message
    assert found.message.isprintable()
    assert found.hint


def test_the_name_of_an_app_is_in_no_address_and_may_hold_a_slash(load):
    assert load(BLANK.format(**{**SOUND, "app": "A/B"})).findings == ()
