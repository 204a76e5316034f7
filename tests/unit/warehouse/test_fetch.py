import json
from datetime import date, timedelta

import pytest
from support.fake_clock import FakeClock
from support.reports import APP, DAY, NOON, Answer, dt_csv, dt_row, gz, mediation_row, of_users
from unit.apis.world import CANARIES, chartboost, dt_reports

from reconciler.apis.mediation_reports import METRICS
from reconciler.apis.reports import DayRange
from reconciler.errors import CredentialsError
from reconciler.model.secret import Secret
from reconciler.render.floors_document import FetchDocument
from reconciler.warehouse.coverage import TOTALS, file_figures
from reconciler.warehouse.fetch import FetchRequest, ReportClients, fetch
from reconciler.warehouse.report_store import Partition, ReportStore
from reconciler.warehouse.summary_text import fetch_lines
from reconciler.warehouse.user_report_intake import IntakeSettings

each = pytest.mark.parametrize
RULES = IntakeSettings(Secret("5a" * 32))


class RecordingListener:
    def __init__(self):
        self.total = 0
        self.heard = []
        self.begun_with = []

    def planned(self, partitions):
        self.total = partitions

    def begun(self, step):
        self.begun_with.append((step.source, step.app, step.day))

    def ended(self, outcome):
        self.heard.append(outcome)


class Scene:
    """A server whose reports are of the day they are ordered for, and a store."""

    def __init__(self, server, folder, start=NOON):
        self.server, self.folder = server, folder
        self.clock = FakeClock(start)
        self.store = ReportStore(folder / "reports")
        self.bodies = {}
        self.listener = RecordingListener()
        server.orders = self.order
        server.metrics = self.metrics

    def order(self, heard):
        day, app = heard.json["date"], heard.json["appId"]
        body = self.bodies.get((app, day), dt_csv(of_users([dt_row(date=day, app=app)] * 2)))
        if isinstance(body, Answer):
            return body
        self.server.files = [Answer(body=body)]
        return Answer(body=json.dumps({"id": "1", "url": self.server.link}).encode())

    def metrics(self, heard):
        asked = heard.json
        first, last = (date.fromisoformat(asked[key]) for key in ("date_min", "date_max"))
        span = DayRange(first, last)
        if "date" in asked["dimensions"]:
            rows = [mediation_row(date=str(day)) for day in span.days()]
        else:
            rows = [mediation_row(requests=1000 * len(span), impressions=100 * len(span), date=None)]
            rows = [{**row, "estimated_earnings": 0.1 * len(span)} for row in rows]
        return Answer(body=json.dumps({"data": rows}).encode())

    def fetch(self, apps=(APP,), span=None, dt=True, mediation=False, parallelism=1, replace=False):
        sources = ReportClients(
            dt_reports(self.server, self.clock) if dt else None,
            chartboost(self.server, self.folder, self.clock) if mediation else None,
        )
        return fetch(
            FetchRequest(apps, span, parallelism, replace), sources, self.store, RULES, self.clock, self.listener
        )

    def orders(self):
        return [each.json["date"] for each in self.server.of("POST /api")]


@pytest.fixture
def scene(server, tmp_path):
    return Scene(server, tmp_path)


def test_all_days_that_dt_keeps_are_fetched(scene):
    summary = scene.fetch()
    assert scene.orders() == [str(DAY - timedelta(days=back)) for back in range(9, -1, -1)]
    assert (summary.days, summary.rows, summary.gaps, summary.quarantined) == (10, 20, {}, {})
    assert scene.listener.total == len(scene.listener.heard) == 10


def test_each_day_is_told_when_it_is_asked_for_and_when_it_ends(scene):
    scene.fetch(mediation=True, parallelism=4)
    ends = sorted((each.source, each.app, each.day.isoformat()) for each in scene.listener.heard)
    assert sorted(scene.listener.begun_with) == ends
    assert {source for source, _, _ in ends} == {"dt", "chartboost"}


def test_a_second_fetch_asks_only_for_days_that_may_have_been_restated(scene):
    scene.fetch()
    before = len(scene.orders())
    summary = scene.fetch()
    assert scene.orders()[before:] == ["2026-11-19", "2026-11-20"]
    assert (summary.days, len(summary.of("kept"))) == (10, 8)


def test_a_day_that_came_before_it_settled_is_fetched_again_once(scene):
    scene.fetch()
    scene.clock.advance(days=3)
    scene.fetch()
    fresh = scene.orders()[10:]
    assert fresh == ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]
    scene.fetch()
    assert scene.orders()[15:] == ["2026-11-22", "2026-11-23"]


def test_a_fetch_that_was_interrupted_goes_on_where_it_stopped(scene, monkeypatch):
    def interrupted(outcome):
        scene.listener.heard.append(outcome)
        if len(scene.listener.heard) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(scene.listener, "ended", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scene.fetch()
    monkeypatch.undo()
    summary = scene.fetch()
    assert summary.days == 10
    assert not list((scene.folder / "reports" / "drafts").iterdir())
    assert len(summary.of("kept")) >= 3


def test_days_that_cannot_be_had_are_refused_with_the_reason_and_are_gaps(scene):
    summary = scene.fetch(span=DayRange(DAY - timedelta(days=11), DAY + timedelta(days=1)))
    assert [outcome.day for outcome in summary.of("refused")] == [
        date(2026, 11, 9),
        date(2026, 11, 10),
        date(2026, 11, 21),
    ]
    assert "DT keeps 10 days" in summary.of("refused")[0].why
    assert summary.gaps == {
        ("dt", APP): (DayRange(date(2026, 11, 9), date(2026, 11, 10)), DayRange(date(2026, 11, 21), date(2026, 11, 21)))
    }
    assert summary.days == 10


def test_a_day_that_dt_has_forgotten_is_kept_as_it_was(scene):
    scene.fetch(span=DayRange(DAY, DAY))
    scene.clock.advance(days=30)
    (outcome,) = scene.fetch(span=DayRange(DAY, DAY)).outcomes
    assert (outcome.state, outcome.rows) == ("kept", 2)
    assert "before it settled" in outcome.why


@each(
    ("body", "why"),
    [
        (b"<html>Log in</html>", "HTML or XML"),
        (dt_csv([dt_row()], header=("Date", "Country")), "no column for"),
        (dt_csv([dt_row(date="2026-11-01")]), "not one row"),
        (Answer(500), "nobody knows"),
        (Answer(400, b'{"error": "invalid_query"}'), "invalid_query"),
    ],
)
def test_a_day_that_fails_is_an_outcome_and_leaves_what_was_there(scene, body, why):
    span = DayRange(DAY - timedelta(days=1), DAY)
    scene.fetch(span=span)
    place = Partition("dt", APP, str(DAY))
    before = scene.store.metadata(place)
    scene.bodies[APP, str(DAY)] = body
    (failed,) = scene.fetch(span=span).of("failed")
    assert (failed.day, why in failed.why) == (DAY, True)
    assert scene.store.metadata(place) == before
    assert not [secret for secret in CANARIES if secret in failed.why]


def test_columns_that_are_told_repeat_no_secret_of_the_order(scene):
    scene.bodies[APP, str(DAY)] = dt_csv([], header=("Date", "LbhE5+ulj'PEK= is wrong", f"of {CANARIES[0]}"))
    (failed,) = scene.fetch(span=DayRange(DAY, DAY)).of("failed")
    assert "is wrong" in failed.why
    assert not [secret for secret in (*CANARIES, "LbhE5") if secret in failed.why]


def test_a_day_that_fails_is_tried_again_by_the_next_fetch(scene):
    scene.bodies[APP, str(DAY)] = Answer(500)
    assert scene.fetch(span=DayRange(DAY, DAY)).gaps == {("dt", APP): (DayRange(DAY, DAY),)}
    del scene.bodies[APP, str(DAY)]
    assert scene.fetch(span=DayRange(DAY, DAY)).gaps == {}


def test_quarantined_rows_are_summed_by_reason(scene):
    for day in (DAY, DAY - timedelta(days=1)):
        good = of_users([dt_row(date=day)] * 100)
        scene.bodies[APP, str(day)] = dt_csv([*good, dt_row(date=day, impressions=0, revenue="NaN")])
    summary = scene.fetch()
    assert (summary.rows, summary.quarantined) == (216, {"the revenue is no number": 2})


def test_apps_are_fetched_side_by_side_and_told_in_order(scene):
    scene.bodies = {(app, str(DAY)): Answer(500) for app in ("2",)}
    summary = scene.fetch(apps=("3", "1", "2", "1"), span=DayRange(DAY, DAY), parallelism=1)
    assert [(outcome.app, outcome.state) for outcome in summary.outcomes] == [
        *(("1", "fetched"), ("2", "failed"), ("3", "fetched"))
    ]


def test_keys_that_are_refused_end_the_fetch(scene):
    scene.server.tokens = Answer(400, b'{"error": "invalid_client"}')
    with pytest.raises(CredentialsError):
        scene.fetch()
    assert len(scene.server.of("POST /auth")) == 1


def test_chartboost_is_asked_for_days_and_for_totals_of_the_same_window(scene):
    summary = scene.fetch(dt=False, mediation=True)
    asked = [
        (each.json["filters"]["network_type"], "date" in each.json["dimensions"])
        for each in scene.server.of("POST /v2")
    ]
    assert asked == [("bidding", True), ("mediation", True), ("bidding", False), ("mediation", False)]
    assert {each.json["metrics"][0] for each in scene.server.of("POST /v2")} == {METRICS["bidding"][0]}
    assert summary.days == 14
    assert list(scene.store.partitions(TOTALS)) == [Partition(TOTALS, "all", "2026-11-07--2026-11-20")]


def test_a_second_fetch_of_chartboost_asks_for_the_last_days_and_for_all_totals(scene):
    scene.fetch(dt=False, mediation=True)
    scene.server.heard.clear()
    scene.fetch(dt=False, mediation=True)
    asked = [(each.json["date_min"], each.json["date_max"]) for each in scene.server.of("POST /v2")]
    assert asked == [("2026-11-19", "2026-11-20")] * 2 + [("2026-11-07", "2026-11-20")] * 2


def test_chartboosts_windows_are_thirty_days_at_most(scene):
    scene.fetch(dt=False, mediation=True, span=DayRange(DAY - timedelta(days=69), DAY))
    lengths = {
        (date.fromisoformat(each.json["date_max"]) - date.fromisoformat(each.json["date_min"])).days + 1
        for each in scene.server.of("POST /v2")
    }
    assert lengths == {30, 10}


def test_rows_of_chartboost_that_are_none_are_set_aside(scene):
    bad = [
        mediation_row(estimated_earnings="NaN", requests=10, impressions=1),
        mediation_row(requests=-1, impressions=1, estimated_earnings=0.001),
        mediation_row(impressions=1.5, estimated_earnings=0.001),
        mediation_row(date="2020-01-01"),
        mediation_row(date=None),
        mediation_row(demand_source=None, impressions=1, estimated_earnings=0.001),
    ]
    good = [
        mediation_row(country="XKX"),
        mediation_row(country="ATLANTIS", placement_type="hologram"),
        *(mediation_row(partner_placement_name=f"int_{number}") for number in range(1000)),
    ]
    scene.server.metrics = lambda heard: Answer(
        body=json.dumps({"data": bad + good if heard.json["filters"]["network_type"] == "bidding" else []}).encode()
    )
    summary = scene.fetch(dt=False, mediation=True, span=DayRange(DAY, DAY))
    assert (summary.rows, sum(summary.quarantined.values())) == (1002, 6)
    assert scene.store.metadata(Partition("chartboost", "all", str(DAY))).unknown_countries == {"ATLANTIS": 1}


def test_chartboost_down_is_an_outcome_for_each_day(scene):
    scene.server.metrics = lambda _: Answer(400, b'{"errors": {"date_min": "too old"}}')
    summary = scene.fetch(dt=False, mediation=True, span=DayRange(DAY, DAY))
    assert [(outcome.state, "date_min: too old" in outcome.why) for outcome in summary.outcomes] == [("failed", True)]
    assert not scene.store.partitions(TOTALS)


CUT = dt_csv(of_users([dt_row()] * 3)).rsplit(b",", 2)[0]


@each("packed", [False, True])
def test_a_report_cut_in_its_last_line_is_a_gap_and_fetched_again(scene, packed):
    whole = scene.bodies[APP, str(DAY)] = gz(CUT) if packed else CUT
    summary = scene.fetch(span=DayRange(DAY, DAY))
    assert summary.gaps == {("dt", APP): (DayRange(DAY, DAY),)}
    (failed,) = summary.of("failed")
    assert failed.why == "the report is cut in its last line: it has 8 of 10 columns"
    assert scene.store.partitions("dt") == {}
    del scene.bodies[APP, str(DAY)]
    again = scene.fetch(span=DayRange(DAY, DAY))
    assert (again.gaps, again.rows) == ({}, 2), whole


def test_a_report_cut_in_its_last_line_takes_no_day_away_that_is_there(scene):
    early = Scene(scene.server, scene.folder, NOON)
    early.fetch(span=DayRange(DAY, DAY))
    before = early.store.metadata(Partition("dt", APP, str(DAY)))
    early.bodies[APP, str(DAY)] = CUT
    early.fetch(span=DayRange(DAY, DAY))
    assert early.store.metadata(Partition("dt", APP, str(DAY))) == before


def test_rows_that_stand_twice_are_told_with_their_day_in_text_and_json(scene):
    scene.bodies[APP, str(DAY)] = dt_csv([dt_row(), dt_row(), dt_row(impressions=2)])
    summary = scene.fetch(span=DayRange(DAY, DAY))
    assert (summary.rows, summary.repeated) == (2, 1)
    assert scene.store.metadata(Partition("dt", APP, str(DAY))).repeated == 1
    text = ["".join(span.text for span in line) for line in fetch_lines(summary)]
    assert "Rows that stood twice: 1, counted once" in text
    assert f"  app {APP}, {DAY}: 1 of 3" in text
    told = FetchDocument.write(summary)
    assert (told["summary"]["repeated"], told["reports"][0]["repeated"]) == (1, 1)


def test_a_marker_of_before_that_knows_of_no_repeated_rows_is_read(scene):
    scene.fetch(span=DayRange(DAY, DAY))
    path = next(scene.folder.rglob("fetched.json"))
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["repeated"]
    path.write_text(json.dumps(told), encoding="utf-8")
    assert scene.store.metadata(Partition("dt", APP, str(DAY))).repeated == 0


def lines_of(summary):
    return ["".join(span.text for span in line) for line in fetch_lines(summary)]


def figures_kept(scene, source):
    money = "revenue" if source == "dt" else "earnings"
    return {place.day: file_figures(path, money) for place, path in scene.store.partitions(source).items()}


USUAL_DAY = of_users([dt_row(impressions=10, revenue="0.01")] * 10)
LESS = {
    "no rows": dt_csv([]),
    "half of the rows": dt_csv(of_users([dt_row(impressions=20, revenue="0.02")] * 5)),
    "half of the impressions": dt_csv(of_users([dt_row(impressions=5, revenue="0.01")] * 10)),
    "half of the revenue": dt_csv(of_users([dt_row(impressions=10, revenue="0.005")] * 10)),
}


@each("less", sorted(LESS))
def test_a_day_of_dt_that_shrinks_by_half_is_kept_as_it_was_and_told_with_the_switch(scene, less):
    span = DayRange(DAY, DAY)
    scene.bodies[APP, str(DAY)] = dt_csv(USUAL_DAY)
    scene.fetch(span=span)
    before = figures_kept(scene, "dt")
    scene.bodies[APP, str(DAY)] = LESS[less]
    summary = scene.fetch(span=span)
    assert figures_kept(scene, "dt") == before
    (kept,) = summary.shrunk
    assert (kept.state, kept.rows) == ("kept", 10)
    assert f"  kept as it was app {APP}, {DAY}: {kept.why}" in lines_of(summary)
    assert any(f"--source dt --from {DAY} --to {DAY} --replace" in line for line in lines_of(summary))
    assert FetchDocument.write(summary)["summary"]["shrunk"] == 1


def test_a_day_that_shrank_is_taken_with_the_switch_settled_or_not(scene):
    span = DayRange(DAY - timedelta(days=5), DAY)
    scene.fetch(span=span)
    old = str(DAY - timedelta(days=5))
    scene.bodies[APP, old] = dt_csv([dt_row(date=old)])
    assert scene.fetch(span=span, replace=True).shrunk == ()
    assert {day: each.rows for day, each in figures_kept(scene, "dt").items()}[old] == 1


def test_a_day_that_is_restated_by_a_little_is_taken(scene):
    span = DayRange(DAY, DAY)
    scene.bodies[APP, str(DAY)] = dt_csv(USUAL_DAY)
    scene.fetch(span=span)
    scene.bodies[APP, str(DAY)] = dt_csv(USUAL_DAY[:6])
    summary = scene.fetch(span=span)
    assert (summary.shrunk, summary.rows) == ((), 6)


def answering(scene, rows_of, **beside):
    """Chartboost answers each call with the rows that `rows_of` has for a day, in the mediation answer alone."""

    def metrics(heard):
        asked = heard.json
        first, last = (date.fromisoformat(asked[key]) for key in ("date_min", "date_max"))
        rows = [row for day in DayRange(first, last).days() for row in rows_of(day)]
        if asked["filters"]["network_type"] == "bidding":
            rows = []
        if "date" not in asked["dimensions"]:
            rows = [{key: value for key, value in row.items() if key != "date"} for row in rows]
            rows = [{**row, "helium_placement_name": f"p{at}"} for at, row in enumerate(rows)]
        return Answer(body=json.dumps({"data": rows, **beside}).encode())

    scene.server.metrics = metrics


def a_day(day, *, lines=4, **said):
    return [mediation_row(date=str(day), partner_placement_name=f"int_{at}", **said) for at in range(lines)]


@each(
    "less",
    [
        lambda _: [],
        lambda day: a_day(day, lines=2),
        lambda day: a_day(day, impressions=40),
        lambda day: a_day(day, estimated_earnings=0.02),
    ],
    ids=["nothing", "rows", "impressions", "earnings"],
)
def test_days_of_chartboost_that_shrink_are_kept_and_so_are_their_totals(scene, less):
    span = DayRange(DAY - timedelta(days=1), DAY)
    answering(scene, a_day)
    scene.fetch(dt=False, mediation=True, span=span)
    days, totals = figures_kept(scene, "chartboost"), figures_kept(scene, TOTALS)
    answering(scene, less)
    summary = scene.fetch(dt=False, mediation=True, span=span)
    assert (figures_kept(scene, "chartboost"), figures_kept(scene, TOTALS)) == (days, totals)
    assert [each.day for each in summary.shrunk] == [*span.days()]
    assert any("--source chartboost --from 2026-11-19 --to 2026-11-20 --replace" in line for line in lines_of(summary))
    taken = scene.fetch(dt=False, mediation=True, span=span, replace=True)
    assert (taken.shrunk, len(taken.of("fetched"))) == ((), 2)


def test_an_excuse_in_place_of_rows_stores_no_day_and_takes_none_away(scene):
    span = DayRange(DAY - timedelta(days=6), DAY)
    answering(scene, lambda _: [], message="quota exceeded")
    summary = scene.fetch(dt=False, mediation=True, span=span)
    assert [each.why.endswith("quota exceeded") for each in summary.of("failed")] == [True] * 7
    assert not scene.store.partitions("chartboost")
    assert not scene.store.partitions(TOTALS)
    answering(scene, a_day)
    scene.fetch(dt=False, mediation=True, span=span)
    before = figures_kept(scene, "chartboost")
    answering(scene, lambda _: [], warning="partial outage")
    assert len(scene.fetch(dt=False, mediation=True, span=span, replace=True).of("failed")) == 7
    assert figures_kept(scene, "chartboost") == before


def test_totals_that_hold_far_less_than_their_days_are_not_kept(scene):
    answering(scene, a_day)
    whole = scene.server.metrics
    empty = Answer(body=b'{"data": []}')
    scene.server.metrics = lambda heard: whole(heard) if "date" in heard.json["dimensions"] else empty
    summary = scene.fetch(dt=False, mediation=True)
    assert not scene.store.partitions(TOTALS)
    assert any("they hold far less than their days" in note for note in summary.notes)


UNREAD = [
    {"impressions": "1,234"},
    {"estimated_earnings": "$0.5"},
    {"estimated_earnings": "1\u00a0234.5"},
    {"requests": "1 234"},
    {"estimated_earnings": "0,5"},
    {"requests": -5},
    {"estimated_earnings": None},
    {"impressions": "1_000"},
    {"impressions": "\u0661\u0662"},
    {"impressions": True},
    {"country": "Atlantis"},
    {"demand_source": ""},
]


@each("said", UNREAD, ids=str)
def test_a_day_of_chartboost_of_which_too_much_cannot_be_read_is_a_gap_with_its_reason(scene, said):
    span = DayRange(DAY - timedelta(days=1), DAY)
    odd = mediation_row(partner_placement_name="odd", **said)
    answering(scene, lambda day: a_day(day, lines=20) + [odd] * (day == DAY))
    summary = scene.fetch(dt=False, mediation=True, span=span)
    (gap,) = summary.of("failed")
    assert (gap.day, "cannot be read" in gap.why, "4.8%" in gap.why) == (DAY, True, True)
    assert [place.day for place in scene.store.partitions("chartboost")] == ["2026-11-19"]
    assert not scene.store.partitions(TOTALS)


def test_one_row_in_a_thousand_that_cannot_be_read_does_not_cost_the_day(scene):
    answering(scene, lambda day: [*a_day(day, lines=1000), mediation_row(date=str(day), estimated_earnings="$0.1")])
    summary = scene.fetch(dt=False, mediation=True, span=DayRange(DAY, DAY))
    assert (summary.gaps, summary.quarantined) == ({}, {"the earnings are no number": 1})


def test_one_row_that_holds_half_of_the_impressions_costs_the_day_if_it_cannot_be_read(scene):
    big = {"impressions": 100_000, "estimated_earnings": "$100"}
    answering(scene, lambda day: [*a_day(day, lines=1000), mediation_row(date=str(day), **big)])
    (gap,) = scene.fetch(dt=False, mediation=True, span=DayRange(DAY, DAY)).of("failed")
    assert "50.0% of the day" in gap.why


@each(
    "said",
    [{"impressions": "1,234"}, {"revenue": "$0.5"}, {"revenue": "1\u00a0234.5"}, {"revenue": "-1"},
     {"revenue": "NaN"}, {"impressions": "\u0661"}, {"country": "Atlantis"}, {"placement": ""}],
    ids=str,
)  # fmt: skip
def test_a_day_of_dt_of_which_too_much_cannot_be_read_is_a_gap_with_its_reason(scene, said):
    span = DayRange(DAY, DAY)
    scene.bodies[APP, str(DAY)] = dt_csv([*of_users([dt_row()] * 40), dt_row(**said)])
    (gap,) = scene.fetch(span=span).of("failed")
    assert "1 of 41 rows cannot be read" in gap.why
    assert not scene.store.partitions("dt")
    scene.bodies[APP, str(DAY)] = dt_csv([*of_users([dt_row()] * 400), dt_row(**{**said, "impressions": 1})])
    if "impressions" not in said:
        assert scene.fetch(span=span).of("failed") == ()


NOTHING_SHOWN = [
    {"impressions": 0, "estimated_earnings": None},
    {"impressions": None, "estimated_earnings": None},
    {"impressions": None, "estimated_earnings": 0},
    {"impressions": 0, "estimated_earnings": ""},
    {"requests": None, "impressions": 0, "estimated_earnings": None},
]


@each("said", NOTHING_SHOWN, ids=str)
def test_null_is_zero_where_nothing_was_shown(scene, said):
    answering(scene, lambda day: [mediation_row(date=str(day), **said)])
    summary = scene.fetch(dt=False, mediation=True, span=DayRange(DAY, DAY))
    assert (summary.gaps, summary.quarantined, summary.rows) == ({}, {}, 1)


@each(
    ("said", "why"),
    [
        ({"estimated_earnings": None}, "the estimated earnings are missing"),
        ({"impressions": None}, "the impressions are missing"),
        ({"requests": None}, "the requests are missing"),
        ({"requests": None, "impressions": None, "estimated_earnings": None}, "without any figure"),
    ],
    ids=str,
)
def test_a_day_without_one_good_row_is_a_gap(scene, said, why):
    answering(scene, lambda day: [mediation_row(date=str(day), **said)])
    (gap,) = scene.fetch(dt=False, mediation=True, span=DayRange(DAY, DAY)).of("failed")
    assert why in gap.why
    assert not scene.store.partitions("chartboost")


def test_rows_without_any_figure_do_not_cost_the_day(scene):
    bare = dict.fromkeys(("requests", "impressions", "estimated_earnings"))
    answering(scene, lambda day: [*a_day(day), mediation_row(date=str(day), country="DEU", **bare)])
    summary = scene.fetch(dt=False, mediation=True, span=DayRange(DAY, DAY))
    assert (summary.gaps, summary.quarantined) == ({}, {"without any figure": 1})
