"""The way in of the command `reconciler`: it starts this program's package `reconciler`, and no other of that name.

Another distribution has a package of the same name (docs/adr/0008). Its code must not run with an account's
credentials, so this module has a name of its own and looks before it imports: at which `reconciler` Python would
import, and at whether the files in its folder are those that were installed. What it needs is loaded already.
"""

import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = os.path.join(_FOLDER, "reconciler")
_HINT = (
    "another distribution has a package of the name reconciler, too: install this program into an environment of its "
    "own (python3 -m venv), with nothing else in it, and call it without PYTHONPATH"
)


def main() -> None:
    """Run the command line; exit code 1 where `reconciler` is not, or not only, this program's package."""
    wrong = neighbour()
    if wrong:
        if sys.stderr is not None:
            sys.stderr.write(f"error: {wrong}{_owners()}\nhint: {_HINT}\n")
        sys.exit(1)
    from reconciler.cli.front import main as run_and_exit  # noqa: PLC0415 - after the look at what that would import

    run_and_exit()


def neighbour() -> str:
    """What is wrong with the package that Python would import, in words for its user; empty where it is ours alone."""
    elsewhere = [place for place in _places() if os.path.realpath(place) != os.path.realpath(_PACKAGE)]
    if elsewhere:
        return f"the package reconciler that Python finds is {', '.join(elsewhere)}; this program's is {_PACKAGE}"
    strange = sorted(_strange())
    return f"files in {_PACKAGE} are not those of this program: {', '.join(strange)}" if strange else ""


def _places() -> list[str]:
    """The folders, or the file, of the package `reconciler`: as imported already, else as an import would find it."""
    loaded = sys.modules.get("reconciler")
    if loaded is not None:
        return list(getattr(loaded, "__path__", None) or [str(getattr(loaded, "__file__", "of unknown origin"))])
    for finder in sys.meta_path:
        look = getattr(finder, "find_spec", None)
        found = look("reconciler", None) if look is not None else None
        if found is not None:
            return list(found.submodule_search_locations or [str(found.origin)])
    return ["nowhere"]


def _strange() -> list[str]:
    """Names at the top of the package's folder that were not installed with it, or are not as they were, or missing.

    Only where pip or another installer left its record: the files of a checkout are whatever its owner made.
    """
    try:
        [info] = [
            each for each in os.listdir(_FOLDER) if each.startswith("waterfall_reconciler-") and each[-5:] == "-info"
        ]
        with open(os.path.join(_FOLDER, info, "RECORD"), encoding="utf-8") as file:
            record = "\n" + file.read()
        there = {each.name: each for each in os.scandir(_PACKAGE)}
    except (OSError, ValueError):
        return []
    strange = [] if "__init__.py" in there else ["__init__.py (missing)"]
    for name, each in there.items():
        if each.is_dir():
            if name[:1] not in "._" and f"\nreconciler/{name}/" not in record:
                strange.append(f"{name}/")
        elif name.endswith((".py", ".so", ".pyd")):
            _, known, rest = record.partition(f"\nreconciler/{name},")
            size = rest.partition("\n")[0].rpartition(",")[2].strip()
            if not known:
                strange.append(name)
            elif size and int(size) != each.stat().st_size:
                strange.append(f"{name} (changed)")
    return strange


def _owners() -> str:
    """Which other installed distributions have such a package, as ` (reconciler 0.2.2)`; empty where none is known."""
    from importlib.metadata import distributions  # noqa: PLC0415 - read for an error only

    named = {
        f"{each.metadata['Name']} {each.version}"
        for each in distributions()
        if each.metadata["Name"] != "waterfall-reconciler"
        and any(path.parts[:1] == ("reconciler",) for path in each.files or ())
    }
    return f" ({', '.join(sorted(named))})" if named else ""
