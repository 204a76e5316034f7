"""The connection: certificates are verified, nothing goes out in clear, and credentials follow no redirect."""

import json
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click
import httpx
import pytest
import trustme
from security.tls import over_tls
from support.command import Project
from support.rival import APP, AUTH, Rival

from reconciler.cli.main import COMMANDS, cli
from reconciler.http.surroundings import tls_context

each = pytest.mark.parametrize
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def secure(authority):
    with over_tls(Rival(), authority.issue_cert("localhost")) as rival:
        yield rival


@pytest.fixture
def project(tmp_path, secure):
    return Project(tmp_path / "project", secure.url)


def test_an_unknown_authority_is_refused_by_name_and_the_way_out_is_told(project, secure):
    done = project.call("ping", "-vv")
    assert (done.code, secure.asked) == (1, [])
    assert done.out.split()[:2] == ["management", "unreachable"]
    assert "the certificate of localhost is not trusted (" in done.err
    assert "SSL_CERT_FILE" in done.err
    assert done.err.count("try ") == 1, "another try would end the same way"


def test_an_authority_that_ssl_cert_file_names_is_trusted(project, authority, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    assert project.call("ping", SSL_CERT_FILE=str(tmp_path / "authority.pem")).code == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="names of files in such a folder are made by openssl")
def test_an_authority_in_the_folder_that_ssl_cert_dir_names_is_trusted(project, authority, tmp_path):
    folder = tmp_path / "authorities"
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    subprocess.run(["openssl", "rehash", str(folder)], check=True, capture_output=True)
    assert project.call("ping", SSL_CERT_DIR=str(folder)).code == 0


def test_a_certificate_file_that_is_none_is_told_without_a_call(project, secure, tmp_path):
    (tmp_path / "authority.pem").write_text("not a certificate", encoding="utf-8")
    for path in ("authority.pem", "missing.pem"):
        done = project.call("ping", SSL_CERT_FILE=str(tmp_path / path))
        assert (done.code, secure.asked) == (1, [])
        assert "SSL_CERT_FILE" in done.err
        assert "Traceback" not in done.err


@each("named", [(), ("SSL_CERT_FILE",), ("SSL_CERT_DIR",), ("SSL_CERT_FILE", "SSL_CERT_DIR")])
def test_the_context_is_the_one_that_httpx_would_make(authority, tmp_path, monkeypatch, named):
    folder = tmp_path / "authorities"
    folder.mkdir()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    paths = {"SSL_CERT_FILE": str(tmp_path / "authority.pem"), "SSL_CERT_DIR": str(folder)}
    for name, path in paths.items():
        monkeypatch.setenv(name, path if name in named else "")
    ours, theirs = tls_context(), httpx.create_ssl_context()
    assert (len(ours.get_ca_certs()) > 1) == (not named)
    for read in ("check_hostname", "verify_mode", "verify_flags", "options", "minimum_version", "maximum_version"):
        assert getattr(ours, read) == getattr(theirs, read)
    assert ours.get_ca_certs() == theirs.get_ca_certs()
    assert ours.get_ciphers() == theirs.get_ciphers()


@each(
    ("issued", "why"),
    [
        ({"identities": ["other.example"]}, "Hostname mismatch"),
        ({"identities": ["localhost"], "not_after": YESTERDAY}, "expired"),
    ],
    ids=["another-host", "expired"],
)
def test_a_certificate_that_does_not_fit_is_refused(tmp_path, authority, issued, why):
    certificate = authority.issue_cert(*issued.pop("identities"), **issued)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with over_tls(Rival(), certificate) as rival:
        done = Project(tmp_path / "project", rival.url).call("ping", SSL_CERT_FILE=str(tmp_path / "authority.pem"))
        assert (done.code, rival.asked) == (1, [])
    assert "the certificate of localhost is not trusted (" in done.err
    assert why in done.err


def test_a_server_without_tls_gets_no_credentials_over_https(tmp_path):
    with Rival().running() as rival:
        done = Project(tmp_path / "project", rival.url.replace("http:", "https:")).call("ping")
        assert (done.code, rival.asked) == (1, [])


@each("url", ["http://console.example", "http://10.0.0.7:8080", "http://localhost.example", "http://127.0.0.1.example"])
def test_plain_http_to_another_machine_is_refused_before_any_call(tmp_path, url):
    done = Project(tmp_path / "project", url).call("ping")
    assert (done.code, done.out) == (1, "")
    assert "plain http would show the credentials to the network" in done.err


def test_nothing_turns_the_verification_off(project, secure):
    switches = {"PYTHONHTTPSVERIFY": "0", "CURL_INSECURE": "1", "REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": ""}
    assert project.run("ping", **switches).code == 1
    assert secure.asked == []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        options = {option for parameter in command.params for option in parameter.opts}
        assert [option for option in options if re.search("insecure|verify|tls|ssl|cert", option)] == [], name


@each("status", [301, 302, 303, 307, 308])
@each("path", [AUTH, APP])
def test_a_redirect_is_not_followed_with_credentials_or_without(tmp_path, status, path):
    with Rival().running() as elsewhere, redirecting(path, status, elsewhere.url) as (url, asked):
        done = Project(tmp_path / "project", url).call("ping")
        assert (done.code, elsewhere.asked, asked.count(path)) == (1, [], 1), done.err
    assert str(status) in done.err


@contextmanager
def redirecting(path, status, target):
    """A server that sends callers of one path elsewhere; its URL, and the paths it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            here = self.path.partition("?")[0]
            asked.append(here)
            body = json.dumps({"accessToken": "token", "expiresIn": 3600} if here == AUTH else []).encode()
            self.send_response(status if here == path else 200)
            self.send_header("Location", target + self.path)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names http.server calls

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
