import pytest

from reconciler.apis.management.origin import origin
from reconciler.errors import ProjectError
from reconciler.http.auth import token_endpoint

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


@each(
    ("url", "path"),
    [
        ("https://auth.example", ""),
        ("https://auth.example/", ""),
        ("https://auth.example/v5/oauth/token", "/v5/oauth/token"),
        (" https://auth.example:8443/oauth/token/ ", "/oauth/token/"),
        ("http://127.0.0.1:9/v5/oauth/token", "/v5/oauth/token"),
    ],
)
def test_the_url_of_tokens_may_have_a_path(url, path):
    where, told = token_endpoint(url, variable="X_URL", example="https://auth.example")
    assert (where.url, told) == (url.strip().removesuffix("/").removesuffix(path.rstrip("/")), path)


@each(
    "url",
    [
        "http://auth.example/oauth/token",
        "https://user:hunter2@auth.example/oauth/token",
        "https://auth.example/oauth/token?x=hunter2",
        "https://auth.example/oauth/token#hunter2",
        "https://auth.example/../hunter2",
        "https://auth.example/a b",
        "https://auth.example/%2e%2e",
        "https:///oauth/token",
        "auth.example/oauth/token",
        "",
    ],
)
def test_a_url_of_tokens_of_another_shape_is_refused_and_not_repeated(url):
    with pytest.raises(ProjectError, match="X_URL") as refused:
        token_endpoint(url, variable="X_URL", example="https://auth.example")
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"
