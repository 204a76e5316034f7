"""EDGE. From where the running program was installed, and the lock that came with it.

Imported by `--version`, which is answered before anything else is loaded: nothing is imported here but on use.
"""

import os

from reconciler import __version__

TYPE_CHECKING = False  # typing itself would cost as much as all the rest
if TYPE_CHECKING:
    from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__))
"""The package's own folder."""

_AROUND = os.path.dirname(FOLDER)
_INFO = os.path.join(_AROUND, f"waterfall_reconciler-{__version__}.dist-info")


def origin() -> dict[str, str]:
    """From where the program came: `url`, and `commit` or `sha256` where it is known.

    By what the installer noted (`direct_url.json`, PEP 610), and what the build did (`built.json`, by hatch_build.py).
    Empty for a checkout that Python runs from, and for what came from a package index and says no more. Names and
    passwords of web addresses are left out.
    """
    noted, built = _read(os.path.join(_INFO, "direct_url.json")), _read(os.path.join(FOLDER, "built.json"))
    archive = _dict(noted.get("archive_info"))
    sha256 = _dict(archive.get("hashes")).get("sha256") or str(archive.get("hash", "")).removeprefix("sha256=")
    commit = _dict(noted.get("vcs_info")).get("commit_id", "")
    if not commit and not sha256 and built.get("commit"):
        noted, commit = {"url": built.get("url") or noted.get("url", "")}, built["commit"]
    told = {"url": without_password(str(noted.get("url", ""))), "commit": commit, "sha256": sha256}
    return {name: value for name, value in told.items() if value and isinstance(value, str)}


def _read(path: str) -> "dict[str, Any]":
    """A JSON object; empty where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return {}
    import json  # noqa: PLC0415 - see the module's docstring

    try:
        return _dict(json.loads(text))
    except ValueError:
        return {}


def _dict(value: object) -> "dict[str, Any]":
    return value if isinstance(value, dict) else {}


def without_password(url: str) -> str:
    """A URL without its user and password; the user of ssh, which is no secret, stays."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    user, at, host = host.rpartition("@")
    keep = f"{user.partition(':')[0]}{at}" if "ssh" in scheme else ""
    return f"{scheme}{separator}{keep}{host}{slash}{path}" if separator else url


def whence() -> str:
    """One line: the version, the folder it runs from, and how that came to be there."""
    return f"reconciler {__version__} from {FOLDER} ({_how()})"


def program() -> dict[str, str | None]:
    """The same as values: `version`, `folder`, and `url`, `commit` and `sha256`, each None where it is not known."""
    known = origin()
    told = {"version": __version__, "folder": FOLDER}
    return {**told, **{name: known.get(name) for name in ("url", "commit", "sha256")}}


def _how() -> str:
    match origin():
        case {"url": url, "commit": commit}:
            return f"commit {commit} of {url}"
        case {"commit": commit}:
            return f"commit {commit}"
        case {"url": url, "sha256": sha256}:
            return f"{url}, sha256 {sha256}"
        case {"url": url}:
            return f"installed from {url}"
        case _:
            return "installed from a package index" if os.path.isdir(_INFO) else "a checkout"


def lock_of(extra: str = "") -> str:
    """The path of the lock that came with the program, of what it needs with an extra; empty where there is none."""
    # What policies need is in all of them: a project's rules hold wherever it is applied.
    path = os.path.join(FOLDER, "requirements", f"run-{extra}.txt" if extra not in {"", "policies"} else "run.txt")
    return path if os.path.isfile(path) else ""


def how_to_add(extra: str) -> str:
    """The command that installs what an extra needs, in the versions and with the hashes of the lock."""
    lock = lock_of(extra)
    if not lock:
        return f"it is in the extra waterfall-reconciler[{extra}]: install the program with it, from its repository"
    import shlex  # noqa: PLC0415 - see the module's docstring
    import sys  # noqa: PLC0415

    call = shlex.join([sys.executable, "-m", "pip", "install", "--require-hashes", "-r", lock])
    return f"it is in the extra waterfall-reconciler[{extra}]: {call}"
