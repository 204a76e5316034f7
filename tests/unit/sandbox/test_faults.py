import json

import pytest

from reconciler.sandbox.exchange import SandboxRequest
from reconciler.sandbox.fault_script import FaultScript
from reconciler.sandbox.faults import (
    BadGzip,
    Duplicate,
    Empty,
    ExpireToken,
    Garbage,
    Null,
    Omit,
    Paging,
    Reset,
    Status,
    Timeout,
)

POST = SandboxRequest("POST", "/api/management/v1/placement", body=b'{"name": "int_13"}')
LIST = SandboxRequest("GET", "/api/management/v1/placement", {"appId": "5"})
ONE = SandboxRequest("GET", "/api/management/v1/placement", {"placementId": "5"})


def struck(fault, calls=8, call=POST, seed=0):
    script = FaultScript([fault], seed=seed)
    return [number for number in range(1, calls + 1) if script.strike(call)]


class TestWhichCallsAreStruck:
    @pytest.mark.parametrize(
        ("rule", "numbers"),
        [
            ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
            ({"nth": 2}, [2]),
            ({"nth": 2, "times": 3}, [2, 3, 4]),
            ({"every": 3}, [3, 6]),
            ({"every": 3, "times": 1}, [3]),
            ({"times": 2}, [1, 2]),
            ({"probability": 0}, []),
            ({"probability": 1, "times": 1}, [1]),
        ],
    )
    def test_calls_are_counted(self, rule, numbers):
        assert struck(Reset(**rule)) == numbers

    def test_chance_is_the_same_for_the_same_seed(self):
        fault = Reset(probability=0.5)
        assert struck(fault, 50) == struck(fault, 50) != struck(fault, 50, seed=1)
        assert 10 < len(struck(fault, 50)) < 40

    @pytest.mark.parametrize(
        ("on", "hits"),
        [("*", 1), ("POST placement", 1), ("* placement", 1), ("POST *", 1), ("POST app", 0), ("GET placement", 0)],
    )
    def test_only_the_calls_named_are_struck(self, on, hits):
        assert len(struck(Reset(on=on), 1)) == hits

    @pytest.mark.parametrize(
        ("on", "call"),
        [
            ("POST token", SandboxRequest("POST", "/auth/v1/token")),
            ("POST token", SandboxRequest("POST", "/oauth/token")),
            ("POST user-level-data", SandboxRequest("POST", "/api/v1/report/user-level-data")),
            ("GET file", SandboxRequest("GET", "/group=3432/6fad.csv")),
            ("POST metrics", SandboxRequest("POST", "/v2/publisher/metrics")),
        ],
    )
    def test_calls_of_the_reporting_apis_have_names_of_their_own(self, on, call):
        assert len(struck(Reset(on=on), 1, call)) == 1
        assert len(struck(Reset(on=on), 1)) == 0

    def test_a_word_of_the_request_can_be_asked_for(self):
        assert struck(Reset(containing="int_13"), 1) == [1]
        assert struck(Reset(containing="int_14"), 1) == []
        assert struck(Reset(containing="5"), 1, LIST) == [1]

    @pytest.mark.parametrize("fault", [Omit(), Duplicate(), Paging()])
    def test_faults_of_lists_strike_lists_alone(self, fault):
        assert (struck(fault, 1, LIST), struck(fault, 1, ONE), struck(fault, 1, POST)) == ([1], [], [])

    def test_the_first_fault_that_is_due_strikes_and_the_others_still_count(self):
        script = FaultScript([Reset(nth=1), Status(status=500, nth=3)])
        assert [fault and fault.do for fault in (script.strike(POST) for _ in range(4))] == [
            "reset", None, "status", None,
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "wrong",
        [{"on": "PATCH app"}, {"on": "POST"}, {"nth": 0}, {"nth": 1, "every": 2}, {"probability": 2}, {"times": 0}],
    )
    def test_a_rule_without_sense_is_refused(self, wrong):
        with pytest.raises(ValueError, match=r"."):
            Reset(**wrong)
        with pytest.raises(ValueError, match=r"."):
            Timeout(**wrong)

    def test_impossible_values_are_refused(self):
        for make in (lambda: Timeout(seconds=-1), lambda: Status(status=200)):
            with pytest.raises(ValueError, match=r"."):
                make()


class TestAnswers:
    def test_a_fault_before_keeps_the_write_from_happening_and_one_after_does_not(self, api):
        for when, count in (("before", 0), ("after", 1)):
            server = api(Status(on="POST app", status=503, when=when))
            status, told = server.post("app", name="a", bundle="b", platform="ios", category1="Books", coppa=False)
            assert (status, bool(told["message"]), len(server.account.apps())) == (503, True, count)

    def test_a_status_can_say_when_to_come_back(self, api):
        answer = api(Status(status=429, retry_after=7)).raw("GET", "/api/management/v1/app")
        assert (answer.status, dict(answer.headers)[b"retry-after"]) == (429, b"7")

    @pytest.mark.parametrize(
        ("fault", "begins"), [(Garbage(), b"<!doctype"), (Empty(), b""), (Null(), b"null"), (BadGzip(), b"this is not")]
    )
    def test_an_answer_can_be_none(self, api, fault, begins):
        answer = api(fault).raw("GET", "/api/management/v1/app", {"publisherId": "3432"})
        assert answer.status == 200
        assert answer.body.startswith(begins)
        assert (b"content-encoding" in dict(answer.headers)) == isinstance(fault, BadGzip)

    def test_a_token_can_expire(self, api):
        server = api(ExpireToken(on="GET app", nth=2))
        assert server.get("app", publisherId=3432)[0] == 200
        assert server.get("app", publisherId=3432) == (401, {"error": "invalid_token"})
        assert server.get("placement", appId=1)[0] == 401
        server.token = server.account.issue_token(60)
        assert server.get("app", publisherId=3432)[0] == 200


class TestLists:
    @pytest.mark.parametrize("shape", ["array", "named", "data", "list"])
    def test_resources_can_be_left_out_or_shown_twice(self, api, shape):
        faults = [Omit(omit=2, nth=1), Duplicate(nth=2)]
        server = api(*faults, list_shape=shape)
        app = server.new_app()
        ids = [server.new_placement(app, name=str(number)) for number in range(3)]
        read = [self.ids(server.get("placement", appId=app)[1]) for _ in range(3)]
        assert read == [ids[:1], [ids[0], *ids], ids]

    def test_resources_can_be_left_out_by_id(self, api):
        server = api(Omit(omit=(240002,)), keys="contrary")
        app = server.new_app()
        for number in range(3):
            server.new_placement(app, name=str(number))
        assert [row["name"] for row in server.get("placement", appId=app)[1]] == ["0", "2"]

    def test_a_lone_resource_and_an_empty_body_can_be_struck_too(self, api):
        server = api(Duplicate(nth=2), Omit(nth=1), list_shape="lone-object", empty_list="empty-body")
        app = server.new_app()
        assert server.get("placement", appId=app) == (200, [])
        server.new_placement(app)
        assert len(server.get("placement", appId=app)[1]) == 2

    @pytest.mark.parametrize("hint", ["next", "nextPage", "cursor", "total"])
    def test_a_list_can_speak_of_more(self, api, hint):
        server = api(Paging(on="GET app", hint=hint))
        first = server.new_app()
        server.new_app()
        told = server.get("app", publisherId=3432)[1]
        assert [row["appId"] for row in told["data"]] == [first]
        assert told[hint]

    def test_a_refusal_is_left_as_it_is(self, api):
        assert api(Omit(), unknown_app="not-found").get("placement", appId=5)[0] == 404

    @staticmethod
    def ids(content):
        rows = content if isinstance(content, list) else next(iter(content.values()))
        return [row["placementId"] for row in rows]


def test_every_answer_but_a_broken_one_is_json(api):
    assert json.loads(api(Status(status=500)).raw("GET", "/nowhere").body)
