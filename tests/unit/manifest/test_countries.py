import pycountry
import pytest

from reconciler.manifest.layer import COUNTRIES, country_hint, looks_like_country


def test_the_countries_are_those_of_iso_3166_and_kosovo():
    assert {country.alpha_2 for country in pycountry.countries} | {"XK"} == COUNTRIES


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("UK", "GB"),
        ("uk", "GB"),
        ("EN", "GB"),
        ("us", "US"),
        ("USA", "US"),
        ("deu", "DE"),
        ("Norway", "NO"),
        ("ww", "WW"),
    ],
)
def test_the_hint_names_the_country_that_was_meant(written, meant):
    assert country_hint(written, ()) == f"did you mean {meant}?"
    assert looks_like_country(written)


def test_the_hint_names_the_group_that_was_meant():
    assert country_hint("teir1", ["tier1", "nordics"]) == "did you mean tier1?"
    assert not looks_like_country("teir1")
