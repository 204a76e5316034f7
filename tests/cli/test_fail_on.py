"""`plan --fail-on`: red in the pull request for what would be red after the merge, the plan told all the same."""

import json

import pytest
from support.command import ONE_APP

HEAD = ONE_APP + "    placements:\n"
BLOCK = "      - {name: low, placementType: Interstitial, coppa: false, floorPrices: {WW: %s}}\n"
EXACT = "carries out exactly this"


def refused(project, rival):
    """A floor that moves too far."""
    app = rival.add_app(name="A", bundle="com.a")
    floors = [{"country": "WW", "price": 1}]
    rival.add_placement(app, name="low", placementType="Interstitial", floorPrices=floors)
    project.write("apps/a.yaml", HEAD + BLOCK % "9")


def blocked(project, rival):
    """A new app, and a declared placement type that the live placement does not have."""
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="low", placementType="Banner")
    project.write("apps/a.yaml", HEAD + BLOCK % "2" + (BLOCK % "1").replace("low", "other"))


def warned(project, rival):
    """A category that nobody knows."""
    project.write("apps/a.yaml", (HEAD + BLOCK % "2").replace("Finance", "Finanse"))


def warned_by_policy(project, rival):
    policy = 'policies: [{name: p, rule: "false", message: not so, severity: warning}]\n'
    project.write("reconciler.yaml", project.read("reconciler.yaml") + policy)
    project.write("apps/a.yaml", HEAD + BLOCK % "2")


def refused_by_policy(project, rival):
    policy = 'policies: [{name: p, rule: "false", message: not so}]\n'
    project.write("reconciler.yaml", project.read("reconciler.yaml") + policy)
    project.write("apps/a.yaml", HEAD + BLOCK % "2")


def fine(project, rival):
    project.write("apps/a.yaml", HEAD + BLOCK % "2")


def everything(project, rival):
    """Refused, blocked and warned of at once."""
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="low", placementType="Banner")
    text = HEAD + BLOCK % "2" + (BLOCK % "60").replace("low", "other")
    project.write("apps/a.yaml", text.replace("Finance", "Finanse"))


@pytest.mark.parametrize(
    ("state", "words", "code"),
    [
        (refused, "refused", 6),
        (refused, "refused,blocked,warnings", 6),
        (refused, "blocked,warnings", 0),
        (refused_by_policy, "refused", 6),
        (blocked, "blocked", 3),
        (blocked, "refused", 0),
        (warned, "warnings", 1),
        (warned, "refused,blocked", 0),
        (warned_by_policy, "warnings", 1),
        (warned_by_policy, "refused", 0),
        (everything, "warnings, blocked ,refused", 6),
        (everything, "warnings,blocked", 3),
        (everything, "warnings", 1),
        (fine, "refused,blocked,warnings", 0),
    ],
)
def test_the_gravest_that_was_named_decides_and_no_other_counts(project, rival, state, words, code):
    state(project, rival)
    done = project.call("plan", "--fail-on", words)
    assert done.code == code, done.err
    assert ("--fail-on" in done.err) == bool(code)
    assert "Plan:" in done.out
    assert rival.writes == []


def test_words_may_come_in_options_of_their_own(project, rival):
    everything(project, rival)
    assert project.call("plan", "--fail-on", "warnings", "--fail-on", "blocked").code == 3


def test_without_the_option_a_plan_is_made_whatever_it_holds(project, rival):
    everything(project, rival)
    assert project.call("plan").code == 0


def test_differences_are_told_by_2_unless_something_graver_is_asked_about(project, rival):
    blocked(project, rival)
    assert project.call("plan", "--detailed-exitcode", "--fail-on", "refused").code == 2
    assert project.call("plan", "--detailed-exitcode", "--fail-on", "blocked").code == 3


@pytest.mark.parametrize("words", ["refusd", "", "refused,,blocked", "Refused", "all"])
def test_a_word_that_there_is_not_is_wrong_usage_before_anything_is_asked(project, rival, words):
    fine(project, rival)
    done = project.call("plan", "--fail-on", words)
    assert (done.code, done.out, rival.asked) == (64, "", [])
    assert "refused, blocked, warnings" in done.err


@pytest.mark.parametrize(
    "form", ["text", "json", "markdown", "html", "sarif", "github", "gitlab", "codequality", "junit"]
)
def test_every_format_is_printed_and_the_file_saved_though_it_fails(project, rival, form):
    refused(project, rival)
    done = project.call("plan", "--fail-on", "refused", "--format", form, "--out", "plan.json")
    assert done.code == 6
    assert done.out == project.call("show", "plan.json", "--format", form).out
    assert json.loads(project.read("plan.json"))["summary"]["update"] == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (refused, "Apply would carry out nothing of this: a safety limit or a policy refuses it."),
        (refused_by_policy, "Apply would carry out nothing of this: a safety limit or a policy refuses it."),
        (blocked, "Apply would carry out 2 changes of this, and leave out 1 blocked."),
    ],
)
@pytest.mark.parametrize("form", ["text", "markdown", "html", "github"])
def test_what_will_not_be_carried_out_is_said_in_what_people_read(project, rival, state, told, form):
    state(project, rival)
    done = project.call("plan", "--out", "plan.json", "--format", form)
    assert told in done.out
    assert told in done.err
    assert EXACT not in done.out + done.err


def test_what_will_be_carried_out_whole_says_so(project, rival):
    fine(project, rival)
    done = project.call("plan", "--out", "plan.json")
    assert EXACT in done.err
    assert "Apply would" not in done.out
