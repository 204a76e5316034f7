"""A server's words keep their sense and lose what looks like a credential."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.http.exchange import server_message
from reconciler.http.redaction import LONGEST, MASK, bounded, discreet, without

each = pytest.mark.parametrize

SECRET = "s3cr3t/W+th=odd&signs%"
HEX = "036ae5027f0c4b864169036ae5027f0c"


@each(
    ("text", "shown"),
    [
        ("see https://h.example/a/b?Signature=x%3D&y=1 now", "see https://h.example/a/b?*** now"),
        ("https://user:pass@h.example/a", "https://h.example/a"),
        ("postgresql://user:p4ss@db.example:5432/x", "postgresql://db.example:5432/x"),
        ("https://h.example/docs#token", "https://h.example/docs?***"),
        ("Authorization: Bearer abc123def", "Authorization: Bearer ***"),
        ("Authorization: Basic dXNlcjpwYXNz1", "Authorization: Basic ***"),
        ('{"client_secret":"abc def","x":1}', '{"client_secret":***,"x":1}'),
        ('{\\"accessToken\\": \\"abc\\"}', '{\\"accessToken\\": ***}'),
        ("client_secret=abc&grant=x", "client_secret=***&grant=x"),
        ("?X-Amz-Signature=abc;X-Amz-Date=2", "?X-Amz-Signature=***;X-Amz-Date=***"),
        ("rewardedAdSecurityToken: 'abc'", "rewardedAdSecurityToken: ***"),
        (f"unknown {HEX}", "unknown ***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_x", "***"),
        (f"body {b64encode(b'{id: 5150, secret: canary, more}').decode()}", "body ***"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text, shown):
    assert discreet(text) == shown


@each(
    "text",
    [
        "Invalid store category1; validCategories: Finance, Business, Games",
        "request 123e4567-e89b-12d3-a456-426614174000 failed",
        "level_end_interstitial_tier_high_01_and_a_long_name is taken",
        "invalid token",
        "token expired",
        "Bearer token expired",
        "price 0.001 is below the minimum: 0.01",
        "https://console.fyber.com/api/management/v1/placement",
        "apps/v1/management/placement/243713 not found in publisher 3432",
        "floorPrices[0].country: 'UK' is no country",
        "rewardedAdUrl must be https",
    ],
)
def test_honest_words_stay(text):
    assert discreet(text) == text


@each("spell", [str, str.upper, lambda text: quote(text, safe=""), lambda text: b64encode(text.encode()).decode()])
def test_a_known_secret_is_masked_in_every_spelling(spell):
    shown = without(f"before {spell(SECRET)} after", [SECRET])
    assert shown.rstrip("=").replace("=", "") == f"before {MASK} after"


def test_a_long_secret_is_found_inside_words_and_a_short_one_only_by_itself():
    assert without("xclient-5150x demo demonstration", ["client-5150", "demo"]) == "x***x *** demonstration"


def test_a_secret_that_was_cut_off_is_masked_as_far_as_it_goes():
    assert without("it was client-secr…", ["client-secret-2112"]) == "it was ***…"
    assert without("it was clever…", ["client-secret-2112"]) == "it was clever…"


@given(st.text(min_size=4, max_size=30).filter(str.strip), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_of_some_length_survives(secret, before, after):
    if secret.lower() not in MASK:
        assert secret not in without(f"{before} {secret} {after}", [secret, "other"]).replace(MASK, "")


@given(st.text(max_size=200))
def test_masking_twice_is_the_same_as_once_for_what_is_known(text):
    assert without(without(text, [SECRET]), [SECRET]) == without(text, [SECRET])


SPELLINGS = (SECRET, quote(SECRET, safe=""), b64encode(SECRET.encode()).decode().rstrip("="), SECRET.encode().hex())


def shows_a_part_of(secret, text):
    shown = text.lower()
    return any(secret[at : at + 5].lower() in shown for at in range(len(secret) - 4))


@each("spelling", SPELLINGS)
@each("form", ["{}", '{{"message": "{}"}}', '"{}', "client_secret={}", "https://h.example/a?sig={}", "Bearer {}"])
@each("limit", [500, LONGEST])
def test_no_part_of_a_secret_is_seen_wherever_a_message_is_cut_in_it(spelling, form, limit):
    for before in range(limit - len(spelling) - 30, limit + 5):
        body = ("word " * before)[: before - len(form)] + form.format(spelling) + " and more" * 40
        shown = without(server_message(400, body.encode()), [SECRET])
        assert not shows_a_part_of(spelling, shown), (before, shown[-80:])


@each("text", ['client_secret=abc"def&%x1', "secret: 'it''s-long;and=odd'", "token=s3cr3t/W+th=odd&signs%;next"])
def test_what_a_mask_leaves_of_a_known_secret_is_masked_with_it(text):
    secret = text.partition("=")[2] or text.partition("'")[2]
    assert not shows_a_part_of(secret.removesuffix(";next"), without(discreet(text), [secret.removesuffix(";next")]))


@each("secret", ["user:p@ss:w0rd@", "u:p@", "u@"])
def test_all_that_stands_before_the_host_of_a_url_goes_even_with_several_at_signs(secret):
    assert discreet(f"no route to https://{secret}h.example:8443/a") == "no route to https://h.example:8443/a"


def test_a_long_text_is_cut_before_the_word_at_the_limit():
    assert bounded("one two three", 9) == "one two…"
    assert bounded("one two three", 13) == "one two three"
    assert bounded("x" * 20, 9) == "…"


def test_a_secret_that_is_no_unicode_is_masked_too():
    assert without("it was caf\udce9-secret-2112", ["caf\udce9-secret-2112"]) == "it was ***"


def test_no_secret_at_all_changes_nothing():
    assert without("as it was…", ["", ""]) == "as it was…"
