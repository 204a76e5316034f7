"""Evaluate policies' rules in a process of their own, with limits on time and memory.

Whoever writes a rule in a pull request must not hang a run. The library holds the interpreter's lock while it
evaluates, so neither a thread nor a signal could stop it; a process can be ended at any time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from reconciler.plan.rules import Facts, Unfinished, evaluate_rules

BUDGET_SECONDS: Final = 10.0
"""For all rules over all changes, the start of the process included."""

BUDGET_EACH: Final = 0.001
"""Seconds more for each rule and change: fifty times what one with a loop over all countries takes."""

_MEMORY: Final = 2 * 1024**3
_START: Final = "import sys; sys.path += sys.argv[1:]; from reconciler.api.judge import serve; serve()"


def within_budget(rules: Sequence[str], facts: Iterable[Facts]) -> Iterator[str | None]:
    """A `Judge` that gives up after a time that grows with the number of rules and changes."""
    try:
        with TemporaryFile() as request:
            request.write(json.dumps(rules).encode() + b"\n")
            count = 0
            for count, each in enumerate(facts, 1):  # noqa: B007 - counted for the budget
                request.write(json.dumps(each).encode() + b"\n")
            request.seek(0)
            output, why = _evaluate(request, BUDGET_SECONDS + BUDGET_EACH * len(rules) * count)
    except OSError as error:
        raise Unfinished(f"it cannot be put to a process of its own: {error.strerror}") from error
    lines = output.split(b"\n")[:-1]
    yield from (json.loads(line) for line in lines)
    if len(lines) < len(rules) * count:
        raise Unfinished(why)


def _evaluate(request: IO[bytes], seconds: float) -> tuple[bytes, str]:
    """What the process has said in its time, and why it may be less than was asked for."""
    homes = sorted({str(Path(__file__).parents[2]), *_library_folders()})
    try:
        process = subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-I", "-c", _START, *homes],
            stdin=request,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return late.stdout or b"", f"it is not done after {seconds:.0f} s; make it ask for less"
    return process.stdout, "the process that evaluates it has ended before it was done; it may ask for too much memory"


def _library_folders() -> Iterator[str]:
    """Where the library lies, should an isolated interpreter not look there."""
    from importlib.util import find_spec  # noqa: PLC0415 - only where there are policies

    spec = find_spec("cel")
    if spec is not None and spec.origin is not None:
        yield str(Path(spec.origin).parents[1])


def serve() -> None:
    """Be that process: verdicts on what comes in, a line of JSON each, as they are found."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not everywhere

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    lines = sys.stdin.buffer
    for verdict in evaluate_rules(json.loads(lines.readline()), map(json.loads, lines)):
        os.write(1, json.dumps(verdict).encode() + b"\n")
