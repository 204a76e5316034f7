"""The published schemas, closed."""

import json
from typing import Any

import jsonschema

from reconciler.model.document_schema import published
from reconciler.report.documents import DOCUMENTS


def closed(node: Any) -> Any:
    """The schema with every object closed, so that a key nobody described is seen."""
    if isinstance(node, list):
        return [closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    shut = {"additionalProperties": False} if "properties" in node else {}
    return {**{key: closed(part) for key, part in node.items()}, **shut}


def strict(name: str) -> jsonschema.Draft7Validator:
    """Says whether a document has all keys of `name.schema.json` and no others."""
    return jsonschema.Draft7Validator(closed(published(DOCUMENTS)[f"{name}.schema.json"]))


def assert_as_published(document: Any, name: str) -> None:
    """A document, as JSON would carry it, is what its schema says."""
    strict(name).validate(json.loads(json.dumps(document, allow_nan=False)))
