"""What `make setup` installs is locked: all that pyproject.toml asks for, in versions that it allows, with hashes."""

import re
import tomllib

import pytest
from architecture.source_code import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDER = ROOT / "requirements"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PIN = re.compile(r"^([\w.-]+)==(\S+?)(?: ; (.+?))? \\$", re.MULTILINE)
SUPPORTED = pytest.mark.parametrize("python", PYTHONS)

GROUPS = PROJECT["dependency-groups"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
RUN = PROJECT["project"]["dependencies"]
ASKED = {
    "setup": (*GROUPS["setup"], *PROJECT["build-system"]["requires"]),
    "dev": (*RUN, *(one for extra in EXTRAS.values() for one in extra), *GROUPS["dev"]),
    **{name: tuple(GROUPS[name]) for name in GROUPS if name not in {"setup", "dev", "build", "demo"}},
    "demo": (*RUN, *GROUPS["demo"]),
}
"""What each file of the lock must have: the whole of pyproject.toml is in one of them."""
SHIPPED = {
    "build": (*GROUPS["build"], *PROJECT["build-system"]["requires"]),
    "run": tuple(RUN),
    "run-floors": (*RUN, *EXTRAS["floors"]),
    "run-postgres": (*RUN, *EXTRAS["postgres"]),
}
"""The same for the files that are in the wheel, from which users and their jobs install."""
LOCKED = {**ASKED, **SHIPPED}
INSTALLED_WITH = {"setup": ("setup",), "dev": ("setup", "dev"), "build": ("setup", "run", "run-floors", "run-postgres")}
"""The files that stand in the environment beside a file; for all others `setup` and `dev` do."""


def text_of(name):
    folder = ROOT / "reconciler" / "requirements" if name in SHIPPED else FOLDER
    return (folder / f"{name}.txt").read_text(encoding="utf-8")


def surroundings(python, **more):
    return {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux", **more}


def pins(name, python):
    """The versions that a file locks for a Python on Linux."""
    found = PIN.findall(text_of(name))
    holds = [
        (package, version)
        for package, version, marker in found
        if not marker or Requirement(f"{package} ; {marker}").marker.evaluate(surroundings(python))
    ]
    locked = {canonicalize_name(package): Version(version) for package, version in holds}
    assert len(locked) == len(holds), "a package locked twice for one Python"
    return locked


def test_each_group_has_its_file_and_no_file_is_left_over():
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.txt" for name in ASKED}
    shipped = ROOT / "reconciler" / "requirements"
    assert {path.name for path in shipped.iterdir()} == {f"{name}.txt" for name in SHIPPED}


@SUPPORTED
@pytest.mark.parametrize("name", LOCKED)
def test_all_that_is_asked_for_is_locked_in_a_version_that_is_allowed(name, python):
    locked = pins(name, python)
    asked = [Requirement(one) for one in LOCKED[name]]
    applying = [one for one in asked if one.marker is None or one.marker.evaluate(surroundings(python))]
    assert applying
    missing = [str(one) for one in applying if canonicalize_name(one.name) not in locked]
    assert missing == [], "run make lock UPGRADE="
    assert [str(one) for one in applying if locked[canonicalize_name(one.name)] not in one.specifier] == []


@SUPPORTED
def test_files_that_share_an_environment_lock_one_version_of_each_package(python):
    for name in LOCKED:
        for other in INSTALLED_WITH.get(name, ("setup", "dev")):
            mine, theirs = pins(name, python), pins(other, python)
            assert {package: mine[package] for package in mine.keys() & theirs.keys()} == {
                package: theirs[package] for package in mine.keys() & theirs.keys()
            }


@pytest.mark.parametrize("name", LOCKED)
def test_a_file_of_the_lock_holds_pins_and_hashes_and_names_no_place(name):
    for block in re.split(r"\n(?=[^\s#])", text_of(name).split("\n", 2)[2]):
        first, *hashes = block.rstrip("\n").split("\n")
        assert PIN.match(f"{first}\n"), first
        assert hashes
        assert [line for line in hashes if not re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line)] == []


def test_the_makefile_installs_nothing_but_what_is_locked_and_the_project():
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    installs = [line for line in text.splitlines() if re.search(r"\bpip\b.* install\b", line)]
    resolved, held = "$(UV) pip install", ("--require-hashes", "--no-deps")
    assert [line for line in installs if resolved not in line and not any(word in line for word in held)] == []
    assert all("--no-build-isolation" in line for line in installs if resolved not in line)
    rule = re.search(r"^\$\(VENV\)/\.locked: (.*)$", text, re.MULTILINE)
    assert rule[1].split() == ["requirements/setup.txt", "requirements/dev.txt"]
    assert "$(VENV)/.locked" in re.search(r"^\$\(READY\): (.*)$", text, re.MULTILINE)[1]
    for name in ASKED:
        assert f"requirements/{name}.txt" in text, name


@SUPPORTED
def test_each_supported_python_is_told_and_tested(python):
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]
    for workflow in ("check", "versions"):
        text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8")
        assert f'"{python}"' in text, workflow
    assert f"python{python}" in (ROOT / "Makefile").read_text(encoding="utf-8")
