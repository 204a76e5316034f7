"""Reports of 10,000 changes: what they take of CPU beyond the plan itself, and as a saved plan shown.

`python bench/pages.py` prints a table. The account has 500 apps in which every floor has moved.
"""

import shutil
from collections.abc import Iterator
from functools import partial

from children import RECONCILER, WORK, Ran, keys, ran, server
from generate import app, project
from table import ratio, seconds, show

FOLDER = WORK / "pages"
APPS, EACH = 500, 20
SAVED = "saved.plan.json"
RUNS = 3
AIM = 2.0
HEADINGS = ("wall s", "CPU s", "of reading it", "kB")


def shown(output_format: str) -> Ran:
    """The saved plan in a format."""
    called = [*RECONCILER, "show", SAVED, "--format", output_format]
    return min((ran(called, FOLDER) for _ in range(RUNS)), key=lambda ran: ran.cpu)


def rows() -> Iterator[tuple[str, ...]]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    project(FOLDER, (app(number, EACH) for number in range(APPS)))
    with server(APPS, EACH, 0, "moved") as url:
        plan = partial(ran, folder=FOLDER, environment=keys(url), code=2)
        ran([*RECONCILER, "validate"], FOLDER)
        called = [*RECONCILER, "plan", "--detailed-exitcode"]
        made = plan([*called, "--out", SAVED])
        yield "`plan --out`", seconds(made.wall), seconds(made.cpu), "", f"{(FOLDER / SAVED).stat().st_size / 1024:.0f}"
        for name in ("text", "markdown", "html"):
            took = min((plan([*called, "--format", name]) for _ in range(RUNS)), key=lambda ran: ran.cpu)
            yield f"`plan --format {name}`", seconds(took.wall), seconds(took.cpu), "", size(took)
    floor = shown("json")
    for name, took in {"json": floor, **{name: shown(name) for name in ("markdown", "html")}}.items():
        yield f"`show --format {name}`", seconds(took.wall), seconds(took.cpu), ratio(took.cpu, floor.cpu), size(took)


def size(took: Ran) -> str:
    return f"{len(took.said.encode()) / 1024:.0f}"


def main() -> None:
    show(f"{APPS * EACH:,} changes (aim: {AIM:g} s)", rows(), *HEADINGS)


if __name__ == "__main__":
    main()
