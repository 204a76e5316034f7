"""Fragments of the changelog are ones, and what becomes of them loses nothing that stood there."""

import importlib.util
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("changelog", ROOT / "tools" / "changelog.py")
changelog = importlib.util.module_from_spec(spec)
spec.loader.exec_module(changelog)

TEXT = """# Changelog

Its form.

## [Unreleased]

### Added

- One.
  And more of it.

### Fixed

- Two.

## [0.1.0]

### Added

- Three.
"""


def test_the_fragments_that_there_are_can_be_folded_into_the_changelog():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    added = changelog.entries(ROOT / "changelog.d")
    assert len(changelog.with_entries(text, added).splitlines()) >= len(text.splitlines())


def test_without_fragments_nothing_changes():
    for text in (TEXT, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")):
        assert changelog.with_entries(text, {}) == text


def test_an_entry_stands_last_under_its_kind_and_a_new_kind_in_its_place():
    text = changelog.with_entries(TEXT, {"fixed": ["Four.\nAnd more."], "changed": ["Five."]})
    assert text == TEXT.replace("- Two.\n", "- Two.\n- Four.\n  And more.\n").replace(
        "### Fixed", "### Changed\n\n- Five.\n\n### Fixed", 1
    )


def test_a_release_takes_all_that_was_unreleased():
    text = changelog.released(TEXT, "0.2.0", date(2026, 12, 1))
    assert text == TEXT.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n")
    assert changelog.with_entries(text, {"added": ["New."]}).index("- New.") < text.index("## [0.2.0]") + 30


@pytest.mark.parametrize("version", ["0.1.0", "1", "v1.0.0", "01.0.0", "1.0", ""])
def test_what_is_no_new_version_is_refused(version):
    with pytest.raises(ValueError, match=r"version|already"):
        changelog.released(TEXT, version, date(2026, 12, 1))


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.md", "T."), ("x.nonsense.md", "T."), ("X.added.md", "T."), ("x.added.txt", "T."), ("x.added.md", " \n"),
     ("x.added.md", "- T."), ("x.added.md", "# T")],
)  # fmt: skip
def test_what_is_no_fragment_is_told_by_its_name(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=name):
        changelog.entries(tmp_path)


def test_a_changelog_without_a_place_for_entries_is_refused():
    with pytest.raises(ValueError, match="Unreleased"):
        changelog.with_entries("# Changelog\n", {"added": ["One."]})
