"""What a run needs of `reconciler.yaml` once manifests are parsed, also as bytes; and the patterns of manifests' names.

Patterns have braces and never search some folders; unread files are warned of. Loads neither YAML nor pydantic.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from io import BytesIO
from typing import Final

import orjson

from reconciler.model.address import one_typo_apart
from reconciler.model.diagnostic import Finding
from reconciler.model.state import Policy, Prune, Safety

UNKNOWN_PUBLISHER: Final = "YOUR-PUBLISHER-ID"
"""What `init` writes where no publisher id is given."""


WHERE_PUBLISHERS_ARE: Final = (
    "`reconciler pull --app ID` finds it by the id of an app and writes it; the console shows it under User Profile, "
    "beside the Basic Reporting credentials; a sandbox's is 3432"
)


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The settings that a run needs once the manifests are parsed; the fields are those of `Settings`."""

    publisher_id: str
    manifests: tuple[str, ...]
    prune: Prune
    safety: Safety
    policies: tuple[Policy, ...]
    country_groups: Mapping[str, tuple[str, ...]]
    sound: bool


ProjectSettingsWithFindings = tuple[ProjectSettings, tuple[Finding, ...]]
"""Project settings with the findings on their text."""


def is_no_publisher(publisher_id: str) -> bool:
    """Whether an id is a placeholder: the one that `init` writes, or zeros. No request is made with it."""
    return publisher_id == UNKNOWN_PUBLISHER or not publisher_id.strip("0")


NO_PUBLISHER: Final = "publisherId is missing"


def lacks_publisher_alone(findings: Iterable[Finding]) -> bool:
    """Whether the one error of settings is that nothing says whose account it is."""
    errors = [each.message for each in findings if each.severity == "error"]
    return len(errors) == 1 and errors[0].startswith((NO_PUBLISHER, "publisherId is empty"))


def project_settings_to_bytes(settings: ProjectSettings, findings: tuple[Finding, ...]) -> bytes | None:
    """Both as JSON; None for settings that JSON cannot hold exactly."""
    row = (
        settings.publisher_id,
        settings.manifests,
        settings.prune,
        astuple(settings.safety),
        [astuple(policy) for policy in settings.policies],
        settings.country_groups,
        settings.sound,
    )
    try:
        data = orjson.dumps([row, [astuple(finding) for finding in findings]])
    except TypeError:
        return None
    return data if project_settings_from_bytes(data) == (settings, findings) else None


def project_settings_from_bytes(data: bytes) -> ProjectSettingsWithFindings | None:
    """The inverse; None for bytes that are none of `project_settings_to_bytes`."""
    try:
        (publisher_id, manifests, prune, safety, policies, groups, sound), findings = orjson.loads(data)
        settings = ProjectSettings(
            publisher_id,
            tuple(manifests),
            prune,
            Safety(*safety),
            tuple(Policy(*policy) for policy in policies),
            {name: tuple(members) for name, members in groups.items()},
            sound,
        )
        return settings, tuple(Finding(*finding) for finding in findings)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


MOST: Final = 100
"""The most patterns that one with braces may expand to."""
ENDINGS: Final = (".yaml", ".yml")
CLOSED_FOLDERS: Final = frozenset((".git", ".reconciler"))
"""Folders that hold no manifests: git's own, with its credentials, and the state that is not committed."""
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_APPS: Final = re.compile(rb"""^(["']?)apps\1[ \t]*:(?:\s|$)""", re.MULTILINE)
_APPS_IN_FLOW: Final = re.compile(rb"""[{,\s](["']?)apps\1\s*:""")
_BOM: Final = b"\xef\xbb\xbf"
_BEGINNINGS: Final = (".#", "._", "#", ".")
"""What editors put before the name of a file whose copy, lock or attributes they keep, and what hides it."""
_NAMED: Final = re.compile(r"(.+?\.ya?ml)(?![^\W_])", re.IGNORECASE)
_OTHER_ENDINGS: Final = frozenset({".json", ".txt"})
_NULLS: Final = frozenset({b"", b"~", b"null", b"Null", b"NULL", b"---", b"..."})


def is_closed(name: str) -> bool:
    """Whether a path is a closed folder or lies in one, by the rules of any file system."""
    return any(part.rstrip(". ").casefold() in CLOSED_FOLDERS for part in name.split("/"))


def plain_patterns(pattern: str) -> tuple[str, ...]:
    """A pattern with its braces written out, as in shells: `*.{yaml,yml}` stands for `*.yaml` and `*.yml`.

    Raises ValueError for one that stands for more than `MOST`.
    """
    waiting, plain = [pattern], []
    while waiting:
        first = waiting.pop()
        braces = next((each for each in _BRACES.finditer(first) if "," in each[1]), None)
        if braces is None:
            plain.append(first)
        else:
            parts = braces[1].split(",")
            waiting += [first[: braces.start()] + part + first[braces.end() :] for part in reversed(parts)]
        if len(waiting) + len(plain) > MOST:
            raise ValueError(f"stands for more than {MOST} patterns")
    return tuple(dict.fromkeys(plain))


def all_plain_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """All patterns with their braces written out; each must be one that `plain_patterns` accepts."""
    return tuple(plain for pattern in patterns for plain in plain_patterns(pattern))


def is_yaml(name: str) -> bool:
    """Whether a file name ends as YAML files do, in any case, and is not hidden by a leading dot."""
    return name.casefold().endswith(ENDINGS) and not name.startswith(".")


def looks_like_manifest(data: bytes) -> bool:
    """Whether a text has the key `apps` at its top level, found without parsing it as YAML."""
    text = data.removeprefix(_BOM)
    return (_APPS_IN_FLOW if text.lstrip().startswith(b"{") else _APPS).search(text) is not None


def intended_manifest_name(name: str) -> str | None:
    """The name of the manifest that a file's name is a variant of; None for YAML files and for names of other kinds.

    `a.yaml.bak`, `a.yaml~`, `.a.yaml` and `a.ymal` are variants of `a.yaml`, `a.json` is one, too.
    """
    if is_yaml(name):
        return None
    bare = name.removeprefix(next((each for each in _BEGINNINGS if name.startswith(each)), ""))
    named = _NAMED.match(bare)
    if named is not None:
        return named[1]
    stem, dot, ending = bare.rpartition(".")
    ending = f"{dot}{ending}".casefold()
    is_meant = ending in _OTHER_ENDINGS or any(one_typo_apart(ending, each) for each in ENDINGS)
    return f"{stem}{ENDINGS[0]}" if stem and is_meant else None


def without_ending(name: str) -> str:
    """The path of a manifest without its ending, in small letters: the same for `a.yaml` and `A.yml`."""
    folded = name.casefold()
    return next((folded.removesuffix(each) for each in ENDINGS if folded.endswith(each)), folded)


def is_empty_text(data: bytes) -> bool:
    """Whether a text has nothing but blanks, comments, nulls and document markers."""
    lines = BytesIO(data.removeprefix(_BOM))
    return all(line.partition(b"#")[0].strip() in _NULLS or line.startswith(b"%") for line in lines)


def unmatched_pattern(pattern: str, settings: str, text: bytes) -> Finding:
    """The warning of a pattern that no file matches; `text` holds the settings, for the line."""
    before = text.partition(pattern.encode("utf-8", "backslashreplace"))
    line = before[0].count(b"\n") + 1 if before[1] else 1
    return _warning(
        settings,
        line,
        "no-manifest",
        f"no file matches {pattern}: nothing is declared there",
        "look for a typo, for files of another extension, and whether the checkout is whole",
    )


def unread_manifest(file: str) -> Finding:
    """The warning of a file that looks like a manifest and that no pattern matches."""
    return _warning(
        file,
        1,
        "unread-manifest",
        "it looks like a manifest, and no pattern of `manifests` matches it: it is not read",
        "add a pattern or rename it; one that is none may lie outside, in a folder whose name begins with a dot",
    )


def misnamed_manifest(file: str, manifest: str) -> Finding:
    """The warning of a file that looks like a manifest and is named like a variant of one that does not exist."""
    return _warning(
        file,
        1,
        "unread-manifest",
        f"it looks like a manifest, and there is no {manifest}: by its name it is not read",
        f"rename it to {manifest}, or delete it",
    )


def empty_manifest(file: str) -> Finding:
    """The warning of a manifest without any content: most likely it was lost."""
    return _warning(
        file,
        1,
        "empty-manifest",
        "nothing is declared here: the file is empty, or all of it is a comment",
        "restore it or delete it; `version: 1` with `apps: []` says that it is empty on purpose",
    )


def empty_folder(folder: str) -> Finding:
    """The warning of an empty folder of manifests. Git keeps none: most likely a submodule is not checked out."""
    return _warning(
        folder,
        1,
        "empty-folder",
        "nothing is in this folder of manifests: is it a submodule that was not checked out?",
        "git submodule update --init, or remove the folder",
    )


def not_checked_out(file: str) -> Finding:
    """The warning of a possible manifest that git tracks and a sparse checkout leaves out."""
    return _warning(
        file,
        1,
        "not-checked-out",
        "this checkout is sparse, and leaves the file out: it is not read",
        "git sparse-checkout add its folder, or git sparse-checkout disable",
    )


def _warning(file: str, line: int, code: str, message: str, hint: str) -> Finding:
    return Finding(file, line, 1, code, message, "warning", hint=hint)
