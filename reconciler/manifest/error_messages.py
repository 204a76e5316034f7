"""Pydantic's errors -> a code, a message and a hint in the terms of the manifest."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from reconciler.manifest.block import EXTENSION, ID_PATTERN, VERSION
from reconciler.manifest.project_settings import WHERE_PUBLISHERS_ARE
from reconciler.model.field import APP_FIELDS, PLACEMENT_FIELDS, PRICED, TURN_OFF, TYPES, WordsType
from reconciler.yaml.node import Step
from reconciler.yaml.scalar import Based, described, did_you_mean, quoted, shown


class ErrorMessage(NamedTuple):
    """A finding's code, message and hint, without its place."""

    code: str
    message: str
    hint: str = ""


_QUOTED: Final = re.compile(r"'([^']*)'")
_LIKE_A_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)\s*")
_TOO_LONG: Final = 10**15
"""Above this a number is not repeated in a hint."""
_LONGEST_NUMBER: Final = 40
"""Characters; longer text gets no hint for a mistyped number."""
_UNDERSCORED: Final = re.compile(r"[-+]?\d[\d_]*_[\d_]*(?:\.[\d_]+)?")
_COMMA: Final = re.compile(r"\s*[-+]?\d+,\d+\s*")
_SEPARATED: Final = re.compile(r"[-+.,'\d\s$€£%]{0,40}(?:usd)?", re.IGNORECASE)
_EXPECTED: Final = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_OFF: Final = frozenset(("no", "off", "none", "disabled"))
_NEVER_EMPTY: Final = frozenset(
    (
        *("tiers", "manifests", "countries", "hosts", "chartboostApps", "countryGroups"),
        *(name for name, field_type in TYPES.items() if isinstance(field_type, WordsType)),
    )
)
"""Lists that hold something where they are written."""
_YES_AND_NO: Final = frozenset(("yes", "no", "on", "off", "y", "n", "true", "false"))


def error_message(error: ErrorDetails, path: Sequence[Step], label: str, model: type[BaseModel]) -> ErrorMessage:
    """The message for one pydantic error; `label` is the field's path as written in the file."""
    kind = error["type"]
    is_now = f"{label} is {described(error['input'])}"
    hint = WHERE_PUBLISHERS_ARE if path == ("publisherId",) else ""
    if kind in _EXPECTED:
        wrong = _wrong_type(kind, error["input"], is_now, label)
        return wrong._replace(hint=hint) if hint and error["input"] is None else wrong
    if kind == "missing":
        return ErrorMessage("missing-field", f"{path[-1]} is missing", hint)
    if kind == "incomplete":
        missing = error["ctx"]["missing"]
        return ErrorMessage("missing-field", f"{missing} {'are' if ' and ' in missing else 'is'} missing")
    if kind == "extra_forbidden":
        return _unknown_field(str(path[-1]), field_names(model, path[:-1]))
    return _invalid_value(error, label, is_now)


def _invalid_value(error: ErrorDetails, label: str, is_now: str) -> ErrorMessage:
    message, hint = f"{is_now}: {error['msg']}", ""
    match error["type"]:
        case "literal_error":
            return _not_a_choice(error["input"], is_now, _QUOTED.findall(error["ctx"]["expected"]))
        case "string_pattern_mismatch":
            return _invalid_text(label, error["input"], error["ctx"]["pattern"])
        case "version":
            return ErrorMessage("unknown-version", is_now, f"write version: {VERSION}, the one this program reads")
        case "greater_than_equal" if label.startswith(tuple(PRICED)):
            return ErrorMessage("floor-too-low", f"{is_now}; the least floor is 0.01", "0.01 counts as no floor")
        case "greater_than_equal":
            message = f"{is_now}; the least is {error['ctx']['ge']:g}"
        case "less_than_equal":
            message = f"{is_now}; the most is {error['ctx']['le']:g}"
        case "too_short":
            message = f"{label} is empty; it needs at least one item"
        case "finite_number":
            message = f"{is_now}; expected a finite number"
        case "day":
            hint = "a day is written YYYY-MM-DD"
        case _:
            pass
    return ErrorMessage("bad-value", message, hint)


def field_names(model: type[BaseModel], path: Sequence[Step]) -> list[str]:
    """The names of the fields that the block at a path may have; none where it is no block."""
    block: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int):
            continue
        inside = next((part for part in block.model_fields.values() if part.alias == step), None) if block else None
        block = _block_in(inside.annotation) if inside else None
    return [str(part.alias) for part in block.model_fields.values()] if block else []


def _block_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((block for part in get_args(annotation) if (block := _block_in(part))), None)


def _wrong_type(kind: str, value: Any, is_now: str, label: str) -> ErrorMessage:
    expected = _EXPECTED[kind]
    if kind == "float_type" and isinstance(value, int) and not isinstance(value, bool):
        return ErrorMessage("bad-value", f"{is_now}; no price or amount is that large")
    is_off = value is False or (isinstance(value, str) and value.lower() in _OFF)
    hint = "write null to turn it off" if is_off and label in TURN_OFF else _type_hint(kind, value, label)
    return ErrorMessage("wrong-type", f"{is_now}; expected {expected}", hint)


def _type_hint(kind: str, value: Any, label: str) -> str:
    if value is None:
        may_be_empty = kind == "list_type" and _NEVER_EMPTY.isdisjoint(label.split("."))
        return "write [] for none" if may_be_empty else "write a value, or remove the line"
    match kind:
        case "string_type" if isinstance(value, int | float | Decimal | Based):
            return "put quotes around it"
        case "int_type" | "float_type":
            return _number_hint(value)
        case "bool_type" if value in (0, 1) or (isinstance(value, str) and value.lower() in _YES_AND_NO):
            return "write true or false, without quotes"
        case "list_type" if isinstance(value, str):
            return f"write [{shown(value)}]"
        case _:
            return ""


def _number_hint(value: Any) -> str:
    """The hint for a number that is written in a form that is not read; empty for anything else."""
    match value:
        case Based(number=number) if number < _TOO_LONG:
            return f"write {number}, in plain digits"
        case float() | Decimal():
            return _whole_number_hint(value)
        case str():
            return _number_in_text(value)
        case _:
            return ""


def _whole_number_hint(value: float | Decimal) -> str:
    return f"write {int(value)}" if -_TOO_LONG < value < _TOO_LONG and int(value) == value else ""


def _number_in_text(value: str) -> str:
    if _LIKE_A_NUMBER.fullmatch(value):
        return (
            "write the number without quotes" if value.isascii() else f"write {_ascii_digits(value)}, in plain digits"
        )
    if len(value) <= _LONGEST_NUMBER and _UNDERSCORED.fullmatch(value):
        return f"write {value.replace('_', '')}, in plain digits"
    if len(value) <= _LONGEST_NUMBER and _COMMA.fullmatch(value):
        return decimal_point_hint(value.strip().replace(",", "."))
    if _SEPARATED.fullmatch(value) and any(map(str.isdigit, value)):
        return "write digits and a decimal point, and nothing else: no separators, currency or per cent sign"
    return ""


def _ascii_digits(value: str) -> str:
    """A number in digits of any script, in those of ASCII."""
    return "".join(each if each.isascii() else str(unicodedata.digit(each, "")) for each in value.strip())


def decimal_point_hint(meant: str) -> str:
    """The hint for a number that is written with a decimal comma."""
    return f"did you mean {meant}? a number has a decimal point, not a comma"


def _not_a_choice(value: Any, is_now: str, choices: list[str]) -> ErrorMessage:
    message = f"{is_now}; expected one of {', '.join(choices)}"
    if isinstance(value, str):
        return ErrorMessage("bad-value", message, did_you_mean(value, choices))
    return ErrorMessage("wrong-type", message, "write a value, or remove the line" if value is None else "")


def _invalid_text(label: str, value: str, pattern: str) -> ErrorMessage:
    if not value.strip():
        hint = "write null for none" if label in TURN_OFF else ""
        return ErrorMessage("bad-value", f"{label} is empty", hint)
    if pattern == ID_PATTERN:
        return ErrorMessage(
            "bad-value", f"{label} is {quoted(value)}; it may hold no blank, and no characters but ASCII's"
        )
    allowed = "no slash, space or control character" if "/" in pattern else "no space or control character"
    if pattern.endswith("[^\\x00-\\x1f\\x7f]*$"):
        allowed = "no control character"
    return ErrorMessage("bad-value", f"{label} is {quoted(value)}; it may hold {allowed}")


def _unknown_field(name: str, known: Iterable[str]) -> ErrorMessage:
    hint = did_you_mean(name, known)
    if name.startswith(EXTENSION):
        hint = f"keys that begin with {EXTENSION} are ignored at the top of a file only"
    elif not hint and name in PLACEMENT_FIELDS:
        hint = f"{name} is a field of placements"
    elif not hint and name in APP_FIELDS:
        hint = f"{name} is a field of apps"
    return ErrorMessage("unknown-field", f"unknown field {quoted(name)}", hint)
