"""Secrets, proxies, certificates, encodings and libraries as real machines have them: right, or told in words."""

import subprocess
import sys

import pytest
from support.command import CLIENT_ID, ONE_APP, PATIENCE, Done

each = pytest.mark.parametrize

MARK = b"\xef\xbb\xbf"
PLACEMENTS = "    placements:\n      - {name: low, placementType: MREC, coppa: false, floorPrices: {US: 1, DE: 2}}\n"
MANIFEST = ONE_APP + PLACEMENTS
SECRET = "pass-word-canary-1701"


def in_words(done):
    assert done.code == 1, done.out
    assert "error: " in done.err
    assert "Traceback" not in done.err
    assert not any(word.endswith(("Error", "Exception")) for word in done.err.replace(":", " ").split()), done.err
    assert "codec" not in done.err


class TestSecretFiles:
    @pytest.fixture
    def secret_in(self, project, rival, tmp_path):
        rival.secrets = (CLIENT_ID, SECRET)

        def told(data):
            path = tmp_path / "secret"
            path.write_bytes(data)
            return project.call("ping", DT_CLIENT_SECRET=None, DT_CLIENT_SECRET_FILE=str(path))

        return told

    @each(
        "data",
        [
            SECRET.encode(), MARK + SECRET.encode(), SECRET.encode() + b"\r\n", b"  " + SECRET.encode() + b" \t\n\n",
            SECRET.encode("utf-16"), f"{SECRET}\r\n".encode("utf-16"),
            b"\xfe\xff" + f"{SECRET}\r\n".encode("utf-16-be"),
            MARK + f"{SECRET}\r\n".encode(), f"{SECRET}\N{NO-BREAK SPACE}".encode(), SECRET.encode() + b"\0",
        ],
    )  # fmt: skip
    def test_what_editors_and_shells_put_around_a_secret_is_no_part_of_it(self, secret_in, data):
        done = secret_in(data)
        assert done.code == 0, done.err
        assert SECRET not in done.out + done.err

    @each(
        "data",
        [b"", b" \r\n", MARK, MARK + b"\r\n", b"\xff\xfe", b"\xff\xfe\r\0\n\0", b"\x89PNG\r\n\x1a\n\xff", b"\xff\xfea",
         SECRET.encode() + b"\nsecond line\n", SECRET.encode() + b"\0x", b"\0\1\2\3"],
    )  # fmt: skip
    def test_a_file_that_holds_no_secret_is_told_by_its_variable_and_not_shown(self, secret_in, rival, data):
        done = secret_in(data)
        in_words(done)
        assert "DT_CLIENT_SECRET_FILE" in done.err
        assert SECRET not in done.err
        assert rival.asked == []

    @each("path", ["/nowhere/secret", "apps", "x\ny"])
    def test_a_file_that_cannot_be_read_says_why(self, project, path):
        project.write("apps/a.yaml", MANIFEST)
        done = project.call("ping", DT_CLIENT_SECRET=None, DT_CLIENT_SECRET_FILE=path)
        in_words(done)
        assert "directory" in done.err

    def test_a_variable_may_have_a_mark_and_a_line_end_too(self, project, rival):
        rival.secrets = (CLIENT_ID, SECRET)
        assert project.call("ping", DT_CLIENT_SECRET=f"\N{ZERO WIDTH NO-BREAK SPACE}{SECRET}\r\n").code == 0


class TestMarksAndLineEnds:
    @pytest.fixture
    def project(self, project):
        project.write("reconciler.yaml", MARK + b'version: 1\r\npublisherId: "3432"\r\n')
        project.write("apps/a.yaml", MARK + MANIFEST.replace("\n", "\r\n").encode())
        return project

    @each("encoding", ["utf-8-sig", "utf-16"])
    def test_a_saved_plan_may_have_gone_through_powershell(self, project, encoding):
        plan = project.call("plan", "--format", "json").out
        project.write("p.json", plan.replace("\n", "\r\n").encode(encoding))
        assert "2 to create" in project.call("show", "p.json").out
        assert project.call("apply", "p.json").code == 0
        assert project.call("plan", "--detailed-exitcode").code == 0

    @each("encoding", ["utf-8-sig", "utf-16"])
    def test_a_ledger_may_have_gone_through_an_editor(self, project, encoding):
        assert project.call("apply", "--yes").code == 0
        project.write("reconciler.lock", project.read("reconciler.lock").replace("\n", "\r\n").encode(encoding))
        done = project.call("plan", "--detailed-exitcode")
        assert done.code == 0, done.err

    def test_a_ledger_that_is_no_text_is_told_with_its_line(self, project):
        assert project.call("apply", "--yes").code == 0
        project.write("reconciler.lock", project.read("reconciler.lock").encode() + b"\xff\xfe\n")
        lines = project.root.joinpath("reconciler.lock").read_bytes().count(b"\n")
        done = project.call("plan")
        in_words(done)
        assert f"reconciler.lock:{lines}: the line cannot be read: it is not UTF-8 text" in done.err

    def test_faults_may_begin_with_a_mark(self, project):
        project.write("faults.yaml", MARK + b"faults:\r\n  - {do: nonsense}\r\n")
        assert "faults.yaml:2:" in project.call("sandbox", "--faults", "faults.yaml").err
        project.write("faults.yaml", "faults: []".encode("utf-16"))
        done = project.call("sandbox", "--faults", "faults.yaml")
        in_words(done)
        assert "save the file as UTF-8" in done.err

    def test_each_line_keeps_its_end_where_pull_takes_over_a_value(self, project, rival):
        """A new line ends as its neighbour does."""
        data = ONE_APP.replace("name: A\n", "name: A\r\n") + (
            "    placements:\r\n      - name: low\n        placementType: MREC\r\n        coppa: false\n"
            "        floorPrices:\n          WW: 0.01\n          US: 1\r\n        status: active\n"
        )
        project.write("apps/a.yaml", data)
        assert project.call("apply", "--yes").code == 0
        (live,) = rival.placements.values()
        live["floorPrices"] = [{"country": c, "price": p} for c, p in (("WW", 0.01), ("US", 1.5), ("FR", 3))]
        done = project.call("pull")
        assert done.code == 0, done.err
        wanted = data.replace("US: 1\r\n", "US: 1.5\r\n          FR: 3\r\n")
        assert (project.root / "apps/a.yaml").read_bytes().decode() == wanted


class TestProxiesAndCertificates:
    @pytest.fixture
    def project(self, project):
        project.write("apps/a.yaml", MANIFEST)
        return project

    @each("name", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"])
    @each("scheme", ["socks5", "socks5h", "SOCKS5"])
    def test_socks_without_its_library_is_told_with_the_remedy(self, project, name, scheme):
        env = {name: f"{scheme}://user:{SECRET}@127.0.0.1:9"}
        done = run_without(project, ["socksio"], "plan", DT_MANAGEMENT_URL="https://console.fyber.com", **env)
        in_words(done)
        assert "SOCKS" in done.err
        assert name.upper() in done.err
        assert "socksio" in done.err.partition("hint: ")[2]
        assert SECRET not in done.err

    @each(
        "proxy",
        ["http://", "http://[::1", "http://h:99999", "http://h:x", "ftp://h:1", "socks4://h:1", "//h:1", "://", "http:///x",
         f"http://user:{SECRET}@:3128", "http://h:0"],
    )  # fmt: skip
    def test_a_proxy_that_is_no_address_is_told_by_its_variable(self, project, proxy):
        done = project.call("ping", DT_MANAGEMENT_URL="https://console.fyber.com", HTTPS_PROXY=proxy)
        in_words(done)
        assert "HTTPS_PROXY" in done.err
        assert SECRET not in done.err

    @each("proxy", ["socks5://127.0.0.1:9", "http://[::1", "nonsense://x"])
    def test_what_goes_to_this_machine_asks_no_proxy(self, project, proxy):
        assert project.call("ping", ALL_PROXY=proxy, HTTPS_PROXY=proxy, HTTP_PROXY=proxy).code == 0

    @each("spared", ["localhost.example", ".example", "*", " localhost.example , x", "localhost.example:8443"])
    def test_hosts_that_need_no_proxy_are_read_in_every_spelling(self, project, spared):
        env = {"DT_MANAGEMENT_URL": "https://localhost.example:8443", "HTTPS_PROXY": "nonsense://x", "NO_PROXY": spared}
        code = (
            "from reconciler.http.surroundings import proxy; from reconciler.http.auth import origin; "
            "print(proxy(origin('https://localhost.example:8443', variable='X', example='')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env={**project.env, **env}, capture_output=True, text=True, check=False
        )
        assert done.stdout == "None\n", done.stderr

    @each("content", [None, b"", b"not a certificate", b"\xff\xfe\0"])
    def test_certificates_that_are_none_are_told(self, project, tmp_path, content):
        if content is not None:
            (tmp_path / "x.pem").write_bytes(content)
        done = project.call("ping", DT_MANAGEMENT_URL="https://127.0.0.1:9", SSL_CERT_FILE=str(tmp_path / "x.pem"))
        in_words(done)
        assert "SSL_CERT_FILE" in done.err


WITHOUT = """
import importlib.util, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

HIDDEN = set(sys.argv[1].split(","))
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.partition(".")[0] in HIDDEN else found(name, package)
sys.meta_path.insert(0, Missing())
from reconciler.cli.front import main
main(sys.argv[2:])
"""


def run_without(project, libraries, *arguments, **env):
    """A command where these libraries are not installed."""
    variables = {key: value for key, value in {**project.env, **env}.items() if value is not None}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, ",".join(libraries), *arguments], cwd=project.root, env=variables,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class TestMissingLibraries:
    @pytest.fixture
    def project(self, project):
        project.write("apps/a.yaml", MANIFEST)
        project.write("table.csv", "Day,Placement\n2026-11-01,x\n")
        project.write("table.parquet", "PAR1")
        return project

    @each("library", ["duckdb", "ibis", "pyarrow"])
    @each(
        "arguments",
        [["floors", "fetch"], ["reports", "import", "table.csv"], ["reports", "import", "table.parquet"]],
        ids=" ".join,
    )  # fmt: skip
    def test_what_reads_reports_is_named_with_its_extra(self, project, library, arguments):
        keys = {"CHARTBOOST_CLIENT_ID": "id", "CHARTBOOST_CLIENT_SECRET": "secret"}
        done = run_without(project, [library], *arguments, **keys)
        in_words(done)
        assert library in done.err
        assert "floors" in done.err.partition("hint: ")[2]

    @each("library", ["psycopg", "sqlalchemy"])
    @each("arguments", [["plan"], ["apply", "--yes"], ["drift"], ["history"]], ids=" ".join)
    def test_a_shared_store_is_named_with_its_extra(self, project, rival, library, arguments):
        done = run_without(project, [library], *arguments, RECONCILER_STORE="postgresql://u:p@127.0.0.1:9/x")
        in_words(done)
        assert "PostgreSQL" in done.err
        assert "postgres" in done.err.partition("hint: ")[2]
        assert rival.writes == []

    @each("arguments", [["plan"], ["apply", "--yes"]], ids=" ".join)
    def test_policies_are_named_with_their_extra_and_nothing_is_applied_without_them(self, project, rival, arguments):
        settings = 'version: 1\npublisherId: "3432"\npolicies: [{name: p, rule: "true", message: m}]\n'
        project.write("reconciler.yaml", settings)
        done = run_without(project, ["cel"], *arguments)
        assert done.code != 0
        assert "policies" in done.err
        assert "Traceback" not in done.err
        assert rival.writes == []

    def test_what_calls_an_api_at_https_needs_is_named(self, project):
        in_words(run_without(project, ["httpx"], "apply", "--yes", DT_MANAGEMENT_URL="https://console.fyber.com"))

    @each("library", ["pydantic", "orjson", "yaml", "filelock", "click"])
    def test_a_library_that_everything_needs_is_named(self, project, library):
        in_words(run_without(project, [library], "apply", "--yes"))
