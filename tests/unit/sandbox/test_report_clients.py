"""The program's own clients against the sandbox: what they fetch is whole, joins, and tells of floors."""

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from support.fake_clock import FakeClock
from unit.apis.world import chartboost, dt_reports, told_by

from reconciler.apis.download import SizeLimits
from reconciler.apis.reports import DayRange
from reconciler.errors import ApiError, CredentialsError
from reconciler.floors.current_floors import current_floors_of
from reconciler.floors.decide import Rules as FloorRules
from reconciler.floors.suggest import suggest
from reconciler.model.address import Address
from reconciler.model.evidence import Cell, EvidenceQuery
from reconciler.model.secret import Secret
from reconciler.sandbox.faults import Bomb, CutRow, Garbage, Redirect, RepeatRow, Reset, Status, Truncate, WrongHost
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions
from reconciler.warehouse.fetch import FetchRequest, ReportClients, fetch
from reconciler.warehouse.join import KnownPlacement
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.user_report_intake import IntakeSettings
from reconciler.warehouse.warehouse import Warehouse

# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

APP = "170709"
ANDROID, IOS = Address("android:com.cash_crash.54/int_13"), Address("ios:1234567890/int_13")


class RecordingListener:
    def planned(self, partitions):
        pass

    def begun(self, step): ...

    def ended(self, outcome):
        pass


class Town:
    """The demo's sandbox, whose clock is that of its clients, and a report store."""

    def __init__(self, folder, *faults, credentials=None, **quirks):
        self.clock = FakeClock()
        self.folder = folder
        self.store = ReportStore(folder / "reports")
        options = SandboxOptions(seed="demo", faults=faults, quirks=Quirks(**quirks), credentials=credentials)
        self.sandbox = RunningSandbox(options)
        self.sandbox.account.clock = lambda: self.clock.now().timestamp()

        self.opened = []

    def dt(self, **waiting):
        self.opened.append(dt_reports(self.sandbox, self.clock, **waiting))
        return self.opened[-1]

    def mediation(self):
        self.opened.append(chartboost(self.sandbox, self.folder, self.clock))
        return self.opened[-1]

    def close(self):
        for each in self.opened:
            each._client.close()
        self.sandbox.stop()

    @property
    def day(self):
        return self.clock.now().date() - timedelta(days=1)

    def fetch(self):
        apps = [app.id for app in self.sandbox.account.apps()]
        sources = ReportClients(self.dt(), self.mediation())
        rules = IntakeSettings(Secret("5a" * 32))
        return fetch(FetchRequest(apps, None, 1), sources, self.store, rules, self.clock, RecordingListener())

    def download(self, **waiting):
        return self.dt(**waiting).fetch(APP, self.day, self.folder)

    def suggestions(self):
        """What follows from what was fetched, by cell, for all placements of the account."""
        account, known, tables = self.sandbox.account, [], {}
        for app in account.apps():
            for each in account.placements(app.id):
                address = Address(f"{app.fields['platform']}:{app.fields['bundle']}/{each.fields['name']}")
                kind = each.fields["placementType"]
                known.append(KnownPlacement(address, each.fields["name"], app.id, each.id, kind))
                tables[address] = {
                    name: Decimal(str(price)) for name, price in each.fields.get("floorPrices", {"WW": 0.01}).items()
                }
        standing = current_floors_of(tables)
        first = self.day - timedelta(days=13)
        with Warehouse(self.store.root) as warehouse:
            evidence, unmatched = warehouse.evidence(EvidenceQuery(tuple(sorted(standing)), first, self.day, known))
        made = suggest(evidence, standing, first, self.day, self.clock.now().date(), FloorRules(), unmatched)
        return {each.cell: each for each in made.cells}, unmatched


@pytest.fixture
def town(tmp_path):
    """Makes towns with the faults and quirks given."""
    made = []

    def make(*faults, **options):
        made.append(Town(tmp_path, *faults, **options))
        made[-1].sandbox.__enter__()
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_fetch_leaves_no_gap_and_its_evidence_has_both_sides(town):
    place = town()
    summary = place.fetch()
    assert summary.gaps == {}
    assert summary.quarantined == {}
    assert summary.days == 3 * 10 + 14
    assert place.fetch().rows < summary.rows / 2

    cells, unmatched = place.suggestions()
    one = cells[Cell(ANDROID, "US")].evidence
    assert one.mode == "waterfall"
    assert one.requests > one.impressions > one.single_rows > 1000
    assert one.after_requests == pytest.approx(one.unfilled, rel=0.02)
    assert one.after > 0
    assert one.prices
    assert unmatched.chartboost_placements == ("season_special_old",)
    assert unmatched.dt_placements == ("reward_daily",)


def test_what_both_vendors_say_of_dt_is_nearly_the_same(town):
    place = town()
    place.fetch()
    cells, _ = place.suggestions()
    rows = place.mediation().rows(DayRange(place.day - timedelta(days=9), place.day), "mediation", dated=False)
    theirs = sum(row["estimated_earnings"] for row in rows if row["partner_placement_name"] == "243717")
    ours = sum(day.revenue for cell in cells if cell.address == IOS for day in cells[cell].evidence.days[-10:])
    assert ours == pytest.approx(theirs, rel=0.03)


@pytest.mark.parametrize("later", [0, 9, 100])
def test_the_demo_has_floors_of_every_verdict_on_any_day(town, later):
    place = town(report_reads=0)
    place.clock.advance(days=later)
    place.fetch()
    cells, _ = place.suggestions()
    verdicts = {cell: made.verdict for cell, made in cells.items()}
    assert verdicts[Cell(ANDROID, "US")] == "raise"
    assert verdicts[Cell(IOS, "US")] == "lower"
    assert set(verdicts.values()) == {"raise", "lower", "keep", "insufficient"}


def test_days_beyond_dts_memory_are_gaps_that_say_why(town):
    place = town()
    day = place.day - timedelta(days=10)
    with pytest.raises(ApiError, match="not kept any more"):
        place.dt().fetch(APP, day, place.folder)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Garbage(on="GET file"), "not CSV"),
        (Redirect(on="GET file"), "is not on the list"),
        (WrongHost(on="POST user-level-data"), "reports.example.net is not on the list"),
        (Truncate(on="GET file"), "6 times in a row"),
        (Reset(on="POST user-level-data", when="after"), "nobody knows whether the report was ordered"),
        (Status(on="POST token", status=503), "HTTP 503"),
    ],
)
def test_a_fault_of_the_reports_is_an_error_that_says_what_happened(town, fault, why):
    with pytest.raises(ApiError) as refused:
        town(fault, report_reads=0).download()
    assert why in told_by(refused.value)


def test_reports_cut_in_their_last_row_are_gaps_until_they_come_whole(town):
    place = town(CutRow(on="GET file", times=30), report_reads=0)
    cut = place.fetch().of("failed")
    assert cut
    assert all("cut in its last line" in outcome.why for outcome in cut)
    again = place.fetch()
    assert again.gaps == {}
    assert {(each.app, each.day) for each in cut} <= {(each.app, each.day) for each in again.of("fetched") if each.rows}


def test_rows_that_stand_twice_are_counted_once(town):
    place = town(RepeatRow(on="GET file"), report_reads=0)
    reports = [each for each in place.fetch().of("fetched") if each.source == "dt"]
    assert {(each.rows > 0, each.repeated) for each in reports} == {(True, 1), (False, 0)}


def test_a_small_file_that_unpacks_to_much_is_refused(town):
    with pytest.raises(ApiError, match="MB unpacked"):
        town(Bomb(on="GET file", megabytes=8)).download(limits=SizeLimits(unpacked=4 * 1024**2))


def test_a_url_that_ends_while_it_is_waited_for_is_said_to_have_expired(town):
    with pytest.raises(ApiError, match="expired"):
        town(report_reads=9, report_seconds=20).download()


def test_the_limit_of_calls_is_waited_out(town):
    place = town(metrics_calls=1)
    client = place.mediation()
    span = DayRange(place.day, place.day)
    begun = place.clock.monotonic()
    assert client.rows(span, "bidding", dated=True)
    assert client.rows(span, "mediation", dated=True)
    assert place.clock.monotonic() - begun >= 600


def test_the_secret_called_wrong_is_refused_by_both(town):
    place = town()
    for path, body in (("/auth/v1/token", {}), ("/oauth/token", {"audience": "x"})):
        keys = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "wrong"}
        assert httpx.post(place.sandbox.url + path, json={**keys, **body}).status_code in {400, 401}


def test_what_is_remembered_of_reports_holds_no_credential(town):
    place = town()
    place.download()
    place.mediation().rows(DayRange(place.day, place.day), "bidding", dated=True)
    seen = list(place.sandbox.account.requests)
    assert {each.path.rpartition("/")[2].partition(".")[2] for each in seen} == {"", "csv"}
    said = repr(seen)
    assert not any(secret in said for secret in ("id-canary-7", "secret-canary-7", "Signature"))


def test_revoked_tokens_are_renewed(town):
    place = town()
    reports = place.dt()
    reports.fetch(APP, place.day, place.folder)
    place.sandbox.account.revoke_tokens()
    assert reports.fetch(APP, place.day, place.folder).lines > 1


def test_other_credentials_than_the_fixed_pair_are_refused(town):
    place = town(credentials=("a", "b"))
    with pytest.raises(CredentialsError):
        place.mediation().rows(DayRange(place.day, place.day), "bidding", dated=True)
    with pytest.raises(CredentialsError):
        place.download()


def test_over_the_wire_a_file_takes_its_exact_url_and_no_authorization_header(town):
    place = town(report_reads=0)
    place.download()
    keys = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}
    with httpx.Client(base_url=place.sandbox.url) as client:
        token = client.post("/auth/v1/token", json=keys).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"date": f"{place.day}", "appId": APP}
        path = "/api/v1/report/user-level-data?format=csv"
        url = client.post(path, json=body, headers=headers).json()["url"]
        assert client.get(url, headers=headers).status_code == 400
        target = url.removeprefix(place.sandbox.url).encode()
        respelled, plain = (
            client.send(httpx.Request("GET", place.sandbox.url, extensions={"target": each}))
            for each in (target.replace(b"%7E", b"~"), target)
        )
        assert "SignatureDoesNotMatch" in respelled.text
        assert plain.status_code == 200
