"""Values for pages and other reports: every kind of thing in them, and names that would like to be more than text."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from support.builders import APP, at, origin
from support.market_evidence import FIRST, LAST, TODAY, evidence, standing

from reconciler.diff.audit import Audit, AuditClass, AuditedField, AuditItem, PastAudit, Trend, trend
from reconciler.diff.change import Blocked, Create, Deactivate, Delete, FieldChange, HeldChange, Note, Unmanaged, Update
from reconciler.diff.classes import NEVER_MADE, UNNAMED
from reconciler.floors.decide import Rules
from reconciler.floors.suggest import backtest, suggest
from reconciler.model.address import app_address
from reconciler.model.diagnostic import Finding
from reconciler.model.evidence import Backtest, Cell, Suggestions, UnmatchedReports
from reconciler.model.state import AcceptedDrift, Source
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan
from reconciler.render.drift_html import audit_page
from reconciler.render.floors_html import suggestions_page
from reconciler.render.floors_markdown import backtest_page
from reconciler.render.plan_html import plan_page
from reconciler.render.result import findings_page

MARKUP = "<script>hacked=1</script></style></title>\"'><img src=x onerror=hacked=1><b>"
STEERING = "\x1b[31m\u202egpj\u200b\x00\n::set-output name=x::y"
MARKDOWN = "`x` | **b** [l](javascript:hacked=1) <!-- -->"
TEMPLATE = "{{ 7 * 7 }}{% raw %}&amp;"
HOSTILE = f"{MARKUP}{STEERING}{MARKDOWN}{TEMPLATE}"
LINK = "javascript:hacked=1"

OTHER = app_address("ios", "1234567890")
HERE = Source("apps/acme.yaml", 14)


def field(path, before, after, why="pending", evidence=None):
    return FieldChange(path, before, after, why, evidence)


def update(name="int_1", *fields, app=APP, **more):
    changed = fields or (field("coppa", before=False, after=True),)
    return Update(at(name, app), "1", HERE, changed, {}, {}, "sha256:x", **more)


CHANGES = (
    update(
        "int_13",
        field("floorPrices.US", Decimal("1.2"), Decimal("1.5"), evidence=f"the rest pays 0.61 {HOSTILE}"),
        field("floorPrices.DE", Decimal(1), None, "drift"),
        field("capping.value", 10, 12, "conflict"),
        field("coppa", None, after=False, why="unknown"),
    ),
    Create(at("new"), HERE, (field("name", None, "new"), field("floorPrices.WW", None, Decimal(6))), {}, {}, "100"),
    Blocked(at("stuck"), f"it is fixed after creation: {HOSTILE}", "2", (field("placementType", "Banner", "MREC"),)),
    Deactivate(at("old"), "3", "no manifest names it", "sha256:x"),
    Delete(at("gone", OTHER), "4", "its quarantine is over", "sha256:x"),
    update("known", app=OTHER, renamed_from=at("before", OTHER)),
    replace(update(HOSTILE, field(HOSTILE, HOSTILE, LINK), app=OTHER), source=Source(HOSTILE, 1), id=HOSTILE),
    update("x", app=app_address("android", LINK)),
)
PLAN = Plan(
    origin(),
    CHANGES,
    unmanaged=(Unmanaged(at(HOSTILE), "88"), Unmanaged(app_address("android", LINK), LINK)),
    notes=(Note(at("int_1"), f"accepted until 2026-12-31: {HOSTILE}"),),
    unchanged=40,
    held=(HeldChange(Delete(at("resting"), HOSTILE, HOSTILE, "sha256:x"), "quarantineDays", HOSTILE, HOSTILE),),
)
REFUSALS = (
    Refusal("maxDeletes", "the plan deletes 1, the limit is 0", "--max-deletes 1"),
    Refusal(HOSTILE, HOSTILE, HOSTILE, binding=False),
)
FINDINGS = (
    Finding("apps/a.yaml", 12, 7, "unknown-field", 'unknown field "florPrices"', "error", APP, "did you mean x?"),
    Finding("apps/a.yaml", 20, 3, "groups-disagree", "groups disagree on SE", "warning", at("int_2")),
    Finding(HOSTILE, 1, 1, HOSTILE, HOSTILE, "error", HOSTILE, LINK),
)


def _audited(path, applied, live, declared, of: AuditClass = "drift", **more):
    why = more.pop("why", "drift" if of == "accepted" else of)
    return AuditedField(FieldChange(path, live, declared, why), of, applied, **more)


NOW = datetime(2026, 11, 21, 19, tzinfo=UTC)
SALE = AcceptedDrift("floorPrices.US", "black friday, agreed with the shop", date(2026, 12, 1))
AGREED = AcceptedDrift("coppa", HOSTILE)
OVER = AcceptedDrift("status", "store review", date(2026, 11, 14))
AUDIT = Audit(
    "2026-11-21T19:00:00Z",
    "3432",
    origin().api,
    (
        AuditItem(APP, "100", "inSync", source=HERE),
        AuditItem(at("gone"), "3", "missing", source=Source("apps/acme.yaml", 31)),
        AuditItem(at("int_13"), "4", "conflict", (
            _audited("capping.value", 10, 20, 12, "conflict"),
            _audited("coppa", None, live=False, declared=True, of="pending", why="unknown"),
        ), Source("apps/acme.yaml", 14)),
        AuditItem(at("moved"), "5", "drift", (
            _audited("floorPrices.DE", Decimal("0.8"), Decimal("1.1"), Decimal("0.8")),
            _audited("floorPrices.US", Decimal("1.2"), Decimal("0.6"), Decimal("1.2"), "accepted", acceptance=SALE),
            _audited("skipability", "Skippable", "Skippable", "NonSkippable", "pending"),
            _audited("status", "active", "inactive", "active", "drift", acceptance=OVER),
        ), Source("apps/acme.yaml", 20)),
        AuditItem(at("unnamed"), "6", "drift", (_audited("status", "active", "inactive", "active"),), note=UNNAMED),
        AuditItem(at(HOSTILE), HOSTILE, "drift", (
            _audited(HOSTILE, HOSTILE, LINK, HOSTILE, acceptance=AcceptedDrift("x", HOSTILE, date(2026, 11, 1))),
        ), Source(HOSTILE, 1), HOSTILE),
        AuditItem(at("sale"), "7", "accepted", (
            _audited("floorPrices.US", Decimal("1.2"), Decimal("0.9"), Decimal("1.2"), "accepted", acceptance=SALE),
        ), HERE),
        AuditItem(at(f"{HOSTILE}2"), "8", "accepted", (
            _audited("coppa", applied=False, live=True, declared=False, of="accepted", acceptance=AGREED),
        ), HERE),
        AuditItem(at("new"), None, "pending", source=HERE, note=NEVER_MADE),
        AuditItem(at("later", OTHER), "9", "pending", (_audited("bannerRefresh", 30, 30, 45, "pending"),), HERE),
        AuditItem(app_address("android", LINK), LINK, "unmanaged"),
        AuditItem(at(f"{HOSTILE}3"), HOSTILE, "unmanaged"),
        AuditItem(at("calm", OTHER), "10", "inSync", source=HERE, note=HOSTILE),
    ),
    (Note(at("forgotten"), f"gone too: {HOSTILE}"), Note(app_address("ios", ""), LINK)),
    {at("gone"): "2026-11-19T06:00:00Z", at("moved"): "2026-11-03T06:00:00Z", at(HOSTILE): "2026-11-21T06:00:00Z"},
)  # fmt: skip


def history() -> Trend:
    """Three weeks of audits, with days on which nobody looked, calm ones, and alarms that came and went."""
    alarms: dict[int, dict] = {day: {} for day in (1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20)}
    for days, name, of in (
        (range(3, 21), at("moved"), "drift"),
        (range(7, 14), at(f"{HOSTILE}4"), "conflict"),
        (range(8, 9), at("blinked"), "missing"),
        (range(19, 21), at("gone"), "missing"),
    ):
        for day in days:
            alarms.get(day, {})[name] = of
    past = [PastAudit(NOW.replace(day=day, hour=6), found) for day, found in alarms.items()]
    return trend([*past, PastAudit(NOW, {item.address: item.of for item in AUDIT.alarming})], date(2026, 10, 28))


def _cells():
    """Evidence and standing floors for each verdict; the hostile name is raised."""
    wanted = {
        Cell(at("int_13"), "US"): ({}, standing()),
        Cell(at("int_13"), "DE"): ({"prices": (3.0, 4.0), "cost": 0.6, "floors": (2.5,)}, standing(2.5)),
        Cell(at("reward"), "US"): ({"mode": "unified"}, standing(0.4)),
        Cell(at("kept"), "FR"): ({}, standing(0.7)),
        Cell(at("kept"), "US"): ({"requests": 40_000}, standing(0.7)),
        Cell(at("few"), "US"): ({"impressions": 30}, standing(0.5)),
        Cell(at("few"), "FR"): ({"impressions": 33}, standing(0.5)),
        Cell(at(HOSTILE, OTHER), "GB"): ({"cost": 2.0, "prices": (1.0, 2.0, 4.0)}, standing(0.3)),
    }
    found = [evidence(cell, **given) for cell, (given, _) in wanted.items()]
    stands = {cell: stand for cell, (_, stand) in wanted.items()}
    return found, {**stands, Cell(at("none"), "US"): standing(1)}


UNMATCHED = UnmatchedReports(("int_13 ", HOSTILE), (LINK,), 1234, 7)


def suggestions() -> Suggestions:
    found, stands = _cells()
    return suggest(found, stands, FIRST, LAST, TODAY, Rules(), UNMATCHED)


def replayed() -> Backtest:
    found, _ = _cells()
    return backtest(suggestions(), [one for one in found if one.cell.country != "DE"], FIRST, LAST, Rules())


PAGES = {
    "plan": lambda: plan_page(PLAN, REFUSALS, HOSTILE),
    "empty plan": lambda: plan_page(Plan(origin())),
    "findings": lambda: findings_page(FINDINGS, HOSTILE),
    "no findings": lambda: findings_page(()),
    "floors": lambda: suggestions_page(suggestions(), HOSTILE),
    "no floors": lambda: suggestions_page(Suggestions(FIRST, LAST, (), UnmatchedReports())),
    "backtest": lambda: backtest_page(replayed(), HOSTILE),
    "audit": lambda: audit_page(AUDIT, history(), HOSTILE),
    "calm audit": lambda: audit_page(replace(AUDIT, items=AUDIT.items[:1], notes=()), Trend(FIRST, (), ())),
    "empty backtest": lambda: backtest_page(Backtest(FIRST, LAST, ())),
}
"""Every page there is, with everything in it and with nothing."""
FULL = ("plan", "findings", "floors", "backtest", "audit")
