"""An account of the API, read without our own client: what two tools made must be the same."""

import json
from typing import Any
from urllib.request import Request, urlopen

from generate import PUBLISHER

IDS = ("appId", "placementId", "rewardedAdSecurityToken")
"""What tells one account from another that is alike."""


def contents(url: str) -> dict[str, Any]:
    """Each app by its bundle, with its placements by name; ids apart."""
    bearer = token(url)
    apps = _read(f"{url}/api/management/v1/app?publisherId={PUBLISHER}", bearer)
    return {each["bundle"]: [_alike(each), _placements(url, each["appId"], bearer)] for each in apps}


def token(url: str) -> str:
    """A token of the API, good for an hour."""
    asked = {"grant_type": "management_client_credentials", "client_id": "bench", "client_secret": "bench"}
    with urlopen(Request(f"{url}/api/v2/management/auth", json.dumps(asked).encode())) as answer:
        return json.load(answer)["accessToken"]


def _placements(url: str, app_id: str, bearer: str) -> dict[str, Any]:
    listed = _read(f"{url}/api/management/v1/placement?appId={app_id}", bearer)
    for placement in listed:
        placement["floorPrices"].sort(key=lambda line: line["country"])
    return {placement["name"]: _alike(placement) for placement in listed}


def _alike(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in IDS}


def _read(url: str, bearer: str) -> list[dict[str, Any]]:
    with urlopen(Request(url, headers={"Authorization": f"Bearer {bearer}"})) as answer:
        return json.load(answer)
