"""The wheel alone, without extras and away from the checkout, does the main job: validate, plan, apply, drift."""

import ast
import json
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from contextlib import contextmanager
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from architecture.source_code import ROOT, modules
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "waterfall-reconciler"
CREDENTIALS = {"DT_CLIENT_ID": "id", "DT_CLIENT_SECRET": "secret"}
UNIMPORTABLE = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError:
        print(name)
"""


def call(*called, cwd, code=0, **env):
    done = subprocess.run(
        [*map(str, called)], cwd=cwd, env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), **env}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What `python -m build` makes of the checkout: a source distribution, and a wheel from that."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def programs(built, tmp_path_factory):
    """The programs of a fresh environment: the wheel, and what it requires without extras, as it is installed here."""
    place = tmp_path_factory.mktemp("fresh")
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    folder = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).strip())
    for name in required(OURS) - {OURS}:
        for top in {path.parts[0] for path in distribution(name).files if path.parts[0] not in {"..", "__pycache__"}}:
            if not (folder / top).exists():
                (folder / top).symlink_to(distribution(name).locate_file(top))
    [wheel] = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    call(*pip, "--no-deps", "--no-index", wheel, cwd=place)
    return place / "bin"


def required(name, extras=frozenset(), seen=None):
    """The names of a package and of all that it requires here."""
    seen = set() if seen is None else seen
    if (name, extras) not in seen:
        seen.add((name, extras))
        for one in map(Requirement, distribution(name).requires or ()):
            surroundings = [{"extra": extra} for extra in ("", *extras)]
            if one.marker is None or any(one.marker.evaluate(each) for each in surroundings):
                required(canonicalize_name(one.name), frozenset(one.extras), seen)
    return {package for package, _ in seen}


@contextmanager
def sandbox(reconciler, place):
    """The URL of a sandbox that the wheel itself serves."""
    called = [reconciler, "sandbox", "--port", "0"]
    with subprocess.Popen(called, cwd=place, env={"HOME": str(place)}, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_no_package_of_an_extra_or_of_the_tests_is_in_the_fresh_environment(programs, tmp_path):
    call(programs / "python", "-c", "import pydantic, click, h11, yaml", cwd=tmp_path)
    absent = {"cel", "duckdb", "ibis", "pyarrow", "sqlalchemy", "uvicorn", "pytest", "packaging"}
    assert set(call(programs / "python", "-c", UNIMPORTABLE, *absent, cwd=tmp_path).split()) == absent
    where = call(programs / "python", "-c", "import reconciler; print(reconciler.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where


def test_the_main_job(programs, tmp_path):
    reconciler, place = programs / "reconciler", tmp_path / "project"
    call(reconciler, "init", place, "--publisher-id", "3432", cwd=tmp_path)
    call(reconciler, "validate", "--strict", cwd=place)
    with sandbox(reconciler, tmp_path) as url:
        account = {"DT_MANAGEMENT_URL": url, **CREDENTIALS}
        call(reconciler, "plan", "--detailed-exitcode", cwd=place, code=2, **account)
        told = json.loads(call(reconciler, "apply", "--yes", "--format", "json", cwd=place, **account))
        assert told["results"]
        assert {each["outcome"] for each in told["results"]} == {"applied"}
        call(reconciler, "plan", "--detailed-exitcode", cwd=place, **account)
        call(reconciler, "drift", cwd=place, **account)
        call(reconciler, "pull", "--check", cwd=place, **account)
        for form in ("markdown", "html"):
            assert call(reconciler, "plan", "--format", form, cwd=place, **account)
    assert call(reconciler, "history", cwd=place)
    assert json.loads(call(reconciler, "schema", cwd=place))


def test_what_needs_an_extra_names_it(programs, tmp_path):
    place = tmp_path / "project"
    call(programs / "reconciler", "init", place, "--publisher-id", "3432", cwd=tmp_path)
    env = {"HOME": str(place), "RECONCILER_STORE": "postgresql://127.0.0.1:9/x", **CREDENTIALS}
    done = subprocess.run(
        [programs / "reconciler", "plan"], cwd=place, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert "waterfall-reconciler[postgres]" in done.stderr


def test_policies_that_cannot_be_read_are_a_finding_with_the_extra_and_let_nothing_pass(programs, tmp_path):
    reconciler, place = programs / "reconciler", tmp_path / "project"
    call(reconciler, "init", place, "--publisher-id", "3432", cwd=tmp_path)
    with sandbox(reconciler, tmp_path) as url:
        account = {"DT_MANAGEMENT_URL": url, **CREDENTIALS}
        call(reconciler, "plan", "--out", "plan.json", cwd=place, **account)
        settings = place / "reconciler.yaml"
        settings.write_text(
            settings.read_text() + "policies:\n  - {name: none, rule: action == 'delete', message: no}\n"
            "  - {name: none, rule: action == 'delete', message: no}\n"
        )
        told = json.loads(call(reconciler, "validate", "--format", "json", cwd=place, code=1))
        for command in (("plan",), ("apply", "--yes"), ("apply", "plan.json", "--yes")):
            call(reconciler, *command, cwd=place, code=1, **account)
    assert [each["code"] for each in told["findings"]] == ["missing-library", "bad-policy"]
    missing = told["findings"][0]
    line = settings.read_text().splitlines().index("policies:") + 1
    assert (missing["file"], missing["line"], missing["severity"]) == ("reconciler.yaml", line, "error")
    assert "waterfall-reconciler[policies]" in missing["hint"]


def test_each_library_that_the_package_imports_is_one_that_it_declares():
    declared = {canonicalize_name(Requirement(one).name) for one in distribution(OURS).requires}
    owners = packages_distributions()
    used = {
        (module.place, top)
        for module in modules()
        for node in ast.walk(module.tree)
        for top in tops(node)
        if top not in sys.stdlib_module_names and top not in {"reconciler", "waterfall_reconciler", "_typeshed"}
    }
    assert {top for _, top in used} > {"click", "pydantic", "sqlalchemy", "ibis"}
    assert {
        (place, top) for place, top in used if not {canonicalize_name(one) for one in owners.get(top, ())} & declared
    } == set()


def tops(node):
    """The top-level names that a statement imports."""
    match node:
        case ast.Import():
            return [alias.name.partition(".")[0] for alias in node.names]
        case ast.ImportFrom(level=0, module=str(name)):
            return [name.partition(".")[0]]
    return []


def test_both_distributions_hold_what_they_should(built):
    [wheel], [source] = built.glob("*.whl"), built.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "reconciler", "waterfall_reconciler.py", names[-1].split("/")[0]
    }  # fmt: skip
    missing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "reconciler").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } - set(names)
    assert missing == set()
    assert {f"reconciler/requirements/{lock}.txt" for lock in ("build", "run", "run-postgres")} <= set(names)
    with tarfile.open(source) as packed:
        packed_names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "requirements/dev.txt", "tests/conftest.py"} <= packed_names
