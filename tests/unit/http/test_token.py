import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest
from unit.apis.management.world import ID, SECRET, Server, StandingClock, client_of, gateway_of, ok, raw, token

from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.errors import ApiError, ApiRejected, CredentialsError, UnreadableAnswer
from reconciler.http.auth import Credentials, read_token, renewal_time
from reconciler.http.exchange import AnswerError
from reconciler.model.secret import Secret
from reconciler.ports import Ambiguous, NotSent

each = pytest.mark.parametrize


def of(**answer):
    return read_token(json.dumps(answer).encode())


@each("key", ["accessToken", "access_token", "ACCESSTOKEN", "AccessToken"])
def test_a_token_is_read_in_any_casing(key):
    assert of(**{key: "abc", "expires_in": 60}) == ("abc", 60.0)


@each(("said", "seconds"), [(3600, 3600), ("1800", 1800), (12.5, 12.5), (10**9, 86400)])
def test_a_lifetime_is_a_number_or_a_numeric_text(said, seconds):
    assert of(accessToken="abc", expiresIn=said)[1] == seconds


@each("said", [None, "", "soon", 0, -5, True, [], "nan", "inf"])
def test_a_lifetime_that_makes_no_sense_counts_as_an_hour(said):
    assert of(accessToken="abc", expiresIn=said)[1] == 3600
    assert of(accessToken="abc")[1] == 3600


@each("body", [b"", b"null", b"[]", b"{}", b'{"accessToken": ""}', b'{"accessToken": 5}', b'{"accessToken": "a\\nb"}'])
def test_an_answer_without_a_sendable_token_is_none(body):
    with pytest.raises(AnswerError):
        read_token(body)


@each(("lifetime", "at"), [(3600, 3540), (120, 60), (60, 30), (2, 1)])
def test_a_token_is_renewed_a_minute_early_or_half_way_through_a_short_life(lifetime, at):
    assert renewal_time(0, lifetime) == at


def test_the_token_is_asked_for_with_the_documented_body_and_sent_as_a_bearer():
    seen = []

    def serve(request):
        seen.append(request)
        return token("abc") if request.method == "POST" else ok([])

    with client_of(serve) as client:
        DtGateway(client, "3432").apps()
    assert json.loads(seen[0].content) == {
        "grant_type": "management_client_credentials",
        "client_id": ID,
        "client_secret": SECRET,
    }
    assert "authorization" not in seen[0].headers
    assert seen[1].headers["authorization"] == "Bearer abc"


def test_one_token_serves_many_calls():
    gateway, server = gateway_of(ok([]), ok([]), ok([]))
    for _ in range(3):
        gateway.apps()
    assert server.asked_tokens == 1


def test_a_token_near_its_end_is_renewed_before_a_call():
    clock = StandingClock()
    gateway, server = gateway_of(ok([]), ok([]), ok([]), clock=clock)
    gateway.apps()
    clock.sleep(3539)
    gateway.apps()
    assert server.asked_tokens == 1
    clock.sleep(1)
    gateway.apps()
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer tok-1"] * 2 + ["Bearer tok-2"]


def test_a_401_renews_the_token_once_and_repeats_the_call_even_a_create():
    gateway, server = gateway_of(ok({}, 401), ok({"appId": 7}))
    assert gateway.create("app", {"name": "x"}, app_id=None).id == "7"
    assert (server.asked_tokens, len(server.requests)) == (2, 2)


def test_a_second_401_ends_a_read_and_leaves_a_write_not_sent():
    gateway, server = gateway_of(*[ok({}, 401)] * 4)
    with pytest.raises(CredentialsError):
        gateway.apps()
    assert server.asked_tokens == 2
    assert isinstance(gateway.create("app", {"name": "x"}, app_id=None), NotSent)


def test_a_renewal_that_fails_ends_a_read_with_its_reason():
    gateway, _ = gateway_of(
        ok({}, 401), tokens=lambda nth: token() if nth == 1 else ok({"error": "invalid_client"}, 400)
    )
    with pytest.raises(CredentialsError, match="invalid_client"):
        gateway.apps()


def test_a_write_in_doubt_stays_in_doubt_when_the_credentials_go():
    gateway, _ = gateway_of(ok({}, 500), ok({}, 401), ok({}, 401))
    assert isinstance(gateway.delete("app", "1"), Ambiguous)


def test_many_workers_with_a_refused_token_renew_it_once():
    workers = 8
    barrier = Barrier(workers)

    def serve(request):
        if request.headers["authorization"] != "Bearer tok-1":
            return ok([])
        barrier.wait(10)
        return ok({}, 401)

    server = Server(*[serve] * (2 * workers))
    with client_of(server) as client, ThreadPoolExecutor(workers) as pool:
        gateway = DtGateway(client, "1")
        assert list(pool.map(lambda _: gateway.apps(), range(workers))) == [()] * workers
    assert server.asked_tokens == 2


def test_many_workers_without_a_token_fetch_one():
    server = Server(*[ok([])] * 16)
    with client_of(server) as client, ThreadPoolExecutor(8) as pool:
        gateway = DtGateway(client, "1")
        list(pool.map(lambda _: gateway.apps(), range(16)))
    assert server.asked_tokens == 1


@each("answer", [ok({"error": "invalid_client"}, 400), ok({"error": "invalid_client"}), raw(b"no", 401)])
def test_refused_credentials_are_told_by_the_names_of_their_variables(answer):
    gateway, _ = gateway_of(tokens=lambda _: answer)
    with pytest.raises(CredentialsError) as refused:
        gateway.apps()
    told = f"{refused.value} {refused.value.hint}"
    assert "DT_CLIENT_ID" in told
    assert "DT_CLIENT_SECRET" in told
    assert ID not in told
    assert SECRET not in told


def test_refused_credentials_are_not_offered_again():
    gateway, server = gateway_of(tokens=lambda _: ok({"error": "invalid_client"}, 400))
    for _ in range(3):
        with pytest.raises(CredentialsError):
            gateway.apps()
    assert server.asked_tokens == 1


@each("trouble", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), raw(b"", 503), raw(b"", 429)])
def test_the_token_is_asked_for_again_after_trouble(trouble):
    def tokens(nth):
        if nth > 2:
            return token()
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    gateway, server = gateway_of(ok([]), tokens=tokens)
    assert gateway.apps() == ()
    assert server.asked_tokens == 3


@each(
    ("answer", "error"),
    [(raw(b"", 500), ApiError), (raw(b"", 404), ApiRejected), (raw(b"<html>"), UnreadableAnswer)],
)
def test_no_token_is_an_error_that_says_what_to_do(answer, error):
    gateway, _ = gateway_of(tokens=lambda _: answer)
    with pytest.raises(error) as failed:
        gateway.apps()
    assert failed.value.hint


def test_a_create_without_a_token_is_not_sent():
    gateway, server = gateway_of(tokens=lambda _: raw(b"", 500))
    assert isinstance(gateway.create("app", {"name": "x"}, app_id=None), NotSent)
    assert server.requests == []


def test_credentials_do_not_print():
    credentials = Credentials(Secret(ID), Secret(SECRET))
    assert ID not in repr(credentials)
    assert SECRET not in repr(credentials)
    with DtClient("https://dt.example", credentials, clock=StandingClock()) as client:
        assert SECRET not in repr(client)
