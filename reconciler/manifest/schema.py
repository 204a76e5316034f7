"""The JSON Schemas (draft-07) of both file formats, made from the models that validate them.

Editors of YAML read draft-07: so references stand alone (their siblings are ignored there) and definitions are under
`definitions`.
"""

import json
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from reconciler.manifest.models import ManifestDocument
from reconciler.manifest.schema_rules import Known, with_rules
from reconciler.manifest.settings_models import SettingsDocument

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


def schemas(known: Known | None = None) -> dict[str, dict[str, Any]]:
    """The schemas by the name of the file they are kept in: for any project, or for one whose settings are known."""
    formats = sorted(_FORMATS.items())
    return {file: with_rules(schema_of(model, title), known) for file, (model, title) in formats}


def schema_texts(known: Known | None = None) -> dict[str, str]:
    """The text of each schema file."""
    return {file: schema_text(schema) for file, schema in schemas(known).items()}


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schema_of(model: type[BaseModel], title: str) -> dict[str, Any]:
    """The schema of a document that is checked against, or told by, a model."""
    made = model.model_json_schema(schema_generator=_Generator, ref_template="#/definitions/{model}")
    definitions = {name: _for_draft_07(part) for name, part in made.pop("$defs", {}).items()}
    return {"$schema": _DRAFT, **_for_draft_07(made), "title": title, "definitions": definitions}


def _for_draft_07(node: Any) -> Any:
    if isinstance(node, list):
        return [_for_draft_07(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _for_draft_07(part) for key, part in node.items() if not (key == "title" and isinstance(part, str))}
    if "$ref" in kept and len(kept) > 1:
        return {"allOf": [{"$ref": kept.pop("$ref")}], **kept}
    return kept
