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

import build
from children import RECONCILER, Ran, keys, ran
from generate import PUBLISHER, app, project
from live import contents, token
from place import WORK, sandbox
from table import ratio, seconds

EACH = 20
LATENCY = 0.02
PARALLEL = "10"
RUNS = 3
CHANGED = 100
"""One placement in so many gets another floor."""
SWITCHED = ("capping", "pacing", "ssrConfig")
"""Blocks that count for the API only when they say that they are on."""
HEADINGS = ("tofu, wall s", "ours, wall s", "tofu takes", "tofu, CPU s", "ours, CPU s", "tofu takes")

Blocks = list[dict[str, Any]]


@dataclass(frozen=True)
class Tofu:
    """OpenTofu in a folder, and the account it talks to."""

    binary: Path
    folder: Path
    url: str

    def prepare(self, provider: Path) -> None:
        """With an override OpenTofu takes the provider as it was built: nothing is fetched, `init` is not needed."""
        shutil.copytree(Path(__file__).with_name("account"), self.folder, dirs_exist_ok=True)
        override = f'dev_overrides {{\n    "Mastercard/restapi" = "{provider.parent}"\n  }}'
        settings = f"provider_installation {{\n  {override}\n  direct {{}}\n}}\n"
        (self.folder / "overrides.tfrc").write_text(settings, encoding="utf-8")
        self._run(0, "get")

    def declare(self, blocks: Blocks) -> None:
        (self.folder / "apps").mkdir(exist_ok=True)
        for block in blocks:
            (self.folder / "apps" / f"{block['bundle']}.json").write_text(json.dumps(bodies(block)), encoding="utf-8")

    def apply(self, made: int) -> Ran:
        done = self._work(0, "apply", "-auto-approve")
        assert f"Resources: {made} added, 0 changed" in done.said, done.said[-2000:]
        return done

    def plan(self, updates: int) -> Ran:
        done = self._work(2 if updates else 0, "plan", "-detailed-exitcode")
        expected = f"Plan: 0 to add, {updates} to change, 0 to destroy." if updates else "No changes."
        assert expected in done.said, done.said[-2000:]
        return done

    def _work(self, code: int, verb: str, *more: str) -> Ran:
        return self._run(code, verb, "-input=false", "-lock=false", f"-parallelism={PARALLEL}", *more)

    def _run(self, code: int, verb: str, *more: str) -> Ran:
        settings = {"TF_CLI_CONFIG_FILE": str(self.folder / "overrides.tfrc")}
        account = {"TF_VAR_url": self.url, "TF_VAR_token": token(self.url)}
        return ran([self.binary, verb, "-no-color", *more], self.folder, settings | account, code)


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
    with ExitStack() as opened:
        peer = Tofu(build.tofu(), _folder("tofu"), opened.enter_context(sandbox(LATENCY)))
        ours = Ours(_folder("ours"), opened.enter_context(sandbox(LATENCY)))
        peer.prepare(build.restapi())
        _declare(blocks, peer, ours)
        made = placements + len(blocks)
        yield _row(f"{placements:,} placements, create all", peer.apply(made), ours.apply(made))
        assert contents(peer.url) == contents(ours.url)
        yield _planned(f"{placements:,} placements, plan with no change", peer, ours, 0)
        _declare(moved(blocks), peer, ours)
        yield _planned(f"{placements:,} placements, plan with 1 % changed", peer, ours, placements // CHANGED)


def _folder(name: str) -> Path:
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _declare(blocks: Blocks, *tools: Tofu | Ours) -> None:
    for tool in tools:
        tool.declare(blocks)


def _planned(name: str, peer: Tofu, ours: Ours, updates: int) -> tuple[str, ...]:
    """The best of a few plans each, in turn, so that what else the machine does hits both alike."""
    pairs = [(peer.plan(updates), ours.plan(updates)) for _ in range(RUNS)]
    return _row(name, min(pair[0] for pair in pairs), min(pair[1] for pair in pairs))


def _row(name: str, peer: Ran, ours: Ran) -> tuple[str, ...]:
    wall = seconds(peer.wall), seconds(ours.wall), ratio(peer.wall, ours.wall)
    return name, *wall, seconds(peer.cpu), seconds(ours.cpu), ratio(peer.cpu, ours.cpu)


def moved(blocks: Blocks) -> Blocks:
    """The account with the US floor of one placement in a hundred about a tenth higher."""
    changed = deepcopy(blocks)
    every = [placement for block in changed for placement in block["placements"]]
    for placement in every[::CHANGED]:
        placement["floorPrices"]["US"] = round(placement["floorPrices"]["US"] * 1.1 + 0.01, 2)
    return changed


def bodies(block: dict[str, Any]) -> dict[str, Any]:
    """An app and its placements by name, as the API's creates take them."""
    said = {key: value for key, value in block.items() if key != "placements"}
    placements = {placement["name"]: _body(placement) for placement in block["placements"]}
    return {"app": {"publisherId": PUBLISHER, **said}, "placements": placements}


def _body(placement: dict[str, Any]) -> dict[str, Any]:
    floors = [{"country": country, "price": price} for country, price in placement["floorPrices"].items()]
    switched = {name: {**placement[name], "enabled": True} for name in SWITCHED if name in placement}
    return {**placement, "floorPrices": floors, **switched}
