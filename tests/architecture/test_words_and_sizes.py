"""Things that read badly long before they work badly."""

import ast
import re

from architecture.source_code import ROOT, modules

MODULE_LINES = 400
FUNCTION_LINES = 45
EMPTY_WORDS = frozenset({
    "base", "common", "config", "entity", "helper", "helpers", "manager", "misc", "provider", "util", "utils",
})  # fmt: skip

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def lines_of(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def test_a_module_fits_in_the_head():
    assert [module.place for module in modules() if lines_of(module.path) >= MODULE_LINES] == []


def test_a_function_fits_on_a_screen():
    long = [
        f"{module.place}:{node.lineno}: {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert long == []


def test_names_say_what_a_thing_is():
    empty = [
        f"{module.place}: {name}"
        for module in modules()
        for name in (module.name, *public_names(module))
        if EMPTY_WORDS & set(words(name))
    ]
    assert empty == []


def public_names(module):
    """The names of the functions and classes that a module defines, at any depth, without the private ones."""
    named = [node.name for node in ast.walk(module.tree) if isinstance(node, DEFINITIONS)]
    return [name for name in named if not name.startswith("_")]


def words(name):
    """`ManifestLoader` and `manifest_loader` alike as manifest, loader."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def test_the_longest_test_module_fits_in_the_head_too():
    assert max(lines_of(path) for path in (ROOT / "tests").rglob("*.py")) < 2 * MODULE_LINES
