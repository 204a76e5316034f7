"""`drift`: what in an account is not as it was applied, told apart by who moved it, against another server."""

import json

import pytest
from support.command import Project
from support.rival import AUTH, Rival

APPS = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: calm, placementType: Interstitial, coppa: false, floorPrices: {US: 2}}
      - {name: drifted, placementType: Interstitial, coppa: false, floorPrices: {US: 2}}
      - {name: planned, placementType: Banner, coppa: false, bannerRefresh: 30}
      - {name: contested, placementType: Banner, coppa: false, bannerRefresh: 31}
      - name: agreed
        placementType: MREC
        coppa: false
        status: active
        lifecycle: {acceptDrift: [{field: status, reason: store review, until: 2099-12-31}]}
      - name: expired
        placementType: MREC
        coppa: false
        status: active
        lifecycle: {acceptDrift: [{field: status, reason: spring sale, until: 2020-01-31}]}
      - {name: ignored, placementType: MREC, coppa: false, status: active, lifecycle: {ignoreChanges: [status]}}
      - {name: gone, placementType: MREC, coppa: false}
      - {name: dropped, placementType: MREC, coppa: false, status: active}
      - {name: renamed, placementType: MREC, coppa: false}
"""


def key_of(rival, name):
    return next(number for number, fields in rival.placements.items() if fields["name"] == name)


def in_the_console(rival, placement, **fields):
    rival.placements[key_of(rival, placement)].update(fields)


def floor(price):
    return [{"country": "WW", "price": 0.01}, {"country": "US", "price": price}]


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A project right after its apply, beside strangers, and its first audit."""
    with Rival().running() as rival:
        stranger = rival.add_app(name="Stranger", bundle="com.stranger")
        rival.add_placement(stranger, name="theirs")
        project = Project(tmp_path_factory.mktemp("drift") / "project", rival.url)
        project.write("apps/a.yaml", APPS)
        applied = project.call("apply", "--yes")
        assert applied.code == 0, applied.err
        rival.asked.clear()
        project.audit = project.call("drift", "--format", "json")
        project.asked = list(rival.asked)
        yield rival, project


@pytest.fixture(scope="module")
def moved(calm):
    """Everything that can happen to a resource, at once: in the account, in the manifests, in both."""
    rival, project = calm
    app = next(number for number, fields in rival.apps.items() if fields["name"] == "A")
    in_the_console(rival, "drifted", floorPrices=floor(10))
    in_the_console(rival, "contested", bannerRefresh=60)
    for name in ("agreed", "expired", "ignored", "dropped"):
        in_the_console(rival, name, status="inactive")
    del rival.placements[key_of(rival, "gone")]
    rival.add_placement(app, name="stray")
    project.edit("apps/a.yaml", ("bannerRefresh: 30", "bannerRefresh: 40"), ("bannerRefresh: 31", "bannerRefresh: 45"),
                 ("      - {name: dropped, placementType: MREC, coppa: false, status: active}\n", ""),
                 ("{name: renamed,", "{name: newname, renamedFrom: renamed,"))  # fmt: skip
    project.write(
        "apps/b.yaml",
        APPS.split("    placements:", maxsplit=1)[0].replace("com.a", "com.b").replace("name: A", "name: B"),
    )
    rival.asked.clear()
    done = project.call("drift", "--format", "json")
    return rival, project, done


class TestRightAfterAnApply:
    def test_nothing_has_drifted_and_the_exit_code_says_so(self, calm):
        _, project = calm
        assert project.audit.code == 0, project.audit.err
        assert project.audit.json["format"] == "reconciler.drift/1"
        assert project.audit.json["summary"] == {
            "drift": 0, "pending": 0, "conflict": 0, "accepted": 0, "unmanaged": 1, "missing": 0, "inSync": 11,
            "coveragePercent": 91.7,
        }  # fmt: skip

    def test_it_asks_for_a_token_and_reads_the_app_list_and_one_placement_list_per_managed_app(self, calm):
        _, project = calm
        assert [asked.name for asked in project.asked] == ["POST auth", "GET app publisherId", "GET placement appId"]

    def test_the_plan_counts_the_same_strangers(self, calm):
        _, project = calm
        assert project.call("plan", "--format", "json").json["summary"]["unmanaged"] == 1


def classes(done):
    return {each["address"]: each["class"] for each in done.json["items"]}


def item(done, name):
    return next(each for each in done.json["items"] if each["address"] == f"android:com.a/{name}")


class TestEveryClass:
    def test_all_are_told_apart_in_one_run(self, moved):
        _, _, done = moved
        assert classes(done) == {
            "android:com.a": "inSync",
            "android:com.a/calm": "inSync",
            "android:com.a/drifted": "drift",
            "android:com.a/planned": "pending",
            "android:com.a/contested": "conflict",
            "android:com.a/agreed": "accepted",
            "android:com.a/expired": "drift",
            "android:com.a/ignored": "inSync",
            "android:com.a/gone": "missing",
            "android:com.a/dropped": "drift",
            "android:com.a/newname": "pending",
            "android:com.a/stray": "unmanaged",
            "android:com.b": "pending",
            "android:com.stranger": "unmanaged",
        }
        assert done.code == 2

    def test_the_summary_counts_them(self, moved):
        _, _, done = moved
        assert done.json["summary"] == {
            "drift": 3, "pending": 3, "conflict": 1, "accepted": 1, "unmanaged": 2, "missing": 1, "inSync": 3,
            "coveragePercent": 83.3,
        }  # fmt: skip

    def test_a_field_says_what_was_applied_what_is_live_and_what_is_wanted(self, moved):
        _, _, done = moved
        (field,) = item(done, "contested")["fields"]
        told = {key: field[key] for key in ("path", "class", "applied", "before", "after")}
        assert told == {"path": "bannerRefresh", "class": "conflict", "applied": 31, "before": 60, "after": 45}
        assert [each["path"] for each in item(done, "drifted")["fields"]] == ["floorPrices.US"]

    def test_accepted_drift_carries_its_reason_and_end_and_so_does_an_expired_one(self, moved):
        _, _, done = moved
        assert [(f["class"], f["reason"], f["until"]) for f in item(done, "agreed")["fields"]] == [
            ("accepted", "store review", "2099-12-31")
        ]
        assert [(f["class"], f["reason"], f["until"]) for f in item(done, "expired")["fields"]] == [
            ("drift", "spring sale", "2020-01-31")
        ]

    def test_the_text_says_the_same(self, moved):
        _, project, _ = moved
        done = project.call("drift", "--no-record")
        assert done.code == 2
        for line in (
            "  ~ drift drifted  id ", "      floorPrices.US: applied 2, live 10\n",
            "  ! conflict contested  id ", "      bannerRefresh: applied 31, live 60, manifest 45\n",
            "      status: applied active, live inactive; accepted until 2099-12-31 (store review)\n",
            "      status: applied active, live inactive; the acceptance ended on 2020-01-31 (spring sale)\n",
            "  x missing gone  id ", "  + pending planned  id ", "  = accepted agreed  id ",
            "  + pending the app  apps/b.yaml:3\n", "  android:com.a/stray  id ", "  android:com.stranger  id ",
            "      name: live renamed, manifest newname\n",
            "Drift: 1 missing, 1 conflict, 3 drift; 1 accepted, 3 pending, 2 unmanaged, 3 in sync; 83.3 % managed.\n",
        ):  # fmt: skip
            assert line in done.out, line
        assert "calm" not in done.out
        assert "ignored" not in done.out

    def test_github_is_told_at_the_line_of_the_block(self, moved):
        _, project, _ = moved
        done = project.call("drift", "--format", "github", "--no-record")
        assert (
            "::warning file=apps/a.yaml,line=10,title=drift::android:com.a/drifted: changed in the account" in done.out
        )
        assert done.out.count("::warning ") == 5
        assert done.code == 2

    def test_nothing_is_written(self, moved):
        rival, _, _ = moved
        assert {asked.name for asked in rival.asked if asked.path != AUTH} == {
            "GET app publisherId", "GET placement appId", "GET placement placementId",
        }  # fmt: skip
        assert rival.writes == []

    def test_a_selection_audits_only_what_it_names(self, moved):
        _, project, _ = moved
        done = project.call("drift", "--only", "*/planned", "--only", "*/calm", "--format", "json")
        assert (done.code, classes(done)) == (0, {"android:com.a/calm": "inSync", "android:com.a/planned": "pending"})
        assert project.call("drift", "--only", "ios:*").code == 1


APPLIED = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: one, placementType: Interstitial, coppa: false, floorPrices: {US: 2}}
      - {name: two, placementType: Interstitial, coppa: false}
"""


@pytest.fixture
def applied(project):
    project.write("apps/a.yaml", APPLIED)
    assert project.call("apply", "--yes").code == 0
    return project


def test_manifests_with_errors_are_refused_before_anything_is_asked(project, rival):
    project.write("apps/a.yaml", APPLIED.replace("Interstitial", "Interstital"))
    done = project.call("drift")
    assert (done.code, rival.asked) == (1, [])
    assert "errors in the manifests" in done.err


@pytest.mark.parametrize("edit", [("US: 2", "US: 3"), ("name: two", "name: other")])
def test_a_manifest_that_moved_is_no_drift(applied, edit):
    applied.edit("apps/a.yaml", edit)
    assert applied.call("drift").code == 0


def test_what_was_never_applied_is_no_drift_however_it_differs(project, rival):
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="one", floorPrices=floor(7))
    project.write("apps/a.yaml", APPLIED)
    done = project.call("drift", "--format", "json")
    assert (done.code, classes(done)) == (
        0, {"android:com.a": "inSync", "android:com.a/one": "pending", "android:com.a/two": "pending"},
    )  # fmt: skip


def test_an_account_that_moved_to_what_the_manifest_wants_now_is_in_sync(applied, rival):
    applied.edit("apps/a.yaml", ("US: 2", "US: 3"))
    in_the_console(rival, "one", floorPrices=floor(3))
    done = applied.call("drift", "--format", "json")
    assert (done.code, item(done, "one")["class"]) == (0, "inSync")
    assert "the next apply remembers" in item(done, "one")["note"]


def test_an_app_that_is_gone_takes_its_placements_with_it(applied, rival):
    rival.apps.clear()
    rival.placements.clear()
    done = applied.call("drift", "--format", "json")
    assert (done.code, done.json["summary"]["missing"]) == (2, 3)
    assert done.json["summary"]["coveragePercent"] == 100


def test_a_resource_renamed_in_the_console_is_drift(applied, rival):
    in_the_console(rival, "two", name="zwei")
    done = applied.call("drift", "--format", "json")
    assert (done.code, classes(done)["android:com.a/two"]) == (2, "drift")


def test_an_audit_needs_no_lock_and_no_place_to_write(applied, rival):
    in_the_console(rival, "one", coppa=True)
    (applied.root / ".reconciler" / "audits.jsonl").mkdir(parents=True)
    done = applied.call("drift")
    assert done.code == 2
    assert "1 drift" in done.out


class TestTrend:
    def test_a_drift_is_open_since_the_first_audit_that_saw_it(self, applied, rival):
        in_the_console(rival, "one", coppa=True)
        first = applied.call("drift", "--format", "json").json
        second = applied.call("drift", "--format", "json").json
        assert item_of(first, "one")["openSince"] is None
        assert item_of(second, "one")["openSince"] == first["at"]
        assert f"open since {first['at'][:10]}" in applied.call("drift").out

    def test_the_trend_tells_when_one_was_closed_and_how_long_it_was_open(self, applied, rival):
        in_the_console(rival, "one", coppa=True)
        applied.call("drift")
        in_the_console(rival, "one", coppa=False)
        done = applied.call("drift", "--since", "30d", "--format", "json")
        (day,) = done.json["trend"]["days"]
        assert {key: day[key] for key in ("audits", "opened", "closed", "open")} == {
            "audits": 2, "opened": 1, "closed": 1, "open": 0,
        }  # fmt: skip
        (alarm,) = done.json["trend"]["alarms"]
        assert (alarm["address"], alarm["class"]) == ("android:com.a/one", "drift")
        assert alarm["closedAt"] == done.json["at"]
        assert ", closed " in applied.call("drift", "--since", "30d").out

    def test_an_audit_of_a_part_and_one_that_is_not_to_be_recorded_are_not_remembered(self, applied):
        applied.call("drift", "--only", "*/one")
        applied.call("drift", "--no-record")
        assert applied.call("drift", "--since", "1d", "--format", "json").json["trend"]["days"][0]["audits"] == 1

    def test_audits_are_no_part_of_the_history(self, applied):
        before = applied.call("history", "--format", "json").json
        applied.call("drift")
        assert applied.call("history", "--format", "json").json == before

    def test_a_day_that_is_none_is_wrong_usage(self, applied):
        assert applied.call("drift", "--since", "yesterday").code == 64


def item_of(document, name):
    return next(each for each in document["items"] if each["address"].endswith(f"/{name}"))


def test_the_document_is_one_json_document_and_nothing_else(applied):
    assert json.loads(applied.call("drift", "--format", "json").out)["trend"] is None
