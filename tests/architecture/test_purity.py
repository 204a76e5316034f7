"""A room is wholly pure or wholly worldly, and each part of the world has one door."""

import re
from pathlib import Path

import pytest
from architecture.source_code import PORTS, PURE, dotted_names, imports, in_rooms, modules, strings

import reconciler.http.surroundings

WORLD = frozenset({
    "asyncio", "concurrent", "gc", "glob", "http", "httpx", "multiprocessing", "os", "random", "secrets", "shutil",
    "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
})  # fmt: skip
CLOCKS = re.compile(r"(datetime|date|datetime\.datetime|datetime\.date)\.(now|utcnow|today)|time\.\w+")
HOMES = {
    "click": {"cli"},
    "deepdiff": {"diff"},
    "duckdb": {"warehouse"},
    "httptools": {"http"},
    "httpx": {"apis", "forge", "http"},
    "ibis": {"warehouse"},
    "jinja2": {"render"},
    "markupsafe": {"render"},
    "pyarrow": {"api", "warehouse"},
    "pyspark": {"warehouse"},
    "pycountry": {"manifest", "apis", "warehouse"},
    "rich": {"cli"},
    "sqlite3": {"sandbox"},
    "h11": {"sandbox"},
    "yaml": {"yaml"},
}
"""Whose code is used where: a library is known to one room, so that it can be changed in one room."""

VENDOR_SPELLINGS = ("rewardedConfig", "rewardingType", "createTypes", "PlacementId", "storeURL", "appid")
"""What the Management API says in its own words and nobody else does."""

WRITERS = frozenset({"print", "sys.stdout", "sys.stderr", "click.echo", "click.secho", "echo", "secho"})
ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv"})

each = pytest.mark.parametrize


def is_of(name, package):
    return name == package or name.startswith(f"{package}.")


def imported(rooms, packages):
    """Where a module of the rooms imports one of the packages, or a part of one."""
    return [
        f"{module.place}:{found.line}: {found.name}"
        for module in in_rooms(*rooms)
        for found in imports(module)
        if any(is_of(found.name, package) for package in packages)
    ]


def read(rooms, pattern):
    """Where a module of the rooms reads a name that the pattern matches as a whole."""
    return [
        f"{module.place}:{line}: {name}"
        for module in in_rooms(*rooms)
        for name, line in dotted_names(module)
        if re.fullmatch(pattern, name)
    ]


def test_these_rooms_are_there():
    assert {module.room for module in modules()} >= {*PURE, *PORTS}


def test_a_pure_module_imports_nothing_of_the_world():
    assert imported(PURE, WORLD) == []


def test_a_pure_module_knows_paths_only_as_names():
    assert [place for place in imported(PURE, {"pathlib"}) if " pathlib.Pure" not in place] == []
    assert read(PURE, "open|input") == []


def test_time_comes_as_an_argument():
    assert read((*PURE, *PORTS), CLOCKS) == []


def test_the_core_does_not_know_which_api_or_store_it_drives():
    worldly = {"os", "http", "httpx", "random", "socket", "sqlite3", "ssl", "subprocess", "time", "urllib.request"}
    assert imported(PORTS, worldly | {"reconciler.apis", "reconciler.http"}) == []


@each("library", sorted(HOMES))
def test_a_library_has_one_home(library):
    users = {module.room for module in modules() if any(is_of(found.name, library) for found in imports(module))}
    assert users <= HOMES[library]


def test_only_one_module_reads_the_environment_and_another_what_it_says_to_all_programs_of_connections():
    readers = {
        module.name
        for module in modules()
        if ENVIRONMENT & {*(name for name, _ in dotted_names(module)), *(found.name for found in imports(module))}
    }
    assert readers <= {"reconciler.api.environment", "reconciler.http.surroundings"}
    text = Path(reconciler.http.surroundings.__file__).read_text()
    assert set(re.findall(r'os\.environ(?:\.get\("(\w+)"\))?', text)) == {"SSL_CERT_DIR", "SSL_CERT_FILE", ""}


def test_only_the_console_writes_to_the_terminal():
    writers = {module.name for module in modules() if WRITERS & {name for name, _ in dotted_names(module)}}
    assert writers <= {"reconciler.cli.console", "reconciler.cli.streams"}


def test_the_vendors_spellings_stay_on_the_wire():
    elsewhere = [
        f"{module.place}:{line}: {word}"
        for module in modules()
        if not is_of(module.name, "reconciler.apis.management.wire") and module.room != "sandbox"
        for text, line in strings(module)
        for word in VENDOR_SPELLINGS
        if word in text
    ]
    assert elsewhere == []
