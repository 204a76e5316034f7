"""What a command imports is what it makes people wait for; told in modules, so that no machine is too slow for it."""

import os
import shutil
import subprocess
import sys

import pytest
import trustme
from security.tls import over_tls
from support.command import CLIENT_ID, CLIENT_SECRET
from support.rival import Rival

from reconciler.cli.main import COMMANDS

PROBE = """
import sys
told, sys.argv = sys.argv[1], ["reconciler", *sys.argv[2:]]
before = set(sys.modules)
from reconciler.cli.front import main
try:
    main()
finally:
    loaded = sorted(set(sys.modules) - before)
    with open(told, "w") as file:
        file.write("\\n".join(loaded))
"""
FRONT = {"reconciler.cli", "reconciler.cli.front", "reconciler.cli.streams"}
HELP = {"reconciler.cli.groups", "reconciler.cli.main", "reconciler.cli.signals"}
LIBRARIES = frozenset({
    "alembic", "cel", "click", "deepdiff", "duckdb", "filelock", "h11", "httpx", "ibis", "jinja2", "orjson", "psycopg",
    "pyarrow", "pycountry", "pydantic", "pyspark", "rich", "sqlalchemy", "yaml",
})  # fmt: skip
CHECKING = frozenset({"api", "cli", "errors", "files", "manifest", "model", "render", "store", "yaml"})
"""The rooms that take part when manifests are checked."""
WRITES = ("reconciler.adopt", "reconciler.apply", "reconciler.diff.audit", "reconciler.yaml.edits")
"""What only commands need that write, edit manifests or audit."""


@pytest.fixture
def imported(tmp_path):
    """The modules that a call imports, in a project with one manifest."""

    def call(*arguments, cwd=tmp_path, **env):
        told = tmp_path / "told"
        done = subprocess.run(
            [sys.executable, "-c", PROBE, str(told), *arguments],
            cwd=cwd, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **env},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        call.answer = done.stdout
        return set(told.read_text().split())

    (tmp_path / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')
    (tmp_path / "apps").mkdir()
    text = "version: 1\napps: [{platform: ios, bundle: com.a, placements: [{name: p, placementType: MREC}]}]\n"
    (tmp_path / "apps" / "a.yaml").write_text(text)
    return call


@pytest.fixture
def account():
    """An account without apps, as the environment names it."""
    with Rival().running() as server:
        yield {"DT_MANAGEMENT_URL": server.url, "DT_CLIENT_ID": CLIENT_ID, "DT_CLIENT_SECRET": CLIENT_SECRET}


def ours(modules):
    return {name for name in modules if name.startswith("reconciler.")}


def rooms(modules):
    return {name.split(".")[1] for name in ours(modules)}


def libraries(modules):
    return {name.partition(".")[0] for name in modules} & LIBRARIES


def test_the_version_is_told_by_the_way_in_alone(imported):
    modules = imported("--version")
    assert (ours(modules), libraries(modules)) == (FRONT | {"reconciler.installed"}, set())
    assert not {"collections.abc", "re", "typing"} & modules


@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_the_overview_takes_click_alone(imported, asked):
    modules = imported(asked)
    assert (ours(modules), libraries(modules)) == (FRONT | HELP, {"click"})
    assert not {"dataclasses", "json", "logging", "pathlib"} & modules


def test_completing_a_commands_name_takes_click_alone(imported):
    words = {"COMP_WORDS": "reconciler va", "COMP_CWORD": "1"}
    modules = imported(_RECONCILER_COMPLETE="bash_complete", **words)
    assert imported.answer == "plain,validate\n"
    assert (ours(modules), libraries(modules)) == (FRONT | HELP, {"click"})


def test_validating_takes_what_reads_manifests(imported):
    modules = imported("validate")
    assert libraries(modules) == {"click", "orjson", "pydantic", "yaml"}
    assert rooms(modules) <= CHECKING
    assert {name for name in ours(modules) if name.startswith(("reconciler.render.", "reconciler.store."))} == {
        "reconciler.render.text", "reconciler.store.seal",
    }  # fmt: skip
    assert not {name for name in ours(modules) if name.startswith(WRITES)}


def test_validating_again_reads_nothing_and_so_takes_no_reader(imported):
    imported("validate")
    modules = imported("validate")
    assert libraries(modules) == {"click", "orjson"}
    assert rooms(modules) <= CHECKING
    assert not {"reconciler.model.habits", "reconciler.model.journal", "reconciler.model.ledger"} & modules


def test_an_address_is_completed_from_what_is_remembered(imported):
    imported("validate")
    asked = {"COMP_WORDS": "reconciler history ios:", "COMP_CWORD": "2"}
    modules = imported(_RECONCILER_COMPLETE="bash_complete", **asked)
    assert imported.answer == "plain,ios:com.a\nplain,ios:com.a/p\n"
    assert libraries(modules) == {"click", "orjson"}
    assert rooms(modules) <= CHECKING


def test_a_plan_of_what_is_remembered_takes_what_asks_and_compares(imported, account):
    imported("validate")
    modules = imported("plan", **account)
    assert "Plan: 2 blocked" in imported.answer
    others = {"alembic", "cel", "deepdiff", "duckdb", "filelock", "jinja2", "psycopg", "pydantic", "yaml"}
    assert libraries(modules) & others == set()
    assert not {name for name in ours(modules) if name.startswith(WRITES)}


def test_a_checkout_that_has_the_cache_and_the_key_of_another_reads_nothing_and_without_the_key_all(imported, tmp_path):
    key = {"RECONCILER_CACHE_KEY": "a key of the jobs alone"}
    imported("validate", **key)
    other = tmp_path / "other"
    shutil.copytree(tmp_path, other)
    modules = imported("validate", cwd=other, **key)
    assert libraries(modules) == {"click", "orjson"}
    assert rooms(modules) <= CHECKING
    for env in ({}, {"RECONCILER_CACHE_KEY": "a key of other jobs"}):
        assert "yaml" in libraries(imported("validate", cwd=other, **env))


@pytest.mark.parametrize("command", ["ping", "drift"])
def test_asking_the_api_takes_no_client_library_but_a_parser(imported, command):
    keys = {"DT_CLIENT_ID": CLIENT_ID, "DT_CLIENT_SECRET": CLIENT_SECRET}
    with Rival().running() as server:
        modules = imported(command, DT_MANAGEMENT_URL=server.url, **keys)
    assert server.asked
    assert "reconciler.http.transport" in modules
    assert not {"httpx", "h11", "http.client", "ssl", "urllib.request"} & modules


def test_asking_over_tls_takes_the_authorities_beside(imported, tmp_path):
    authority, trusted = trustme.CA(), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    keys = {"DT_CLIENT_ID": CLIENT_ID, "DT_CLIENT_SECRET": CLIENT_SECRET, "SSL_CERT_FILE": str(trusted)}
    with over_tls(Rival(), authority.issue_cert("localhost")) as server:
        modules = imported("ping", DT_MANAGEMENT_URL=server.url, **keys)
    assert server.asked
    assert "ssl" in modules
    assert not {"httpx", "h11", "http.client", "urllib.request"} & modules


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_command_takes_no_slow_library(imported, command):
    slow = {"alembic", "cel", "deepdiff", "duckdb", "ibis", "jinja2", "psycopg", "pyarrow", "pyspark", "sqlalchemy"}
    assert libraries(imported(command, "--help")) & slow == set()
