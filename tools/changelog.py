"""The changelog from its fragments: `changelog.d/<words>.<kind>.md`, one entry each, become lines of CHANGELOG.md.

`python tools/changelog.py` puts all of them under [Unreleased], by kind, and removes the files. With a version behind,
[Unreleased] is named so, with today's date in UTC, and a new one begins above it. Requests that are open at the same
time do not meet in one file that way.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CHANGELOG, FRAGMENTS = ROOT / "CHANGELOG.md", ROOT / "changelog.d"
KINDS: Final = ("added", "changed", "deprecated", "removed", "fixed", "security")
"""Those of https://keepachangelog.com/en/1.1.0/, in its order."""
NAME: Final = re.compile(rf"[a-z0-9][a-z0-9-]*\.({'|'.join(KINDS)})\.md")
VERSION: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z.-]+)?")
UNRELEASED: Final = "## [Unreleased]"


def entries(folder: Path) -> dict[str, list[str]]:
    """The texts of all fragments by their kind, in the order of names; `ValueError` for a file that is none."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("[!.]*")):
        named = NAME.fullmatch(path.name)
        text = path.read_text(encoding="utf-8").strip()
        if path.name == "README.md":
            continue
        if named is None:
            raise ValueError(f"{path.name} is not called <words>.<kind>.md, with a kind of {', '.join(KINDS)}")
        if not text or text.startswith(("-", "#")):
            raise ValueError(f"{path.name} is to hold the sentences of one entry, without a dash or a heading")
        found.setdefault(named[1], []).append(text)
    return found


def with_entries(changelog: str, added: Mapping[str, Sequence[str]]) -> str:
    """The changelog with entries at the ends of the sections of their kinds under [Unreleased]."""
    before, unreleased, behind = _parts(changelog)
    sections: dict[str, str] = {}
    for section in re.split(r"^### ", unreleased, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        sections[heading.strip().lower()] = body.strip("\n")
    for kind, texts in added.items():
        lines = ["- " + text.replace("\n", "\n  ") for text in texts]
        sections[kind] = "\n".join(filter(None, [sections.get(kind, ""), *lines]))
    told = "".join(f"### {kind.capitalize()}\n\n{sections[kind]}\n\n" for kind in KINDS if kind in sections)
    return f"{before}{UNRELEASED}\n\n{told}{behind}"


def released(changelog: str, version: str, day: date) -> str:
    """The changelog with what was unreleased under a version."""
    if VERSION.fullmatch(version) is None:
        raise ValueError(f"{version} is no version of https://semver.org/spec/v2.0.0.html")
    if f"## [{version}]" in changelog:
        raise ValueError(f"{version} is in the changelog already")
    before, unreleased, behind = _parts(changelog)
    return f"{before}{UNRELEASED}\n\n## [{version}] - {day.isoformat()}\n{unreleased}{behind}"


def _parts(changelog: str) -> tuple[str, str, str]:
    """What stands before [Unreleased], under it, and from the next version on."""
    before, heading, rest = changelog.partition(f"{UNRELEASED}\n")
    if not heading:
        raise ValueError(f"the changelog has no {UNRELEASED}")
    at = rest.find("\n## [") + 1 or len(rest)
    return before, rest[:at], rest[at:]


def main(arguments: Sequence[str]) -> int:
    """Fold the fragments, and name the release if a version is given."""
    try:
        text = with_entries(CHANGELOG.read_text(encoding="utf-8"), entries(FRAGMENTS))
        for version in arguments:
            text = released(text, version, datetime.now(UTC).date())
    except ValueError as wrong:
        sys.stderr.write(f"error: {wrong}\n")
        return 1
    CHANGELOG.write_text(text, encoding="utf-8")
    for path in FRAGMENTS.glob("*.*.md"):
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
