"""Imports point down: the diff cannot see YAML, the planner cannot see HTTP."""

import ast
from graphlib import TopologicalSorter

import pytest
from architecture.source_code import PACKAGE, RANK, Module, imports, module_at, modules


def upward(module: Module) -> list[str]:
    return [
        f"{module.place}:{found.line}: {module.room} imports {found.name}"
        for found in imports(module)
        if found.room and found.room != module.room and RANK[found.room] >= RANK[module.room]
    ]


def test_every_room_has_its_place_in_the_layers():
    assert {module.room for module in modules() if module.room} <= set(RANK)


def test_a_module_imports_only_rooms_below_its_own():
    assert [each for module in modules() if module.room for each in upward(module)] == []


def test_the_package_itself_imports_no_room():
    assert [found for module in modules() if not module.room for found in imports(module) if found.room] == []


def test_a_module_takes_no_private_name_of_another():
    private = [
        f"{module.place}:{node.lineno}: {alias.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert private == []


def test_no_module_depends_on_itself_through_others():
    known = {module.name for module in modules()}
    graph = {
        module.name: {_target(found.name, known) for found in imports(module) if not found.in_string} - {""}
        for module in modules()
    }
    TopologicalSorter(graph).prepare()


def _target(name: str, known: set[str]) -> str:
    """The module that an import loads: the name itself, or the module that it is a name of."""
    parent = name.rpartition(".")[0]
    return name if name in known else parent if parent in known else ""


@pytest.mark.parametrize(
    "statement",
    [
        "import reconciler.apis.management.gateway",
        "from reconciler.apis import days",
        "from reconciler import apis",
        "from ..apis import days",
        "from .. import apis",
        "def later():\n    from reconciler.apis.management.gateway import Client",
        "if TYPE_CHECKING:\n    from reconciler.apis.management.gateway import Client",
        "import_module('reconciler.apis.management.gateway')",
        "from reconciler.manifest.load import load_desired",
    ],
)
def test_an_upward_import_is_seen_however_it_is_written(tmp_path, monkeypatch, statement):
    path = tmp_path / PACKAGE / "diff" / "compare.py"
    path.parent.mkdir(parents=True)
    path.write_text(statement, encoding="utf-8")
    monkeypatch.setattr("architecture.source_code.ROOT", tmp_path)
    assert upward(module_at(path))
