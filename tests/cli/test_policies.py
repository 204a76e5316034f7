"""A studio's own rules bind plans as the built-in limits do."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.api import judge as judging
from reconciler.api.judge import BUDGET_SECONDS

HEAD = """
version: 1
apps:
  - platform: android
    bundle: com.acme
    name: Acme
    category1: Finance
    coppa: false
    placements:
"""
SETTINGS = 'version: 1\npublisherId: "3432"\ncountryGroups: {tier1: [US, CA, GB, AU]}\npolicies:\n'
TIER1 = """
  - name: tier1-floor
    rule: size(floors) == 0 || groups.tier1.all(c, floors[c] >= 0.10)
    message: no floor under 0.10 in tier1
"""
HIGH = "{WW: 0.20}"
LOW = "{WW: 0.05, US: 1, CA: 1, AU: 1}"


def declare(project, floors, policy=TIER1):
    project.write("reconciler.yaml", SETTINGS + policy)
    placement = f"      - {{name: int_1, placementType: Interstitial, coppa: false, floorPrices: {floors}}}\n"
    project.write("apps/a.yaml", HEAD + placement)


def with_rule(text):
    return f"  - name: costly\n    rule: >-\n      {text}\n    message: it never ends\n"


ONES = f"[{', '.join('1' * 400)}]"
ENDLESS = f"{ONES}.all(a, {ONES}.all(b, {ONES}.all(c, a + b + c >= 0 && {' && '.join(['a == a'] * 8)})))"
GREEDY = f"size([{'+'.join(['fields'] * 300)}].map(a, [{'+'.join('a' * 300)}].map(b, [{'+'.join('b' * 300)}]))) > 0"


def warning(policy=TIER1):
    return policy.rstrip("\n") + "\n    severity: warning\n"


def test_a_plan_that_keeps_every_policy_is_applied(project, rival):
    declare(project, HIGH)
    assert project.call("apply", "--yes").code == 0
    assert rival.named("int_1")["floorPrices"] == {"WW": 0.2}


def test_a_break_is_shown_by_plan_and_refused_by_apply_by_name(project, rival):
    declare(project, LOW)
    planned = project.call("plan")
    told = "android:com.acme/int_1: no floor under 0.10 in tier1 [policy tier1-floor]"
    assert planned.code == 0
    assert f"apply would refuse: {told}" in planned.out
    done = project.call("apply", "--yes")
    assert done.code == 6
    assert told in done.err
    assert "the policy tier1-floor in reconciler.yaml" in done.err
    assert rival.writes == []


def test_the_worldwide_floor_counts_for_countries_without_a_line(project):
    declare(project, "{WW: 0.01, US: 1, CA: 1, AU: 1}")
    assert project.call("apply", "--yes").code == 6
    declare(project, "{WW: 0.01, tier1: 0.10}")
    assert project.call("apply", "--yes").code == 0


def test_a_saved_plan_is_held_to_the_policies_of_the_day(project, rival):
    declare(project, LOW, policy="  []\n")
    assert project.call("plan", "--out", "plan.json").code == 0
    declare(project, LOW)
    for command in ("apply", "rehearse"):
        done = project.call(command, "plan.json")
        assert done.code == 6
        assert "[policy tier1-floor]" in done.err
    assert rival.writes == []


def test_no_flag_lifts_a_policy(project, rival):
    declare(project, LOW)
    assert project.call("apply", "--yes", "--allow-floor-jump", "--max-deletes", "9").code == 6
    assert rival.writes == []


def test_a_warning_is_told_and_lets_the_plan_pass(project, rival):
    declare(project, LOW, policy=warning())
    told = "warning: android:com.acme/int_1: no floor under 0.10 in tier1 [policy tier1-floor]"
    done = project.call("apply", "--yes")
    assert done.code == 0
    assert told in done.out
    assert rival.named("int_1")["floorPrices"]["US"] == 1


def test_a_warning_about_a_saved_plan_is_told_too(project):
    declare(project, LOW, policy=warning())
    assert project.call("plan", "--out", "plan.json").code == 0
    done = project.call("apply", "plan.json", "--format", "json")
    assert done.code == 0
    assert "warning: android:com.acme/int_1: no floor under 0.10 in tier1" in done.err
    assert json.loads(done.out)["summary"]["applied"] == 2


@pytest.mark.parametrize("rule", ["floors['XX'] > 0.0", "1 / 0 == 1", "name > 1", "size(name)"])
def test_a_rule_that_cannot_be_evaluated_refuses(project, rival, rule):
    declare(project, HIGH, policy=f'  - {{name: mine, message: never, rule: "{rule}"}}\n')
    done = project.call("apply", "--yes")
    assert done.code == 6
    assert "[policy mine]" in done.err
    assert "Traceback" not in done.err
    assert rival.writes == []


@pytest.mark.parametrize("rule", ["floors[", "actoin == 'create'"])
def test_a_rule_that_is_none_stops_every_command_at_its_place(project, rival, rule):
    declare(project, HIGH, policy=f'  - {{name: mine, message: never, rule: "{rule}"}}\n')
    for command in (["validate"], ["plan"], ["apply", "--yes"]):
        done = project.call(*command)
        assert done.code == 1
        assert "reconciler.yaml:5:" in done.out + done.err
        assert "[bad-policy]" in done.out + done.err
    assert rival.asked == []


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_a_rule_that_asks_for_too_much_is_given_up_and_refused_in_words(project, rival, severity, monkeypatch):
    monkeypatch.setattr(judging, "BUDGET_SECONDS", 1.0)
    declare(project, HIGH, with_rule(ENDLESS) + f"    severity: {severity}\n" + TIER1.lstrip("\n"))
    began = time.monotonic()
    done = project.call("apply", "--yes")
    assert time.monotonic() - began < BUDGET_SECONDS
    assert done.code == 6
    assert "android:com.acme: it never ends (the rule cannot be evaluated: it is not done after 1 s" in done.err
    assert "the policy costly in reconciler.yaml" in done.err
    assert "Traceback" not in done.err
    assert rival.writes == []


def test_a_plan_gives_up_a_rule_where_the_apply_would_and_can_fail_for_it(project, monkeypatch):
    monkeypatch.setattr(judging, "BUDGET_SECONDS", 1.0)
    declare(project, HIGH, with_rule(ENDLESS))
    began = time.monotonic()
    done = project.call("plan", "--fail-on", "refused")
    assert time.monotonic() - began < BUDGET_SECONDS
    assert done.code == 6
    assert "it never ends (the rule cannot be evaluated: it is not done after 1 s" in done.out


def test_a_rule_that_asks_for_too_much_memory_ends_its_own_process_and_no_other(project, rival, monkeypatch):
    monkeypatch.setattr(judging, "BUDGET_SECONDS", 4.0)
    declare(project, HIGH, with_rule(GREEDY))
    done = project.call("apply", "--yes")
    assert done.code == 6
    assert "the process that evaluates it has ended" in done.err or "it is not done after" in done.err
    assert "Traceback" not in done.err
    assert rival.writes == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fields.all(a, fields.all(b, fields.all(c, fields.exists(d, true))))", "4 loops stand in one another; 3 may"),
        ("size(name) < 100 " + "|| true " * 600, "characters; 4,096 are read"),
        ("'\udce9' == name || " + "x" * 5000, "characters; 4,096 are read"),
    ],
)
def test_validate_finds_a_rule_that_costs_too_much_whatever_it_is_asked_about(project, text, told):
    declare(project, HIGH, with_rule(text.encode("utf-8", "replace").decode()))
    done = project.call("validate")
    assert done.code == 1
    assert told in done.out + done.err
    assert "[bad-policy]" in done.out + done.err


def test_loops_beside_one_another_and_words_in_texts_do_not_count(project):
    rule = "fields.all(f, f.path != '.all(.all(.all(.all(') && fields.all(f, fields.all(g, f != null || g != null))"
    declare(project, HIGH, with_rule(rule))
    assert project.call("validate").code == 0
    assert project.call("apply", "--yes").code == 0


def test_modules_that_lie_in_the_project_are_not_run_by_the_process_that_evaluates(project):
    for name in ("json.py", "cel.py", "subprocess.py", "reconciler.py"):
        project.write(name, "raise SystemExit('trap')\n")
    declare(project, LOW)
    done = subprocess.run(
        [Path(sys.executable).with_name("reconciler"), "plan"], cwd=project.root, env=project.env, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "no floor under 0.10 in tier1 [policy tier1-floor]" in done.stdout
    assert "cannot be evaluated" not in done.stdout
