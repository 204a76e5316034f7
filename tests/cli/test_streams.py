"""What goes where: the answer to stdout, talk to stderr, and secrets nowhere."""

import json

import pytest
from support.command import CLIENT_ID, CLIENT_SECRET
from support.command import ONE_APP as HEAD
from support.rival import SECURITY_TOKEN

ONE = HEAD + "    placements:\n      - {name: int, placementType: Interstitial, coppa: false}\n"
CANARIES = (CLIENT_ID, CLIENT_SECRET, SECURITY_TOKEN, "token-canary")


@pytest.fixture
def project(project):
    project.write("apps/a.yaml", ONE)
    return project


def test_a_document_is_all_there_is_on_stdout_and_its_keys_are_those_of_the_contract(project):
    plan = project.call("plan", "--format", "json", "-vv")
    assert set(plan.json) >= {
        "format", "tool", "createdAt", "publisherId", "api", "manifestDigest", "summary", "changes", "unmanaged",
        "notes",
    }  # fmt: skip
    assert plan.json["format"] == "reconciler.plan/1"
    done = project.call("apply", "--yes", "--format", "json", "-vv")
    assert set(done.json) >= {"format", "run", "summary", "results"}
    assert done.json["format"] == "reconciler.result/1"
    assert "create" in done.err


def test_the_plan_is_on_stderr_where_stdout_holds_the_result(project):
    done = project.call("apply", "--yes", "--format", "json")
    assert "+ create int" in done.err
    assert done.json["summary"]["applied"] == 2


def test_a_saved_plan_is_shown_again_in_any_format_without_network_or_credentials(project):
    plan = project.call("plan", "--format", "json", "--out", str(project.root / "p.json"))
    assert json.loads(project.read("p.json")) == plan.json
    again = project.call("show", "p.json", "--format", "json", DT_CLIENT_ID=None, DT_MANAGEMENT_URL=None)
    assert again.json == plan.json
    assert "+ create int" in project.call("show", str(project.root / "p.json")).out


@pytest.mark.parametrize("placed", ["before", "behind"])
def test_global_options_stand_before_and_behind_the_command(project, tmp_path, placed):
    options = ["--project", str(project.root), "--format", "json", "--parallelism", "2", "--no-color", "-v"]
    arguments = [*options, "plan"] if placed == "before" else ["plan", *options]
    done = project.call(*arguments, cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.json["summary"]["create"] == 2
    assert "requests: " in done.err


def test_what_stands_behind_the_command_wins(project):
    assert project.call("--format", "text", "plan", "--format", "json").json["format"] == "reconciler.plan/1"


def test_the_project_is_found_from_a_folder_within_it(project):
    assert project.call("plan", cwd=project.root / "apps").code == 0


def test_settings_named_by_their_file_are_the_project(project, tmp_path):
    assert project.call("plan", "--project", str(project.root / "reconciler.yaml"), cwd=tmp_path).code == 0


def test_logs_as_json_are_one_object_a_line(project):
    done = project.call("plan", "-vv", "--log-format", "json")
    lines = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert any("GET" in line["message"] for line in lines)
    assert all({"at", "level", "message"} <= set(line) for line in lines)


def test_no_secret_is_in_any_output(project, rival):
    told = []
    for arguments in (
        ["ping", "-vv"], ["plan", "-vv"], ["plan", "-vv", "--format", "json", "--out", str(project.root / "p.json")],
        ["apply", "--yes", "-vv"],
        ["plan", "-vv", "--log-format", "json"],
    ):  # fmt: skip
        done = project.call(*arguments)
        assert done.code == 0
        told.append(done.out + done.err)
    rival.instead["POST placement"] = lambda asked: (
        400,
        json.dumps({"message": f"{CLIENT_SECRET} {asked.body}"}).encode(),
    )
    project.edit("apps/a.yaml", ("{name: int,", "{name: other, renamedFrom: int,"), ("coppa: false}", "coppa: true}"))
    project.write("apps/b.yaml", ONE.replace("com.a", "com.b"))
    done = project.call("apply", "--yes", "-vv", "--format", "json")
    assert done.code == 3
    told.append(done.out + done.err)
    rival.secrets = ("other", "pair")
    rival.instead["POST auth"] = lambda asked: (
        400,
        json.dumps({"error": "invalid_client", "given": asked.body}).encode(),
    )
    done = project.call("ping", "-vv")
    assert done.code == 1
    told += [done.out + done.err, *(path.read_text() for path in project.root.rglob("*") if path.is_file())]
    assert [canary for canary in CANARIES for text in told if canary in text] == []


class TestCredentials:
    def test_they_come_from_files(self, project, rival, tmp_path):
        rival.secrets = (CLIENT_ID, "from-file-canary")
        (tmp_path / "secret").write_text("from-file-canary\n")
        env = {"DT_CLIENT_SECRET": None, "DT_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
        done = project.call("ping", **env)
        assert done.code == 0
        assert "from-file-canary" not in done.out + done.err

    @pytest.mark.parametrize("text", [None, "", b"\xff"])
    def test_a_file_without_one_is_told_by_its_variable(self, project, rival, tmp_path, text):
        path = tmp_path / "secret"
        if text is not None:
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        done = project.call("ping", DT_CLIENT_SECRET="", DT_CLIENT_SECRET_FILE=str(path))
        assert done.code == 1
        assert "DT_CLIENT_SECRET_FILE" in done.err
        assert rival.asked == []

    @pytest.mark.parametrize("name", ["DT_CLIENT_ID", "DT_CLIENT_SECRET"])
    def test_a_missing_one_is_told_by_its_variable_before_any_request(self, project, rival, name):
        done = project.call("plan", **{name: ""})
        assert done.code == 1
        assert f"{name} is not set" in done.err
        assert rival.asked == []

    def test_bytes_that_are_no_text_are_told_without_showing_them(self, project):
        done = project.call("ping", DT_CLIENT_SECRET="canary\udcff")
        assert done.code == 1
        assert "DT_CLIENT_SECRET is not UTF-8" in done.err
        assert "canary" not in done.err

    @pytest.mark.parametrize(
        "url",
        ["http://console.fyber.com", "http://192.0.2.1:8099", "https://user:pw-canary@console.fyber.com", "x",
         "http://127.0.0.1.example.com", "https://console.fyber.com/api", "http://[::1"],
    )  # fmt: skip
    def test_they_are_sent_only_where_they_may_be_seen(self, project, url):
        done = project.call("plan", DT_MANAGEMENT_URL=url)
        assert done.code == 1
        assert "DT_MANAGEMENT_URL" in done.err
        assert "pw-canary" not in done.err


class TestOddStreams:
    def shell(self, project, line):
        return project.shell(f"{line}; echo code ${{PIPESTATUS[0]}}", afresh=True)

    def test_a_full_disk_is_an_error_and_no_traceback(self, project):
        done = self.shell(project, "reconciler plan > /dev/full")
        assert "code 1" in done.out
        assert done.err == "error: the answer cannot be written: No space left on device\n"

    def test_closed_streams_are_none(self, project):
        assert "code 0" in self.shell(project, "reconciler plan 2>&-").out
        done = self.shell(project, "reconciler plan >&-; echo code $? >&2")
        assert done.err.endswith("code 0\n")
        assert "code 6" in self.shell(project, "reconciler apply <&-").out

    def test_talk_that_cannot_be_written_is_lost_and_nothing_else(self, project):
        assert "code 0" in self.shell(project, "reconciler plan -v 2>/dev/full").out

    def test_a_reader_that_has_gone_ends_it_quietly(self, project):
        project.write("apps/a.yaml", HEAD + "    placements:\n" + "".join(
            f"      - {{name: {'p' * 400}{number}, placementType: MREC, coppa: false}}\n" for number in range(400)
        ))  # fmt: skip
        done = self.shell(project, "reconciler plan | head -1")
        assert done.out.startswith("android:com.a\n")
        assert done.err == ""

    def test_names_that_cannot_be_encoded_are_shown_all_the_same(self, project):
        project.write("apps/a.yaml", ONE.replace("name: int", "name: 名前"))
        done = project.run("plan", PYTHONIOENCODING="ascii")
        assert done.code == 0
        assert "create" in done.out


def test_colour_is_for_terminals_and_can_be_refused(project):
    assert "\x1b" not in project.run("plan", FORCE_COLOR="1").out
