"""octoDNS against `reconciler`, record for record: a zone file and an app's manifest each hold twenty.

octoDNS reads YAML and compares it with YAML; our plan reads YAML and compares it with an account over HTTP that answers
at once. octoDNS gets three sets of zones: plain records, of three or four values, in zones of twenty; the same in one
zone; and records that hold as much as our placements do, some 23 values, in zones of twenty: an answer of its own for
each of six countries, where a placement has floor prices.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from children import RECONCILER, BrokenRunError, Ran, keys, ran, server
from generate import app, project
from place import WORK, PeerMissingError
from table import ratio, seconds

VERSION = "1.22.0"
ZONES, EACH = 1000, 20
RUNS = {"plain": 3, "one zone": 1, "by country": 1}
"""The others take octoDNS a minute and more."""
COUNTRIES = ("NA-CA", "EU-DE", "EU-GB", "AS-JP", "EU-SE", "NA-US")
HEADINGS = ("wall s", "CPU s", "CPU µs a record", *(f"octoDNS, {sort}, takes" for sort in RUNS))
SETTINGS = """\
providers:
  manifests:
    class: octodns.provider.yaml.YamlProvider
    directory: ./manifests
  live:
    class: octodns.provider.yaml.YamlProvider
    directory: ./live
zones:
  '*':
    sources: [manifests]
    targets: [live]
"""
COLD = {"RECONCILER_CACHE": "off"}


def installed() -> Path:
    """The commands of octoDNS, in an environment of its own."""
    commands = WORK / f"octodns-{VERSION}" / "bin"
    if not (commands / "octodns-sync").exists():
        try:
            ran([sys.executable, "-m", "venv", "--clear", commands.parent], WORK)
            pip = [commands / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            ran([*pip, f"octodns=={VERSION}"], WORK)
        except BrokenRunError as wrong:
            raise PeerMissingError(
                f"octoDNS {VERSION} could not be installed: {str(wrong).splitlines()[-1]}"
            ) from wrong
    return commands


def zone(number: int, sort: str) -> str:
    """A zone file, in the order octoDNS asks for."""
    record = _by_country if sort == "by country" else _plain
    return "---\n" + "".join(
        f"host{index:05}:\n{record(number, index)}" for index in range(ZONES * EACH // zones_of(sort))
    )


def zones_of(sort: str) -> int:
    return 1 if sort == "one zone" else ZONES


def _plain(number: int, index: int) -> str:
    head, host = f"  ttl: {300 + number % 60}\n  type: ", f"host00000.zone{number:04}.example."
    match index % 4:
        case 0:
            net = f"10.{number % 250}.{index % 250}"
            return f"{head}A\n  values:\n    - {net}.1\n    - {net}.2\n"
        case 1:
            return f"{head}CNAME\n  value: {host}\n"
        case 2:
            return f"{head}TXT\n  value: record {index} of zone {number}\n"
        case _:
            return f"{head}MX\n  values:\n    - exchange: {host}\n      preference: {index}\n"


def _by_country(number: int, index: int) -> str:
    names = [f"pool-{place[3:].lower()}" for place in COUNTRIES]
    answers = [f"{name}: {{values: [{{value: 10.{number % 250}.{index}.{at}}}]}}" for at, name in enumerate(names)]
    rules = [f"{{geos: [{place}], pool: {name}}}" for place, name in zip(COUNTRIES, names, strict=True)]
    pools = "".join(f"      {answer}\n" for answer in [*answers, "pool-ww: {values: [{value: 10.0.0.1}]}"])
    told = "".join(f"      - {rule}\n" for rule in [*rules, "{pool: pool-ww}"])
    return (
        f"  dynamic:\n    pools:\n{pools}    rules:\n{told}  ttl: {300 + number % 60}\n  type: A\n  value: 10.0.0.1\n"
    )


def rows() -> Iterator[tuple[str, ...]]:
    """`validate` and `plan` with nothing to change, 20,000 records; ours with nothing remembered, then after a run."""
    commands, manifests = installed(), WORK / "project"
    zones = {sort: _zones(sort) for sort in RUNS}
    shutil.rmtree(manifests, ignore_errors=True)
    project(manifests, [app(number, EACH) for number in range(ZONES)])
    peers = {sort: partial(_validated, commands, folder) for sort, folder in zones.items()}
    yield from _rows("validate", peers, partial(_ours, manifests, ["validate"]))
    with server(ZONES, EACH, 0) as url:
        plan = ["plan", "--detailed-exitcode", "--parallelism", "8"]
        peers = {sort: partial(_synced, commands, folder) for sort, folder in zones.items()}
        yield from _rows("plan", peers, partial(_ours, manifests, plan, **keys(url)))


def _rows(verb: str, peers: dict[str, Callable[[], Ran]], ours: Callable[..., Ran]) -> Iterator[tuple[str, ...]]:
    """The best of a few runs each, cold ones in turn with octoDNS; they leave nothing for the warm ones."""
    turns = [(peers["plain"](), ours(**COLD)) for _ in range(RUNS["plain"])]
    plain, cold = (min(runs) for runs in zip(*turns, strict=True))
    theirs = {"plain": plain, **{sort: peers[sort]() for sort in RUNS if sort != "plain"}}
    command = {"plan": "octodns-sync"}.get(verb, f"octodns-{verb}")
    yield from (_row(f"`{command}`, {sort}", took) for sort, took in theirs.items())
    yield _row(f"`reconciler {verb}`, nothing remembered", cold, *theirs.values())
    _, *again = [ours() for _ in range(1 + RUNS["plain"])]
    yield _row(f"`reconciler {verb}`, after a run", min(again), *theirs.values())


def _row(name: str, own: Ran, *peers: Ran) -> tuple[str, ...]:
    """What a command took, and how many times its CPU seconds each peer takes."""
    times = [ratio(peer.cpu, own.cpu) for peer in peers] or ["", ""]
    return name, seconds(own.wall), seconds(own.cpu), f"{own.cpu / ZONES / EACH * 1e6:.0f}", *times


def _zones(sort: str) -> Path:
    folder = WORK / "zones" / sort.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    for side in ("manifests", "live"):
        (folder / side).mkdir(parents=True)
        for number in range(zones_of(sort)):
            (folder / side / f"zone{number:04}.example.yaml").write_text(zone(number, sort), encoding="utf-8")
    (folder / "octodns.yaml").write_text(SETTINGS, encoding="utf-8")
    return folder


def _validated(commands: Path, zones: Path) -> Ran:
    return ran([commands / "octodns-validate", "--config-file", "octodns.yaml", "--quiet"], zones)


def _synced(commands: Path, zones: Path) -> Ran:
    done = ran([commands / "octodns-sync", "--config-file", "octodns.yaml", "--quiet"], zones)
    assert "No changes were planned" in done.said, done.said[-2000:]
    return done


def _ours(folder: Path, verb: list[str], **environment: Any) -> Ran:
    return ran([*RECONCILER, *verb], folder, environment)
