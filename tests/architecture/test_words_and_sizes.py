"""Things that read badly long before they work badly."""

import ast
import re
from collections import Counter, defaultdict

from architecture.source_code import LAYERS, ROOT, imports, modules

MODULE_LINES = 400
SMALL_LINES = 60
ALONE = {
    "reconciler.__main__": "what `python -m` runs",
    "reconciler.cli.front": "where every run begins: what it imports is what all of them wait for",
    "reconciler.store.postgres.migrate": "imports Alembic, which only a new database needs",
    "reconciler.store.postgres.migrations.env": "found by Alembic by its name",
    "reconciler.store.postgres.migrations.versions.v0001_first_tables": "as above",
}
"""Small modules that stand alone for another reason than that two rooms need them."""
WORDS = 40
FUNCTION_LINES = 45
EMPTY_WORDS = frozenset({
    "base", "common", "config", "entity", "helper", "helpers", "manager", "misc", "provider", "util", "utils",
})  # fmt: skip

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def lines_of(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def test_a_module_fits_in_the_head():
    assert [module.place for module in modules() if lines_of(module.path) >= MODULE_LINES] == []


def test_a_small_module_stands_with_its_neighbour_unless_two_rooms_need_it():
    users = defaultdict(set)
    for module in modules():
        for found in imports(module):
            for name in (found.name, found.name.rpartition(".")[0]):
                users[name].add(module.room)
    small = {
        module.name
        for module in modules()
        if module.path.name != "__init__.py" and lines_of(module.path) < SMALL_LINES and len(users[module.name]) < 2
    }
    assert small == set(ALONE)


def test_one_class_name_means_one_thing():
    named = Counter(
        node.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in named.items() if count > 1] == []


def test_the_glossary_is_short_and_names_what_the_code_has():
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \|([^|]*)\|$", (ROOT / "docs/glossary.md").read_text("utf-8"), re.MULTILINE
    )[2:]
    words_there = [word for word, _ in rows]
    assert words_there == sorted(words_there)
    assert len(words_there) <= WORDS
    named = {name for _, code in rows for name in re.findall(r"`(\w+)`", code)}
    assert named - {name for module in modules() for name in defined(module.tree)} == set()


def defined(tree):
    """The names of a module's own classes, functions and constants."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield name


def test_the_tour_shows_the_rooms_in_the_order_of_their_layers():
    tour = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", (ROOT / "docs/tour.md").read_text(encoding="utf-8"), re.MULTILINE)
    rank = {room: rank for rank, row in enumerate(LAYERS) for room in row}
    assert set(tour) == set(rank) - {"__main__"}
    assert [rank[room] for room in tour] == sorted(rank[room] for room in tour)


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
