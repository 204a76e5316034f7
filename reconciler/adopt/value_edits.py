"""A new value of a field -> the smallest edits of the block that declares it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from reconciler.adopt.forms import form_of
from reconciler.manifest.block import APP_KEYS, PLACEMENT_KEYS
from reconciler.manifest.floor_edits import line_price_edit
from reconciler.manifest.layer import Groups
from reconciler.model.address import Address, Kind, name_of
from reconciler.model.field import PRICED, from_json
from reconciler.model.value import MINIMUM, WORLDWIDE, Fields, Floors, Value, number, price
from reconciler.yaml.edits import (
    AddEntry,
    AddItem,
    Edit,
    MergeAlias,
    Path,
    RemoveEntry,
    RemoveMerge,
    SetScalar,
    SetValue,
)
from reconciler.yaml.node import AliasNode, Map, Node, Seq

_ORDER: Mapping[Kind, tuple[str, ...]] = {"app": APP_KEYS, "placement": PLACEMENT_KEYS}


def block_edits(
    path: Path, raw: Mapping[str, Any], node: Map | AliasNode, kind: Kind, values: Fields, groups: Groups
) -> list[Edit]:
    """The edits that give a block these values. `node` is the block as written, `raw` what it says.

    A field of its own changes where it stands; one that comes from defaults, a waterfall, a merge or an alias in the
    block's place gets its own line.
    """
    if isinstance(node, AliasNode):
        return [MergeAlias(path, {name: form_of(name, value, groups) for name, value in values.items()})]
    own = [entry.name for entry in node.entries if not entry.is_merge]
    edits: list[Edit] = []
    for name, value in values.items():
        at = node.find(name)
        if at is None:
            edits.append(AddEntry(path, name, form_of(name, value, groups), _preceding_key(name, own, _ORDER[kind])))
        else:
            is_alias = isinstance(node.entries[at].value, AliasNode)
            edits += _field_edits(
                (*path, name), name, None if is_alias else raw.get(name), node.entries[at].value, value, groups
            )
    return edits


def tier_name(ladder: str, becomes: Address) -> str | None:
    """What a tier is called whose placement has the address; None where no tier of the waterfall can have it."""
    begin, name = f"{ladder}_", name_of(becomes)
    return name.removeprefix(begin) if name.startswith(begin) and name != begin else None


def _preceding_key(name: str, own: Sequence[str], order: Sequence[str]) -> str | None:
    """The key behind which a new one goes: the nearest that comes before it in the usual order."""
    earlier = [key for key in own if key in order and order.index(key) < order.index(name)]
    return max(earlier, key=order.index, default=None)


def _field_edits(path: Path, name: str, raw: Any, node: Node, value: Value, groups: Groups) -> list[Edit]:
    match value:
        case Mapping() if name in PRICED and isinstance(raw, dict | list) and raw:
            return floor_edits(path, raw, node, cast("Floors", value), groups)
        case Mapping() if isinstance(raw, dict) and isinstance(node, Map):
            return _mapping_edits(path, raw, node, value, groups)
        case tuple() if isinstance(raw, list) and raw and isinstance(node, Seq):
            return list_edits(path, raw, value, {})
        case Mapping() | tuple():
            return [SetValue(path, form_of(name, value, groups))]
        case None:
            return [SetValue(path, None)]
        case _:
            return [SetScalar(path, value)]


def _mapping_edits(
    path: Path, raw: Mapping[str, Any], node: Map, value: Mapping[str, Value], groups: Groups
) -> list[Edit]:
    """Edits of a block such as `capping`; `enabled: false` in it would hide what is live.

    What a merge gives gets a line of its own once it differs.
    """
    edits: list[Edit] = []
    wanted = {**value, **({"enabled": True} if raw.get("enabled") is False else {})}
    for key, part in wanted.items():
        written = raw.get(key)
        if isinstance(part, tuple) and isinstance(written, list) and _expanded_groups(written, groups) == set(part):
            continue
        if isinstance(part, tuple) and isinstance(written, list) and not _is_alias(node, key):
            edits += list_edits((*path, key), written, part, groups)
        elif node.find(key) is None:
            if written is None or _canonical_part(key, written) != part:
                edits.append(AddEntry(path, key, form_of("", part, {})))
        elif isinstance(part, tuple):
            edits.append(SetValue((*path, key), list(part)))
        elif _canonical_part(key, written) != part:
            edits.append(SetScalar((*path, key), cast("str | int | Decimal | bool", part)))
    return edits


def _canonical_part(key: str, written: Any) -> Value:
    """What a part of a block says, in the form in which parts are compared."""
    return number(written) if isinstance(written, Decimal) else from_json(key, written)


def _is_alias(node: Map, key: str) -> bool:
    at = node.find(key)
    return at is None or isinstance(node.entries[at].value, AliasNode)


def _expanded_groups(written: Iterable[str], groups: Groups) -> set[str]:
    return {part for item in written for part in groups.get(item, (item,))}


def list_edits(path: Path, raw: Sequence[str], wanted: Iterable[str], groups: Groups) -> list[Edit]:
    """Edits of a list without order. Items that are groups stay where all of their countries are wanted."""
    unwritten = set(wanted)
    kept = [unwritten.issuperset(groups.get(item, (item,))) for item in raw]
    covered = {part for item, keeps in zip(raw, kept, strict=True) if keeps for part in groups.get(item, (item,))}
    added: list[Edit] = [AddItem(path, item) for item in sorted(unwritten - covered)]
    return [*added, *(RemoveEntry((*path, at)) for at in reversed(range(len(raw))) if not kept[at])]


def floor_edits(path: Path, raw: Any, node: Node, wanted: Floors, groups: Groups) -> list[Edit]:
    """Edits of a floor table: a line whose price moved changes, a group's when all that it gives moved alike.

    New lines stand behind the last one, or below the group that they are of. A line that `<<` brings stays where it is
    written, and the table gets one of its own; where such a line is to go, the table no longer merges.
    """
    lines = {name: price(amount) for name, amount in _line_pairs(raw)}
    after = {name: wanted[name] for name in lines if name in wanted}
    group_prices: dict[str, set[Decimal]] = {}
    for name in lines.keys() & groups.keys():
        free = [country for country in groups[name] if country not in after]
        if all(country in wanted for country in free):
            after[name] = _group_price(lines[name], [wanted[country] for country in free])
            for country in free:
                group_prices.setdefault(country, set()).add(after[name])
    for country, amount in wanted.items():
        if country not in after and group_prices.get(country) != {amount}:
            after[country] = amount
    if WORLDWIDE not in lines and wanted[WORLDWIDE] == MINIMUM and len(after) > 1:
        del after[WORLDWIDE]
    return _line_edits(path, raw, node, lines, after, groups)


def _group_price(before: Decimal, wanted: Sequence[Decimal]) -> Decimal:
    """The price of a group's line: as it was if any of its countries still has that, else what most of them have."""
    if not wanted or before in wanted:
        return before
    return max(sorted(set(wanted)), key=wanted.count)


def _line_edits(
    path: Path, raw: Any, node: Node, before: Mapping[str, Decimal], after: Mapping[str, Decimal], groups: Groups
) -> list[Edit]:
    if isinstance(node, Map):
        return _map_edits(path, node, before, after, groups)
    if not isinstance(node, Seq):
        return [SetValue(path, dict(after))]
    order = [name for name, _ in _line_pairs(raw)]
    edits: list[Edit] = []
    for name, amount in after.items():
        if name not in before:
            edits.append(AddItem(path, {"country": name, "price": amount}))
        elif before[name] != amount:
            at = order.index(name)
            edits.append(line_price_edit((*path, at), node.nodes[at], name, amount))
    gone = [name for name in reversed(order) if name not in after]
    return [*edits, *(RemoveEntry((*path, order.index(name))) for name in gone)]


def _map_edits(
    path: Path, node: Map, before: Mapping[str, Decimal], after: Mapping[str, Decimal], groups: Groups
) -> list[Edit]:
    own = [entry.name for entry in node.entries if not entry.is_merge]
    unwanted = tuple(name for name in before if name not in after and name not in own)
    edits: list[Edit] = []
    for name, amount in after.items():
        if name in own and before[name] != amount:
            edits.append(SetScalar((*path, name), amount))
        elif name not in own and (unwanted or before.get(name) != amount):
            held = [key for key in own if name in groups.get(key, ()) and key in after]
            edits.append(AddEntry(path, name, amount, held[-1] if held else None))
    gone = [name for name in reversed(own) if name not in after]
    merge: list[Edit] = [RemoveMerge(path, unwanted)] if unwanted else []
    return [*edits, *merge, *(RemoveEntry((*path, name)) for name in gone)]


def _line_pairs(raw: Any) -> list[tuple[str, Any]]:
    return list(raw.items()) if isinstance(raw, dict) else [(line["country"], line["price"]) for line in raw]
