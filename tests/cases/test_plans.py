"""Each folder of `plan/` is a project and an account; plan.json, plan.txt and, where it is there, plan.md are what a
plan must say of them.

`live.json` is in the API's own spelling: the apps, and the placements by app id. `ledger.jsonl` is a ledger as it is
committed. REWRITE_GOLDENS=1 (or --goldens) writes the expected files anew; read the difference before you commit it.
"""

import json
import os
from pathlib import Path

import pytest
from support.builders import API
from support.fake_clock import FakeClock
from support.fake_gateway import FakeGateway
from support.ledgers import read_ledger

from reconciler.apis.management.wire.answer import live_list
from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.model.state import Allowances, DesiredState, LiveState
from reconciler.plan.document import plan_from_text, plan_text
from reconciler.plan.gate import Limits, Refusal, gate
from reconciler.plan.plan import Plan, PlanOrigin
from reconciler.render.plan_markdown import plan_markdown
from reconciler.render.plan_text import plan_lines
from reconciler.workflow.plan import make_plan
from reconciler.workflow.selection import Selection

CASES = Path(__file__).parent / "plan"


def desired_of(folder: Path) -> DesiredState:
    settings_text = ManifestText("reconciler.yaml", (folder / "reconciler.yaml").read_bytes())
    settings, findings = load_settings(settings_text)
    assert settings is not None, findings
    files = sorted(folder.glob("apps/*.yaml"))
    manifests = [ManifestText(file.relative_to(folder).as_posix(), file.read_bytes()) for file in files]
    loaded = load_desired(settings, settings_text, manifests)
    assert loaded.state is not None, loaded.findings
    return loaded.state


def live_of(folder: Path) -> LiveState:
    answers = json.loads((folder / "live.json").read_text(encoding="utf-8"))
    placements = {app: live_list("placement", rows, app_id=app) for app, rows in answers["placements"].items()}
    return LiveState(live_list("app", answers["apps"]), placements)


def plan_of(folder: Path, desired: DesiredState) -> Plan:
    now = FakeClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    made = PlanOrigin("0.1.0", now, desired.publisher_id, API, desired.digest)
    ledger = read_ledger(folder / "ledger.jsonl") or {}
    plan, _ = make_plan(desired, FakeGateway(live_of(folder)), ledger, made, Selection())
    return plan


def text_of(plan: Plan, exceeded: tuple[Refusal, ...]) -> str:
    lines = plan_lines(plan, exceeded)
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


@pytest.mark.parametrize("folder", sorted(CASES.iterdir()), ids=lambda folder: folder.name)
def test_the_plan_is_the_one_written_down(folder):
    desired = desired_of(folder)
    plan, exceeded = gate(plan_of(folder, desired), Limits(desired.safety, Allowances()))
    said = {"plan.json": plan_text(plan), "plan.txt": text_of(plan, exceeded)}
    if (folder / "plan.md").exists():
        said["plan.md"] = plan_markdown(plan, exceeded)
    for name, text in said.items():
        golden = folder / name
        if os.environ.get("REWRITE_GOLDENS"):
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8")
    assert plan_from_text(said["plan.json"]) == plan
