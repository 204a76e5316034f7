"""Faults and quirks from a YAML file, checked strictly: all that is wrong with it at once, each with its place."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from reconciler import disk
from reconciler.errors import ProjectError
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.quirks import Quirks
from reconciler.yaml.hints import did_you_mean
from reconciler.yaml.node import Map, Seq
from reconciler.yaml.parse import parse
from reconciler.yaml.text import ManifestText, Place

_HINT: Final = "docs/sandbox.md has the table of faults and quirks"
_SHAPES: Final = {
    "tuple_type": "should be a list",
    "dataclass_type": "should be a mapping",
    "model_type": "should be a mapping",
    "model_attributes_type": "should be a mapping",
}


@dataclass(frozen=True, slots=True)
class FaultFile:
    """What a faults file says. `chance` seeds the faults that strike by probability."""

    faults: tuple[Fault, ...] = ()
    quirks: Quirks = field(default_factory=Quirks)
    chance: int = 0


class _FileModel(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, allow_inf_nan=False)

    faults: tuple[Annotated[Fault, Field(discriminator="do")], ...] = ()
    quirks: Quirks = Field(default_factory=Quirks)
    chance: int = 0


def read_faults(path: Path) -> FaultFile:
    """The faults and quirks in a file; an empty file has none.

    Raises `ProjectError` for a file that cannot be read or is wrong; its message has a line for each finding, as
    `file:line:column: finding`.
    """
    try:
        data = disk.read_given(path)
    except OSError as wrong:
        raise ProjectError(f"{path}: cannot be read: {wrong.strerror}", hint="name a file with --faults") from wrong
    parsed = parse(ManifestText(str(path), data))
    _refuse(parsed.findings)
    if len(parsed.documents) > 1:
        place = parsed.documents[1].place
        _refuse([Finding(str(path), *place, "one-document", "a second document: a faults file has one")])
    content = parsed.documents[0].value if parsed.documents else {}
    _with_doubles(content)
    _name_null(content)
    try:
        told = _FileModel.model_validate(content)
    except ValidationError as wrong:
        _refuse([_finding(str(path), content, problem) for problem in wrong.errors(include_url=False)])
    return FaultFile(told.faults, told.quirks, told.chance)


def _with_doubles(node: Any) -> None:
    """Put doubles in the place of exact numbers: nothing here is money."""
    for key, value in list(node.items()) if isinstance(node, Map) else list(enumerate(node)):
        if isinstance(value, Decimal):
            node[key] = float(value)
        elif isinstance(value, Map | Seq):
            _with_doubles(value)


def _name_null(content: Any) -> None:
    """`do: null` names a fault, though YAML reads it as nothing."""
    faults = content.get("faults") if isinstance(content, Map) else None
    for fault in faults if isinstance(faults, Seq) else ():
        if isinstance(fault, Map) and "do" in fault and fault["do"] is None:
            fault["do"] = "null"


def _refuse(findings: Sequence[Finding]) -> None:
    if findings:
        lines = [str(finding) for finding in sorted(findings, key=finding_order)]
        raise ProjectError("\n".join(dict.fromkeys(lines)), hint=_HINT)


def _finding(file: str, content: Any, problem: ErrorDetails) -> Finding:
    place, path = _place(content, problem["loc"])
    name = str(path[-1]) if path and isinstance(path[-1], str) else ""
    hint = ""
    match problem["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            message, hint = f"there is no {name} here", did_you_mean(name, _names())
        case "missing":
            message = f"{problem['loc'][-1]} is missing"
        case "union_tag_not_found":
            message = "do is missing: it says what goes wrong"
        case "union_tag_invalid":
            told = problem["ctx"]
            known = told["expected_tags"].replace("'", "")
            message, hint = f"do: {told['tag']} is none of {known}", did_you_mean(told["tag"], known.split(", "))
        case "value_error":
            message = str(problem["ctx"]["error"])
        case wrong:
            said = _SHAPES.get(wrong, problem["msg"].removeprefix("Input "))
            message = f"{name}: {said}" if name else said
    return Finding(file, *place, "faults-file", message, hint=hint)


def _place(content: Any, loc: tuple[str | int, ...]) -> tuple[Place, list[str | int]]:
    """Where a problem stands and the path to it, as far as both are in the file."""
    place, node = Place(1, 1), content
    path: list[str | int] = []
    for step in _without_case(loc):
        if isinstance(node, Map) and step in node:
            place, node = node.key_place(str(step)), node[str(step)]
        elif isinstance(node, Seq) and isinstance(step, int):
            place, node = node.item_place(step), node[step]
        else:
            break
        path.append(step)
    return place, path


def _without_case(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Pydantic's path without the name of the chosen case, which comes after the place of a fault in its list."""
    return loc[:2] + loc[3:] if loc[:1] == ("faults",) else loc


def _names() -> set[str]:
    return {to_camel(known.name) for case in (*get_args(Fault), Quirks, FaultFile) for known in fields(case)}
