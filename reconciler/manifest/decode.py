"""YAML values -> pydantic models, with all errors reported in one pass.

Where a document does not fit its model, the invalid parts are removed and the rest is decoded again, so that later
stages can check it. The names of removed fields are kept in `Map.broken`: such a field counts as declared, and nothing
follows from its absence.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reconciler.manifest.block import EXTENSION, VERSION, Block
from reconciler.manifest.error_messages import decimal_point_hint, error_message
from reconciler.manifest.parsed_manifest import Reporter
from reconciler.model.address import app_address, placement_address
from reconciler.model.field import PRICED
from reconciler.yaml.node import VARIABLE, Map, Seq, Step, YamlDocument, make_map, make_seq, node_at, place_at
from reconciler.yaml.scalar import Based, described, quoted, shown, spelling

M = TypeVar("M", bound=Block)
Path = tuple[Step, ...]

_LISTS_OF_BLOCKS: Final = frozenset(("apps", "placements", "waterfalls", "tiers"))
_MAPS_OF_BLOCKS: Final = frozenset(("safety", "defaults", "placements", "byType", "countryGroups"))
_STAND_INS: Final[dict[str, Any]] = {"version": VERSION, "apps": [], "publisherId": "unknown"}
"""What takes the place of a missing top-level field, so that the rest can be looked at."""
_BLOCK_STAND_INS: Final[dict[str, Callable[[int], str]]] = {
    "platform": lambda _: "android",
    "bundle": lambda at: f"?{at + 1}",
    "name": lambda at: f"?{at + 1}",
    "placementType": lambda _: "MREC",
}
"""What takes the place of a missing field of the block at a position of its list, so that the rest can be looked at."""
_ROUNDS: Final = 20
"""Each cuts a level of nesting at most; blocks nest five deep."""


def decode(model: type[M], document: YamlDocument, reporter: Reporter) -> tuple[M, Map] | None:
    """The model, and the values it was made from less what was cut; None where nothing could be read.

    Keys of the root that begin with `x-` are left out, whatever stands below them. All that is wrong is reported, as
    errors, so a result is complete only where the report has none.
    """
    root = document.value
    if not isinstance(root, Map):
        message = f"the document is {described(root)}; expected a mapping"
        reporter.error(document.place, "wrong-type", message, "begin with version: 1")
        return None
    root = _without_extensions(root)
    if document.has_variables:
        root = _without_variables(root, reporter)
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(root), root
        except ValidationError as invalid:
            errors = [(error, _file_path(error["loc"])) for error in invalid.errors(include_url=False)]
        for error, path in errors:
            if not _follows_from_a_cut(root, error, path):
                _report_error(model, root, error, path, reporter)
        root = _without_invalid(root, errors)
    return None


def _without_extensions(root: Map) -> Map:
    extensions = {(key,) for key in root if key.startswith(EXTENSION)}
    kept: Map = _without_paths(root, extensions) if extensions else root
    return kept


def _without_variables(root: Map, reporter: Reporter) -> Map:
    """The values without those that hold `${`; each is reported, because there are no variables."""
    cuts: set[Path] = set()
    for path, text in _texts_below(root, ()):
        if VARIABLE not in text:
            continue
        is_key = node_at(root, path) != text
        place = node_at(root, path[:-1]).key_place(path[-1]) if is_key else place_at(root, path)
        message = (
            f"{_field_label(path)} holds {quoted(text)}, and there are no variables: it would be sent as it stands"
        )
        reporter.about(address_at(root, path)).error(place, "variable", message, "write the value itself")
        cuts.add(path if is_key else _cut_path(root, path))
    kept: Map = _without_paths(root, cuts) if cuts else root
    return kept


def _texts_below(node: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The texts below a node, keys among them, each with its path."""
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, Map):
        for key, value in node.items():
            yield (*path, key), key
            yield from _texts_below(value, (*path, key))
    elif isinstance(node, Seq):
        for at, value in enumerate(node):
            yield from _texts_below(value, (*path, at))


def _file_path(location: Sequence[Step]) -> Path:
    """Where the error is in the file: pydantic also names which form of floorPrices it tried."""
    return tuple(
        step
        for before, step in zip((None, *location), location, strict=False)
        if not (before in PRICED and step in {"(map)", "(list)"})
    )


def _report_error(model: type[Block], root: Map, error: ErrorDetails, path: Path, reporter: Reporter) -> None:
    place = place_at(root, path)
    if error["type"] == "extra_forbidden":
        place = node_at(root, path[:-1]).key_place(path[-1])
    code, message, hint = error_message(error, path, _field_label(path), model)
    hint = _comma_in_flow(root, path) or hint
    reporter.about(address_at(root, path)).error(place, code, message, hint)


def _comma_in_flow(root: Map, path: Path) -> str:
    """The hint for `{WW: 1,5}`, which YAML reads as a price of 1 and a key 5 without a value; empty for all else."""
    table = node_at(root, path[:-1])
    if not (path[-2:-1] and path[-2] in PRICED and isinstance(table, Map) and str(path[-1]).isdigit()):
        return ""
    keys = list(table)
    at = keys.index(str(path[-1])) if table.get(str(path[-1]), 0) is None else 0
    before = table[keys[at - 1]] if at else None
    is_whole = isinstance(before, int) and not isinstance(before, bool)
    return decimal_point_hint(f"{shown(keys[at - 1])}: {before}.{path[-1]}") if is_whole else ""


def _field_label(path: Path) -> str:
    """The path below the innermost block of a list, as people write it: `floorPrices.US`, `connectivity[0]`."""
    begin = max((at for at in range(1, len(path)) if _is_list_item(path[: at + 1])), default=-1) + 1
    inner = path[begin:] if begin < len(path) else path[begin - 2 :]
    steps = (f"[{step}]" if isinstance(step, int) else f".{shown(step)}" for step in inner)
    return "".join(steps).removeprefix(".")


def _is_list_item(path: Path) -> bool:
    return len(path) > 1 and isinstance(path[-1], int) and path[-2] in _LISTS_OF_BLOCKS


def address_at(root: Map, path: Path) -> str:
    """The address of the app or placement that a path leads into, as far as it can be known."""
    if len(path) < 2 or path[0] != "apps":
        return ""
    app = node_at(root, path[:2])
    platform, bundle = (node_at(app, [key]) for key in ("platform", "bundle"))
    if not (isinstance(platform, str) and isinstance(bundle, str | int | Based)) or isinstance(bundle, bool):
        return ""
    address = app_address(shown(platform), shown(spelling(bundle)))
    ends = [end for end in (4, 6) if len(path) >= end and _is_list_item(path[:end])]
    names = [node_at(root, (*path[:end], "name")) for end in ends]
    if not names or not all(isinstance(name, str) and name for name in names):
        return address
    return placement_address(address, "_".join(map(shown, names)))


def _follows_from_a_cut(root: Map, error: ErrorDetails, path: Path) -> bool:
    """Whether the error is only a consequence of what an earlier round removed."""
    match error["type"]:
        case "missing":
            holder = node_at(root, path[:-1])
            return isinstance(holder, Map) and path[-1] in holder.broken
        case "incomplete":
            holder = node_at(root, path)
            return isinstance(holder, Map) and any(name in holder.broken for name in error["ctx"]["missing"].split())
        case "too_short":
            holder = node_at(root, path)
            return isinstance(holder, Seq) and holder.broken
        case _:
            return False


def _without_invalid(root: Map, errors: Iterable[tuple[ErrorDetails, Path]]) -> Map:
    cuts: set[Path] = set()
    fills: set[Path] = set()
    missing: list[str] = []
    for error, path in errors:
        match error["type"]:
            case "missing" if len(path) == 1:
                missing.append(str(path[0]))
            case "missing" if _has_stand_in(path):
                fills.add(path)
            case "incomplete" if _has_stand_in((*path, error["ctx"]["missing"])):
                fills.add((*path, error["ctx"]["missing"]))
            case "missing":
                cuts.add(_cut_path(root, path[:-1]))
            case "extra_forbidden":
                cuts.add(path)
            case _:
                cuts.add(_cut_path(root, path))
    kept: Map = _without_paths(_with_stand_ins(root, fills) if fills else root, cuts)
    for name in missing:
        kept[name] = _STAND_INS[name]
        kept.marks = [*kept.marks, kept.mark, kept.mark]
    return kept


def _has_stand_in(path: Path) -> bool:
    """Whether a path is that of a field of a block in a list that something can take the place of."""
    return _is_list_item(path[:-1]) and path[-1] in _BLOCK_STAND_INS


def _with_stand_ins(node: Any, fills: Iterable[Path], at: int = 0) -> Any:
    """A copy with stand-ins for the fields at the paths; `at` is the node's position in its list.

    A field with a stand-in counts as declared with a value that is wrong: nothing follows from it.
    """
    below: dict[Step, set[Path]] = {}
    for first, *rest in fills:
        below.setdefault(first, set()).add(tuple(rest))

    def kept(step: Step, value: Any) -> Any:
        position = step if isinstance(step, int) else 0
        return _with_stand_ins(value, below[step], position) if step in below else value

    if isinstance(node, Map):
        gone = [str(step) for step, rests in below.items() if () in rests]
        pairs = {key: kept(key, value) for key, value in node.items()}
        pairs.update({name: _BLOCK_STAND_INS[name](at) for name in gone})
        marks = [*node.marks, *(mark for _ in gone for mark in (node.mark, node.mark))]
        return make_map(pairs, node.mark, marks, {*node.broken, *gone})
    return make_seq([kept(step, value) for step, value in enumerate(node)], node.mark, node.marks, broken=node.broken)


def _cut_path(root: Map, path: Path) -> Path:
    """The path to remove for an error at a path: the field of the innermost block, or that block itself.

    Of floors only the line, so that the countries of the others can still be checked.
    """
    depth = 0
    for end in range(1, len(path) + 1):
        step = path[end - 1]
        in_place = _is_list_item(path[:end]) if isinstance(step, int) else _is_block_name(path[:end])
        if not in_place and step not in _LISTS_OF_BLOCKS:
            break
        if in_place and isinstance(node_at(root, path[:end]), Map):
            depth = end
    if depth == len(path):
        return path
    if path[depth] in PRICED:
        return path[: depth + 2]
    is_item = len(path) > depth + 1 and _is_list_item(path[: depth + 2])
    return path[: depth + 2 if is_item else depth + 1]


def _is_block_name(path: Path) -> bool:
    return path[-1] in _MAPS_OF_BLOCKS or (len(path) > 1 and path[-2] == "byType")


def _without_paths(node: Any, cuts: Iterable[Path]) -> Any:
    """A copy without what stands at the paths; aliased values elsewhere keep theirs."""
    below: dict[Step, set[Path]] = {}
    for first, *rest in cuts:
        below.setdefault(first, set()).add(tuple(rest))
    gone = {step for step, rests in below.items() if () in rests}

    def kept(step: Step, value: Any) -> Any:
        return _without_paths(value, below[step]) if step in below else value

    if isinstance(node, Map):
        pairs = {key: kept(key, value) for key, value in node.items() if key not in gone}
        marks = [mark for at, key in enumerate(node) if key not in gone for mark in node.marks[2 * at : 2 * at + 2]]
        broken = {*node.broken, *map(str, gone), *(step for step in below if step in PRICED)}
        return make_map(pairs, node.mark, marks, broken)
    items = [kept(at, value) for at, value in enumerate(node) if at not in gone]
    marks = [mark for at, mark in enumerate(node.marks) if at not in gone]
    return make_seq(items, node.mark, marks, broken=bool(gone) or node.broken)
