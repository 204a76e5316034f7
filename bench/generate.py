"""A large publisher, made up: the same apps as manifests and as the API's answers. The same in every run."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PUBLISHER = "3432"
COUNTRIES = ("US", "CA", "GB", "SE", "NO", "DE", "JP")
TYPES = ("Interstitial", "Rewarded", "Banner", "MREC")
CATEGORIES = {"android": "Arcade", "ios": "Games - Arcade"}
SETTINGS = f'version: 1\npublisherId: "{PUBLISHER}"\n'


def app(number: int, placements: int) -> dict[str, Any]:
    """One app as a manifest declares it."""
    platform = ("android", "ios")[number % 2]
    return {
        "platform": platform,
        "bundle": f"com.example.game{number:04}" if platform == "android" else f"15{number:08}",
        "name": f"Game {number:04}",
        "category1": CATEGORIES[platform],
        "coppa": False,
        "status": "active",
        "placements": [placement(number, index) for index in range(placements)],
    }


def placement(number: int, index: int) -> dict[str, Any]:
    kind = TYPES[index % len(TYPES)]
    block: dict[str, Any] = {
        "name": f"{kind.lower()}_{index:02}",
        "placementType": kind,
        "coppa": False,
        "status": "active",
        "floorPrices": floors(number * 31 + index * 17),
        "capping": {"value": 3 + index, "unit": "hour"},
        "pacing": {"value": 30 + number % 60, "unit": "second"},
    }
    if index % 2:
        block["targetingEnabled"] = True
        block["geo"] = {"include": True, "countries": sorted({*COUNTRIES, "SG"})}
        block["connectivity"] = ["WIFI"]
    if kind == "Interstitial":
        block["creativeTypes"] = ["display", "video"]
    if kind == "Rewarded":
        block["ssrConfig"] = {"currency": "coins", "amount": 10 + index}
    if kind == "Banner":
        block["bannerRefresh"] = 45
    return block


def floors(seed: int) -> dict[str, float]:
    prices = {country: round(0.2 + (seed * 7 + at * 131) % 2400 / 100, 2) for at, country in enumerate(COUNTRIES)}
    return {"WW": 0.05, **prices}


def manifest(block: dict[str, Any]) -> str:
    """The app's manifest as a person would lay it out."""
    lines = ["version: 1", "apps:", *_item(block, "  ")]
    return "\n".join(lines) + "\n"


def _item(block: dict[str, Any], indent: str) -> Iterator[str]:
    lead = "- "
    for key, value in block.items():
        head = f"{indent}{lead}{key}:"
        if key == "placements":
            yield head
            for part in value:
                yield from _item(part, indent + "    ")
        elif key == "floorPrices":
            yield head
            yield from (f"{indent}    {_scalar(country)}: {price}" for country, price in value.items())
        else:
            yield f"{head} {_flow(value)}"
        lead = "  "


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(_flow(part) for part in value) + "]"
        case _:
            return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f'"{text}"' if text == "NO" or (isinstance(value, str) and text.isdigit()) else text


def answers(blocks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """The account that is just as declared: the list of apps, and each app's list of placements by its id."""
    each = [answer(number, block) for number, block in enumerate(blocks)]
    return [live for live, _ in each], {live["appId"]: rows for live, rows in each}


def answer(number: int, block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One app as it is listed, and its list of placements."""
    live = _app_answer(number, block)
    return live, _list_answer(live["appId"], block)


def _app_answer(number: int, block: dict[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in block.items() if key != "placements"}
    return {"appId": str(100_000 + number), "publisherId": PUBLISHER, "storeUrl": "", "category2": "", **said}


def _list_answer(app_id: str, block: dict[str, Any]) -> list[dict[str, Any]]:
    return [_placement_answer(app_id, index, part) for index, part in enumerate(block["placements"])]


def _placement_answer(app_id: str, index: int, block: dict[str, Any]) -> dict[str, Any]:
    answer = {"placementId": str(int(app_id) * 100 + index), "appId": app_id, **block}
    answer["floorPrices"] = [{"country": country, "price": price} for country, price in block["floorPrices"].items()]
    answer["capping"] = {**block["capping"], "enabled": True}
    answer["pacing"] = {**block["pacing"], "enabled": True}
    if "ssrConfig" in block:
        asked = answer.pop("ssrConfig")
        currency = {"id": asked["currency"], "appId": "", "currency": asked["currency"]}
        answer["rewardedConfig"] = {"currency": currency, "amount": asked["amount"], "rewardingType": "server"}
    return answer


def project(folder: Path, blocks: Iterable[dict[str, Any]]) -> int:
    """Write the apps as a project, one file each; the size of all manifests in bytes."""
    (folder / "apps").mkdir(parents=True, exist_ok=True)
    (folder / "reconciler.yaml").write_text(SETTINGS, encoding="utf-8")
    paths = ((folder / "apps" / f"game{number:04}.yaml", block) for number, block in enumerate(blocks))
    return sum(path.write_text(manifest(block), encoding="utf-8") for path, block in paths)
