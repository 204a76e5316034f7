"""What a run needs of `reconciler.yaml` once manifests are parsed, also as bytes. Loads neither YAML nor pydantic."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final

import orjson

from reconciler.model.desired import Policy, Prune, Safety
from reconciler.model.diagnostic import Finding

UNKNOWN_PUBLISHER: Final = "YOUR-PUBLISHER-ID"
"""What `init` writes where no publisher id is given."""


WHERE_PUBLISHERS_ARE: Final = (
    "the console shows it under User Profile, beside the Basic Reporting credentials; a sandbox's is 3432"
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
