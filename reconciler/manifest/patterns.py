"""Patterns of manifests: braces written out, and which files look like manifests although no pattern matches them."""

import re
from collections.abc import Iterable
from typing import Final

from reconciler.model.diagnostic import Finding

MOST: Final = 100
"""Patterns that one with braces may stand for: nobody means more."""

ENDINGS: Final = (".yaml", ".yml")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_APPS: Final = re.compile(rb"""^(["']?)apps\1[ \t]*:(?:\s|$)""", re.MULTILINE)
_APPS_IN_FLOW: Final = re.compile(rb"""[{,\s](["']?)apps\1\s*:""")
_PUT_ASIDE: Final = re.compile(r"\.ya?ml[^a-z0-9]", re.IGNORECASE)
_BOM: Final = b"\xef\xbb\xbf"


def plain_patterns(pattern: str) -> tuple[str, ...]:
    """A pattern with its braces written out, as in shells: `*.{yaml,yml}` stands for `*.yaml` and `*.yml`.

    Raises ValueError for one that stands for more than `MOST`.
    """
    waiting, plain = [pattern], []
    while waiting:
        first = waiting.pop()
        found = next((each for each in _BRACES.finditer(first) if "," in each[1]), None)
        if found is None:
            plain.append(first)
        else:
            parts = found[1].split(",")
            waiting += [first[: found.start()] + part + first[found.end() :] for part in reversed(parts)]
        if len(waiting) + len(plain) > MOST:
            raise ValueError(f"stands for more than {MOST} patterns")
    return tuple(dict.fromkeys(plain))


def all_plain(patterns: Iterable[str]) -> tuple[str, ...]:
    """The same for several patterns, each of which is sound."""
    return tuple(plain for pattern in patterns for plain in plain_patterns(pattern))


def is_yaml(name: str) -> bool:
    """Whether a file is called as one of YAML, in capitals or not, and is no hidden one, as editors leave them."""
    return name.casefold().endswith(ENDINGS) and not name.startswith(".")


def is_put_aside(name: str) -> bool:
    """Whether a file may be one of YAML that was given another ending: as `b.yaml.bak` or `b.yml~`."""
    return not name.startswith(".") and not is_yaml(name) and _PUT_ASIDE.search(name) is not None


def stem(name: str) -> str:
    """The name of a file, or its path, up to the first dot of the name: what stays when it gets another ending."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


def looks_like_manifest(data: bytes) -> bool:
    """Whether a text has the key `apps` at its top level, as far as can be told without reading it as YAML."""
    text = data.removeprefix(_BOM)
    return (_APPS_IN_FLOW if text.lstrip().startswith(b"{") else _APPS).search(text) is not None


def no_match(pattern: str, settings: str, text: bytes) -> Finding:
    """A pattern that no file matches; `text` is that of the settings, for the line."""
    before = text.partition(pattern.encode("utf-8", "backslashreplace"))
    line = before[0].count(b"\n") + 1 if before[1] else 1
    return _doubt(
        settings,
        line,
        "no-manifest",
        f"no file matches {pattern}: nothing is declared there",
        "look for a typo, for files of another extension, and whether the checkout is whole",
    )


def not_read(file: str) -> Finding:
    """A file that looks like a manifest and is not read."""
    return _doubt(
        file,
        1,
        "unread-manifest",
        "it looks like a manifest, and no pattern of `manifests` matches it: it is not read",
        "add a pattern or rename it; one that is none may lie in a folder whose name begins with a dot",
    )


def empty_folder(folder: str) -> Finding:
    """A folder of manifests with nothing in it. Git keeps none: most likely a submodule that was not checked out."""
    return _doubt(
        folder,
        1,
        "empty-folder",
        "nothing is in this folder of manifests: is it a submodule that was not checked out?",
        "git submodule update --init, or remove the folder",
    )


def not_checked_out(file: str) -> Finding:
    """A file that may be a manifest, which git has and a sparse checkout has left out."""
    return _doubt(
        file,
        1,
        "not-checked-out",
        "this checkout is sparse, and leaves the file out: it is not read",
        "git sparse-checkout add its folder, or git sparse-checkout disable",
    )


def _doubt(file: str, line: int, code: str, message: str, hint: str) -> Finding:
    return Finding(file, line, 1, code, message, "warning", hint=hint)
