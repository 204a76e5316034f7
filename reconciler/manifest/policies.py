"""The policies of `reconciler.yaml`: names that tell them apart, and rules that are CEL."""

from collections.abc import Sequence
from typing import Final

from reconciler.manifest.hints import quoted
from reconciler.manifest.node import Map
from reconciler.manifest.report import Reporter
from reconciler.manifest.settings_models import PolicyBlock
from reconciler.model.desired import Policy

HINT: Final = "docs/policies.md tells what a rule can speak of"


def read_policies(blocks: Sequence[PolicyBlock], raw: Map, reporter: Reporter) -> tuple[Policy, ...]:
    """The policies as declared; a rule that is not CEL and a name that stands twice are reported."""
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
            compiled(block.rule)
        except (ValueError, RuntimeError) as wrong:
            first = str(wrong).strip().splitlines()[0]
            reporter.error(written[at].value_place("rule"), "bad-policy", f"the rule is not CEL: {first}", HINT)
    return tuple(Policy(block.name, block.rule, block.message, block.severity) for block in blocks)
