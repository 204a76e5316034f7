"""Another distribution has a package `reconciler` too: where it is in the way, the command says so and runs none of it.

From where the program itself came is what `--version` says.
"""

import json
import shutil
import subprocess
import sys
import venv

import pytest
from architecture.source_code import ROOT
from architecture.test_install import packed

from reconciler import __version__

THEIRS = {
    "reconciler/__init__.py": "open('ran', 'w').close()\nfrom .main import reconcile\n",
    "reconciler/main.py": "reconcile = 1\n",
    "reconciler/utils.py": "",
}
INFO = f"waterfall_reconciler-{__version__}.dist-info"
LIBRARIES = next(path for path in sys.path if path.endswith("site-packages"))


@pytest.fixture
def place(tmp_path):
    """An environment with the program as pip lays it out, and what it needs by a path file; its site-packages."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    [folder] = (tmp_path / "env").glob("lib/python*/site-packages")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "reconciler", folder / "reconciler", ignore=ignored)
    shutil.copy(ROOT / "waterfall_reconciler.py", folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    (folder / INFO).mkdir()
    (folder / INFO / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: waterfall-reconciler\nVersion: {__version__}\n"
    )
    record = "".join(f"{path.relative_to(folder).as_posix()},sha256=x,{path.stat().st_size}\n" for path in files)
    (folder / INFO / "RECORD").write_text(record)
    (folder / "libraries.pth").write_text(f"{LIBRARIES}\n")
    return folder


def start(place, *arguments, call=("-c", "from waterfall_reconciler import main; main()"), **env):
    return subprocess.run(
        [place.parents[2] / "bin" / "python", *call, *arguments],
        cwd=place.parents[3], env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def install(place, *, over=True):
    """What pip does with the other distribution."""
    path = packed(place.parent / "reconciler-0.2.2-py3-none-any.whl", THEIRS, name="reconciler", version="0.2.2")
    for name, text in THEIRS.items():
        if over or not (place / name).exists():
            (place / name).write_text(text)
    call = ["-m", "zipfile", "-e", path, place.parent / "unpacked"]
    subprocess.run([sys.executable, *call], check=True)
    shutil.copytree(place.parent / "unpacked" / "reconciler-0.2.2.dist-info", place / "reconciler-0.2.2.dist-info")


def test_alone_it_starts(place):
    done = start(place, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"reconciler {__version__} from {place / 'reconciler'} (installed from a package index)\n"


def test_a_neighbour_that_was_installed_over_it_is_told_and_not_run(place):
    install(place)
    done = start(place, "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert "__init__.py (changed), main.py, utils.py (reconciler 0.2.2)\nhint: " in done.stderr
    assert not (place.parents[3] / "ran").exists()


def test_a_neighbour_that_it_was_installed_over_is_told(place):
    install(place, over=False)
    for call in (("-c", "from waterfall_reconciler import main; main()"), ("-m", "reconciler")):
        done = start(place, "--version", call=call)
        assert (done.returncode, done.stdout) == (1, "")
        assert ": main.py, utils.py (reconciler 0.2.2)\nhint: " in done.stderr


def test_what_a_neighbour_took_along_when_it_was_removed_is_told(place):
    (place / "reconciler" / "__init__.py").unlink()
    done = start(place, "--version")
    assert done.returncode == 1
    assert "__init__.py (missing)" in done.stderr


def test_a_folder_of_a_neighbour_is_told(place):
    (place / "reconciler" / "web2").mkdir()
    assert "web2/" in start(place, "--version").stderr


@pytest.mark.parametrize("form", ["package", "module", "namespace"])
def test_a_neighbour_that_is_found_first_is_told_and_not_run(place, tmp_path, form):
    before = tmp_path / "before"
    (before / "reconciler").mkdir(parents=True)
    match form:
        case "package":
            (before / "reconciler" / "__init__.py").write_text("open('ran', 'w').close()\n")
        case "module":
            (before / "reconciler").rmdir()
            (before / "reconciler.py").write_text("open('ran', 'w').close()\n")
    done = start(place, "--version", PYTHONPATH=str(before))
    if form == "namespace":  # Python itself goes on to the package that has an __init__.py
        assert done.returncode == 0
        return
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the package reconciler that Python finds is {before}/reconciler" in done.stderr
    assert "hint: " in done.stderr
    assert not (tmp_path / "ran").exists()


def test_files_that_python_or_a_system_leaves_there_are_nobodys(place):
    for name in ("__pycache__/x.pyc", ".DS_Store", "notes.txt"):
        (place / "reconciler" / name).parent.mkdir(exist_ok=True)
        (place / "reconciler" / name).write_text("")
    assert start(place, "--version").returncode == 0


NOTES = [
    ({"url": "https://ada:word@git.example/x", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}, None,
     "commit c0ffee of https://git.example/x"),
    ({"url": "ssh://git@git.example/x", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}, None,
     "commit c0ffee of ssh://git@git.example/x"),
    ({"url": "https://x.example/a.whl", "archive_info": {"hash": "sha256=12"}}, None,
     "https://x.example/a.whl, sha256 12"),
    ({"url": "https://x.example/a.whl", "archive_info": {"hashes": {"sha256": "12"}}}, {"url": "u", "commit": "c"},
     "https://x.example/a.whl, sha256 12"),
    ({"url": "file:///source", "dir_info": {}}, None, "installed from file:///source"),
    ({"url": "file:///source", "dir_info": {}}, {"url": "https://git.example/x", "commit": "c0ffee"},
     "commit c0ffee of https://git.example/x"),
    ({"url": "file:///source", "dir_info": {}}, {"url": "", "commit": "c0ffee"}, "commit c0ffee of file:///source"),
    (None, {"url": "", "commit": "c0ffee"}, "commit c0ffee"),
    (["no", "object"], None, "installed from a package index"),
    ({"url": 7, "vcs_info": "x", "archive_info": []}, ["x"], "installed from 7"),
]  # fmt: skip


@pytest.mark.parametrize(("noted", "built", "told"), NOTES)
def test_the_version_tells_what_installer_and_build_noted(place, noted, built, told):
    for path, value in ((place / INFO / "direct_url.json", noted), (place / "reconciler" / "built.json", built)):
        if value is not None:
            path.write_text(json.dumps(value))
    for flags in ((), ("-v",)):
        done = start(place, *flags, "--version")
        assert done.stdout == f"reconciler {__version__} from {place / 'reconciler'} ({told})\n", done.stderr
        assert "word" not in done.stdout
