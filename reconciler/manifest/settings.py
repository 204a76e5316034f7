"""`reconciler.yaml` -> `Settings`, with findings; and the part of it that a run needs, `ProjectSettings`, as bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Final, Literal

from reconciler.manifest.decode import decode
from reconciler.manifest.layer import (
    COUNTRIES,
    FieldOverlay,
    Groups,
    ParseContext,
    country_list,
    field_overlay,
    fits_type,
    report_type_bound,
)
from reconciler.manifest.models import PlacementFields
from reconciler.manifest.parsed_manifest import FindingCollector, Reporter
from reconciler.manifest.project_settings import (
    WHERE_PUBLISHERS_ARE,
    ProjectSettings,
    is_closed,
    is_no_publisher,
    plain_patterns,
)
from reconciler.manifest.settings_models import DefaultsBlock, ReportsBlock, SettingsDocument, read_policies
from reconciler.model.address import fold
from reconciler.model.diagnostic import Finding
from reconciler.model.field import PLACEMENT_TYPES
from reconciler.model.state import Policy, Prune, Safety
from reconciler.model.value import WORLDWIDE
from reconciler.yaml.node import Map, Seq, YamlDocument, place_at
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import ManifestText, Place, quoted

_BEGINNING: Final = "begin with version: 1 and publisherId"


@dataclass(frozen=True, slots=True)
class Reports:
    """How reports are fetched and read. `columns` are a project's own names of columns; no hosts: the usual ones."""

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    people: Literal["drop", "hash"] = "drop"
    hosts: tuple[str, ...] = ()
    wait_seconds: float = 3600.0
    chartboost_apps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """A project's settings.

    `defaults` holds, by placement type, the layers under every placement of it, the most general first; the type None
    stands for tombstones that do not say theirs. `sound` is False where the text had errors: such settings serve to
    find what else is wrong, and `load_desired` makes no state from them.
    """

    publisher_id: str
    manifests: tuple[str, ...]
    defaults: Mapping[str | None, tuple[FieldOverlay, ...]]
    country_groups: Groups
    prune: Prune
    safety: Safety
    policies: tuple[Policy, ...] = ()
    reports: Reports = Reports()
    sound: bool = True
    parse_context: ParseContext = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parse_context", _parse_context(self.country_groups, self.safety))

    @property
    def project_settings(self) -> ProjectSettings:
        """The part that is needed once the manifests are parsed."""
        return ProjectSettings(
            self.publisher_id,
            self.manifests,
            self.prune,
            self.safety,
            self.policies,
            self.country_groups,
            self.sound,
        )


def load_settings(text: ManifestText) -> tuple[Settings | None, tuple[Finding, ...]]:
    """The settings, and all findings by place. None where nothing could be read; see also `Settings.sound`."""
    collector = FindingCollector()
    reporter = Reporter(collector, text.file)
    document = _only_document(text, reporter)
    decoded = decode(SettingsDocument, document, reporter) if document is not None else None
    settings = _settings(*decoded, reporter) if decoded is not None else None
    return settings, collector.findings()


def _only_document(text: ManifestText, reporter: Reporter) -> YamlDocument | None:
    parsed = parse(text)
    reporter.collector.add((*parsed.findings, *parsed.warnings))
    if len(parsed.documents) > 1:
        reporter.error(parsed.documents[1].place, "bad-value", "settings are one document; this is another")
    if not parsed.documents and not parsed.findings:
        reporter.error(Place(1, 1), "missing-field", "the settings are empty", _BEGINNING)
    return parsed.documents[0] if parsed.documents else None


def _settings(block: SettingsDocument, raw: Map, reporter: Reporter) -> Settings:
    groups = _groups(block, raw, reporter)
    limits = block.safety
    safety = Safety(
        limits.max_deletes,
        limits.max_change_percent,
        limits.max_floor_change_percent,
        limits.max_floor,
        limits.settle_seconds,
        limits.quarantine_days,
        limits.on_drift,
    )
    _check_publisher(block.publisher_id, raw, reporter)
    context = _parse_context(groups, safety)
    defaults = _defaults(block.defaults, raw["defaults"], context, reporter) if "defaults" in raw else {}
    return Settings(
        publisher_id=block.publisher_id,
        manifests=_patterns(block, raw, reporter),
        defaults=defaults,
        country_groups=groups,
        prune=block.prune,
        safety=safety,
        policies=read_policies(block.policies, raw, reporter),
        reports=_reports(block.reports),
        sound=not reporter.collector.has_errors,
    )


def _parse_context(groups: Groups, safety: Safety) -> ParseContext:
    return ParseContext(groups, Decimal(str(safety.max_floor)))


def _check_publisher(publisher_id: str, raw: Map, reporter: Reporter) -> None:
    """Warn of a publisher id that is a placeholder."""
    if is_no_publisher(publisher_id):
        message = f"publisherId {quoted(publisher_id)} is no publisher's: fill in yours"
        reporter.warning(place_at(raw, ("publisherId",)), "unknown-publisher", message, WHERE_PUBLISHERS_ARE)


def _reports(block: ReportsBlock) -> Reports:
    columns = {name: names for name, names in block.columns.__dict__.items() if names}
    return Reports(
        columns, block.people, tuple(block.hosts or ()), block.wait_minutes * 60, tuple(block.chartboost_apps or ())
    )


def _patterns(block: SettingsDocument, raw: Map, reporter: Reporter) -> tuple[str, ...]:
    """The patterns that stay below the project; the others are reported and left out."""
    kept = [pattern for pattern in block.manifests if _stays_below(pattern)]
    for at, pattern in enumerate(block.manifests):
        if not _stays_below(pattern):
            message = f"{quoted(pattern)} is no pattern below the project"
            hint = "write it relative, with forward slashes, as in apps/**/*.yaml"
            if pattern.startswith("!"):
                hint = "no pattern leaves files out: name those that are meant, or move the others"
            reporter.error(raw["manifests"].item_place(at), "bad-value", message, hint)
    return tuple(kept)


def _stays_below(pattern: str) -> bool:
    """Whether a pattern stays below the project, however its braces are written out."""
    try:
        return all(map(_is_below, plain_patterns(pattern)))
    except ValueError:
        return False


def _is_below(pattern: str) -> bool:
    parts = PurePosixPath(pattern).parts
    is_absolute = PurePosixPath(pattern).is_absolute() or pattern[1:2] == ":"  # a drive of Windows
    are_stars_whole = all(part == "**" or "**" not in part for part in parts)
    is_elsewhere = pattern[:1] == "!" or "\\" in pattern or is_absolute or ".." in parts or is_closed(pattern)
    return bool(parts) and are_stars_whole and not is_elsewhere


def _groups(block: SettingsDocument, raw: Map, reporter: Reporter) -> Groups:
    """The groups by name. An invalid group stays known, without countries, so that its uses are no further errors."""
    written = raw.get("countryGroups")
    if not isinstance(written, Map):
        return {}
    groups: dict[str, tuple[str, ...]] = dict.fromkeys(written.broken, ())
    first: dict[str, str] = {}
    for name, members in (block.country_groups or {}).items():
        if name in COUNTRIES or name == WORLDWIDE:
            message = f"the group {quoted(name)} has the name of a country"
            reporter.error(written.key_place(name), "bad-value", message, "give it another name")
        other = first.setdefault(fold(name), name)
        if other != name:
            message = f"the groups {quoted(other)} and {quoted(name)} look alike"
            reporter.warning(written.key_place(name), "look-alike", message, "give one of them another name")
        items: Seq = written[name]
        places = [items.item_place(at) for at in range(len(items))]
        groups[name] = country_list(members, places, {}, reporter)
    return groups


def _defaults(
    block: DefaultsBlock, raw: Map, context: ParseContext, reporter: Reporter
) -> Mapping[str | None, tuple[FieldOverlay, ...]]:
    general = [_default_overlay(block.placements, raw["placements"], context, reporter)] if "placements" in raw else []
    by_type = {}
    written = raw.get("byType", {})
    for attribute, part in type(block.by_type).model_fields.items() if written else ():
        if part.alias in written:
            fields: PlacementFields = getattr(block.by_type, attribute)
            by_type[str(part.alias)] = _default_overlay(fields, written[part.alias], context, reporter)
            report_type_bound(by_type[str(part.alias)], part.alias, reporter)
    return {
        kind: tuple(
            _only_fitting(overlay, kind) for overlay in (*general, by_type.get(str(kind))) if overlay is not None
        )
        for kind in (*PLACEMENT_TYPES, None)
    }


def _default_overlay(block: PlacementFields, raw: Map, context: ParseContext, reporter: Reporter) -> FieldOverlay:
    overlay = field_overlay(block, raw, context, reporter)
    if overlay.lifecycle is not None and overlay.lifecycle.distinct:
        place = place_at(raw, ("lifecycle", "distinct"))
        message = "distinct is said of one resource, and cannot be a default"
        reporter.error(place, "bad-value", message, "write it in the block that it is about")
    return overlay


def _only_fitting(overlay: FieldOverlay, kind: str | None) -> FieldOverlay:
    """The layer less the fields that placements of the type do not have."""
    fields = {name: value for name, value in overlay.fields.items() if fits_type(name, kind)}
    return FieldOverlay(overlay.file, overlay.raw, fields, overlay.broken, overlay.floor_lines, overlay.lifecycle)
