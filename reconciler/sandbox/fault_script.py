"""Scripts of faults: read from a YAML file, matched to requests, and applied to responses.

The file is checked strictly; all findings are reported at once, each with its place.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Annotated, Any, Final, assert_never, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from reconciler.errors import ProjectError
from reconciler.files import disk
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.sandbox.exchange import JSON_TYPE, SandboxRequest, SandboxResponse, json_answer
from reconciler.sandbox.faults import (
    AnswerFault,
    BadGzip,
    Bomb,
    CutRow,
    Duplicate,
    Echo,
    Empty,
    ExpireToken,
    Fault,
    Garbage,
    ListFault,
    Null,
    OldId,
    Omit,
    Paging,
    Redirect,
    RepeatRow,
    ReportFault,
    Status,
    WrongHost,
)
from reconciler.sandbox.quirks import Quirks
from reconciler.yaml.node import Map, Seq
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import ManifestText, Place, did_you_mean

_HINT: Final = "docs/sandbox.md has the table of faults and quirks"
_SHAPES: Final = {
    "tuple_type": "should be a list",
    "dataclass_type": "should be a mapping",
    "model_type": "should be a mapping",
    "model_attributes_type": "should be a mapping",
}


@dataclass(frozen=True, slots=True)
class FaultFile:
    """The content of a faults file. `chance` seeds the faults that strike by probability."""

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
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read: {error.strerror}", hint="name a file with --faults") from error
    parsed = parse(ManifestText(str(path), data))
    _refuse(parsed.findings)
    if len(parsed.documents) > 1:
        place = parsed.documents[1].place
        _refuse([Finding(str(path), *place, "one-document", "a second document: a faults file has one")])
    content = parsed.documents[0].value if parsed.documents else {}
    _with_doubles(content)
    _name_null(content)
    try:
        model = _FileModel.model_validate(content)
    except ValidationError as error:
        _refuse([_finding(str(path), content, problem) for problem in error.errors(include_url=False)])
    return FaultFile(model.faults, model.quirks, model.chance)


def _with_doubles(node: Any) -> None:
    """Replace exact numbers by floats, in place: nothing here is money."""
    for key, value in list(node.items()) if isinstance(node, Map) else list(enumerate(node)):
        if isinstance(value, Decimal):
            node[key] = float(value)
        elif isinstance(value, Map | Seq):
            _with_doubles(value)


def _name_null(content: Any) -> None:
    """Replace a null under `do` by the text `null`, in place: it names a fault."""
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
            message, hint = f"there is no {name} here", did_you_mean(name, _known_names())
        case "missing":
            message = f"{problem['loc'][-1]} is missing"
        case "union_tag_not_found":
            message = "do is missing: it says what goes wrong"
        case "union_tag_invalid":
            context = problem["ctx"]
            known = context["expected_tags"].replace("'", "")
            message, hint = f"do: {context['tag']} is none of {known}", did_you_mean(context["tag"], known.split(", "))
        case "value_error":
            message = str(problem["ctx"]["error"])
        case kind:
            text = _SHAPES.get(kind, problem["msg"].removeprefix("Input "))
            message = f"{name}: {text}" if name else text
    return Finding(file, *place, "faults-file", message, hint=hint)


def _place(content: Any, loc: tuple[str | int, ...]) -> tuple[Place, list[str | int]]:
    """The place of a problem and the path to it, as far as the file has it."""
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
    """Pydantic's path without the discriminator value after the index of a fault."""
    return loc[:2] + loc[3:] if loc[:1] == ("faults",) else loc


def _known_names() -> set[str]:
    return {to_camel(spec.name) for case in (*get_args(Fault), Quirks, FaultFile) for spec in fields(case)}


class FaultScript:
    """The faults of a server, each with its counts so far. The same requests and seed give the same faults."""

    def __init__(self, faults: Sequence[Fault], *, seed: int = 0) -> None:
        self._lines = [_FaultCounter(fault, Random(f"{seed} {place}")) for place, fault in enumerate(faults)]  # noqa: S311 - faults, not secrets

    def strike(self, call: SandboxRequest) -> Fault | None:
        """The fault that strikes this request: the first in order that is due. All matching ones count the request."""
        due = [line for line in self._lines if line.counts(call)]
        if not due:
            return None
        due[0].struck += 1
        return due[0].fault


class _FaultCounter:
    """One fault of a script: how many requests matched it, and how many it struck."""

    def __init__(self, fault: Fault, chance: Random) -> None:
        self.fault = fault
        self.struck = 0
        self._seen = 0
        self._chance = chance

    def counts(self, call: SandboxRequest) -> bool:
        """Count the request if it matches; returns whether the fault is due."""
        if not _matches(self.fault, call):
            return False
        self._seen += 1
        return self._is_due() and (self.fault.times is None or self.struck < self.fault.times)

    def _is_due(self) -> bool:
        fault = self.fault
        if fault.nth is not None:
            return fault.nth <= self._seen and self.struck < (fault.times or 1)
        if fault.every is not None:
            return self._seen % fault.every == 0
        return fault.probability is None or self._chance.random() < fault.probability


def _matches(fault: Fault, call: SandboxRequest) -> bool:
    if not _is_possible(fault, call):
        return False
    method, _, resource = fault.on.partition(" ")
    if method not in ("*", call.method) or resource not in ("", "*", call.resource):
        return False
    if not fault.containing:
        return True
    text = " ".join(call.query.values()) + " " + call.body.decode(errors="replace")
    return fault.containing in text


def _is_possible(fault: Fault, call: SandboxRequest) -> bool:
    """Whether the fault applies to such a request: some need a list, a create or an update."""
    if isinstance(fault, ListFault):
        return is_list(call)
    if isinstance(fault, OldId | Echo):
        needed = "POST" if isinstance(fault, OldId) else "PUT"
        return call.method == needed and call.resource in {"app", "placement"}
    return True


def is_list(call: SandboxRequest) -> bool:
    """Whether the request reads a list."""
    of_whom = {"app": "publisherId", "placement": "appId"}.get(call.resource, "")
    own = {"app": "appId", "placement": "placementId"}.get(call.resource, "")
    return call.method == "GET" and bool(call.query.get(of_whom)) and not call.query.get(own)


_ANSWERS: Final = {
    "garbage": SandboxResponse(
        200, b"<!doctype html><title>Sign in</title><h1>Please sign in</h1>", ((b"content-type", b"text/html"),)
    ),
    "empty": SandboxResponse(200, b""),
    "null": SandboxResponse(200, b"null"),
    "bad-gzip": SandboxResponse(200, b"this is not gzip", (JSON_TYPE, (b"content-encoding", b"gzip"))),
    "expire-token": json_answer(401, {"error": "invalid_token"}),
}
_GZIP: Final = b"\x1f\x8b"
_WRAPPERS: Final = ("apps", "placements", "data", "list")


def faulty_response(fault: AnswerFault, answer: SandboxResponse) -> SandboxResponse:
    """The response with the fault, in the place of `answer`."""
    match fault:
        case Status():
            after = () if fault.retry_after is None else ((b"retry-after", str(fault.retry_after).encode()),)
            response = json_answer(fault.status, {"message": "A fault of the sandbox."})
            return SandboxResponse(response.status, response.body, response.headers + after)
        case Garbage() | Empty() | Null() | BadGzip() | ExpireToken():
            return _ANSWERS[fault.do]
        case Bomb():
            return SandboxResponse(200, _packed_megabyte() * fault.megabytes, ((b"content-type", b"application/gzip"),))
        case Redirect():
            return SandboxResponse(302, b"", ((b"location", fault.to.encode()),))
        case WrongHost():
            return _with_other_host(fault, answer)
        case Paging() | Omit() | Duplicate() | CutRow() | RepeatRow():
            return answer if answer.status != 200 else _body_with(fault, answer)
        case _:
            assert_never(fault)


@cache
def _packed_megabyte() -> bytes:
    """A gzip file of one megabyte of zeros; several of them in a row are a gzip file as well."""
    return gzip.compress(bytes(1024 * 1024), mtime=0)


def _with_other_host(fault: WrongHost, answer: SandboxResponse) -> SandboxResponse:
    """The response with another host in its URL; unchanged where it has no URL."""
    content = json.loads(answer.body) if answer.body.startswith(b"{") else {}
    if "url" not in content:
        return answer
    target = "/" + content["url"].split("/", 3)[3]
    return json_answer(answer.status, {**content, "url": fault.to.rstrip("/") + target})


def _body_with(fault: ListFault | ReportFault, answer: SandboxResponse) -> SandboxResponse:
    if isinstance(fault, CutRow | RepeatRow):
        return _report_with(fault, answer)
    return _list_with(fault, answer)


def _report_with(fault: ReportFault, answer: SandboxResponse) -> SandboxResponse:
    """The response with the fault in its report, compressed if it was; unchanged where the report has no rows."""
    packed = answer.body.startswith(_GZIP)
    header, _, rows = (gzip.decompress(answer.body) if packed else answer.body).partition(b"\n")
    last = rows[rows.rstrip().rfind(b"\n") + 1 :]
    if not last:
        return answer
    body = header + b"\n" + (rows + last if isinstance(fault, RepeatRow) else rows[: -(len(last) + 1) // 2])
    return SandboxResponse(answer.status, gzip.compress(body, mtime=0) if packed else body, answer.headers)


def _list_with(fault: ListFault, answer: SandboxResponse) -> SandboxResponse:
    """The response with the fault in its list, in the same wrapper."""
    content = json.loads(answer.body) if answer.body else []
    wrapper, rows = _unwrapped_rows(content)
    if isinstance(fault, Paging):
        return json_answer(200, _first_page(fault, wrapper or "data", rows))
    struck = _without(fault, rows) if isinstance(fault, Omit) else rows[:1] + rows
    return json_answer(200, {wrapper: struck} if wrapper else struck)


def _unwrapped_rows(content: Any) -> tuple[str | None, list[Any]]:
    """The key that wraps a list, if any, and its rows; a lone resource is a list of one."""
    if isinstance(content, list):
        return None, content
    wrapper = next((key for key in _WRAPPERS if isinstance(content.get(key), list)), None)
    return wrapper, content[wrapper] if wrapper else [content]


def _first_page(fault: Paging, wrapper: str, rows: list[Any]) -> dict[str, Any]:
    shown = rows[: (len(rows) + 1) // 2]
    more = {"next": "?page=2", "nextPage": 2, "cursor": "cGFnZSAy", "total": len(rows) + 1}
    return {wrapper: shown, fault.hint: more[fault.hint]}


def _without(fault: Omit, rows: list[Any]) -> list[Any]:
    if isinstance(fault.omit, int):
        return rows[: max(0, len(rows) - fault.omit)]
    gone = {str(resource_id) for resource_id in fault.omit}
    return [row for row in rows if _own_id(row) not in gone]


def _own_id(row: dict[str, Any]) -> str:
    by_key = {key.lower(): str(value) for key, value in row.items()}
    return by_key.get("placementid", by_key.get("appid", ""))
