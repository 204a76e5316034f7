"""`ping` asks for a token with every set of keys that is there, and for nothing that is not needed."""

import json

import pytest
from support.reports import Answer, ReportServer, serving
from support.rival import Spelling
from support.schemas import assert_as_published

KEYS = {
    "users": ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET"),
    "mediation": ("CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET"),
}
NONE = dict.fromkeys(("DT_CLIENT_ID", "DT_CLIENT_SECRET"))
each = pytest.mark.parametrize


class Tokens(ReportServer):
    """Gives tokens at some paths alone, and refuses the keys at others."""

    def __init__(self, *good, refused=()):
        super().__init__()
        self.good, self.refused = good, refused

    def answer(self, heard):
        self.heard.append(heard)
        path = heard.line.split()[1]
        if path in self.good:
            return self.tokens
        return Answer(401, b'{"error": "access_denied"}') if path in self.refused else Answer(404, b"{}")


@pytest.fixture
def tokens(project):
    """Starts a server of tokens to which the keys of both reporting APIs go."""
    stacks = []

    def start(*good, refused=()):
        stack = serving(Tokens(*good, refused=refused))
        server = stack.__enter__()
        stacks.append(stack)
        for name in (*KEYS["users"], *KEYS["mediation"]):
            project.env[name] = f"{name}-canary"
        project.env |= dict.fromkeys(("DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"), server.url)
        return server

    yield start
    for stack in stacks:
        stack.__exit__(None, None, None)


def states(project, code=0, **env):
    done = project.call("ping", "--format", "json", **env)
    assert done.code == code, done.err
    assert_as_published(done.json, "ping")
    return {each["service"]: each["state"] for each in done.json["services"]}, done


def lines(server):
    return [heard.line.rpartition(" ")[0] for heard in server.heard]


def test_all_sets_of_keys_are_asked_with(rival, project, tokens):
    server = tokens("/auth/v1/token", "/oauth/token")
    rival.add_app(name="A", bundle="com.a")
    told, done = states(project)
    assert told == {"management": "good", "users": "good", "mediation": "good"}
    assert (done.json["apps"], done.json["publisherId"]) == (1, "3432")
    assert sorted(lines(server)) == ["POST /auth/v1/token", "POST /oauth/token"]
    assert [asked.name for asked in rival.asked] == ["POST auth", "GET app publisherId"]
    text = project.call("ping").out
    for variable in ("DT_CLIENT_ID", "DT_REPORTING_CLIENT_ID", "CHARTBOOST_CLIENT_ID"):
        assert any(variable in line and " good " in line for line in text.splitlines())


def test_what_is_not_there_is_not_asked(project):
    told, _ = states(project)
    assert told == {"management": "good"}


def test_reporting_keys_are_enough(rival, project, tokens):
    tokens("/auth/v1/token", "/oauth/token")
    told, done = states(project, **NONE)
    assert told == {"users": "good", "mediation": "good"}
    assert done.json["apps"] is None
    assert rival.asked == []


def test_no_keys_at_all_are_an_error(project):
    done = project.call("ping", **NONE)
    assert (done.code, done.out) == (1, "")
    assert "DT_CLIENT_ID is not set" in done.err
    assert "CHARTBOOST_CLIENT_ID" in done.err


def test_one_that_is_refused_fails_and_the_others_are_told(rival, project, tokens):
    tokens("/oauth/token", refused=["/auth/v1/token"])
    told, done = states(project, code=1)
    assert told == {"management": "good", "users": "refused", "mediation": "good"}
    assert "DT_REPORTING_CLIENT_ID and DT_REPORTING_CLIENT_SECRET" in done.err


def test_half_a_set_is_no_good(project, tokens):
    tokens("/auth/v1/token", "/oauth/token")
    told, done = states(project, code=1, DT_REPORTING_CLIENT_SECRET=None)
    assert told["users"] == "refused"
    assert "DT_REPORTING_CLIENT_SECRET is not set" in done.err


def test_a_server_that_is_not_there_is_unreachable(project, tokens):
    tokens("/oauth/token")
    told, _ = states(project, code=1)
    assert told["users"] == "unreachable"


def test_refused_management_keys_are_told_beside_the_others(rival, project, tokens):
    tokens("/auth/v1/token", "/oauth/token")
    rival.secrets = ("other", "keys")
    told, done = states(project, code=1)
    assert told == {"management": "refused", "users": "good", "mediation": "good"}
    assert done.json["apps"] is None


class TestTheOtherUrlForTokens:
    @each("refused", [[], ["/oauth/token"]])
    def test_it_is_tried_and_named(self, project, tokens, refused):
        server = tokens("/auth/v1/token", "/v5/oauth/token", refused=refused)
        told, done = states(project)
        assert told["mediation"] == "good"
        assert done.json["services"][-1]["tokenUrl"] == f"{server.url}/v5/oauth/token"
        assert f"CHARTBOOST_AUTH_URL={server.url}/v5/oauth/token" in done.err

    def test_it_is_left_alone_where_the_present_one_works(self, project, tokens):
        server = tokens("/auth/v1/token", "/oauth/token", "/v5/oauth/token")
        _, done = states(project)
        assert done.json["services"][-1]["tokenUrl"] is None
        assert "POST /v5/oauth/token" not in lines(server)

    def test_where_both_fail_a_refusal_says_more_than_silence(self, project, tokens):
        tokens("/auth/v1/token", refused=["/v5/oauth/token"])
        told, _ = states(project, code=1)
        assert told["mediation"] == "refused"

    def test_the_same_keys_and_audience_are_sent(self, project, tokens):
        server = tokens("/auth/v1/token", "/v5/oauth/token")
        states(project)
        first, second = (json.loads(heard.body) for heard in server.heard if "oauth" in heard.line)
        assert first == second


def test_without_a_project_tokens_alone_are_asked_for(rival, project, tokens):
    tokens("/auth/v1/token", "/oauth/token")
    (project.root / "reconciler.yaml").unlink()
    told, done = states(project)
    assert set(told.values()) == {"good"}
    assert (done.json["publisherId"], done.json["apps"]) == (None, None)
    assert [asked.name for asked in rival.asked] == ["POST auth"]
    assert list(project.root.iterdir()) == []
    assert project.call("ping", "--project", "elsewhere").code == 1


def test_keys_are_in_nothing_that_is_said(project, tokens):
    tokens(refused=["/auth/v1/token", "/oauth/token", "/v5/oauth/token"])
    done = project.call("ping", "-vv")
    assert done.code == 1
    assert "canary" not in done.out + done.err


class TestThePublisherByAnApp:
    """`publisherId` may be left out: an app of the account tells it."""

    @pytest.fixture
    def app(self, rival, project):
        project.write("reconciler.yaml", "# mine\nversion: 1   # one\n\nprune: report\n")
        return rival.add_app(name="A", bundle="com.a")

    @pytest.mark.usefixtures("app")
    def test_validate_and_the_others_name_the_way(self, project, rival):
        for words in (["validate"], ["plan"], ["drift"], ["list"], ["pull"], ["pull", "--app", "android:com.a"]):
            done = project.call(*words)
            assert done.code == 1
            assert "publisherId is missing" in done.out + done.err
            assert "reconciler pull --app ID" in done.out + done.err
        assert rival.asked == []

    def test_pull_finds_it_and_changes_no_other_byte(self, app, project):
        assert project.call("pull", "--app", str(app)).code == 0
        assert project.read("reconciler.yaml") == '# mine\nversion: 1   # one\npublisherId: "3432"\n\nprune: report\n'
        assert project.call("plan", "--detailed-exitcode").code == 0

    @each("text", ["version: 1\npublisherId:\n", "version: 1\npublisherId: YOUR-PUBLISHER-ID\n", "{version: 1}\n"])
    def test_in_any_form(self, app, project, text):
        project.write("reconciler.yaml", text)
        assert project.call("pull", "--app", str(app)).code == 0
        assert project.call("validate").code == 0
        assert "3432" in project.read("reconciler.yaml")

    def test_check_writes_nothing(self, app, project):
        before = project.read("reconciler.yaml")
        done = project.call("pull", "--app", str(app), "--check")
        assert done.code == 2
        assert "publisherId 3432 would be written to reconciler.yaml" in done.err
        assert project.read("reconciler.yaml") == before

    def test_the_list_of_the_publisher_has_to_hold_the_app(self, app, project, rival):
        rival.instead["GET app publisherId"] = b"[]"
        done = project.call("pull", "--app", str(app))
        assert done.code == 1
        assert "does not hold it" in done.err
        assert "publisherId" not in project.read("reconciler.yaml")

    def test_another_publishers_list_is_not_asked_in_vain(self, app, project, rival):
        rival.twist = lambda _asked, status, told: (status, {**told, "publisherId": "77"} if status == 200 else told)
        done = project.call("pull", "--app", str(app))
        assert done.code == 1
        assert "403" in done.err
        assert "publisherId" not in project.read("reconciler.yaml")

    @pytest.mark.usefixtures("app")
    def test_an_app_that_is_not_there(self, project):
        done = project.call("pull", "--app", "999")
        assert done.code == 1
        assert "--app 999: no such app" in done.err

    def test_init_begins_with_it(self, app, project, rival):
        rival.add_app(name="B", bundle="com.b")
        assert project.call("init", "new", "--from-live", "--app", str(app), "--ci", "none").code == 0
        assert 'publisherId: "3432"' in project.read("new/reconciler.yaml")
        assert len(list((project.root / "new/apps").iterdir())) == 2
        assert project.call("plan", "--project", "new", "--detailed-exitcode").code == 0

    @each("words", [["--app", "1"], ["--from-live"], ["--from-live", "--app", "1", "--publisher-id", "2"]])
    def test_init_says_it_once(self, project, rival, words):
        assert project.call("init", "new", *words).code == 64
        assert rival.asked == []


def test_odd_spellings_tell_the_publisher_too(tmp_path, rivals, project):
    rival = rivals(Spelling(keys="plain", ids="text", lists="nested"))
    app = rival.add_app(name="A", bundle="com.a")
    project.write("reconciler.yaml", "version: 1\n")
    assert project.call("pull", "--app", str(app), DT_MANAGEMENT_URL=rival.url).code == 0
