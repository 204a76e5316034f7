import pytest

from reconciler.apis.download import checked_url
from reconciler.errors import UnreadableAnswer
from reconciler.http.auth import origin

each = pytest.mark.parametrize
API = origin("https://reporting.fyber.com", variable="X", example="x")
HERE = origin("http://127.0.0.1:8080", variable="X", example="x")
SIGNED = "?AWSAccessKeyId=AKIA&Signature=Lbh%3D"


@each(
    "url",
    [
        "https://fyber-async-reports.s3.amazonaws.com/group%3D210263/6f.csv",
        "https://s3.eu-west-1.amazonaws.com/b/6f.csv",
        "https://reporting.fyber.com/files/6f.csv",
        "HTTPS://S3.AmazonAWS.com:443/x",
    ],
)
def test_the_file_store_and_the_api_itself_are_allowed(url):
    assert checked_url(url + SIGNED, API).origin.secure


@each(
    "url",
    [
        "http://fyber-async-reports.s3.amazonaws.com/x",
        "https://amazonaws.com.evil.example/x",
        "https://evilamazonaws.com/x",
        "https://amazonaws.com/x",
        "https://s3.amazonaws.com@evil.example/x",
        "https://evil.example\\@s3.amazonaws.com/x",
        "https://evil.example/x?s3.amazonaws.com",
        "https://evil.example#.amazonaws.com/",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "http://[::1]/x",
        "ftp://s3.amazonaws.com/x",
        "file:///etc/passwd",
        "//s3.amazonaws.com/x",
        "https://s3.amazonaws.com:x/",
        "https://s3.amazonaws.com/a b",
        "https://s3.amazonaws.com/a\r\nHost: evil",
        "https://s3.amazonaws.com/é",
        "",
    ],
)
def test_no_other_url_is_followed_and_its_query_is_not_repeated(url):
    with pytest.raises(UnreadableAnswer) as error:
        checked_url(url + SIGNED, API)
    assert "Signature" not in f"{error.value} {error.value.hint}"


def test_this_machine_is_followed_only_where_the_api_is_on_it():
    assert checked_url("http://127.0.0.1:9/x", HERE).target == b"/x"
    assert checked_url("https://s3.amazonaws.com/x", HERE).host == "s3.amazonaws.com"
    with pytest.raises(UnreadableAnswer, match="plain http"):
        checked_url("http://evil.example/x", HERE)


def test_a_project_may_allow_hosts_of_its_own():
    assert checked_url("https://reports.example/x", API, ("reports.example",)).host == "reports.example"
    with pytest.raises(UnreadableAnswer, match="not on the list"):
        checked_url("https://s3.amazonaws.com/x", API, ("reports.example",))


@each(
    ("url", "target"),
    [
        ("https://s3.amazonaws.com/group%3D2/6f.csv?E=1&S=a%2Bb'%3d#part", b"/group%3D2/6f.csv?E=1&S=a%2Bb'%3d"),
        ("https://s3.amazonaws.com?S=1", b"/?S=1"),
        ("https://s3.amazonaws.com", b"/"),
        ("https://s3.amazonaws.com/a/../b//c?x=[1]|{2}", b"/a/../b//c?x=[1]|{2}"),
    ],
)
def test_the_target_is_kept_byte_for_byte(url, target):
    assert checked_url(url, API).target == target


def test_a_link_shows_its_host_and_nothing_else():
    shown = checked_url("https://s3.amazonaws.com/x" + SIGNED, API)
    assert "Signature" not in f"{shown} {shown!r}"
