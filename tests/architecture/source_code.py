"""The package as text: its modules, what they import and where they stand. Nothing here runs the package."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "reconciler"

LAYERS = (
    ("model",),
    ("errors",),
    ("yaml",),
    ("manifest", "diff"),
    ("plan", "adopt"),
    ("floors", "render"),
    ("ports",),
    ("apply", "http", "files", "installed"),
    ("apis",),
    ("workflow", "warehouse", "store", "sandbox", "forge"),
    ("api",),
    ("cli",),
    ("__main__",),
)
"""The rooms from the bottom up. A room may import the rooms of the rows above its own here, and no other."""

RANK = {room: rank for rank, row in enumerate(LAYERS) for room in row}
PURE = ("model", "errors", "yaml", "manifest", "diff", "plan", "adopt", "floors", "render")
PORTS = ("ports", "apply", "workflow")


@dataclass(frozen=True)
class Module:
    path: Path
    name: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The part of the package it is in; empty for the package's own `__init__`."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Import:
    """One imported module, or a name that may be one, wherever the statement stands.

    `in_string`: a dotted name that may be imported by `importlib`, or tell where data lies.
    """

    name: str
    line: int
    in_string: bool = False

    @property
    def room(self) -> str:
        """The room of ours that is imported; empty for other people's code and for the package itself."""
        first, _, rest = self.name.partition(".")
        room = rest.split(".")[0]
        return room if first == PACKAGE and room in RANK else ""


@cache
def modules() -> tuple[Module, ...]:
    return tuple(module_at(path) for path in sorted((ROOT / PACKAGE).rglob("*.py")))


def module_at(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(part for part in parts if part != "__init__")
    return Module(path, name, ast.parse(path.read_text(encoding="utf-8")))


def in_rooms(*rooms: str) -> tuple[Module, ...]:
    return tuple(module for module in modules() if module.room in rooms)


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Every import: at the top, deferred, under `TYPE_CHECKING`, and by a module's dotted name in a string."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[Import]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Import():
                yield from (Import(alias.name, node.lineno) for alias in node.names)
            case ast.ImportFrom():
                origin = _origin(module, node)
                yield from (Import(f"{origin}.{alias.name}", node.lineno) for alias in node.names)
            case ast.Constant(value=str(text)) if re.fullmatch(rf"{PACKAGE}(\.\w+)+(:\w+)?", text):
                yield Import(text.partition(":")[0], node.lineno, in_string=True)


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".") + (["__init__"] if module.path.name == "__init__.py" else [])
    return ".".join([*package[: -node.level], *([node.module] if node.module else [])])


@cache
def strings(module: Module) -> tuple[tuple[str, int], ...]:
    """Every string that the code works with; docstrings are not among them."""
    return tuple(_strings(module))


def _strings(module: Module) -> Iterator[tuple[str, int]]:
    prose = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value, node.lineno


@cache
def dotted_names(module: Module) -> tuple[tuple[str, int], ...]:
    """Every name and dotted name that the code reads, as in `print` or `os.environ`."""
    return tuple(_dotted_names(module))


def _dotted_names(module: Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name):
                yield name, node.lineno
            case ast.Attribute():
                yield ast.unparse(node), node.lineno
