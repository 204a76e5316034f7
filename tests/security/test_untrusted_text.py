"""Names and messages of strangers reach the screen as text and nothing else."""

import json
import re
import unicodedata

import pytest

each = pytest.mark.parametrize

NASTY = "::error::x\x1b[31m\x9b2J\r\n::add-mask::\u202egpj\u200b ##[error] ##vso[task.complete]\u2028end\x07"
MANIFEST = """
version: 1
apps:
  - platform: android
    bundle: com.acme
    name: Acme
    category1: Finance
    coppa: false
    placements:
      - {name: int_1, placementType: Interstitial, coppa: false, floorPrices: {US: 1.2}}
"""


@pytest.fixture
def ready(project, rival):
    app = rival.add_app(name="Acme", bundle="com.acme")
    rival.add_placement(app, name=NASTY)
    rival.add_app(name=NASTY, bundle=f"com.{NASTY}")
    project.write("apps/a.yaml", MANIFEST)
    return project


def assert_harmless(text):
    for line in text.split("\n"):
        assert not line.strip().startswith("::"), line
        assert not re.search(r"##[A-Za-z]*\[", line), line
        strange = {sign for sign in line if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}}
        assert strange == set(), line


@each("form", ["text", "json"])
@each("log", ["text", "json"])
def test_names_of_the_account_are_shown_as_text(ready, form, log):
    for words in (["plan", "--out", "plan.json"], ["show", "plan.json"], ["rehearse", "plan.json"], ["apply", "--yes"]):
        done = ready.run(*words, "--format", form, "-vv", "--log-format", log)
        assert done.code == 0, done.err
        assert_harmless(done.out)
        assert_harmless(done.err)


@each("form", ["text", "json", "markdown", "openmetrics"])
def test_an_audit_shows_names_of_the_account_as_text(ready, rival, form):
    assert ready.run("apply", "--yes").code == 0
    next(each for each in rival.placements.values() if each["name"] == "int_1")["name"] = NASTY
    for words in (["drift"], ["drift", "--since", "1d", "-vv"]):
        done = ready.run(*words, "--format", form)
        assert done.code == 2, done.err
        assert_harmless(done.out.replace("\u200b", ""))
        assert_harmless(done.err)


def test_a_json_document_holds_the_name_as_it_is(ready):
    unmanaged = ready.run("plan", "--format", "json").json["unmanaged"]
    assert f"android:com.acme/{NASTY}" in {each["address"] for each in unmanaged}


def test_messages_of_the_server_are_shown_as_text(ready, rival):
    refusal = json.dumps({"message": NASTY, NASTY: [NASTY]}).encode()
    for call in ("POST placement", "GET app publisherId", "GET placement appId"):
        rival.instead = {call: lambda _: (400, refusal)}
        for form in ("text", "json"):
            done = ready.run("apply", "--yes", "--format", form, "-vv")
            assert done.code in {1, 3}
            assert_harmless(done.out)
            assert_harmless(done.err)
    assert_harmless(ready.run("history").out)


def test_findings_show_what_stands_in_a_manifest_as_text(project):
    name = json.dumps(NASTY)
    project.write("apps/a.yaml", MANIFEST.replace("int_1,", f"{name}, {name}: 1,"))
    for form in ("text", "json"):
        done = project.run("validate", "--format", form)
        assert done.code == 1
        assert_harmless(done.out)
        assert_harmless(done.err)


def test_an_argument_that_is_repeated_is_shown_as_text(project):
    name = NASTY.replace("\x00", "")
    for words in ([name], ["history", name], ["plan", "--only", name], ["show", name], ["plan", f"--{name}"]):
        done = project.run(*words)
        assert_harmless(done.out)
        assert_harmless(done.err)
