"""Rules in CEL, evaluated one after the other. Imports little: it is what runs in a process of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from reconciler.model.value import kind_of_json

Facts: TypeAlias = Mapping[str, Any]
Judge: TypeAlias = Callable[[Sequence[str], Iterable[Facts]], Iterator[str | None]]
"""For each of the facts, for each rule: None where it holds, else what there is to say of its break, often nothing.

Raises `Unfinished` in the place of a verdict, and of all that follow it.
"""


class Unfinished(Exception):
    """A rule whose evaluation was given up; the message says why."""


def evaluate_rules(rules: Sequence[str], facts: Iterable[Facts]) -> Iterator[str | None]:
    """Evaluate rules in this process; a `Judge` with no bound on time or memory."""
    try:
        from cel import compile as compiled  # noqa: PLC0415 - costs 0.2 s to import, and few projects have policies
    except ImportError as missing:
        raise Unfinished("common-expression-language is not installed") from missing

    programs = [compiled(rule) for rule in rules]
    for each in facts:
        for program in programs:
            yield _why_broken(program, each)


def _why_broken(program: Any, facts: Facts) -> str | None:
    try:
        holds = program.execute(facts)
    except KeyError as error:
        return f" (the rule cannot be evaluated: there is no {error} here)"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - the library is native: what it panics with is no Exception
        return f" (the rule cannot be evaluated: {first_line(error)})"
    if isinstance(holds, bool):
        return None if holds else ""
    return f" (the rule gives {kind_of_json(holds)}, neither true nor false)"


def first_line(error: BaseException) -> str:
    """What the library says of an error, in one line."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
