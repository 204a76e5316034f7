import pytest

from reconciler.manifest.load import ManifestText, load_settings
from reconciler.model.state import Safety


def settings(text):
    return load_settings(ManifestText("reconciler.yaml", text.encode()))


def test_only_version_and_publisher_are_needed():
    found, findings = settings("version: 1\npublisherId: 3432\n")
    assert findings == ()
    assert found.sound
    assert (found.publisher_id, found.manifests, found.prune) == ("3432", ("apps/**/*.{yaml,yml}",), "report")
    assert found.safety == Safety()
    assert found.country_groups == {}


def test_limits_are_read_and_may_have_fractions():
    found, _ = settings("version: 1\npublisherId: a\nsafety: {maxDeletes: 3, maxFloor: 12.5, quarantineDays: 0.5}\n")
    assert found.safety == Safety(max_deletes=3, max_floor=12.5, quarantine_days=0.5)


@pytest.mark.parametrize("text", ["", "# x\n", "- a\n", "version: [\n", "\x00"])
def test_what_is_no_settings_gives_none_and_a_finding(text):
    found, findings = settings(text)
    assert found is None
    assert len(findings) == 1


@pytest.mark.parametrize(
    "limit",
    [
        "maxDeletes: -1",
        "maxDeletes: 1.5",
        "maxDeletes: true",
        "maxChangePercent: -0.1",
        "maxFloorChangePercent: .nan",
        "maxFloor: 0",
        "maxFloor: '50'",
        "settleSeconds: .inf",
        "quarantineDays: -1",
        "quarantineDays: null",
    ],
)
def test_limits_out_of_range_are_errors_at_their_value(limit):
    found, findings = settings(f"version: 1\npublisherId: a\nsafety: {{{limit}}}\n")
    assert not found.sound
    assert [(finding.line, finding.severity) for finding in findings] == [(3, "error")]


@pytest.mark.parametrize(
    "field", ["name: a", "placementType: MREC", "placementId: 1", "renamedFrom: a", "state: absent"]
)
def test_defaults_hold_nothing_of_identity(field):
    _, findings = settings(f"version: 1\npublisherId: a\ndefaults: {{placements: {{{field}}}}}\n")
    assert [finding.code for finding in findings] == ["unknown-field"]


def test_patterns_that_leave_the_project_are_refused_and_not_kept():
    found, findings = settings(
        "version: 1\npublisherId: a\nmanifests: [/etc/*.yaml, a/../../b, 'C:/x', 'a\\b', ok/*.yaml]\n"
    )
    assert found.manifests == ("ok/*.yaml",)
    assert [finding.code for finding in findings] == ["bad-value"] * 4
