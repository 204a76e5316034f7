"""The published schemas of JSON documents, held strictly."""

from typing import Any

import jsonschema

from reconciler.report.schemas.published import document_schemas


def closed(node: Any) -> Any:
    """The schema with every object closed, so that a key nobody described is seen."""
    if isinstance(node, list):
        return [closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    shut = {"additionalProperties": False} if "properties" in node else {}
    return {**{key: closed(part) for key, part in node.items()}, **shut}


def strict(name: str) -> jsonschema.Draft7Validator:
    """A validator of a document by the first part of its schema's file name."""
    return jsonschema.Draft7Validator(closed(document_schemas()[f"{name}.schema.json"]))
