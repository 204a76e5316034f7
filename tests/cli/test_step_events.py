"""`--log-format json`: planned, started and ended for each step of an apply and each day of a fetch."""

import json

from support.command import CLIENT_SECRET, ONE_APP

APP = "android:com.a"
PLACED = ONE_APP + "    placements:\n      - {name: low, placementType: MREC, coppa: false}\n"
ABOUT = {"at", "level", "logger", "message"}


def events(done):
    lines = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    return [{name: value for name, value in each.items() if name not in ABOUT} for each in lines if "event" in each]


def test_an_apply_has_an_event_for_each_step_and_no_secret(project, rival):
    rival.instead["POST placement"] = lambda _: (400, f'{{"message": "no {CLIENT_SECRET}"}}'.encode())
    project.write("apps/a.yaml", PLACED)
    done = project.call("apply", "--yes", "--log-format", "json", "--format", "json")
    assert done.code == 3
    found = events(done)
    assert [(each["event"], each.get("address"), each.get("outcome")) for each in found] == [
        ("planned", None, None),
        ("started", APP, None),
        ("ended", APP, "applied"),
        ("started", f"{APP}/low", None),
        ("ended", f"{APP}/low", "failed"),
    ]
    assert found[0]["steps"] == 2
    ended = found[2]
    assert ended.keys() == {"event", "what", "address", "action", "id", "outcome", "attempts", "error", "seconds"}
    assert (ended["action"], ended["attempts"], ended["id"]) == ("create", 1, done.json["results"][0]["id"])
    assert "refused with 400" in found[-1]["error"]
    assert CLIENT_SECRET not in done.err + done.out


def test_as_text_a_short_apply_says_nothing_of_its_steps(project):
    project.write("apps/a.yaml", PLACED)
    done = project.call("apply", "--yes")
    assert done.code == 0
    assert "steps ended" not in done.err
    assert events(done) == []
