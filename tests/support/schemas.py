"""The published schemas, closed."""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import jsonschema

from reconciler.manifest.schema import schemas
from reconciler.render.published import DOCUMENTS, document_schemas


@cache
def of_files() -> Mapping[str, Any]:
    """The schemas of what people write, made once: to be read only."""
    return schemas()


@cache
def of_documents() -> Mapping[str, Any]:
    """The schemas of what commands print, likewise."""
    return document_schemas(DOCUMENTS)


def closed(node: Any) -> Any:
    """The schema with every object closed, so that a key nobody described is seen."""
    if isinstance(node, list):
        return [closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    shut = {"additionalProperties": False} if "properties" in node else {}
    return {**{key: closed(part) for key, part in node.items()}, **shut}


def doubles(node: Any) -> Any:
    """What other readers of YAML make of a tree: exact numbers as doubles."""
    match node:
        case dict():
            return {key: doubles(part) for key, part in node.items()}
        case list():
            return [doubles(part) for part in node]
        case Decimal():
            return float(node)
        case _:
            return node


@cache
def strict(name: str) -> jsonschema.Draft7Validator:
    """Says whether a document has all keys of `name.schema.json` and no others."""
    return jsonschema.Draft7Validator(closed(of_documents()[f"{name}.schema.json"]))


def assert_as_published(document: Any, name: str) -> None:
    """A document, as JSON would carry it, is what its schema says."""
    strict(name).validate(json.loads(json.dumps(document, allow_nan=False)))
