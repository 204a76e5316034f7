"""Documents with one thing or a few made odd: other types, numbers beyond bounds, texts that no text should be."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

RAW = (
    "1e999", "-1e999", "NaN", "-Infinity", "1E400", "9" * 4000, "-" + "9" * 400, "1e308", "1e-400", "0.1e-9",
    "[" * 10_000 + "]" * 10_000, '{"a":' * 900 + "1" + "}" * 900, '{"a": 1, "a": {"a": 2}}', '"\\ud800"', '"\\u0000"',
    "[" * 300 + "1" + "]" * 300, "", "nul", "00", '"\\q"',
)  # fmt: skip
"""Texts put in the place of a value as they are: what no writer of JSON writes, and what few readers take."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.5, -0.0, 2**31, 2**63, 2**64, 10**30, 10**308, 1e308, 5e-324, "", " ", "x", "1",
    "-1", "1e400", "NaN", "x" * 70_000, "9" * 70_000, "1\n2", "\x00", "\x1b[2J", "\u202e", "\u0661\u0662", "\uff11",
    "é", "a/b/c", ":", "/", "::error::", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31",
    "0001-01-01", "2026-13-45", "2026-11-21T19:00:00", "2026-11-21T19:00:00+23:59", "20261121T190000Z", "now", [], {},
    [[]], [None], [1, "a"], ["a", 1], {"": None}, {"a": {"b": {"c": {}}}}, [{"path": "x"}], "create", "delete",
    "applied", "unknown", "floorPrices", "floorPrices.US", {"US": 1}, {"US": "1"}, {"US": True}, {"US": None},
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _places(part, (*path, key))


def _holder(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


def mutant(document: Any, chance: random.Random) -> str:
    """The document as JSON with one to three oddities."""
    made = json.loads(json.dumps(document))
    raws: list[str] = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        path = chance.choice([*_places(made)][1:] or [()])
        if not path:
            return json.dumps(chance.choice(ODD))
        holder, key = _holder(made, path), path[-1]
        match chance.randrange(8):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice(("", "a.b", "x" * 300, "floorPrices", "id", "event", "\ud800"))] = holder.pop(key)
            case 1 | 2:
                other = chance.choice([*_places(made)])
                holder[key] = json.loads(json.dumps(_holder(made, other)[other[-1]])) if other else 7
            case 3:
                raws.append(chance.choice(RAW))
                holder[key] = f"@@{len(raws) - 1}@@"
            case _:
                holder[key] = deepcopy(chance.choice(ODD))
    text = json.dumps(made, ensure_ascii=chance.random() < 0.5)
    for at, raw in enumerate(raws):
        text = text.replace(f'"@@{at}@@"', raw)
    if chance.random() < 0.03:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(("", "\x00", "\x85", '"', "}", "\ud800")) + text[at + 1 :]
    return text
