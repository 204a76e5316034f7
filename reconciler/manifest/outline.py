"""What the settings say of the project as a whole: all that is needed of them once the manifests are read."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final

import orjson

from reconciler.model.desired import Policy, Prune, Safety
from reconciler.model.diagnostic import Finding


@dataclass(frozen=True, slots=True)
class Outline:
    """Named as in `Settings`, which has it."""

    publisher_id: str
    manifests: tuple[str, ...]
    prune: Prune
    safety: Safety
    policies: tuple[Policy, ...]
    country_groups: Mapping[str, tuple[str, ...]]
    sound: bool


UNKNOWN_PUBLISHER: Final = "YOUR-PUBLISHER-ID"
"""What `init` writes where it is not told the publisher."""
WHERE_PUBLISHERS_ARE: Final = (
    "the console shows it under User Profile, beside the Basic Reporting credentials; a sandbox's is 3432"
)


def is_no_publisher(publisher_id: str) -> bool:
    """Whether an id is none: what `init` leaves to be filled in, or nought. No account is asked with it."""
    return publisher_id == UNKNOWN_PUBLISHER or not publisher_id.strip("0")


Outlined = tuple[Outline, tuple[Finding, ...]]
"""An outline with the findings on the settings' text."""


def outline_to_bytes(outline: Outline, findings: tuple[Finding, ...]) -> bytes | None:
    """Both as bytes, which are JSON; None for settings that JSON cannot tell exactly."""
    row = (
        outline.publisher_id,
        outline.manifests,
        outline.prune,
        astuple(outline.safety),
        [astuple(policy) for policy in outline.policies],
        outline.country_groups,
        outline.sound,
    )
    try:
        data = orjson.dumps([row, [astuple(finding) for finding in findings]])
    except TypeError:
        return None
    return data if outline_from_bytes(data) == (outline, findings) else None


def outline_from_bytes(data: bytes) -> Outlined | None:
    """The inverse; None for bytes that are none of `outline_to_bytes`."""
    try:
        (publisher_id, manifests, prune, safety, policies, groups, sound), findings = orjson.loads(data)
        outline = Outline(
            publisher_id,
            tuple(manifests),
            prune,
            Safety(*safety),
            tuple(Policy(*policy) for policy in policies),
            {name: tuple(members) for name, members in groups.items()},
            sound,
        )
        return outline, tuple(Finding(*finding) for finding in findings)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
