"""Documents keep their word: commands, flags, targets and links in them exist, and the README's project is valid."""

import re
import shlex
import subprocess

import pytest
from architecture.command import help_of, reconciler
from architecture.source_code import ROOT

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SPOKEN = re.compile(r"`(?:\$ )?((?:reconciler|make) [^`\n]+)`")

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
