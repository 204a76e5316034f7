"""Initial contents of an account: the demo, a generated account of any size, or resources read from another account."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from reconciler.errors import ProjectError, UsageError
from reconciler.model.live import LiveResource, LiveState
from reconciler.model.value import fields_to_json
from reconciler.sandbox.account import SandboxAccount, StoredResource
from reconciler.sandbox.checks import complete_placement
from reconciler.sandbox.exchange import RefusalError
from reconciler.sandbox.management import DEFAULT_PUBLISHER

SEEDS: Final = ("demo",)
_ID: Final = re.compile(r"0|[1-9]\d{0,16}", re.ASCII)
_FIRST_GENERATED_APP: Final = 300_000
_FIRST_GENERATED_PLACEMENT: Final = 1_000_000


def seed_named(account: SandboxAccount, name: str) -> None:
    """Put a named seed into the account. Raises `UsageError` for an unknown name."""
    if name not in SEEDS:
        raise UsageError(f"there is no seed {name!r}", hint=f"known seeds: {', '.join(SEEDS)}")
    content = files("reconciler.sandbox").joinpath(f"data/{name}.json").read_bytes()
    seed_resources(account, json.loads(content))


def seed_resources(
    account: SandboxAccount, resources: Iterable[Mapping[str, Any]], *, publisher_id: str = DEFAULT_PUBLISHER
) -> None:
    """Put resources with their ids into the account.

    Each is `{"kind", "id", "appId" (placements), "fields"}`, its fields in the program's canonical JSON form: what
    `fields_to_json` gives for a live resource. Blocks that are None are off.
    """
    account.load(_stored_resource(resource, publisher_id) for resource in resources)


def seed_live(account: SandboxAccount, live: LiveState, publisher_id: str) -> None:
    """Put the live state of another account into this one, under the same ids.

    Raises `ProjectError` for an id that this server cannot keep as it is: a number without leading zeros.
    """
    seed_resources(account, map(_as_resource, live.resources()), publisher_id=publisher_id)


def _as_resource(live: LiveResource) -> dict[str, Any]:
    for resource_id in filter(None, (live.id, live.app_id)):
        if not _ID.fullmatch(resource_id):
            raise ProjectError(f"{live.kind} id {resource_id}: the sandbox keeps numbers as ids, and no others")
    fields = fields_to_json(live.fields)
    if live.kind == "placement":
        try:
            complete_placement(fields)
        except RefusalError:
            # Targeting that aims at nothing: this server takes it for none, as it could not be written to otherwise.
            fields["targetingEnabled"] = False
    return {"kind": live.kind, "id": live.id, "appId": live.app_id, "fields": fields}


def seed_generated(account: SandboxAccount, apps: int, placements_per_app: int) -> None:
    """Put `generated` resources into the account."""
    seed_resources(account, generated(apps, placements_per_app))


def generated(apps: int, placements_per_app: int) -> Iterator[dict[str, Any]]:
    """Resources of an account of any size, in the form that `seed_resources` takes; the same for the same numbers."""
    for place in range(apps):
        app_id = str(_FIRST_GENERATED_APP + place)
        yield {"kind": "app", "id": app_id, "fields": _generated_app(place)}
        for tier in range(placements_per_app):
            placement_id = str(_FIRST_GENERATED_PLACEMENT + place * placements_per_app + tier)
            fields = _generated_placement(place, tier)
            yield {"kind": "placement", "id": placement_id, "appId": app_id, "fields": fields}


def _stored_resource(resource: Mapping[str, Any], publisher_id: str) -> StoredResource:
    if resource["kind"] == "placement":
        return StoredResource(
            "placement", str(resource["id"]), complete_placement(resource["fields"]), str(resource["appId"])
        )
    fields = {name: value for name, value in resource["fields"].items() if value is not None}
    return StoredResource("app", str(resource["id"]), {"publisherId": publisher_id, **fields})


def _generated_app(place: int) -> dict[str, Any]:
    return {
        "platform": "android",
        "bundle": f"com.studio.game{place:05d}",
        "name": f"Game {place:05d}",
        "category1": "Puzzle",
        "category2": "Casual",
        "coppa": False,
        "status": "active",
        "rewardedAdUrl": "https://example.com/reward?user_id={{USER_ID}}&amount={{AMOUNT}}&sig={{SIG}}",
    }


def _generated_placement(place: int, tier: int) -> dict[str, Any]:
    top = 0.5 + (place * 7 + tier * 13) % 100 / 10
    floors = {"WW": 0.01, "US": top, "GB": top * 0.8, "DE": top * 0.7, "JP": top * 0.6, "BR": top * 0.2}
    fields: dict[str, Any] = {
        "name": f"level_end_{tier:03d}",
        "placementType": ("Interstitial", "Rewarded", "Banner", "MREC")[tier % 4],
        "status": "active",
        "coppa": False,
        "floorPrices": {country: max(0.01, round(price, 2)) for country, price in floors.items()},
        "targetingEnabled": True,
        "geo": {"include": False, "countries": ["BT", "SG"]},
        "capping": {"value": 12, "unit": "hour"},
        "pacing": {"value": 30, "unit": "second"},
    }
    match fields["placementType"]:
        case "Interstitial":
            fields["creativeTypes"] = ["display", "video"]
        case "Rewarded":
            fields["ssrConfig"] = {"currency": "coins", "amount": 10 + tier}
        case "Banner":
            fields["bannerRefresh"] = 45
        case _:
            pass
    return fields
