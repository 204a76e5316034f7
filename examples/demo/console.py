#!/usr/bin/env python3
"""Somebody changes a floor in the vendor's console: `console.py BUNDLE PLACEMENT COUNTRY PRICE`, at DT_MANAGEMENT_URL.

This speaks to the API directly and past the reconciler, which is what makes the change a drift.
"""

import os
import sys

import httpx

PUBLISHER = "3432"


def main(bundle: str, name: str, country: str, price: float) -> None:
    """Set one country's floor of one placement."""
    with httpx.Client(base_url=os.environ["DT_MANAGEMENT_URL"]) as http:
        keys = {"client_id": os.environ["DT_CLIENT_ID"], "client_secret": os.environ["DT_CLIENT_SECRET"]}
        asked = {"grant_type": "management_client_credentials", **keys}
        token = http.post("/api/v2/management/auth", json=asked).raise_for_status().json()["accessToken"]
        http.headers["Authorization"] = f"Bearer {token}"

        app = one(rows(http, "app", publisherId=PUBLISHER), "bundle", bundle)
        placement = one(rows(http, "placement", appId=spelled(app, "appid")), "name", name)
        others = [floor for floor in placement["floorPrices"] if floor["country"] != country]
        change = {
            "placementId": spelled(placement, "placementid"),
            "floorPrices": [*others, {"country": country, "price": price}],
        }
        http.put("/api/management/v1/placement", json=change).raise_for_status()
    sys.stdout.write(f"in the console: {name} of {bundle} now asks {price:g} USD in {country}\n")


def rows(http: httpx.Client, kind: str, **query: str) -> list[dict]:
    """The rows of a list answer, bare or wrapped."""
    answer = http.get(f"/api/management/v1/{kind}", params=query).raise_for_status().json()
    return answer if isinstance(answer, list) else next(part for part in answer.values() if isinstance(part, list))


def one(found: list[dict], key: str, value: str) -> dict:
    """The row that has the value."""
    return next(row for row in found if row[key] == value)


def spelled(row: dict, key: str) -> str:
    """An id, however its key is spelled."""
    return next(str(value) for name, value in row.items() if name.lower() == key)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
