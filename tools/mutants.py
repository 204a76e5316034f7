"""Mutation testing: change one place of the source at a time, and see whether the nearest tests fail.

`python tools/mutants.py --rooms diff plan --sample 40 --seed 1` draws places at random. Each mutant runs in a process
of its own, a fork of one that has the libraries loaded: the source in the checkout is never written. The unit tests of
the room run first; what they let live is tried on the suites of WIDER. Ends with 1 where one survives both.

Not mutated are annotations, decorators, docstrings and texts: `frozen` and `slots` have no behaviour that a test should
depend on, and words have tests of their own. `store/postgres` is left out, as its tests start a server.
"""

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ROOMS: Final = ("diff", "plan", "apply", "store")
WIDER: Final = (
    "tests/unit/diff", "tests/unit/plan", "tests/unit/apply", "tests/unit/workflow", "tests/cases",
    "tests/laws/test_convergence.py", "tests/faults/test_engine.py", "tests/cli/test_exit_codes.py",
    "tests/cli/test_history_undo.py", "tests/cli/test_saved_plans.py", "tests/cli/test_rehearse.py",
)  # fmt: skip
WARM: Final = ("pytest", "pydantic", "yaml", "orjson", "deepdiff", "click", "httpx", "jsonschema")
"""Libraries that are loaded once for all mutants. Plugins of pytest are not among them: it loads them itself."""
SURVIVED: Final = 0
LONGEST: Final = 20
"""How many times as long as without a mutant the tests may take: a mutant that loops for ever is killed by that."""

COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One place of a module, by its number among all of them, and what is put there."""

    path: Path
    number: int
    line: int
    what: str

    @property
    def module(self) -> str:
        """The name that it is imported by."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    @property
    def room(self) -> str:
        """The folder of `reconciler/` that it is in."""
        return self.path.parts[1]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class _Mutator(ast.NodeTransformer):
    """Walks a module and counts the places that can be mutated; the one with the number asked for is."""

    def __init__(self, number: int | None) -> None:
        self.wanted = number
        self.found: list[tuple[int, str]] = []

    def _offer(self, node: ast.AST, other: ast.AST) -> ast.AST:
        self.found.append((node.lineno, f"{ast.unparse(node)} -> {ast.unparse(other)}"))  # type: ignore[attr-defined]
        if len(self.found) - 1 != self.wanted:
            return node
        return ast.copy_location(other, node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        other = copy.deepcopy(node)
        other.ops[0] = COMPARED[type(node.ops[0])]()
        return self._offer(node, other)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return self._offer(node, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return self._offer(node, node.operand) if isinstance(node.op, ast.Not) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        kind = COMPUTED.get(type(node.op))
        return node if kind is None else self._offer(node, ast.BinOp(node.left, kind(), node.right))

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return self._offer(node, ast.IfExp(node.test, node.orelse, node.body))

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool):
            return self._offer(node, ast.Constant(not node.value))
        if isinstance(node.value, int | float):
            return self._offer(node, ast.Constant(node.value + 1))
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            return node
        self.found.append((node.lineno, f"if {ast.unparse(node.test)} -> if not"))
        if len(self.found) - 1 == self.wanted:
            node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            return node
        self.generic_visit(node)
        return self._offer(node, ast.Pass())

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is None or isinstance(node.value, ast.Constant):
            return node
        return self._offer(node, ast.Return(ast.Constant(None)))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [self.visit(each) for each in node.body]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self.visit(each) for each in node.args.kw_defaults]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(each) for each in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None and ast.unparse(node.annotation) != "TypeAlias":
            node.value = self.visit(node.value)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return node  # what a type checker is told


def mutants_of(path: Path) -> Iterator[Mutant]:
    """All mutants of a module; the path is from the root of the checkout."""
    walk = _Mutator(None)
    walk.visit(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    for number, (line, what) in enumerate(walk.found):
        yield Mutant(path, number, line, " ".join(what.split()))


def mutated(mutant: Mutant) -> CodeType:
    """The module with the mutant in it."""
    walk = _Mutator(mutant.number)
    tree = walk.visit(ast.parse((ROOT / mutant.path).read_text(encoding="utf-8")))
    return compile(ast.fix_missing_locations(tree), str(ROOT / mutant.path), "exec")


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(ROOT / mutant.path))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - it loads one module alone
        return mutated(self._mutant)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the module that is mutated before any other finder does."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(fullname, ROOT / self._mutant.path, loader=_Loader(self._mutant))


def outcome(mutant: Mutant | None, tests: Sequence[str], limit: float) -> tuple[int, float]:
    """The exit code of pytest in a fork with the mutant in it, and the seconds it took; -1 where it was ended."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        with Path(os.devnull).open("w") as nowhere:
            for number in (1, 2):
                os.dup2(nowhere.fileno(), number)
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant))
        import pytest  # noqa: PLC0415 - loaded by WARM

        code = 3
        with suppress(BaseException):  # whatever a mutant raises, the fork must not go on as its parent would
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
        os._exit(code)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        took = time.monotonic() - began
        if ended:
            return os.waitstatus_to_exitcode(status), took
        if took > limit:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -1, took
        time.sleep(0.02)


def told(line: str) -> None:
    """Print a line at once: a run takes long."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def nearest(room: str, module: str = "") -> list[str]:
    """The unit tests of a room, without those of the rooms in it; those of the module first, if it has any."""
    found = (ROOT / "tests" / "unit" / room).glob("test_*.py")
    by_name = sorted(found, key=lambda path: (path.stem != f"test_{module}", path))
    return [str(path.relative_to(ROOT)) for path in by_name]


def main() -> int:
    """Draw mutants, run the tests with each, and print those that live through them."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rooms", nargs="+", default=list(ROOMS), help="folders of reconciler/")
    asked.add_argument("--sample", type=int, default=40, help="how many mutants; 0 for all of them")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--near", action="store_true", help="run the unit tests of the room alone")
    asked.add_argument("--only", default="", help="only modules whose path contains this")
    given = asked.parse_args()
    os.chdir(ROOT)
    for name in WARM:
        importlib.import_module(name)
    paths = [path for room in given.rooms for path in sorted((ROOT / "reconciler" / room).glob("*.py"))]
    there = [each for path in paths if given.only in str(path) for each in mutants_of(path.relative_to(ROOT))]
    drawn = there
    if given.sample:
        chance = random.Random(given.seed)  # noqa: S311 - which places are looked at is no secret
        drawn = chance.sample(there, min(given.sample, len(there)))
    told(f"{len(there)} mutants of {', '.join(given.rooms)}; {len(drawn)} drawn with seed {given.seed}")
    limits = {}
    for room in sorted({each.room for each in drawn}):
        code, took = outcome(None, nearest(room), 600)
        if code != SURVIVED:
            told(f"the tests of {room} fail without a mutant")
            return 2
        limits[room] = max(60.0, LONGEST * took)
    near, wide, living = 0, 0, []
    for mutant in sorted(drawn, key=lambda each: (each.path, each.number)):
        if outcome(mutant, nearest(mutant.room, mutant.path.stem), limits[mutant.room])[0] != SURVIVED:
            near += 1
        elif not given.near and outcome(mutant, WIDER, 1800)[0] != SURVIVED:
            wide += 1
            told(f"killed by wider suites only: {mutant}")
        else:
            living.append(mutant)
            told(f"survived: {mutant}")
    told(f"{near} killed by the unit tests of their room, {wide} by wider suites, {len(living)} survived")
    return int(bool(living))


if __name__ == "__main__":
    sys.exit(main())
