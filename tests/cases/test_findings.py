"""Each folder of `findings/` is a project; its findings.txt is what `validate` must say about it, line by line.

REWRITE_GOLDENS=1 writes the files anew; read the difference before you commit it.
"""

import os
from pathlib import Path

import pytest

from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.model.diagnostic import finding_order

CASES = Path(__file__).parent / "findings"
DEFAULT_SETTINGS = b'version: 1\npublisherId: "3432"\n'


def texts(folder: Path) -> list[ManifestText]:
    files = sorted(folder.rglob("*.yaml"))
    return [ManifestText(file.relative_to(folder).as_posix(), file.read_bytes()) for file in files]


def findings_of(folder: Path) -> str:
    by_file = {text.file: text for text in texts(folder)}
    settings_text = by_file.pop("reconciler.yaml", ManifestText("reconciler.yaml", DEFAULT_SETTINGS))
    settings, findings = load_settings(settings_text)
    if settings is not None:
        loaded = load_desired(settings, settings_text, list(by_file.values()))
        findings = (*findings, *loaded.findings)
        assert (loaded.state is None) == any(finding.severity == "error" for finding in findings)
    return "".join(f"{finding}\n" for finding in sorted(findings, key=finding_order))


@pytest.mark.parametrize("folder", sorted(CASES.iterdir()), ids=lambda folder: folder.name)
def test_the_findings_are_those_written_down(folder):
    found, golden = findings_of(folder), folder / "findings.txt"
    if os.environ.get("REWRITE_GOLDENS"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")
    assert all(line.isprintable() for line in found.split("\n"))
