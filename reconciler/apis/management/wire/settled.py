"""Lists of placements that are plainly as declared: found out by comparing JSON with JSON, before anything is read.

A yes has to be what reading every row would come to. So it takes the usual spellings alone: ids and names as they are
kept, each key once, values of the very types. Where there is any doubt the answer is no, and the list is read.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from operator import eq, is_
from typing import Any, Final, NamedTuple, TypeAlias, assert_never

import orjson

from reconciler.apis.management.wire.answer import live_list, read_id, read_row
from reconciler.apis.management.wire.fields import READERS, Reader
from reconciler.http.exchange import AnswerError, decode
from reconciler.manifest.parsed_manifest import outlines_from_bytes
from reconciler.model.checked import LONGEST_ID
from reconciler.model.field import (
    PLACEMENT_FIELDS,
    BundleType,
    CountType,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
)
from reconciler.model.ledger import line_of
from reconciler.model.settled import Outline, OutlinedPlacements, SettledPlacements, outlines_of
from reconciler.model.state import DesiredPlacement, LiveResource


class ListRequest(NamedTuple):
    """The app whose placements were asked for, its publisher (None: whosever it is), and its blocks, if any."""

    app_id: str
    publisher_id: str | None
    blocks: Sequence[DesiredPlacement] | None


def placements_of(value: Any, asked: ListRequest, again: Callable[[], Any]) -> Sequence[LiveResource]:
    """The placements in a list answer, settled where that is plain. Raises `AnswerError` as `live_list` does.

    `again` gives the value anew, to be read when somebody asks for all of a settled list.
    """
    settled = None if asked.blocks is None else settled_list(value, asked, asked.blocks, again)
    return live_list("placement", value, app_id=asked.app_id) if settled is None else settled


def settled_list(
    value: Any, asked: ListRequest, blocks: Sequence[DesiredPlacement], again: Callable[[], Any]
) -> SettledPlacements | None:
    """The list where each row is the placement of one block, and each block has one; None where that is not plain.

    Rows with other values than their block's are read.
    """
    rows = _plain_rows(value)
    outlines = outlines_of(blocks) if rows else None
    matched = None if rows is None or outlines is None else _match(rows, asked, outlines)
    if matched is None:
        return None
    return _settled(matched, outlines, asked, blocks, again)


def judge(asked: bytes, raw: bytes, lines: bytes, body: bytes) -> bytes | None:
    """What `settled_list` comes to, for `settled_as_judged`; None where it says no.

    `asked` is by `question`, `raw` are the bytes that the app's placements are recalled from, `lines` those of its
    placements in the ledger. It needs nothing else of the process that it runs in.
    """
    app_id, publisher_id, number = orjson.loads(asked)
    rows = _plain_rows(decode(body))
    outlines = outlines_from_bytes(raw, number) if rows else None
    if rows is None or outlines is None:
        return None
    matched = _match(rows, ListRequest(app_id, publisher_id, None), outlines)
    if matched is None:
        return None
    found = None if matched.found == matched.ids else matched.found
    recorded = set(lines.split(b"\n"))
    unrecorded = [
        place
        for place, (outline, resource_id) in enumerate(zip(outlines, matched.found, strict=True))
        if line_of(outline.address, resource_id, outline.fields, protect=outline.protect) not in recorded
    ]
    return orjson.dumps([matched.ids, found, [*matched.differing], unrecorded])


def question(asked: ListRequest) -> bytes:
    """What was asked for, for `judge`."""
    return orjson.dumps([asked.app_id, asked.publisher_id, len(asked.blocks or ())])


def settled_as_judged(
    answer: bytes, asked: ListRequest, blocks: OutlinedPlacements, again: Callable[[], Any]
) -> SettledPlacements:
    """The settled list that `judge` has found."""
    ids, found, differing, unrecorded = orjson.loads(answer)
    return _settled(
        _Matched(ids, found or ids, dict.fromkeys(differing)), None, asked, blocks, again, frozenset(unrecorded)
    )


class _Matched(NamedTuple):
    """The ids of rows in their order and in that of the blocks, and what differs, by place among the blocks."""

    ids: list[str]
    found: list[str]
    differing: dict[int, LiveResource | None]


def _settled(
    matched: _Matched,
    outlines: Sequence[Outline] | None,
    asked: ListRequest,
    blocks: Sequence[DesiredPlacement],
    again: Callable[[], Any],
    unrecorded: frozenset[int] | None = None,
) -> SettledPlacements:
    ids, found, differing = matched
    made = {found[place]: resource for place, resource in differing.items() if resource is not None}
    rows = cache(lambda: _plain_rows(again()) or [])
    return SettledPlacements(
        blocks,
        ids,
        found,
        frozenset(differing),
        make=lambda: live_list("placement", again(), app_id=asked.app_id),
        read=lambda at: made.get(ids[at]) or read_row("placement", rows()[at], asked.app_id),
        outlines=outlines,
        unrecorded=unrecorded,
    )


def _match(rows: list[Any], asked: ListRequest, outlines: Sequence[Outline]) -> _Matched | None:
    """Which row is which block's; None where that is not plain."""
    if len(rows) != len(outlines):
        return None
    by_name = {outline.fields["name"]: place for place, outline in enumerate(outlines)}
    ids: list[str] = []
    found = [""] * len(outlines)
    differing: dict[int, LiveResource | None] = {}
    for row in rows:
        known = _identified(row, asked, by_name)
        if known is None:
            return None
        place, resource_id = known
        outline = outlines[place]
        if found[place] or outline.pin not in {None, resource_id}:
            return None
        ids.append(resource_id)
        found[place] = resource_id
        if not _is_as_declared(row, outline):
            try:
                differing[place] = read_row("placement", row, asked.app_id)
            except AnswerError:
                return None
    return _Matched(ids, found, differing) if len(set(ids)) == len(ids) else None


def _plain_rows(value: Any) -> list[Any] | None:
    """The rows of a list, or of one in a wrapper with nothing beside it."""
    if type(value) is dict and len(value) == 1:
        value = next((part for key, part in value.items() if key in _WRAPPERS), None)
    return value if type(value) is list else None


_WRAPPERS: Final = ("placements", "data", "list")


class _Keys(NamedTuple):
    """Under which keys a row has its ids and its name; None for those that it need not have."""

    id: str
    name: str
    app: str | None
    publisher: str | None


@lru_cache(maxsize=1024)
def _keys_of(keys: tuple[str, ...]) -> _Keys | None:
    """The keys of rows with these keys; None where one is there in two spellings, or one of the usual ones is not."""
    spelled = {key.lower(): key for key in keys}
    own, name = spelled.get("placementid", spelled.get("id")), spelled.get("name")
    if own is None or name is None or len(spelled) < len(keys) or ("app_id" in spelled and "appid" not in spelled):
        return None
    return _Keys(own, name, spelled.get("appid"), spelled.get("publisherid"))


def _identified(row: Any, asked: ListRequest, by_name: Mapping[str, int]) -> tuple[int, str] | None:
    """The place of a row's block, and the row's id; None where either is not plain, or the row is somebody else's."""
    keys = _keys_of(tuple(row)) if type(row) is dict else None
    if keys is None:
        return None
    name, publisher = row[keys.name], None if keys.publisher is None else row[keys.publisher]
    place = by_name.get(name) if type(name) is str else None
    if place is None or (keys.app is not None and not _is_id(row[keys.app], asked.app_id)):
        return None
    if not (publisher is None or (asked.publisher_id is not None and _is_id(publisher, asked.publisher_id))):
        return None
    raw = row[keys.id]
    if type(raw) is str and raw.isdigit() and raw.isascii() and raw[0] != "0" and len(raw) <= LONGEST_ID:
        return place, raw
    try:
        resource_id = read_id(raw)
    except AnswerError:
        return None
    return None if resource_id is None else (place, resource_id)


def _is_id(raw: Any, resource_id: str) -> bool:
    """Whether a value is an id as it is kept, or the number that is kept as this id."""
    return raw == resource_id or (type(raw) is int and str(raw) == resource_id)


def _is_as_declared(row: Mapping[str, Any], outline: Outline) -> bool:
    """Whether a row has each declared field as declared, and no other that cannot be read."""
    declared = outline.fields
    comparison = _comparison(tuple(row), tuple(declared))
    if comparison is None:
        return False
    compared, missing, others = comparison
    for key, name, equals in compared:
        if not equals(row[key], declared[name]):
            return False
    for name in missing:
        if declared[name] is not None and (declared[name] is not False or name not in _FALSE_WHEN_UNSET):
            return False
    for key, read in others:
        if type(row[key]) in _NESTED:
            try:
                read(row[key])
            except ValueError:
                return False
    return True


_FALSE_WHEN_UNSET: Final = frozenset(name for name, spec in PLACEMENT_FIELDS.items() if spec.when_unset is False)
_NESTED: Final = (dict, list)

Equals: TypeAlias = Callable[[Any, Any], bool]
"""A value of a row, and the declared one as JSON -> whether the first is plainly read as the second."""

_Comparison: TypeAlias = tuple[tuple[tuple[str, str, Equals], ...], tuple[str, ...], tuple[tuple[str, Reader], ...]]


@lru_cache(maxsize=1024)
def _comparison(keys: tuple[str, ...], declared: tuple[str, ...]) -> _Comparison | None:
    """What to compare in rows with these keys: (key, name, test); declared names without one; (key, reader) of others.

    None where they have a field under two keys: both would have to be read.
    """
    spelled = {key.lower(): key for key in keys}
    there = [(name, small, read) for name, small, read in READERS["placement"] if small in spelled]
    names = {name for name, _, _ in there}
    if len(names) < len(there):
        return None
    return (
        tuple((spelled[small], name, _EQUALS[name, small]) for name, small, _ in there if name in declared),
        tuple(name for name in declared if name not in names),
        tuple((spelled[small], read) for name, small, read in there if name not in declared),
    )


def _is_same_count(raw: Any, wanted: Any) -> bool:
    return type(raw) is int and bool(raw == wanted)


def _is_same_list(raw: Any, wanted: Any) -> bool:
    """Whether a list holds the wanted texts, each of which is another, in any order."""
    return raw == wanted or (type(raw) is list and len(raw) == len(wanted) and all(text in raw for text in wanted))


def _are_same_words(raw: Any, wanted: Any) -> bool:
    return raw in _NO_WORDS if wanted is None else _is_same_list(raw, wanted)


_NO_WORDS: Final[tuple[Any, ...]] = (None, [])


def _are_same_prices(raw: Any, wanted: Any) -> bool:
    if type(raw) is not list or len(raw) != len(wanted):
        return False
    try:
        table = {line["country"]: line["price"] for line in raw}
    except (KeyError, TypeError):  # a line that is spelled otherwise, or none
        return False
    return table == wanted and max(map(len, raw)) == _COUNTRY_AND_PRICE and bool not in set(map(type, table.values()))


_COUNTRY_AND_PRICE: Final = 2
"""Keys of a line; True == 1, so a price that is a boolean equals one."""


def _is_same_geo(raw: Any, wanted: Any) -> bool:
    if wanted is None:
        return raw is None or (_has_only(raw, _GEO) and not raw.get("countries"))
    if type(raw) is not dict or len(raw) != len(wanted) or raw.get("include") is not wanted["include"]:
        return False
    return _is_same_list(raw.get("countries"), wanted["countries"])


def _is_same_limit(raw: Any, wanted: Any) -> bool:
    if wanted is None:
        return raw is None or (_has_only(raw, _LIMIT) and raw.get("enabled") is False)
    if type(raw) is not dict or raw.get("enabled") is not True or len(raw) != len(_LIMIT):
        return False
    value = raw.get("value")
    return type(value) is int and bool(value == wanted["value"] and raw.get("unit") == wanted["unit"])


def _is_same_ssr_config(raw: Any, wanted: Any) -> bool:
    if wanted is None:
        return raw is None or (_has_only(raw, _SSR_CONFIG) and raw.get("enabled") is False)
    return _has_only(raw, _SSR_CONFIG) and raw.get("enabled", True) is True and _is_same_reward(raw, wanted)


def _is_same_rewarded_config(raw: Any, wanted: Any) -> bool:
    if wanted is None:
        return raw is None or (_has_only(raw, _REWARDED_CONFIG) and raw.get("rewardingType") == "client")
    return _has_only(raw, _REWARDED_CONFIG) and raw.get("rewardingType") == "server" and _is_same_reward(raw, wanted)


def _is_same_reward(raw: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    currency: Any = raw.get("currency")
    amount: Any = raw.get("amount")
    if _has_only(currency, _CURRENCY):
        currency = currency.get("currency")
    is_same_amount = type(amount) is type(wanted["amount"]) and amount == wanted["amount"]
    return bool(is_same_amount and currency == wanted["currency"])


def _has_only(raw: Any, keys: frozenset[str]) -> bool:
    """Whether a value is an object with some of these keys and no other, not even in another spelling."""
    return type(raw) is dict and raw.keys() <= keys


_GEO: Final = frozenset(("include", "countries"))
_LIMIT: Final = frozenset(("value", "unit", "enabled"))
_SSR_CONFIG: Final = frozenset(("id", "currency", "amount", "enabled", "placementId"))
_REWARDED_CONFIG: Final = frozenset(("id", "currency", "amount", "rewardingType", "placementId"))
_CURRENCY: Final = frozenset(("id", "appId", "currency"))


def _equals(name: str, small_key: str) -> Equals:
    equals: Equals
    match PLACEMENT_FIELDS[name].type:
        case FlagType():
            equals = is_
        case TextType() | BundleType() | WordType():
            equals = eq
        case WordsType():
            equals = _are_same_words
        case CountType():
            equals = _is_same_count
        case PricesType():
            equals = _are_same_prices
        case GeoType():
            equals = _is_same_geo
        case LimitType():
            equals = _is_same_limit
        case RewardType():
            equals = _is_same_ssr_config if small_key == name.lower() else _is_same_rewarded_config
        case never:
            assert_never(never)
    return equals


_EQUALS: Final = {(name, small_key): _equals(name, small_key) for name, small_key, _ in READERS["placement"]}
