"""Tell in Markdown which stages of a plan take more instructions than they did, for a comment on a pull request.

`python bench/grown.py [--even] BEFORE AFTER` compares two files that `instructions.py --write` wrote on one machine. It
prints nothing where no stage takes 3 % more, unless `--even` asks for it. Both files may come from anybody: numbers and
plain names are taken out of them, and anything else is refused.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = "<!-- reconciler:instructions -->"
"""The first line of the comment, by which the next run finds it."""
TELLS_FROM = 1.03
LARGEST_FILE = 65_536
MOST_STAGES = 64
LARGEST_COUNT = 10**15
NAME = re.compile(r"[A-Za-z][A-Za-z0-9 ,_-]{0,63}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")


class UnfitCountError(Exception):
    """A file that holds no counts."""


@dataclass(frozen=True)
class Counted:
    """Instructions a placement by stage, and what they depend on beside our code."""

    stages: Mapping[str, int]
    setting: Mapping[str, str]


def read(path: Path) -> Counted:
    """The counts in a file. Raises `UnfitCountError`."""
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    try:
        raw = json.loads(data) if len(data) <= LARGEST_FILE else None
    except (ValueError, RecursionError):
        raw = None
    found = raw if isinstance(raw, dict) else {}
    stages, setting = found.get("instructions"), found.get("setting")
    if not isinstance(stages, dict) or not isinstance(setting, dict) or not 0 < len(stages) <= MOST_STAGES:
        raise UnfitCountError("it holds no counts of stages")
    if not all(NAME.fullmatch(name) and _is_count(count) for name, count in stages.items()):
        raise UnfitCountError("it holds a stage or a count that is none")
    if not all(NAME.fullmatch(name) and _is_version(version) for name, version in setting.items()):
        raise UnfitCountError("it holds a version that is none")
    return Counted(stages, setting)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 < value < LARGEST_COUNT


def _is_version(value: object) -> bool:
    return isinstance(value, str) and VERSION.fullmatch(value) is not None


def has_grown(before: Counted, after: Counted) -> bool:
    """Whether a stage that was there takes 3 % more."""
    return any(
        after.stages[name] >= TELLS_FROM * count for name, count in before.stages.items() if name in after.stages
    )


def markdown(before: Counted, after: Counted) -> str:
    """The comment: every stage, those that have grown in bold."""
    grown = has_grown(before, after)
    told = "Stages of a plan take more instructions than on main." if grown else "No stage of a plan takes 3 % more."
    lines = [MARK, told, "", "| instructions a placement | main | here | of main |", "|---|---|---|---|"]
    lines += [_row(name, before.stages.get(name), after.stages.get(name)) for name in {**before.stages, **after.stages}]
    names = sorted({**before.setting, **after.setting})
    others = [
        f"{name} {before.setting.get(name, 'none')} on main, {after.setting.get(name, 'none')} here"
        for name in names
        if before.setting.get(name) != after.setting.get(name)
    ]
    lines += ["", f"Counted with other versions: {'; '.join(others)}."] if others else []
    return "\n".join([*lines, "", "Both were counted by valgrind in one job. `make instructions` does it here.", ""])


def _row(name: str, before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return f"| {name} | {_count(before)} | {_count(after)} | |"
    ratio = f"{after / before:.3f}"
    return f"| {name} | {before:,} | {after:,} | {f'**{ratio}**' if after >= TELLS_FROM * before else ratio} |"


def _count(count: int | None) -> str:
    return "not there" if count is None else f"{count:,}"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("before", type=Path)
    asked.add_argument("after", type=Path)
    asked.add_argument("--even", action="store_true", help="where nothing has grown, too")
    given = asked.parse_args()
    try:
        before, after = read(given.before), read(given.after)
    except (OSError, UnfitCountError) as why:
        print(f"nothing is compared: {why}", file=sys.stderr)
        return 1
    if given.even or has_grown(before, after):
        print(markdown(before, after), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
