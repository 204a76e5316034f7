"""Floors job of both kits: reports go from run to run, and what they speak for into a request."""

from datetime import UTC, datetime, timedelta

import pytest
from support.command import SETTINGS
from support.reports import serving
from support.rival_reports import Demand, RivalReports, spread
from support.runner import git, push

from reconciler.cli.scaffold import Surroundings, ci_texts

MANIFEST = """\
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: int_13, placementType: Interstitial, floorPrices: {WW: 0.01, US: 1.20}}
"""
KEYS = ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET", "CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
SECRETS = {key: f"{key.lower()}-canary" for key in KEYS}
FLOORS, REPORTS = "reconciler/floors", "reconciler/reports"


@pytest.fixture
def reports(rival):
    with serving(RivalReports([])) as server:
        yield server


@pytest.fixture
def hosted(repository, tmp_path):
    workflows = ci_texts(Surroundings(tmp_path, "", "github"))
    repository.begin(
        {"reconciler.yaml": SETTINGS, "apps/a.yaml": MANIFEST, ".gitignore": ".reconciler/\n", **workflows}
    )
    return repository


def answers(machine, reports, rival, hosted):
    """The account as applied, and a market in which its floor in the US is far too high."""
    rival.add_app(name="A", bundle="com.a")
    app = next(iter(rival.apps))
    machine.env |= dict.fromkeys(("DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"), reports.url)
    rest = [("US", "USA", 4000, spread(1.2, 6, 150), 0.30), ("BR", "BRA", 6000, spread(0.01, 1, 2000), 0.6)]
    reports.market = [Demand(str(app), "int_13", *one) for one in rest]


def branches(hosted):
    return set(git(hosted.bare, "branch", "--format=%(refname:short)").split())


def day_of_week(number):
    return (datetime.now(UTC) + timedelta(days=number)).strftime("%u")


class TestGitLab:
    @pytest.fixture
    def run(self, gitlab, hosted, reports, rival):
        answers(gitlab, reports, rival, hosted)
        gitlab.variables |= {**SECRETS, "RECONCILER_FLOORS_DAY": day_of_week(0)}
        return lambda: gitlab.job("reconciler:floors", hosted.clone(), hosted.bare)

    def test_without_keys_the_job_ends_well_and_does_nothing(self, run, gitlab, hosted, reports):
        for key in KEYS:
            del gitlab.variables[key]
        done = run()
        assert (done.code, "No keys for reports are set" in done.log) == (0, True)
        assert branches(hosted) == {"main"}
        assert reports.heard == []

    def test_a_week_opens_one_request_and_the_next_run_asks_only_for_what_may_be_new(self, run, hosted, forge, reports):
        first = run()
        assert first.code == 0, first.log
        assert branches(hosted) == {"main", FLOORS, REPORTS}
        assert "1.2" not in hosted.at(FLOORS, "apps/a.yaml")
        assert [(one["head"], one["base"]) for one in forge.requests] == [(FLOORS, "main")]
        assert len([note for note in forge.comments if "Floors from" in note.body]) == 1
        orders = len(reports.of("POST /api/v1/report"))
        second = run()
        assert second.code == 0, second.log
        assert len(reports.of("POST /api/v1/report")) == orders + 2
        assert (len(forge.requests), len(hosted.log(REPORTS))) == (1, 1)
        assert not [secret for secret in SECRETS.values() if secret in first.log + second.log]

    def test_on_other_days_reports_are_fetched_and_no_more(self, run, gitlab, hosted):
        gitlab.variables["RECONCILER_FLOORS_DAY"] = day_of_week(2)
        done = run()
        assert (done.code, branches(hosted)) == (0, {"main", REPORTS}), done.log

    def test_floors_that_changed_this_week_are_left_alone(self, run, hosted):
        push(hosted.clone(), "main", "floors", {"reconciler.evidence": ""})
        done = run()
        assert (done.code, "less than a week ago" in done.log) == (0, True), done.log
        assert FLOORS not in branches(hosted)


class TestGitHub:
    @pytest.fixture
    def run(self, github, hosted, reports, rival):
        answers(github, reports, rival, hosted)
        github.secrets |= SECRETS
        return lambda job: github.workflow(hosted.clone(), "floors", job)

    def test_without_keys_a_notice_says_what_is_missing(self, run, github):
        for key in KEYS:
            del github.secrets[key]
        done = run("keys")
        assert (done.code, done.outputs) == (0, {"ready": "false"})
        assert done.log.count("::notice") == 2

    def test_either_key_is_enough_to_begin(self, run, github):
        del github.secrets["CHARTBOOST_CLIENT_ID"]
        done = run("keys")
        assert (done.outputs, "no floor can be judged" in done.log) == ({"ready": "true"}, True)

    def test_reports_are_kept_and_a_request_with_floors_is_opened_once(self, run, hosted, forge):
        for _week in range(2):
            fetched = run("fetch")
            assert fetched.code == 0, fetched.log
            suggested = run("suggest")
            assert suggested.code == 0, suggested.log
        assert branches(hosted) == {"main", FLOORS, REPORTS}
        assert [(one["head"], one["base"]) for one in forge.requests] == [(FLOORS, "main")]
        assert "Floors from" in suggested.summary
        assert len([one for one in forge.comments if "Floors from" in one.body]) == 1
        assert not [secret for secret in SECRETS.values() if secret in fetched.log + suggested.log]

    def test_days_that_cannot_be_had_are_a_warning_and_what_came_is_kept(self, run, hosted, reports):
        file = reports._file
        reports._file = lambda path: type(reports.tokens)(body=b"<html>") if path.endswith("0.csv.gz") else file(path)
        done = run("fetch")
        assert (done.code, "::warning" in done.log, branches(hosted)) == (0, True, {"main", REPORTS}), done.log
