"""Names and messages of strangers reach the screen as text and nothing else."""

import json

import pytest
from support.harmless import CHECKS, assert_harmless
from support.hostile import NAMES
from support.schemas import assert_as_published

from reconciler.cli.session import FINDINGS_FORMATS, PLAN_FORMATS, RESULT_FORMATS

DRIFT_FORMATS = ("text", "json", "markdown", "html", "openmetrics", "github")

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


@each("form", ["text", "json"])
@each("log", ["text", "json"])
def test_names_of_the_account_are_shown_as_text(ready, form, log):
    for words in (["plan", "--out", "plan.json"], ["show", "plan.json"], ["rehearse", "plan.json"], ["apply", "--yes"]):
        done = ready.call(*words, "--format", form, "-vv", "--log-format", log)
        assert done.code == 0, done.err
        assert_harmless(done.out)
        assert_harmless(done.err)


@each("form", ["text", "json", "markdown", "openmetrics"])
def test_an_audit_shows_names_of_the_account_as_text(ready, rival, form):
    assert ready.call("apply", "--yes").code == 0
    next(each for each in rival.placements.values() if each["name"] == "int_1")["name"] = NASTY
    for words in (["drift"], ["drift", "--since", "1d", "-vv"]):
        done = ready.call(*words, "--format", form)
        assert done.code == 2, done.err
        assert_harmless(done.out.replace("\u200b", ""))
        assert_harmless(done.err)


def test_a_json_document_holds_the_name_as_it_is(ready):
    unmanaged = ready.call("plan", "--format", "json").json["unmanaged"]
    assert f"android:com.acme/{NASTY}" in {each["address"] for each in unmanaged}


def test_messages_of_the_server_are_shown_as_text(ready, rival):
    refusal = json.dumps({"message": NASTY, NASTY: [NASTY]}).encode()
    for call in ("POST placement", "GET app publisherId", "GET placement appId"):
        rival.instead = {call: lambda _: (400, refusal)}
        for form in ("text", "json"):
            done = ready.call("apply", "--yes", "--format", form, "-vv")
            assert done.code in {1, 3}
            assert_harmless(done.out)
            assert_harmless(done.err)
    assert_harmless(ready.call("history").out)


def test_findings_show_what_stands_in_a_manifest_as_text(project):
    name = json.dumps(NASTY)
    project.write("apps/a.yaml", MANIFEST.replace("int_1,", f"{name}, {name}: 1,"))
    for form in ("text", "json"):
        done = project.call("validate", "--format", form)
        assert done.code == 1
        assert_harmless(done.out)
        assert_harmless(done.err)


def test_an_argument_that_is_repeated_is_shown_as_text(project):
    name = NASTY.replace("\x00", "")
    for words in ([name], ["history", name], ["plan", "--only", name], ["show", name], ["plan", f"--{name}"]):
        done = project.call(*words)
        assert_harmless(done.out)
        assert_harmless(done.err)


@pytest.fixture
def adopted(project, rival):
    """An account in which every name is a hostile one, adopted into manifests and then moved by somebody."""
    rival.add_app(name=NASTY, bundle=f"com.{NASTY}")
    app = rival.add_app(name=NASTY, bundle="com.acme")
    numbers = [rival.add_placement(app, name=name) for name in (NASTY, *NAMES)]
    assert project.call("pull").code in {0, 3}
    for number in numbers[::2]:
        rival.placements[number]["status"] = "inactive"
    del rival.placements[numbers[-1]]
    rival.add_placement(app, name=f"{NASTY} new")
    return project


def assert_shown_as_text(project, form, *words, code):
    for talk in ((), ("-v",)):
        done = project.call(*words, "--format", form, *talk)
        assert done.code == code, done.err
        assert done.out
        CHECKS[form](done.out)
        assert_harmless(done.err)
    return done


@each("form", ["text", "json"])
def test_what_is_adopted_is_told_as_text(project, rival, form):
    rival.add_app(name=NASTY, bundle=f"com.{NASTY}")
    app = rival.add_app(name=NASTY, bundle="com.acme")
    for name in NAMES:
        rival.add_placement(app, name=name)
    assert_shown_as_text(project, form, "pull", "--check", code=2)
    done = project.call("pull", "--format", "json")
    assert_as_published(done.json, "pull")
    assert len(done.json["adopted"]) + len(done.json["notes"]) > len(NAMES)
    rival.placements[max(rival.placements)]["coppa"] = True
    done = assert_shown_as_text(project, form, "pull", "--check", code=2)
    if form == "json":
        assert_as_published(done.json, "pull")
        assert len(done.json["changes"]) == 1


@each("form", DRIFT_FORMATS)
def test_an_audit_in_any_format_shows_adopted_names_as_text(adopted, form):
    done = assert_shown_as_text(adopted, form, "drift", "--since", "1d", code=2)
    if form == "json":
        assert_as_published(done.json, "drift")
        assert done.json["summary"]["missing"] == 1


@each("form", PLAN_FORMATS)
def test_a_plan_in_any_format_shows_adopted_names_as_text(adopted, form):
    adopted.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nprune: deactivate\n')
    assert_shown_as_text(adopted, form, "plan", code=0)
    plan = str(adopted.root / "plan.json")
    (file,) = (adopted.root / "apps").iterdir()
    blocks = file.read_text(encoding="utf-8").partition("    placements:")
    file.write_text(f"{blocks[0]}{blocks[1]} []\n", encoding="utf-8")
    assert_shown_as_text(adopted, form, "plan", "--out", plan, code=0)
    assert_shown_as_text(adopted, form, "show", plan, code=0)


@each("form", RESULT_FORMATS)
def test_results_in_any_format_show_adopted_names_as_text(adopted, rival, form):
    rival.instead = {"PUT placement": lambda _: (400, json.dumps({"message": NASTY}).encode())}
    adopted.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {maxChangePercent: 100}\n')
    done = adopted.call("apply", "--yes", "--format", form)
    assert done.code == 3, done.err
    CHECKS[form](done.out)
    assert_harmless(done.err)


@each("form", FINDINGS_FORMATS)
def test_findings_in_any_format_show_what_a_manifest_holds_as_text(project, form):
    fields = "\n".join(f"        {json.dumps(name)}: {json.dumps(name)}" for name in (NASTY, *NAMES))
    block = f"      - name: {json.dumps(NASTY)}\n        placementType: {json.dumps(NASTY)}\n{fields}\n"
    for name in ("a.yaml", f"{NASTY.replace('/', '')[:60]}.yaml", "@team `x` <b>.yaml"):
        project.write(f"apps/{name}", MANIFEST + block)
    assert_shown_as_text(project, form, "validate", code=1)
