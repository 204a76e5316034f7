"""The libraries behind the store are an extra: nobody pays for them, or misses them, who does not use it."""

import subprocess
import sys
from pathlib import Path

import pytest

import reconciler

PREAMBLE = """
import sys
from pathlib import Path
from reconciler.errors import ReconcilerError
from reconciler.api.workspace import Workspace, WorkspaceOptions
from reconciler.files.project import find_project

def store(**variables):
    files = find_project(Path.cwd(), Path("reconciler.yaml"))
    return Workspace(files, WorkspaceOptions.of(variables, None, 1)).store("3432")
"""


@pytest.fixture
def python(tmp_path):
    """Runs Python in a project, with `store(**variables)` at hand."""
    (tmp_path / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')

    def run(code):
        command = [sys.executable, "-c", PREAMBLE + code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=True)
        return done.stdout.strip()

    return run


def test_without_the_variable_the_store_is_files_and_none_of_the_libraries_is_loaded(python):
    told = python(
        "print(type(store()).__name__, type(store(RECONCILER_STORE=' ')).__name__)\n"
        "print([name for name in ('sqlalchemy', 'psycopg', 'alembic') if name in sys.modules])"
    )
    assert told.splitlines() == ["FileStore FileStore", "[]"]


@pytest.mark.parametrize("missing", ["sqlalchemy", "psycopg"])
def test_where_a_library_is_missing_one_is_told_how_to_get_it(python, missing):
    told = python(
        f"sys.modules[{missing!r}] = None\n"
        "try: store(RECONCILER_STORE='postgres://ada:canary@db/x')\n"
        "except ReconcilerError as wrong: print(type(wrong).__name__, wrong.message, wrong.hint, sep='|')"
    )
    kind, message, hint = told.split("|")
    assert kind == "StoreError"
    assert missing in message
    lock = Path(reconciler.__file__).with_name("requirements") / "run-postgres.txt"
    named = "it is in the extra waterfall-reconciler[postgres]"
    assert hint == f"{named}: {sys.executable} -m pip install --require-hashes -r {lock}"
    assert f"{missing}==" in lock.read_text()


@pytest.mark.parametrize("url", ["mysql://ada:canary@db/x", "canary", "postgresql:canary", "files"])
def test_any_other_store_is_an_error_of_the_project_that_does_not_repeat_it(python, url):
    told = python(
        f"try: store(RECONCILER_STORE={url!r})\n"
        "except ReconcilerError as wrong: print(type(wrong).__name__, wrong.message, wrong.hint, sep='|')"
    )
    assert told.startswith("ProjectError|RECONCILER_STORE")
    assert "postgresql://" in told
    assert "canary" not in told


def test_the_url_may_be_in_a_file(python, tmp_path):
    (tmp_path / "url").write_text("postgresql://ada:pw@db/x\n")
    assert python("print(type(store(RECONCILER_STORE_FILE='url')).__name__)") == "PostgresStore"
