"""The policies of `reconciler.yaml`: names that tell them apart, and rules that are CEL."""

import re
from collections.abc import Sequence
from typing import Any, Final

from reconciler.manifest.hints import did_you_mean, quoted
from reconciler.manifest.node import Map
from reconciler.manifest.report import Reporter
from reconciler.manifest.settings_models import PolicyBlock
from reconciler.model.desired import Policy

HINT: Final = "docs/policies.md tells what a rule can speak of"

FACTS: Final = ("action", "kind", "address", "app", "name", "id", "fields", "declared", "floors", "groups")
"""What a rule can speak of."""

_TYPES: Final = ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type")
_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")
"""Where a rule names each part of a list, as in `floors.all(country, ...)`."""


def read_policies(blocks: Sequence[PolicyBlock], raw: Map, reporter: Reporter) -> tuple[Policy, ...]:
    """The policies as declared.

    Reported: a rule that is not CEL, one that speaks of what there is not, and a name that stands twice.
    """
    if not blocks:
        return ()
    from cel import compile as compiled  # noqa: PLC0415 - costs 0.2 s to import, and few projects have policies

    written = raw["policies"]
    names: set[str] = set()
    for at, block in enumerate(blocks):
        if block.name in names:
            reporter.error(written[at].value_place("name"), "bad-policy", f"{quoted(block.name)} is there twice")
        names.add(block.name)
        try:
            program = compiled(block.rule)
        except (ValueError, RuntimeError) as wrong:
            complaint, hint = f"the rule is not CEL: {_first_line(wrong)}", HINT
        else:
            complaint, hint = _unknown(program, block.rule)
        if complaint:
            reporter.error(written[at].value_place("rule"), "bad-policy", complaint, hint)
    return tuple(Policy(block.name, block.rule, block.message, block.severity) for block in blocks)


def _first_line(wrong: Exception) -> str:
    return str(wrong).strip().splitlines()[0]


def _unknown(program: Any, rule: str) -> tuple[str, str]:
    """The complaint about the first name in a rule that stands for nothing, and its hint; both empty without one."""
    known = {*FACTS, *_TYPES, *_BOUND.findall(rule)}
    strange = [name for name in program.variables() if name not in known]
    if not strange:
        return "", ""
    return f"the rule speaks of {quoted(strange[0])}, which there is not", did_you_mean(strange[0], FACTS) or HINT
