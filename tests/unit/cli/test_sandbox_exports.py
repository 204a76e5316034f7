from reconciler.api.environment import MANAGEMENT_URL, Environment
from reconciler.cli.commands.sandbox import exports

URL = "http://127.0.0.1:8099"
APIS = ("DT", "DT_REPORTING", "CHARTBOOST")
ADDRESSES = ("DT_MANAGEMENT_URL", "DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL")


def exported():
    words = [line.split() for line in exports(URL)]
    assert {first for first, *_ in words} == {"export"}
    return dict(pair.split("=", 1) for _, *pairs in words for pair in pairs)


def test_every_address_of_every_api_is_the_sandboxes():
    assert {name: exported()[name] for name in ADDRESSES} == dict.fromkeys(ADDRESSES, URL)


def test_every_api_has_credentials():
    assert set(exported()) - set(ADDRESSES) == {f"{api}_CLIENT_{part}" for api in APIS for part in ("ID", "SECRET")}


def test_the_settings_read_what_is_exported():
    assert Environment(exported()).management_url == URL != MANAGEMENT_URL
