"""What `validate` finds beyond types and names, as far as a JSON Schema can say it.

A schema knows one file. What the project's settings say is known only where they are given: without them any name may
be that of a country group, and a default may complete any block. So no schema refuses what `validate` lets pass without
a word. Some of what `validate` warns of is refused, as a schema knows no warnings: categories that are not known,
reward addresses that cannot work, floors above the project's limit, and placements without coppa in apps with it.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from reconciler.manifest.layer import COUNTRIES
from reconciler.manifest.lint import categories
from reconciler.manifest.models import ManifestDocument
from reconciler.manifest.project_settings import CLOSED_FOLDERS
from reconciler.manifest.settings import Settings
from reconciler.manifest.settings_models import LONGEST_RULE, SettingsDocument
from reconciler.model.address import Kind
from reconciler.model.field import FIELDS, PLACEMENT_FIELDS, PLACEMENT_TYPES, PricesType, TextType
from reconciler.model.value import WORLDWIDE

Schema: TypeAlias = dict[str, Any]

_NULL: Final[Schema] = {"type": "null"}
_SET: Final[Schema] = {"not": _NULL}
_TARGETS: Final = ("geo", "connectivity")
_REWARD_URL: Final = r"^[hH][tT][tT][pP][sS]://[\s\S]*\{\{USER_ID\}\}"


@dataclass(frozen=True, slots=True)
class SchemaContext:
    """What a project's settings say: its groups, its highest floor in USD, and the fields that defaults declare."""

    groups: Collection[str]
    max_floor: float
    defaults: Collection[str]


def schema_context(settings: Settings) -> SchemaContext:
    """The part of the settings that a schema uses."""
    layers = [over for under in settings.defaults.values() for over in under]
    fields = frozenset(name for over in layers for name in (*over.fields, *over.broken))
    return SchemaContext(tuple(settings.country_groups), settings.safety.max_floor, fields)


def with_rules(schema: Schema, known: SchemaContext | None) -> Schema:
    """The schema of manifests or of settings with its rules, for one project, or for any where none is known."""
    result = deepcopy(schema)
    blocks: dict[str, Schema] = result["definitions"]
    for block in blocks.values():
        if "floorPrices" in block.get("properties", {}):
            _placement_fields(block["properties"], known)
    blocks["Geo"]["properties"]["countries"]["items"] = _ref("CountryOrGroup")
    line = blocks["CountryPrice"]["properties"]
    _also(line["country"], _ref("FloorCountry"))
    _bound(line["price"], known)
    if "AppBlock" in blocks:
        _manifest(blocks, known)
    else:
        _settings(result["properties"], blocks)
    groups: Schema = {"enum": sorted(known.groups)} if known else {"type": "string", "not": {"const": WORLDWIDE}}
    blocks["Country"] = {"enum": sorted(COUNTRIES)}
    blocks["CountryOrGroup"] = {"anyOf": [_ref("Country"), *([groups] if known is None or known.groups else [])]}
    blocks["FloorCountry"] = {"anyOf": [{"const": WORLDWIDE}, _ref("CountryOrGroup")]}
    return result


def _placement_fields(fields: Schema, known: SchemaContext | None) -> None:
    for name in PLACEMENT_FIELDS.keys() & fields.keys():
        match PLACEMENT_FIELDS[name].type:
            case PricesType():
                table, lines = fields[name]["oneOf"]
                table["propertyNames"] = _ref("FloorCountry")
                _bound(table["additionalProperties"], known)
                lines["uniqueItems"] = True
            case TextType(words) if words:
                _also(fields[name], {"anyOf": [{"enum": list(words)}, {"type": "string"}]})
            case _:
                pass
    _also(fields["lifecycle"], _paths("placement"))


def _bound(price: Schema, known: SchemaContext | None) -> None:
    if known is not None:
        price["maximum"] = known.max_floor


def _manifest(blocks: dict[str, Schema], known: SchemaContext | None) -> None:
    app, placement, waterfall = (blocks[name] for name in ("AppBlock", "PlacementBlock", "WaterfallBlock"))
    _also(app["properties"]["lifecycle"], _paths("app"))
    for kind, foreign in _foreign_fields():
        of_kind = _has(placementType={"const": kind})
        none = _may_have(**dict.fromkeys(foreign, False))
        _also(placement, _where(of_kind, none))
        _also(waterfall, _where(of_kind, {"allOf": [none, _may_have(tiers={"items": none})]}))
    if known is not None and "floorPrices" not in known.defaults:
        priced = {"anyOf": [_has(floorPrices={}), _has(state={"const": "absent"})]}
        _also(waterfall, {"anyOf": [_has(floorPrices={}), _may_have(tiers={"items": priced})]})
    _also(app, _unless_absent(*_of_platforms(), _may_have(rewardedAdUrl={"pattern": _REWARD_URL})))
    whole = known is not None and not set(known.defaults) & {"targetingEnabled", *_TARGETS}
    targeting = _each_placement(_targeting(whole=whole), _targeting(whole=False))
    inherited = _may_have(waterfalls={"items": {"allOf": list(_inherited_targeting(whole=whole))}})
    _also(app, _unless_absent(targeting, inherited, _where(_has(coppa={"const": True}), _for_children())))


def _settings(fields: Schema, blocks: dict[str, Schema]) -> None:
    groups = fields["countryGroups"]
    groups["propertyNames"] = {"not": {"enum": sorted((*COUNTRIES, WORLDWIDE))}}
    groups["additionalProperties"]["items"] = _ref("Country")
    _also(fields["manifests"]["items"], {"pattern": _below_the_project()})
    by_type = blocks["ByTypeBlock"]["properties"]
    for kind, foreign in _foreign_fields():
        _also(by_type[kind], _may_have(**dict.fromkeys(foreign, False)))
    _also(blocks["PlacementFields"]["properties"]["lifecycle"], _may_have(distinct={"const": False}))
    blocks["PolicyBlock"]["properties"]["rule"]["maxLength"] = LONGEST_RULE


def _below_the_project() -> str:
    """Patterns of manifests: relative, no backslash, no `..`, no folder that holds none, and `**` as a whole name."""
    closed = "|".join("".join(_either_case(letter) for letter in name) for name in sorted(CLOSED_FOLDERS))
    refused = ("/", ".:", r".*\\", r"(.*/)?\.\.(/|$)", r".*[^/]\*\*", r".*\*\*[^/]", r"([.]?/)*[.]?$")
    return "^" + "".join(f"(?!{each})" for each in (*refused, rf"(.*/)?({closed})[. ]*(/|$)"))


def _either_case(letter: str) -> str:
    return f"[{letter.upper()}{letter.lower()}]" if letter.isalpha() else f"[{letter}]"


def _foreign_fields() -> Iterator[tuple[str, Sequence[str]]]:
    """Each placement type, and the fields that placements of it do not have."""
    bound = {spec.name: spec.only_for for spec in PLACEMENT_FIELDS.values() if spec.only_for is not None}
    for kind in PLACEMENT_TYPES:
        yield kind, [name for name, only in bound.items() if only != kind]


def _of_platforms() -> Iterator[Schema]:
    for platform, names in sorted(categories().items()):
        known: Schema = {"enum": list(names)}
        yield _where(_has(platform={"const": platform}), _may_have(category1=known, category2=known))


def _targeting(*, whole: bool) -> list[Schema]:
    """What a block says of targeting must go together. Not `whole`: another block may add to it."""
    off, on = (_has(targetingEnabled={"const": state}) for state in (False, True))
    rules: list[Schema] = [
        _where(off, _may_have(**dict.fromkeys(_TARGETS, _NULL))),
        _where(on, {"not": _has(**dict.fromkeys(_TARGETS, _NULL))}),
    ]
    if whole:
        rules.append(_where(on, {"anyOf": [_has(**{target: _SET}) for target in _TARGETS]}))
        rules.extend(_where(_has(**{target: _SET}), on) for target in _TARGETS)
    return rules


def _inherited_targeting(*, whole: bool) -> Iterator[Schema]:
    """What a waterfall and each of its tiers say of targeting must go together: a tier's own word counts first.

    Not `whole`: where neither says whether it is on, or on what, a default may.
    """
    off, on = (_has(targetingEnabled={"const": state}) for state in (False, True))
    said: Schema = {"required": ["targetingEnabled"]}
    not_on = {"not": on} if whole else off
    for target in _TARGETS:
        targets, none = _has(**{target: _SET}), _has(**{target: _NULL})
        yield _where({"allOf": [targets, not_on]}, _each_tier({"anyOf": [on, none]}))
        yield _where(targets, _each_tier(_where(off, none)))
        yield _where(not_on, _each_tier(_where(targets, on)))
    for given in ((), *((target,) for target in _TARGETS), _TARGETS) if whole else ():
        lacking = [{"not": _has(**{target: _SET})} for target in _TARGETS if target not in given]
        exactly = {"allOf": [*(_has(**{target: _SET}) for target in given), *lacking]}
        taken = [{"not": {"required": [target]}} for target in given]
        some = {"anyOf": [*(_has(**{target: _SET}) for target in _TARGETS), *taken]}
        yield _where(exactly, _each_tier(_where(on, some)))
        yield _where({"allOf": [exactly, on]}, _each_tier({"anyOf": [some, said]}))


def _for_children() -> Schema:
    """No placement of an app that is directed to children says that it is not, be it in its waterfall's words."""
    strict: Schema = {"not": {"const": False}}
    own = [_may_have(coppa=strict)]
    lax = _where(_has(coppa={"const": False}), _each_tier(_has(coppa=strict)))
    return {"allOf": [_each_placement(own, own), _may_have(waterfalls={"items": lax})]}


def _each_tier(*rules: Schema) -> Schema:
    """Rules for every tier of a waterfall that is not a tombstone."""
    return _may_have(tiers={"items": _unless_absent(*rules)})


def _each_placement(single: Sequence[Schema], tier: Sequence[Schema]) -> Schema:
    """Rules for every block of a placement that is not a tombstone."""
    return _may_have(placements={"items": _unless_absent(*single)}, waterfalls={"items": _each_tier(*tier)})


def _paths(kind: Kind) -> Schema:
    """A lifecycle whose paths begin with fields of the kind."""
    names = list(FIELDS[kind])
    path: Schema = {"anyOf": [{"enum": names}, {"pattern": rf"^({'|'.join(names)})\."}]}
    return _may_have(ignoreChanges={"items": path}, acceptDrift={"items": _may_have(field=path)})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _may_have(**fields: Any) -> Schema:
    return {"properties": fields}


def _has(**fields: Any) -> Schema:
    return {"properties": fields, "required": list(fields)}


def _where(condition: Schema, rule: Schema) -> Schema:
    return {"if": condition, "then": rule}


def _unless_absent(*rules: Schema) -> Schema:
    return {"if": _has(state={"const": "absent"}), "else": {"allOf": list(rules)}}


def _also(node: Schema, rule: Schema) -> None:
    node["allOf"] = [*node.get("allOf", ()), rule]


_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_FORMATS: Final[dict[str, tuple[type[BaseModel], str]]] = {
    "manifest.schema.json": (ManifestDocument, "Manifest of apps and ad placements"),
    "reconciler.schema.json": (SettingsDocument, "Project settings (reconciler.yaml)"),
}


class _Generator(GenerateJsonSchema):
    def default_schema(self, schema: Any) -> dict[str, Any]:
        """Like the original, but a field that may be left out has no default: null would be another value."""
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def schemas(known: SchemaContext | None = None) -> dict[str, dict[str, Any]]:
    """The schemas by the name of the file they are kept in: for any project, or for one whose settings are known."""
    formats = sorted(_FORMATS.items())
    return {file: with_rules(schema_of(model, title), known) for file, (model, title) in formats}


def schema_texts(known: SchemaContext | None = None) -> dict[str, str]:
    """The text of each schema file."""
    return {file: schema_text(schema) for file, schema in schemas(known).items()}


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schema_of(model: type[BaseModel], title: str) -> dict[str, Any]:
    """The schema of a document whose shape is a model's."""
    schema = model.model_json_schema(schema_generator=_Generator, ref_template="#/definitions/{model}")
    definitions = {name: _for_draft_07(part) for name, part in schema.pop("$defs", {}).items()}
    return {"$schema": _DRAFT, **_for_draft_07(schema), "title": title, "definitions": definitions}


def _for_draft_07(node: Any) -> Any:
    if isinstance(node, list):
        return [_for_draft_07(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _for_draft_07(part) for key, part in node.items() if not (key == "title" and isinstance(part, str))}
    if "$ref" in kept and len(kept) > 1:
        return {"allOf": [{"$ref": kept.pop("$ref")}], **kept}
    return kept
