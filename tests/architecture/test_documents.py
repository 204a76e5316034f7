"""Documents keep their word: commands, flags, targets and links in them exist, and the README's project is valid."""

import importlib
import re
import shlex
import subprocess
from functools import reduce

import pytest
from architecture.command import help_of, reconciler
from architecture.source_code import LAYERS, ROOT

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SPOKEN = re.compile(r"`(?:\$ )?((?:reconciler|make) [^`\n]+)`")
CODE = re.compile(r"`([^`\n]+)`")
ROOMS = sorted({room for row in LAYERS for room in row} - {"__main__"})
SOURCE = re.compile(rf"(?:{'|'.join(ROOMS)}|tests|tools|bench)/[\w./]*|[\w/]+\.py")
"""A path of the source: in a room or a folder of ours, or a Python file anywhere."""
NOT_OURS = {"json.py"}
NAME = re.compile(r"reconciler(?:\.\w+){2,}")
"""A name in a module. With one dot it may as well be a file of a project or a table: `reconciler.lock`."""

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def said(path, program):
    """What a document tells its reader to type, in code blocks and in running text, without the program's name."""
    text = path.read_text(encoding="utf-8")
    blocks = [
        line.removeprefix("$ ") for kind, body in FENCE.findall(text) for line in body.splitlines() if kind != "yaml"
    ]
    typed = [line.split(" #")[0] for line in [*blocks, *SPOKEN.findall(text)] if line.startswith(f"{program} ")]
    return [shlex.split(line)[1:] for line in typed]


@each_document
def test_commands_and_flags_in_a_document_exist(path):
    for words in said(path, "reconciler"):
        named = [word for word in words if not word.startswith("-")]
        shown = help_of(*named[:1])
        assert shown, words
        if "\nCommands:\n" in shown and len(named) > 1:
            shown = help_of(*named[:2]) or shown
        offered = shown + help_of()
        assert [word for word in words if word.startswith("-") and word.split("=")[0] not in offered] == [], words


@each_document
def test_make_targets_in_a_document_exist(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {word for words in said(path, "make") for word in words} <= targets


@each_document
def test_links_in_a_document_lead_somewhere(path):
    links = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


@each_document
def test_modules_and_functions_in_a_document_exist(path):
    """Paths such as `model/field.py`, from the root or `reconciler/`, and names such as `reconciler.plan.plan.Plan`.

    Decisions and the changelog speak of what there was then.
    """
    if "adr" in path.parts or path.name == "CHANGELOG.md":
        return
    spans = CODE.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    files = [span for span in spans if SOURCE.fullmatch(span) and span not in NOT_OURS]
    assert [file for file in files if not any((place / file).exists() for place in (ROOT, ROOT / "reconciler"))] == []
    assert [span for span in spans if NAME.fullmatch(span) and not resolves(span)] == []


def resolves(name):
    """Whether a module, or what a module has, is called so."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        missing = object()
        return reduce(lambda owner, part: getattr(owner, part, missing), parts[count:], found) is not missing
    return False


def test_a_name_that_is_not_there_does_not_resolve():
    assert resolves("reconciler.model.value.price")
    assert not resolves("reconciler.model.value.cost")
    assert not resolves("reconciler.model.cost.price")


def test_the_project_in_the_readme_is_valid(tmp_path):
    blocks = [body for kind, body in FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8")) if kind == "yaml"]
    for block in blocks:
        path = tmp_path / re.match(r"# (\S+)", block)[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")
    done = reconciler("validate", "--strict", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_is_in_the_help():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert {"help", "demo", "test", "check", "fmt", "goldens", "schemas", "bench", "setup"} <= set(shown.split())
