import pytest

from reconciler.model.address import Address
from reconciler.model.evidence import KnownPlacement
from reconciler.warehouse.join import DtName, MediationLine, lines_after_dt, match, modes, source_name

ANDROID, IOS = Address("android:a/int_13"), Address("ios:1/int_13")
KNOWN = [
    KnownPlacement(ANDROID, "int_13", "1", "5001", "Interstitial"),
    KnownPlacement(Address("android:a/Reward Daily"), "Reward Daily", "1", "5002", "Rewarded"),
    KnownPlacement(IOS, "int_13", "2", "6001", "Interstitial"),
]


def line(partner="int_13", app="cb", placement="level_end", source="fyber", network="mediation", **said):
    usual = {"format": "Interstitial", "rows": 1, "requests": 1000, "impressions": 100, "earnings": 0.1}
    return MediationLine(app, placement, network, source, partner, **{**usual, **said})


def dt(name="", placement_id="", app="1", rows=1):
    return DtName(app, placement_id, name, rows)


def test_an_id_decides_before_any_name():
    names = [dt("int_13", "6001"), dt("6001"), dt("renamed since", "5002")]
    assert [*match(KNOWN, names, []).dt.values()] == [IOS, IOS, "android:a/Reward Daily"]


def test_a_name_counts_within_its_app():
    found = match(KNOWN, [dt("int_13"), dt("int_13", app="2"), dt("int_13", app="3")], [])
    assert [*found.dt.values()] == [ANDROID, IOS]
    assert found.unmatched_dt == [dt("int_13", app="3")]


def test_case_and_spaces_are_looked_over_and_counted():
    found = match(KNOWN, [dt("reward  daily", rows=7)], [line("rewarddaily", rows=3)])
    assert {*found.dt.values(), *found.lines.values()} == {"android:a/Reward Daily"}
    assert found.loose == 10


def test_a_name_that_is_nobodys_is_listed():
    found = match(KNOWN, [dt("old_banner", rows=4)], [line("old_banner")])
    assert (found.dt, found.lines) == ({}, {})
    assert [each.shown for each in (*found.unmatched_dt, *found.unmatched_lines)] == ["old_banner", "old_banner"]


def test_lines_are_joined_by_id_or_name():
    found = match(KNOWN, [], [line("5002"), line("int_13", app="cb-ios"), line("6001", app="cb-ios")])
    assert [*found.lines.values()] == ["android:a/Reward Daily", IOS, IOS]


def test_a_name_in_several_apps_is_in_the_one_that_fits_most_lines():
    found = match(KNOWN, [], [line("int_13"), line("Reward Daily", placement="daily")])
    assert found.lines[line("int_13")] == ANDROID


def test_a_name_that_nothing_decides_is_not_guessed():
    found = match(KNOWN, [], [line("int_13")])
    assert (found.lines, found.unmatched_lines) == ({}, [line("int_13")])


def test_a_format_decides_where_names_do_not():
    known = [KNOWN[0], KnownPlacement(Address("ios:1/int_13"), "int_13", "2", None, "Rewarded")]
    assert match(known, [], [line("int_13", format="Rewarded")]).lines[line("int_13")] == IOS


def test_lines_of_other_sources_are_nobodys_placement():
    found = match(KNOWN[:1], [], [line(source="admob")])
    assert (found.lines, found.unmatched_lines) == ({}, [])


UNAPPLIED = [KnownPlacement(ANDROID, "int_13"), KnownPlacement(Address("android:a/bottom"), "bottom")]
"""Placements of manifests alone: nothing was applied, and no ledger knows their ids."""


def test_an_id_that_dts_own_report_names_joins_a_line_without_a_ledger():
    found = match(UNAPPLIED, [dt("int_13", "ext-9001"), dt("bottom", "9002")], [line("ext-9001"), line("9002", rows=4)])
    assert [*found.lines.values()] == [ANDROID, "android:a/bottom"]
    assert (found.unmatched_lines, found.loose) == ([], 0)


def test_a_name_that_dts_own_report_has_for_a_known_id_joins_a_line_too():
    found = match(KNOWN, [dt("renamed since", "5002")], [line("renamed since")])
    assert found.lines == {line("renamed since"): "android:a/Reward Daily"}


def test_what_the_ledger_and_the_manifests_call_a_placement_counts_before_what_the_report_does():
    names = [dt("renamed since", "5002"), dt("int_13", "6001")]
    assert match([*KNOWN[1:], KnownPlacement(ANDROID, "renamed since", "1")], names, [line("renamed since")]).lines == {
        line("renamed since"): ANDROID
    }
    assert match(KNOWN, names, [line("6001")]).lines[line("6001")] == IOS


def test_an_id_that_the_report_has_for_two_of_ours_is_not_guessed():
    found = match(UNAPPLIED, [dt("int_13", "9001"), dt("bottom", "9001")], [line("9001", rows=3)])
    assert (found.lines, [each.shown for each in found.unmatched_lines]) == ({}, ["9001"])


def test_an_id_that_dts_report_does_not_have_either_is_still_listed():
    found = match(UNAPPLIED, [dt("int_13", "9001"), dt("elsewhere", "9009")], [line("9002"), line("9009")])
    assert [each.shown for each in found.unmatched_lines] == ["9002", "9009"]


def test_an_id_marked_as_external_is_the_id_and_counted_as_read_loosely():
    found = match(UNAPPLIED, [dt("int_13", "9001")], [line("ext_9001", rows=2), line("EXT:9001", network="bidding")])
    assert ({*found.lines.values()}, found.loose) == ({ANDROID}, 3)
    assert match(KNOWN, [], [line("ext-5002")]).lines == {line("ext-5002"): "android:a/Reward Daily"}


def after(*others, own=None):
    own = own or line()
    lines = [own, *others]
    return lines_after_dt(match(KNOWN[:1], [], lines), lines)[ANDROID]


def test_a_line_that_was_asked_more_often_came_before():
    before, behind_it = line("x", source="unity", requests=1200), line("x", source="admob", requests=900)
    assert after(before, behind_it) == {behind_it}


def test_counts_of_two_sides_may_differ_a_little():
    other = line("x", source="admob", requests=1040)
    assert after(other, own=line(impressions=0)) == {other}


def test_of_two_rungs_asked_equally_often_the_dearer_came_before():
    high, low = line("high", earnings=0.5), line("low", earnings=0.05)
    assert after(high, low) == {low}


def test_lines_of_another_waterfall_are_not_behind():
    assert after(line("x", source="admob", placement="elsewhere")) == frozenset()
    assert after(line("x", source="admob", app="cb-ios")) == frozenset()


def mode_of(*networks):
    lines = [line(network=network, placement=network) for network in networks]
    return modes(match(KNOWN[:1], [], lines)).get(ANDROID, "unknown")


def test_the_network_type_tells_how_dt_is_asked():
    assert [mode_of("bidding"), mode_of("mediation"), mode_of("bidding", "mediation"), mode_of()] == [
        *("unified", "waterfall", "unknown", "unknown")
    ]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "fyber",
            "Fyber",
            "FYBER",
            "digital_turbine",
            "dt_exchange",
            "DT",
            "DT Exchange",
            "fyber_bidding",
            "dt-fairbid",
        ),
        *(
            "FYBER_NETWORK",
            "Digital Turbine (bidding)",
            "fyber_exchange",
            "inneractive",
            "fyber_dt",
            "DTX",
            "fyber_ads",
        ),
    ],
)
def test_dt_goes_by_many_names(name):
    assert source_name(name) == "fyber"


@pytest.mark.parametrize("name", ["admob", "digital_ads", "dtac", "unity_dt", "google_googlebidding", "bidding", ""])
def test_others_do_not_go_by_its_names(name):
    assert source_name(name) == name
