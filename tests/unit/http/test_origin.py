import pytest

from reconciler.apis.management.origin import origin
from reconciler.errors import ProjectError

each = pytest.mark.parametrize


@each(
    ("url", "expected"),
    [
        ("https://console.fyber.com", "https://console.fyber.com"),
        ("https://console.fyber.com/", "https://console.fyber.com"),
        ("HTTPS://Console.Fyber.com:8443", "https://console.fyber.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_is_scheme_host_and_port(url, expected):
    assert origin(url).url == expected


@each(
    "url",
    [
        "http://console.fyber.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
    ],
)
def test_plain_http_is_for_this_machine_only(url):
    with pytest.raises(ProjectError, match="plain http"):
        origin(url)


@each(
    "url",
    [
        "",
        "console.fyber.com",
        "ftp://console.fyber.com",
        "https://",
        "https://host/path",
        "https://host?x=1",
        "https://host#f",
        "https://host:port",
        "https://host:99999",
        "https://ho st",
        "https://[nonsense]",
        "https://" + "a" * 70 + ".example",
    ],
)
def test_a_base_url_of_another_shape_is_refused(url):
    with pytest.raises(ProjectError):
        origin(url)


def test_a_password_in_a_base_url_is_refused_and_not_repeated():
    with pytest.raises(ProjectError) as refused:
        origin("https://user:hunter2@console.fyber.com")
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"
