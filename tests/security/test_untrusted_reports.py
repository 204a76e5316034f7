"""Names in reports come from vendors and their clients: they reach screens, comments and pages as text."""

import json

import pytest
from support.command import Project
from support.harmless import CHECKS, assert_harmless
from support.hostile import NAMES
from support.reports import Answer, serving
from support.rival_reports import Demand, RivalReports, spread
from support.schemas import assert_as_published

# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

NASTY = "::error::x\x1b[31m\x9b2J\r\n::add-mask::\u202egpj\u200b ##[error] ##vso[task.complete]\u2028end\x07"
OURS = (
    "::set-output name=x::y ##[error] <script>alert(1)</script> `a|b` @team **b** [l](https://evil.example) \u202egpj"
)
"""What a manifest may call a placement."""
MANIFEST = f"""\
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {{name: {json.dumps(OURS)}, placementType: Interstitial, floorPrices: {{WW: 0.01, US: 1.2, SE: 0.8, DK: 0.8}}}}
"""
KEYS = ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET", "CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
URLS = ("DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL")


class HostileReports(RivalReports):
    """The rival's reports with hostile words wherever words stand, and rows that are wrong in hostile ways."""

    sources = ((NASTY, 0.6), ("<script>alert(1)</script>", 0.4))

    def _lines(self, one, days):
        lines = super()._lines(one, days)
        if one is not self.market[-1]:  # a day of which more than 1 % cannot be read would not be taken
            return lines
        strange = [
            {**lines[0], "country": NASTY},
            {**lines[0], "requests": NASTY, NASTY: NASTY},
            {**lines[0], "placement_type": NASTY},
        ]
        if days[0].toordinal() % 14 == 0:
            return [*lines, {**lines[0], "date": NASTY}]
        return [*lines, strange[days[0].toordinal() % len(strange)]]


def hostile_market(app):
    known = [
        Demand(app, OURS, "US", "USA", 4000, spread(1.2, 6, 150), 0.3),
        Demand(app, OURS, "SE", "SWE", 4000, spread(0.8, 6, 900), 5.0),
        Demand(app, OURS, "DK", "DNK", 20, spread(0.8, 4, 2), 1.2),
    ]
    known += [Demand(app, f"calm {number}", "US", "USA", 50, spread(1, 2, 3), 0.9) for number in range(60)]
    return [*known, *(Demand(app, name, "US", "USA", 50, spread(1, 2, 3), 0.9) for name in (NASTY, *NAMES))]


@pytest.fixture
def hostile(project, rival):
    """A project that owns one placement, and reports that speak of forty more."""
    with serving(HostileReports([])) as reports:
        project.env |= dict.fromkeys(URLS, reports.url) | dict.fromkeys(KEYS, "canary")
        project.write("apps/a.yaml", MANIFEST)
        assert project.call("apply", "--yes").code == 0
        reports.market = hostile_market(str(next(iter(rival.apps))))
        yield project, reports


def told(project: Project, form: str, *words: str, codes=(0,)):
    done = project.call(*words, "--format", form)
    assert done.code in codes, done.err
    assert done.out
    CHECKS[form](done.out)
    assert_harmless(done.err)
    return done


def test_names_of_reports_are_shown_as_text_wherever_floors_are_told(hostile):
    project, _ = hostile
    fetched = told(project, "json", "floors", "fetch").json
    assert_as_published(fetched, "fetch")
    assert fetched["summary"]["quarantined"]["the date is none"]
    told(project, "text", "floors", "fetch")
    told(project, "text", "floors", "suggest", "-v")
    told(project, "text", "floors", "suggest", "--explain", f"android:com.a/{OURS}", "US")
    for form in ("text", "json", "markdown", "html"):
        suggested = told(project, form, "floors", "suggest")
        told(project, form, "floors", "backtest")
        if form == "json":
            assert_as_published(suggested.json, "floors")
            assert len(suggested.json["unmatched"]["dtPlacements"]) > 30
            assert len(suggested.json["unmatched"]["chartboostPlacements"]) > 30
        else:
            assert "without a counterpart" in suggested.out


def test_what_was_written_and_what_speaks_for_it_is_shown_as_text(hostile):
    project, _ = hostile
    assert project.call("floors", "fetch").code == 0
    written = told(project, "json", "floors", "write").json
    assert_as_published(written, "written")
    assert written["floors"]
    for form in ("text", "json", "markdown", "html", "sarif", "github", "gitlab", "codequality", "junit"):
        told(project, form, "plan")
    told(project, "text", "apply", "--yes", codes=(0, 6))


def test_what_vendors_answer_is_shown_as_text(hostile):
    project, reports = hostile
    refusal = json.dumps({"message": NASTY, "error": NASTY, "details": [{NASTY: NASTY}]}).encode()
    for status in (400, 422, 500):
        reports.orders = reports.metrics = lambda _, status=status: Answer(status, refusal)
        for form in ("text", "json"):
            done = told(project, form, "floors", "fetch", "-v", codes=(1, 3))
        assert_as_published(done.json, "fetch")
    reports.tokens = Answer(401, refusal)
    for form in ("text", "json"):
        done = project.call("floors", "fetch", "--format", form, "-vv")
        assert done.code == 1
        assert_harmless(done.out + done.err)
