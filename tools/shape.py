"""Measures the package's shape: `python tools/shape.py [FOLDER]` prints one Markdown table.

Lines are physical lines; a class name counts as used twice where two modules define it; an arrow is a room that imports
another one. Figures for docs/adr come from here.
"""

import ast
import sys
from collections import Counter
from pathlib import Path
from statistics import median

SMALL = 60
"""Lines below which a module is expected to stand with its neighbour."""


def main() -> None:
    """Measure the package in the folder given, or this one."""
    package = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "reconciler")
    sources = {path.relative_to(package): path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}
    modules = {path: text for path, text in sources.items() if path.name != "__init__.py"}
    trees = {path: ast.parse(text) for path, text in modules.items()}
    sizes = [len(text.splitlines()) for text in modules.values()]
    functions = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    classes = Counter(name for tree in trees.values() for name in _classes(tree))
    arrows = {arrow for path, tree in trees.items() for arrow in _arrows(path, tree, package.name)}
    rows = {
        "modules": len(modules),
        "lines": sum(len(text.splitlines()) for text in sources.values()),
        "median module": int(median(sizes)),
        f"modules under {SMALL} lines": sum(size < SMALL for size in sizes),
        "functions: median / 95 % / longest": (
            f"{int(median(functions))} / {functions[len(functions) * 95 // 100]} / {functions[-1]}"
        ),
        "class names defined twice": sum(count > 1 for count in classes.values()),
        "rooms": len({path.parts[0] for path in modules if len(path.parts) > 1}),
        "arrows between rooms": len(arrows),
    }
    table = ["| measured | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    sys.stdout.write("\n".join(table) + "\n")


def _classes(tree: ast.Module) -> set[str]:
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}


def _arrows(path: Path, tree: ast.Module, package: str) -> set[tuple[str, str]]:
    room = path.parts[0].removesuffix(".py")
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            first, target = [*node.module.split("."), ""][:2]
            if first == package and target and target != room:
                found.add((room, target))
    return found


if __name__ == "__main__":
    main()
