"""All JSON documents that commands print, and their JSON Schemas (draft-07)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from reconciler.model.document import Document, JsonKey, Shape, hints_of, key_name, unwrapped
from reconciler.plan.document import PlanDocument
from reconciler.render.account import DriftDocument, ListDocument, PingDocument
from reconciler.render.floors_document import (
    BacktestDocument,
    FetchDocument,
    FloorsDocument,
    ImportDocument,
    WrittenDocument,
)
from reconciler.render.history import HistoryDocument
from reconciler.render.pull import PullDocument
from reconciler.render.resources import ResourcesDocument
from reconciler.render.result import FindingsDocument, FmtDocument, RehearsalDocument, ResultDocument
from reconciler.render.rows import RowsDocument

JsonSchema: TypeAlias = dict[str, Any]

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_PLAIN: Final[Mapping[Any, JsonSchema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
}
_EMPTY: Final[Mapping[Any, Any]] = {str: "", bool: False, dict: {}, list: []}


def document_schemas(documents: Iterable[type[Document]]) -> dict[str, JsonSchema]:
    """The JSON JsonSchema of each document, by the name of its file."""
    by_name = {each.format.partition(".")[2].partition("/")[0]: each for each in documents}
    return {f"{name}.schema.json": _schema_of(each) for name, each in sorted(by_name.items())}


def _schema_of(document: type[Document]) -> JsonSchema:
    definitions: dict[str, JsonSchema] = {}
    whole = _object_schema(document, definitions)
    parts = dict(sorted(definitions.items()))
    return {"$schema": _DRAFT, **whole, "title": document.title, "definitions": parts}


def _object_schema(shape: type[Shape], definitions: dict[str, JsonSchema]) -> JsonSchema:
    properties, hints = {}, hints_of(shape)
    described = {attribute: each for attribute, (each, _) in shape.__keys__.items() if each.about}
    for attribute, each in described.items():
        properties[key_name(attribute, each)] = _key_schema(hints[attribute], each, definitions)
    required = [key_name(attribute, each) for attribute, each in described.items() if not each.optional]
    return {"description": shape.__doc__, "properties": properties, "required": required, "type": "object"}


def _key_schema(hint: Any, each: JsonKey, definitions: dict[str, JsonSchema]) -> JsonSchema:
    schema = {**_type_schema(hint, definitions), "description": each.about}
    if "$ref" in schema:
        schema = {"allOf": [{"$ref": schema.pop("$ref")}], **schema}
    inner, _, nullable = unwrapped(hint)
    if each.optional and not nullable:
        schema["default"] = _EMPTY[get_origin(inner) or inner]
    return dict(sorted(schema.items()))


def _type_schema(hint: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
    inner, forms, nullable = unwrapped(hint)
    if isinstance(inner, type) and issubclass(inner, Shape):
        name = inner.__named__
        schema: JsonSchema = {"$ref": f"#/definitions/{name}"}
        if name not in definitions:
            definitions[name] = _object_schema(inner, definitions)
    elif get_origin(inner) is Literal:
        choices = list(get_args(inner))
        schema = {"enum": choices, "type": "string"} if len(choices) > 1 else {"const": choices[0], "type": "string"}
    elif get_origin(inner) is list:
        schema = {"items": _type_schema(get_args(inner)[0], definitions), "type": "array"}
    elif get_origin(inner) is dict:
        schema = {"additionalProperties": _type_schema(get_args(inner)[1], definitions) or True, "type": "object"}
    else:
        schema = dict(_PLAIN[inner])
    for each in forms:
        schema |= each.schema
    schema = dict(sorted(schema.items()))
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema


DOCUMENTS: Final[tuple[type[Document], ...]] = (
    BacktestDocument,
    DriftDocument,
    FetchDocument,
    FindingsDocument,
    FloorsDocument,
    FmtDocument,
    HistoryDocument,
    ImportDocument,
    ListDocument,
    PingDocument,
    PlanDocument,
    PullDocument,
    RehearsalDocument,
    ResourcesDocument,
    ResultDocument,
    RowsDocument,
    WrittenDocument,
)
