"""The policies of `reconciler.yaml`: CEL rules with unique names, checked for syntax, unknown names and cost."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from reconciler.manifest.findings import Reporter
from reconciler.manifest.settings_models import PolicyBlock
from reconciler.model.desired import Policy
from reconciler.yaml.node import Map
from reconciler.yaml.scalar import did_you_mean, quoted

FACTS_HINT: Final = "docs/policies.md tells what a rule can speak of"

FACTS: Final = ("action", "kind", "address", "app", "name", "id", "fields", "declared", "floors", "groups")
"""The variables that a rule can use."""

_TYPES: Final = ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type")
_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")
"""Where a rule names each part of a list, as in `floors.all(country, ...)`."""

LONGEST_RULE: Final = 4096
"""Characters; a longer rule cannot be reviewed."""

DEEPEST_LOOP: Final = 3
"""Loops in one another: over fields, over countries and over the countries of a group, say."""

MISSING: Final = "policies are read with common-expression-language: not installed"
INSTALL_HINT: Final = "it is in the extra waterfall-reconciler[policies]; docs/policies.md tells how to add it"

SIMPLER_RULE_HINT: Final = "write a simpler rule, or several; docs/policies.md tells what a rule may cost"
_PART: Final = re.compile(
    r"//[^\n]*|[bB]?[rR]\"[^\"\n]*\"?|[bB]?[rR]'[^'\n]*'?|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?"
    r"|\.\s*(?:all|exists|exists_one|map|filter)\s*\(|[()\[\]{}]"
)
"""What matters to how deep loops stand: comments and texts, in which no bracket counts, loops, and brackets."""


def read_policies(blocks: Sequence[PolicyBlock], raw: Map, reporter: Reporter) -> tuple[Policy, ...]:
    """The policies as declared.

    Reports a rule that is not CEL, an unknown variable in one, a name that is used twice, and that the CEL library is
    missing.
    """
    if not blocks:
        return ()
    written = raw["policies"]
    compiled = _compiler()
    if compiled is None:
        reporter.error(raw.key_place("policies"), "missing-library", MISSING, INSTALL_HINT)
    names: set[str] = set()
    for at, block in enumerate(blocks):
        if block.name in names:
            reporter.error(written[at].value_place("name"), "bad-policy", f"{quoted(block.name)} is there twice")
        names.add(block.name)
        message, hint = _cost_error(block.rule), SIMPLER_RULE_HINT
        if not message and compiled is not None:
            message, hint = _cel_error(compiled, block.rule)
        if message:
            reporter.error(written[at].value_place("rule"), "bad-policy", message, hint)
    return tuple(Policy(block.name, block.rule, block.message, block.severity) for block in blocks)


def _compiler() -> Callable[[str], Any] | None:
    """The function that compiles a rule; None where the library is not installed, or does not load."""
    try:
        from cel import compile as compiled  # noqa: PLC0415 - costs 0.2 s to import, and few projects have policies
    except ImportError:
        return None
    compiler: Callable[[str], Any] = compiled
    return compiler


def _cost_error(rule: str) -> str:
    """The error of a rule that costs too much for any change; empty for others."""
    if len(rule) > LONGEST_RULE:
        return f"the rule has {len(rule):,} characters; {LONGEST_RULE:,} are read"
    depth = _loop_depth(rule)
    return f"{depth} loops stand in one another; {DEEPEST_LOOP} may" if depth > DEEPEST_LOOP else ""


def _loop_depth(rule: str) -> int:
    """How many loops (`all`, `map` and the like) stand in one another at most."""
    opened: list[bool] = []
    deepest = 0
    for part in _PART.findall(rule):
        if part[-1] == "(" or part in {"[", "{"}:
            opened.append(part[0] == ".")
            deepest = max(deepest, sum(opened))
        elif part in {")", "]", "}"} and opened:
            opened.pop()
    return deepest


def _cel_error(compiled: Callable[[str], Any], rule: str) -> tuple[str, str]:
    try:
        program = compiled(rule)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - the library is native: what it panics with is no Exception
        return f"the rule is not CEL: {_first_line(error)}", FACTS_HINT
    return _unknown_name_error(program, rule)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _unknown_name_error(program: Any, rule: str) -> tuple[str, str]:
    """The error and hint for the first unknown name in a rule; both empty where there is none."""
    known = {*FACTS, *_TYPES, *_BOUND.findall(rule)}
    unknown = [name for name in program.variables() if name not in known]
    if not unknown:
        return "", ""
    return f"the rule uses {quoted(unknown[0])}, which is not defined", did_you_mean(unknown[0], FACTS) or FACTS_HINT
