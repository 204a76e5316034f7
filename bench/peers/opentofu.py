"""OpenTofu with the REST provider against `reconciler`: each makes the same account in a sandbox of its own, and plans.

Both are given ten calls side by side, which is what OpenTofu takes by itself, and both come back to what they made:
OpenTofu with its state, we with our ledger. The accounts are compared, and the plans must find just what changed.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import build
from children import RECONCILER, WORK, Ran, keys, ran, sandbox
from generate import PUBLISHER, app, project
from table import ratio, seconds

EACH = 20
LATENCY = 0.02
PARALLEL = "10"
RUNS = 3
CHANGED = 100
"""One placement in so many gets another floor."""
HEADINGS = ("tofu, wall s", "ours, wall s", "tofu takes", "tofu, CPU s", "ours, CPU s", "tofu takes")

Blocks = list[dict[str, Any]]


@dataclass(frozen=True)
class Tofu:
    """OpenTofu in a folder, and the account it talks to."""

    binary: Path
    folder: Path
    url: str

    def declare(self, blocks: Blocks) -> None:
        (self.folder / "account.json").write_text(json.dumps(account(blocks)), encoding="utf-8")

    def apply(self, *_made: int) -> Ran:
        return self._run(0, "apply", "-auto-approve")

    def plan(self, updates: int) -> Ran:
        done = self._run(2 if updates else 0, "plan", "-detailed-exitcode")
        expected = f"Plan: 0 to add, {updates} to change, 0 to destroy." if updates else "No changes."
        assert expected in done.said, done.said[-2000:]
        return done

    def _run(self, code: int, verb: str, *more: str) -> Ran:
        called = [self.binary, verb, "-input=false", "-no-color", "-lock=false", f"-parallelism={PARALLEL}", *more]
        told = {
            "TF_CLI_CONFIG_FILE": str(self.folder / "overrides.tfrc"),
            "TF_VAR_url": self.url,
            "TF_VAR_token": token(self.url),
        }
        return ran(called, self.folder, told, code)


@dataclass(frozen=True)
class Ours:
    """A project in a folder, and the account it talks to."""

    folder: Path
    url: str

    def declare(self, blocks: Blocks) -> None:
        project(self.folder, blocks)

    def apply(self, made: int) -> Ran:
        done = self._run(0, "apply", "--yes")
        assert f"{made} applied" in done.said, done.said[-2000:]
        return done

    def plan(self, updates: int) -> Ran:
        done = self._run(2 if updates else 0, "plan", "--detailed-exitcode")
        expected = f"Plan: {updates} to update; " if updates else "No changes: "
        assert expected in done.said, done.said[-2000:]
        return done

    def _run(self, code: int, *verb: str) -> Ran:
        return ran([*RECONCILER, *verb, "--no-color", "--parallelism", PARALLEL], self.folder, keys(self.url), code)


def rows(placements: int) -> Iterator[tuple[str, ...]]:
    """An account of so many placements: made, planned as it is, and planned with one placement in a hundred changed."""
    blocks = [app(number, EACH) for number in range(placements // EACH)]
    binaries = build.tofu(), build.restapi()
    with ExitStack() as opened:
        peer = Tofu(binaries[0], _folder("tofu"), opened.enter_context(sandbox(LATENCY)))
        ours = Ours(_folder("ours"), opened.enter_context(sandbox(LATENCY)))
        _configure(peer.folder, binaries[1])
        for tool in (peer, ours):
            tool.declare(blocks)
        made = placements + len(blocks)
        yield _row(f"{placements:,} placements, create all", peer.apply(made), ours.apply(made))
        assert contents(peer.url) == contents(ours.url)
        yield _planned(f"{placements:,} placements, plan with no change", peer, ours, 0)
        for tool in (peer, ours):
            tool.declare(moved(blocks))
        yield _planned(f"{placements:,} placements, plan with 1 % changed", peer, ours, placements // CHANGED)


def _folder(name: str) -> Path:
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _configure(folder: Path, provider: Path) -> None:
    """With an override OpenTofu takes the provider as it was built: nothing is fetched, and `init` is not needed."""
    shutil.copy(Path(__file__).with_name("main.tf"), folder)
    override = f'dev_overrides {{\n    "Mastercard/restapi" = "{provider.parent}"\n  }}'
    settings = f"provider_installation {{\n  {override}\n  direct {{}}\n}}\n"
    (folder / "overrides.tfrc").write_text(settings, encoding="utf-8")


def _planned(name: str, peer: Tofu, ours: Ours, updates: int) -> tuple[str, ...]:
    """The best of a few plans each, in turn, so that what else the machine does hits both alike."""
    pairs = [(peer.plan(updates), ours.plan(updates)) for _ in range(RUNS)]
    return _row(name, min(pair[0] for pair in pairs), min(pair[1] for pair in pairs))


def _row(name: str, peer: Ran, ours: Ran) -> tuple[str, ...]:
    wall = seconds(peer.wall), seconds(ours.wall), ratio(peer.wall, ours.wall)
    return name, *wall, seconds(peer.cpu), seconds(ours.cpu), ratio(peer.cpu, ours.cpu)


def moved(blocks: Blocks) -> Blocks:
    """The account with the US floor of one placement in a hundred a tenth higher."""
    changed = deepcopy(blocks)
    every = [placement for block in changed for placement in block["placements"]]
    for placement in every[::CHANGED]:
        placement["floorPrices"]["US"] = round(placement["floorPrices"]["US"] * 1.1 + 0.01, 2)
    return changed


def account(blocks: Blocks) -> dict[str, Any]:
    """Apps and placements under a name each, as the API's creates take them."""
    apps = {
        block["bundle"]: {"publisherId": PUBLISHER} | {key: part for key, part in block.items() if key != "placements"}
        for block in blocks
    }
    placements = {
        f"{block['bundle']}/{placement['name']}": {"app": block["bundle"], "body": _body(placement)}
        for block in blocks
        for placement in block["placements"]
    }
    return {"apps": apps, "placements": placements}


def _body(placement: dict[str, Any]) -> dict[str, Any]:
    floors = [{"country": country, "price": price} for country, price in placement["floorPrices"].items()]
    blocks = {name: {**placement[name], "enabled": True} for name in _SWITCHED if name in placement}
    return {**placement, "floorPrices": floors, **blocks}


_SWITCHED = ("capping", "pacing", "ssrConfig")


def contents(url: str) -> dict[str, Any]:
    """What an account holds, ids apart: each app by its bundle, with its placements by name."""
    bearer = token(url)
    apps = _read(f"{url}/api/management/v1/app?publisherId={PUBLISHER}", bearer)
    return {each["bundle"]: _without_ids(each) | _placements(url, each["appId"], bearer) for each in apps}


def _placements(url: str, app_id: str, bearer: str) -> dict[str, Any]:
    listed = _read(f"{url}/api/management/v1/placement?appId={app_id}", bearer)
    for placement in listed:
        placement["floorPrices"].sort(key=lambda line: line["country"])
    return {"placements": {placement["name"]: _without_ids(placement) for placement in listed}}


def _without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in ("appId", "placementId", "rewardedAdSecurityToken")}


def token(url: str) -> str:
    """A token of the API, good for an hour."""
    asked = {"grant_type": "management_client_credentials", "client_id": "bench", "client_secret": "bench"}
    call = Request(f"{url}/api/v2/management/auth", json.dumps(asked).encode())
    with urlopen(call) as answer:
        return json.load(answer)["accessToken"]


def _read(url: str, bearer: str) -> list[dict[str, Any]]:
    with urlopen(Request(url, headers={"Authorization": f"Bearer {bearer}"})) as answer:
        return json.load(answer)
