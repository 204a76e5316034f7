"""`get` shows live resources by address, pattern or id, asks no more than it must, and keeps an app's token apart."""

import csv
import io
import json
import stat
from pathlib import Path

import pytest
import yaml
from pyarrow import parquet
from support.command import Project
from support.rival import SECURITY_TOKEN, Spelling
from support.schemas import assert_as_published

from reconciler import api
from reconciler.cli.commands import resources

MANIFEST = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: one, placementType: Interstitial, coppa: false, floorPrices: {WW: 0.01, US: 1.2}}
"""
FLOORS = [{"country": "WW", "price": 0.01}, {"country": "US", "price": 1.2}]
each = pytest.mark.parametrize


@pytest.fixture
def world(rival, project):
    """Two apps of others, one with two placements; the project declares nothing and owns nothing."""
    app, other = rival.add_app(name="A", bundle="com.a"), rival.add_app(name="B", bundle="com.b", status="inactive")
    one = rival.add_placement(app, name="one", floorPrices=FLOORS)
    two = rival.add_placement(app, name="two [x]", placementType="Banner", bannerRefresh=45)
    return {"app": str(app), "other": str(other), "one": str(one), "two": str(two)}


def asked(rival):
    return [each.name for each in rival.asked if each.name != "POST auth"]


def shown(project, *words, code=0):
    done = project.call("get", *words, "--format", "json")
    assert done.code == code, done.err
    assert_as_published(done.json, "resources")
    return [(each["kind"], each["address"], each["id"]) for each in done.json["resources"]]


class TestWhatIsAsked:
    def test_an_id_of_a_kind_is_one_call(self, world, rival, project):
        assert shown(project, world["app"], "--kind", "app") == [("app", "android:com.a", world["app"])]
        assert asked(rival) == ["GET app appId"]

    def test_an_id_is_looked_for_as_both_and_both_are_shown(self, world, rival, project):
        rival.add_placement(int(world["app"]), name="same", number=int(world["app"]))
        found = shown(project, world["app"])
        assert [kind for kind, _, _ in found] == ["app", "placement"]
        assert asked(rival) == ["GET app appId", "GET placement placementId"]

    def test_a_placement_by_id_asks_for_its_app_to_name_it(self, world, rival, project):
        assert shown(project, world["one"], "--kind", "placement")[0][1] == "android:com.a/one"
        assert asked(rival) == ["GET placement placementId", "GET app appId"]

    def test_an_owned_address_is_one_call(self, rival, project):
        project.write("apps/a.yaml", MANIFEST)
        assert project.call("apply", "--yes").code == 0
        rival.asked.clear()
        assert shown(project, "android:com.a/one")[0][1] == "android:com.a/one"
        assert asked(rival) == ["GET placement placementId"]

    def test_a_pinned_address_is_one_call(self, world, rival, project):
        project.write("apps/a.yaml", MANIFEST.replace("name: A", f'name: A\n    appId: "{world["other"]}"'))
        assert shown(project, "android:com.a") == [("app", "android:com.a", world["other"])]
        assert asked(rival) == ["GET app appId"]

    def test_another_address_is_found_by_identity(self, world, rival, project):
        assert shown(project, "android:com.a/one", "android:com.b") == [
            ("placement", "android:com.a/one", world["one"]), ("app", "android:com.b", world["other"]),
        ]  # fmt: skip
        assert asked(rival) == ["GET app publisherId", "GET placement appId"]

    @pytest.mark.usefixtures("world")
    def test_a_pattern_reads_the_lists_of_the_apps_that_it_may_mean(self, rival, project):
        assert [address for _, address, _ in shown(project, "android:com.a/*")] == [
            "android:com.a/one", "android:com.a/two [x]",
        ]  # fmt: skip
        assert asked(rival) == ["GET app publisherId", "GET placement appId"]

    @pytest.mark.usefixtures("world")
    def test_a_kind_needs_no_lists_of_the_other(self, rival, project):
        assert [address for _, address, _ in shown(project, "--all", "--kind", "app")] == [
            "android:com.a", "android:com.b",
        ]  # fmt: skip
        assert asked(rival) == ["GET app publisherId"]

    def test_the_address_of_an_app_is_the_app_alone(self, world, rival, project):
        assert shown(project, "android:com.a") == [("app", "android:com.a", world["app"])]
        assert asked(rival) == ["GET app publisherId"]

    def test_what_is_named_twice_is_shown_once(self, world, project):
        assert len(shown(project, world["app"], "android:com.a", "android:com.?")) == 2

    @pytest.mark.usefixtures("world")
    def test_manifests_with_errors_do_not_keep_it_from_looking(self, project):
        project.write("apps/a.yaml", "version: 1\napps: 3\n")
        assert len(shown(project, "android:com.a")) == 1


class TestWithoutAProject:
    @pytest.fixture
    def bare(self, world, project):
        assert world
        (project.root / "reconciler.yaml").unlink()
        return project

    def test_ids_are_found(self, world, bare):
        assert shown(bare, world["one"], world["app"]) == [
            ("placement", "android:com.a/one", world["one"]), ("app", "android:com.a", world["app"]),
        ]  # fmt: skip
        assert list(bare.root.iterdir()) == []

    @each("words", [["android:com.a"], ["--all"], ["*"]])
    def test_addresses_and_lists_need_to_know_whose_account_it_is(self, bare, rival, words):
        done = bare.call("get", *words)
        assert done.code == 1
        assert "--project PATH" in done.err
        assert rival.asked == []

    def test_settings_without_a_publisher_are_enough_for_ids(self, world, project):
        project.write("reconciler.yaml", "version: 1\n")
        assert shown(project, world["app"], "--kind", "app")[0][1] == "android:com.a"
        done = project.call("get", "--all")
        assert done.code == 1
        assert "reconciler pull --app ID" in done.err


class TestWhatIsNotThere:
    def test_each_is_named_with_the_nearest_and_the_rest_is_shown(self, world, project):
        done = project.call("get", "android:com.a/noe", world["app"], "999", "nonsense", "--format", "csv")
        assert done.code == 1
        assert [row["id"] for row in csv.DictReader(io.StringIO(done.out))] == [world["app"]]
        assert "android:com.a/noe: no such resource" in done.err
        assert "did you mean android:com.a/one?" in done.err
        assert "999: the account has no such id of an app or a placement" in done.err
        assert "an address is platform:bundle" in done.err

    @pytest.mark.usefixtures("world")
    def test_json_is_a_document_all_the_same(self, project):
        assert shown(project, "999", code=1) == []

    @pytest.mark.usefixtures("world")
    def test_a_server_that_refuses_an_unknown_id_is_quoted(self, rival, project):
        rival.instead["GET app appId"] = lambda _: (400, b'{"msg": "Invalid appId"}')
        done = project.call("get", "999", "--kind", "app")
        assert done.code == 1
        assert "999: GET" in done.err
        assert "Invalid appId" in done.err

    def test_one_kind_that_refuses_does_not_hide_the_other(self, world, rival, project):
        rival.instead["GET app appId"] = lambda _: (409, b'{"msg": "no app"}')
        assert [kind for kind, _, _ in shown(project, world["two"])] == ["placement"]

    @pytest.mark.usefixtures("rival")
    def test_an_empty_account_is_no_error(self, project):
        assert shown(project, "--all") == []

    @each(
        "words",
        [[], ["1", "--all"], ["--kind", "app"], ["android:com.a/x", "--kind", "app"], ["a:b", "--kind=placement"]],
    )
    def test_wrong_usage(self, rival, project, words):
        assert project.call("get", *words).code == 64
        assert [each.name for each in rival.asked if each.name != "POST auth"] == []


class TestForms:
    @pytest.mark.usefixtures("world")
    def test_fields_are_those_of_manifests_with_the_store_page(self, project):
        (told,) = project.call("get", "android:com.a", "--format", "json").json["resources"]
        assert told["fields"] == {
            "platform": "android", "bundle": "com.a", "name": "A", "category1": "Finance", "status": "active",
            "coppa": False, "storeUrl": "https://store.example/1",
        }  # fmt: skip

    @each("keys", ["odd", "plain"])
    def test_the_store_page_is_read_in_either_spelling(self, tmp_path, rivals, keys):
        rival = rivals(Spelling(keys=keys))
        app = rival.add_app(name="A", bundle="com.a")
        (told,) = Project(tmp_path, rival.url).call("get", str(app), "--format=json").json["resources"]
        assert told["fields"]["storeUrl"] == "https://store.example/1"

    def test_a_field_that_cannot_be_read_is_named(self, world, rival, project):
        def broken(asked, status, told):
            return status, {**told, "bannerRefresh": "often"} if "placementId" in asked.query else told

        rival.twist = broken
        (told,) = project.call("get", world["two"], "--kind=placement", "--format=json").json["resources"]
        assert [each["field"] for each in told["unreadable"]] == ["bannerRefresh"]

    def test_a_table_by_default_and_all_fields_with_v(self, world, project):
        out = project.call("get", "--all").out
        assert [line.split()[0] for line in out.splitlines()] == ["kind", "app", "placement", "placement", "app"]
        assert "WW 0.01, US 1.20" in out
        loud = project.call("get", "android:com.a", "-v").out
        assert "storeUrl" in loud
        assert loud.startswith(f"app android:com.a (id {world['app']})")

    def test_yaml_is_what_pull_writes(self, world, project):
        told = project.call("get", "android:com.a*", "--format", "yaml").out
        assert project.call("pull", "--app", world["app"]).code == 0
        assert yaml.safe_load(told) == yaml.safe_load(project.read("apps/android-com.a.yaml"))

    def test_a_lone_placement_stands_in_its_app(self, world, project):
        (app,) = yaml.safe_load(project.call("get", world["two"], "--format", "yaml").out)["apps"]
        assert (app["platform"], app["bundle"], len(app)) == ("android", "com.a", 3)
        assert [each["name"] for each in app["placements"]] == ["two [x]"]

    @pytest.mark.usefixtures("world")
    @each("ending", ["json", "csv", "yaml", "parquet", "txt"])
    def test_a_file_has_the_form_that_its_ending_says(self, project, ending):
        done = project.call("get", "--all", "--out", f"out.{ending}")
        assert (done.code, done.out) == (0, "")
        path = project.root / f"out.{ending}"
        match ending:
            case "json":
                assert len(json.loads(path.read_text())["resources"]) == 4
            case "csv":
                assert len(list(csv.reader(io.StringIO(path.read_text())))) == 5
            case "yaml":
                assert len(yaml.safe_load(path.read_text())["apps"]) == 2
            case "parquet":
                rows = parquet.read_table(path).to_pylist()
                assert json.loads(rows[1]["floorPrices"]) == {"US": 1.2, "WW": 0.01}
                assert rows[2]["bannerRefresh"] == 45
            case _:
                assert path.read_text().startswith("kind")


class TestTheRewardToken:
    def reveal(self, project, *words, **env):
        return project.call("get", *words, "--reveal-reward-token", **env)

    @each("name", ["app", "address"])
    def test_it_goes_to_a_file_of_its_owner_alone(self, world, rival, project, name):
        named = world["app"] if name == "app" else "android:com.a"
        done = self.reveal(project, named, "--out", "token", "-vv")
        assert (done.code, done.out) == (0, "")
        assert project.read("token") == f"{SECURITY_TOKEN}\n"
        assert stat.S_IMODE((project.root / "token").stat().st_mode) == 0o600
        assert SECURITY_TOKEN not in done.err
        assert asked(rival)[-1] == "GET app appId"

    def test_a_wider_file_that_is_there_becomes_a_private_one(self, world, project):
        path = project.write("token.json", "old")
        path.chmod(0o666)
        with path.open() as reader:
            assert self.reveal(project, world["app"], "--out", "token.json").code == 0
            assert reader.read() == "old"  # who has it open already reads on in the old one
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == f"{SECURITY_TOKEN}\n"

    def test_nothing_is_written_through_a_link_or_a_device(self, world, project):
        elsewhere = project.write("elsewhere", "old")
        (project.root / "token").symlink_to(elsewhere)
        assert self.reveal(project, world["app"], "--out", "token").code == 1
        assert elsewhere.read_text() == "old"
        done = self.reveal(project, world["app"], "--out", "/dev/stdout")
        assert done.code == 1
        assert SECURITY_TOKEN not in done.out + done.err

    def test_a_pipe_is_refused_before_anything_is_asked(self, world, rival, project):
        done = self.reveal(project, world["app"])
        assert done.code == 64
        assert "--out FILE" in done.err
        assert rival.asked == []

    def test_a_terminal_shows_it(self, world, project, monkeypatch):
        monkeypatch.setattr(resources, "answers_on_terminal", lambda: True)
        assert self.reveal(project, world["app"]).out == f"{SECURITY_TOKEN}\n"

    @each("words", [["--all"], ["1", "2"], ["1", "--format", "json"], ["1", "--kind", "placement"], ["android:a/b"]])
    def test_it_is_of_one_app_and_no_document(self, project, rival, words):
        assert self.reveal(project, *words, "--out", "token").code == 64
        assert not (project.root / "token").exists()
        assert asked(rival) == []

    @pytest.mark.usefixtures("world")
    @each("answer", [b"[]", b'{"msg": 3}', b'[{"appId": 1, "rewardedAdSecurityToken": 5}]', b"<html>"])
    def test_an_answer_without_it_writes_nothing(self, rival, project, answer):
        rival.instead["GET app appId"] = answer
        assert self.reveal(project, "1", "--out", "token").code == 1
        assert not (project.root / "token").exists()

    @pytest.mark.usefixtures("world")
    @each("form", ["table", "json", "csv", "yaml"])
    def test_no_other_form_has_it(self, project, form):
        for loud in ((), ("-vv",), ("-vv", "--log-format", "json")):
            done = project.call("get", "--all", "--format", form, *loud)
            assert SECURITY_TOKEN not in done.out + done.err

    def test_no_file_of_the_project_has_it(self, world, project):
        assert project.call("pull").code == 0
        assert project.call("get", "--all", "--out", "all.parquet").code == 0
        assert self.reveal(project, world["app"], "--out", "../token").code == 0
        held = [
            path for path in project.root.rglob("*") if path.is_file() and SECURITY_TOKEN.encode() in path.read_bytes()
        ]
        assert held == []


def test_python_has_the_same(world, project, monkeypatch):
    opened = api.Project.open(project.root, environ=project.env)
    found = opened.get([world["one"], "999"], kind="placement")
    assert [each.address for each in found.resources] == ["android:com.a/one"]
    assert [each.reference for each in found.missing] == ["999"]
    assert not found.is_done
    assert found.to_arrow().column("id").to_pylist() == [world["one"]]
    assert yaml.safe_load(found.to_yaml())["apps"][0]["bundle"] == "com.a"
    assert len(opened.get().resources) == 4
    token = opened.reward_token("android:com.a")
    assert SECURITY_TOKEN not in f"{token} {token!r}"
    assert token.reveal() == SECURITY_TOKEN
    assert Path(project.root / ".reconciler").exists() is False or not list(
        (project.root / ".reconciler").rglob("token*")
    )


def test_what_is_owned_and_left_out_of_lists_is_asked_for(rival, project):
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("apply", "--yes").code == 0
    rival.instead["GET app publisherId"] = rival.instead["GET placement appId"] = b"[]"
    assert [address for _, address, _ in shown(project, "--all")] == ["android:com.a", "android:com.a/one"]
