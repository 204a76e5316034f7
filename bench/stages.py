"""One stage of a plan, for whoever counts what it takes: `python bench/stages.py STAGE APPS TIMES`.

What the stage works on is made before; then it runs so many times, without the garbage collector.
"""

import gc
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import orjson
from generate import PUBLISHER, SETTINGS, answers, app, manifest

from reconciler.apis.management.wire.answer import live_list, written_resource
from reconciler.apis.management.wire.calls import create
from reconciler.apis.management.wire.settled import ListRequest, placements_of
from reconciler.diff.changes import owned_count, verdicts_on
from reconciler.diff.context import DiffOptions
from reconciler.http.exchange import decode
from reconciler.manifest.assemble import Loaded
from reconciler.manifest.cached_load import load_desired_cached, load_settings_cached
from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.model.address import Kind
from reconciler.model.state import DesiredState, LiveResource, LiveState, live_app_address
from reconciler.model.value import Fields
from reconciler.plan.document import plan_text
from reconciler.plan.plan import Plan, PlanOrigin, build
from reconciler.ports import Accepted, Answer, Gateway
from reconciler.render.plan_overview import plan_overview
from reconciler.store.files import FileStore
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text, read_ledger_file
from reconciler.workflow.apply import ApplyRequest, carry_out_plan, make_undo_plan

EACH: Final = 20
SETTINGS_TEXT: Final = ManifestText("reconciler.yaml", SETTINGS.encode())
OPTIONS: Final = DiffOptions(datetime(2026, 1, 1, tzinfo=UTC))
ORIGIN: Final = PlanOrigin("0", "2026-01-01T00:00:00Z", PUBLISHER, "https://api.example", "sha256:0")

Work = Callable[[], object]


class Kept:
    """A memory that forgets nothing."""

    keeps = True

    def __init__(self) -> None:
        self._lines: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._lines.get(key)

    def put(self, key: bytes, data: bytes) -> None:
        self._lines[key] = data


def texts(apps: list[dict[str, Any]]) -> list[ManifestText]:
    return [ManifestText(f"apps/{number}.yaml", manifest(each).encode()) for number, each in enumerate(apps)]


def loaded(apps: list[dict[str, Any]]) -> Loaded:
    settings, _ = load_settings(SETTINGS_TEXT)
    assert settings is not None
    return load_desired(settings, SETTINGS_TEXT, texts(apps))


def bodies(apps: list[dict[str, Any]]) -> tuple[bytes, Mapping[str, bytes]]:
    listed, placements = answers(apps)
    return json.dumps(listed).encode(), {app_id: json.dumps(rows).encode() for app_id, rows in placements.items()}


def read(apps_body: bytes, lists: Mapping[str, bytes]) -> LiveState:
    placements = {key: live_list("placement", decode(body), app_id=key) for key, body in lists.items()}
    return LiveState(live_list("app", decode(apps_body)), placements)


def desired(apps: list[dict[str, Any]]) -> DesiredState:
    state = loaded(apps).state
    assert state is not None
    return state


def moved(live: LiveState) -> LiveState:
    """The account with the floors of every placement gone."""
    return LiveState(
        live.apps,
        {
            key: tuple(replace(each, fields={**each.fields, "floorPrices": {}}) for each in rows)
            for key, rows in live.placements.items()
        },
    )


def planned(declared: DesiredState, live: LiveState) -> Plan:
    """What reconciling comes to."""
    verdicts = verdicts_on(declared, live, {}, OPTIONS)
    return build(verdicts, owned_count(verdicts), ORIGIN)


def plan(apps: list[dict[str, Any]]) -> Plan:
    return planned(desired(apps), moved(read(*bodies(apps))))


def loading(apps: list[dict[str, Any]]) -> Work:
    settings, _ = load_settings(SETTINGS_TEXT)
    manifests = texts(apps)
    assert settings is not None
    return lambda: load_desired(settings, SETTINGS_TEXT, manifests)


def recalling(apps: list[dict[str, Any]]) -> Work:
    memory, manifests = Kept(), texts(apps)
    outline, _ = load_settings_cached(SETTINGS_TEXT, memory)
    assert outline is not None
    load_desired_cached(outline, SETTINGS_TEXT, manifests, memory)
    return lambda: load_desired_cached(outline, SETTINGS_TEXT, manifests, memory)


def reading(apps: list[dict[str, Any]]) -> Work:
    told = bodies(apps)
    return lambda: read(*told)


def comparing(apps: list[dict[str, Any]]) -> Work:
    declared, live = desired(apps), read(*bodies(apps))
    return lambda: planned(declared, live)


def everyday(apps: list[dict[str, Any]], *, changed: int = 0) -> Work:
    """A plan after an apply and a run: manifests are remembered, the ledger knows all, and so many of an app moved."""
    memory, manifests = Kept(), texts(apps)
    outline, _ = load_settings_cached(SETTINGS_TEXT, memory)
    assert outline is not None
    load_desired_cached(outline, SETTINGS_TEXT, manifests, memory)
    apps_body, lists = bodies(apps)
    text = ledger_text({each.address: each for each in planned(desired(apps), read(apps_body, lists)).remember})
    for app_id, body in lists.items():
        rows = json.loads(body)
        for row in rows[:changed]:
            row["coppa"] = not row["coppa"]
        lists = {**lists, app_id: json.dumps(rows).encode()}
    folder = Path(mkdtemp())
    (folder / LEDGER_NAME).write_text(text, encoding="utf-8")

    def work() -> Plan:
        state = load_desired_cached(outline, SETTINGS_TEXT, manifests, memory).state
        ledger_file = read_ledger_file(folder / LEDGER_NAME)
        assert state is not None
        assert ledger_file is not None
        listed = live_list("app", decode(apps_body))
        blocks = {each.address: each.placements for each in state.apps}
        asked = [ListRequest(each.id, PUBLISHER, blocks[live_app_address(each)]) for each in listed]
        placements = {
            each.app_id: placements_of(decode(lists[each.app_id]), each, partial(decode, lists[each.app_id]))
            for each in asked
        }
        verdicts = verdicts_on(state, LiveState(listed, placements), ledger_file.entries, OPTIONS)
        return build(verdicts, owned_count(verdicts), ORIGIN)

    return work


def planning(apps: list[dict[str, Any]]) -> Work:
    declared, live = desired(apps), moved(read(*bodies(apps)))
    return lambda: planned(declared, live)


def showing(apps: list[dict[str, Any]]) -> Work:
    made = plan(apps)
    return lambda: list(plan_overview(made, (), whole=True))


class Account(Gateway):
    """An account of empty apps that keeps what is created, as JSON; no HTTP."""

    def __init__(self) -> None:
        self._ids = count(5_000_000)
        self._rows: dict[str | None, list[bytes]] = {}

    def create(self, kind: Kind, fields: Fields, *, app_id: str | None) -> Answer:
        body = create(kind, fields, app_id or PUBLISHER).body or b""
        row = b'{"placementId":"%d","status":"active",%b' % (next(self._ids), body.removeprefix(b"{"))
        self._rows.setdefault(app_id, []).append(row)
        made, _, said = written_resource(kind, orjson.loads(row))
        return Accepted(made, said)

    def placements(self, app_id: str, *, expected: bool) -> tuple[LiveResource, ...]:
        del expected
        return live_list("placement", orjson.loads(b"[%b]" % b",".join(self._rows.get(app_id, ()))), app_id=app_id)


class StillClock:
    """A clock that stands: how often a ledger is written meanwhile is no matter of how slow the machine is."""

    def now(self) -> datetime:
        return OPTIONS.now

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None: ...


class NobodyWatches:
    """A listener."""

    def planned(self, steps: int) -> None: ...

    def begun(self, step: object) -> None: ...

    def ended(self, result: object) -> None: ...


def applying(apps: list[dict[str, Any]]) -> Work:
    listed, lists = bodies(apps)
    declared, live = desired(apps), read(listed, dict.fromkeys(lists, b"[]"))
    made, folder, clock = planned(declared, live), Path(mkdtemp()), StillClock()
    numbers = count()

    def work() -> str:
        root = folder / str(next(numbers))
        root.mkdir()
        with FileStore(root, clock).run({}) as run:
            request = ApplyRequest(made, live, {}, Account(), run)
            execution = carry_out_plan(request, clock, NobodyWatches(), parallelism=1)
            assert isinstance(execution.after, LiveState)
            assert {each.outcome for each in execution.results} == {"applied"}, execution
            return plan_text(make_undo_plan(request, execution, execution.after, ORIGIN))

    return work


STAGES: Final[Mapping[str, Callable[[list[dict[str, Any]]], Work]]] = {
    "load": loading,
    "recall": recalling,
    "read": reading,
    "compare, nothing to do": comparing,
    "recall, ledger, read, compare": everyday,
    "the same, one of an app moved": partial(everyday, changed=1),
    "plan, every floor moved": planning,
    "show them all": showing,
    "apply, every placement created": applying,
}


def main() -> None:
    stage, many, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    work = STAGES[stage]([app(number, EACH) for number in range(many)])
    gc.disable()  # when it runs is chance
    for _ in range(times):
        work()


if __name__ == "__main__":
    main()
