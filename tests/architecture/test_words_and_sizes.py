"""Things that read badly long before they work badly."""

import ast
import re

from architecture.source_code import ROOT, modules, over

MODULE_LINES = 300
FUNCTION_LINES = 45
EMPTY_WORDS = frozenset({
    "base", "common", "config", "entity", "helper", "helpers", "manager", "misc", "provider", "util", "utils",
})  # fmt: skip

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def lines_of(path):
    return len(path.read_text(encoding="utf-8").splitlines())


@over(modules())
def test_a_module_fits_in_the_head(module):
    assert lines_of(module.path) < MODULE_LINES


@over(modules())
def test_a_function_fits_on_a_screen(module):
    long = [
        f"{module.place}:{node.lineno}: {node.name}"
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert long == []


@over(modules())
def test_names_say_what_a_thing_is(module):
    named = [node.name for node in ast.walk(module.tree) if isinstance(node, DEFINITIONS)]
    public = [module.name, *(name for name in named if not name.startswith("_"))]
    assert {name for name in public if EMPTY_WORDS & set(words(name))} == set()


def words(name):
    """`ManifestLoader` and `manifest_loader` alike as manifest, loader."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def test_the_longest_test_module_fits_in_the_head_too():
    assert max(lines_of(path) for path in (ROOT / "tests").rglob("*.py")) < 2 * MODULE_LINES
