"""Instructions that each stage of a plan takes for a placement, counted by valgrind: the same on a busy machine.

`python bench/instructions.py` compares with `instructions.json`, what they were when somebody last looked, and ends
with 1 where a stage takes over 5 % more. `--write` writes that file anew: look at the difference before you commit it.
A count is of one Python on one kind of machine, with one set of libraries; elsewhere it is printed and not compared.
A stage runs twice and three times over the same account, and the difference is its own: starting, preparing and what
the first time fills for the others cancel out.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from stages import EACH, STAGES
from table import show

BENCH = Path(__file__).parent
KNOWN = BENCH / "instructions.json"
APPS = 10
TOLERATED = 1.05
LIBRARIES = ("pydantic", "pyyaml", "orjson", "deepdiff")


def counted(stage: str, times: int) -> int:
    """Instructions of a process that runs a stage so many times."""
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    called = [*valgrind, sys.executable, str(BENCH / "stages.py"), stage, str(APPS), str(times)]
    still = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(called, check=True, capture_output=True, text=True, env=still).stderr
    found = re.search(r"I\s+refs:\s+([\d,]+)", told)
    assert found is not None, told[-2000:]
    return int(found[1].replace(",", ""))


def of_a_placement(stage: str) -> int:
    """What one more run of the stage takes."""
    return (counted(stage, 3) - counted(stage, 2)) // (APPS * EACH)


def setting() -> dict[str, str]:
    """What a count depends on beside our own code."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: version(name) for name in LIBRARIES},
    }


def main() -> int:
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: nothing is counted")
        return 0
    known = json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.exists() else {}
    before = known.get("instructions", {}) if known.get("setting") == setting() else {}
    now = {stage: of_a_placement(stage) for stage in STAGES}
    rows = [
        (stage, f"{count:,}", f"{count / before[stage]:.3f}" if stage in before else "") for stage, count in now.items()
    ]
    show("stage", iter(rows), "instructions a placement", "of what they were")
    if "--write" in sys.argv[1:]:
        KNOWN.write_text(json.dumps({"setting": setting(), "instructions": now}, indent=2) + "\n", encoding="utf-8")
        return 0
    if not before:
        print("\nnot compared: another Python, machine or library than in instructions.json")
    return int(any(count > TOLERATED * before.get(stage, count) for stage, count in now.items()))


if __name__ == "__main__":
    sys.exit(main())
