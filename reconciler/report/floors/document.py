"""Suggestions and backtests as JSON documents. Numbers are JSON numbers, and none of them NaN or infinite."""

from decimal import Decimal
from math import isfinite
from typing import Any, Final

from reconciler.model.backtest import Backtest, Replay
from reconciler.model.evidence import Unmatched
from reconciler.model.suggestion import Bounds, CurvePoint, Suggestion, Suggestions
from reconciler.model.value import PLACES
from reconciler.report.floors.words import SIGNS, notes, of_verdict

FLOORS_FORMAT: Final = "reconciler.floors/1"
BACKTEST_FORMAT: Final = "reconciler.backtest/1"


def suggestions_document(made: Suggestions) -> dict[str, Any]:
    """`reconciler.floors/1`. What is not known is null; a cell without reports has evidence of nothing."""
    return {
        "format": FLOORS_FORMAT,
        "window": {"from": made.first.isoformat(), "to": made.last.isoformat()},
        "summary": {verdict: len(of_verdict(made, verdict)) for verdict in SIGNS},
        "suggestions": [_suggestion(each) for each in made.cells],
        "unmatched": _unmatched(made.unmatched),
        "basis": _basis(made),
        "notes": list(notes(made)),
    }


def backtest_document(found: Backtest) -> dict[str, Any]:
    """`reconciler.backtest/1`: what the moves of an earlier run would have done; USD a week."""
    return {
        "format": BACKTEST_FORMAT,
        "window": {"from": found.first.isoformat(), "to": found.last.isoformat()},
        "summary": {
            "moves": len(found.replays),
            "told": len(found.told),
            "silent": len(found.replays) - len(found.told),
            "changePerWeek": _number(found.total),
            "lostPerWeek": _number(found.lost),
        },
        "replays": [_replay(each) for each in found.replays],
    }


def _suggestion(made: Suggestion) -> dict[str, Any]:
    return {
        "address": made.cell.address,
        "country": made.cell.country,
        "mode": made.mode,
        "verdict": made.verdict,
        "current": _number(made.current),
        "suggested": _number(made.suggested),
        "opportunityCost": _bounds(made.opportunity_cost, "estimate"),
        "expectedChangePerWeek": _bounds(made.change, "mid"),
        "evidence": _evidence(made),
        "reasons": list(made.reasons),
        "assumptions": list(made.assumptions),
        "curve": [_point(point) for point in made.curve],
    }


def _evidence(made: Suggestion) -> dict[str, Any]:
    one = made.evidence
    return {
        "days": len(one.days) if one else 0,
        "requests": one.requests if one else 0,
        "impressions": one.impressions if one else 0,
        "revenue": _number(one.revenue) if one else 0,
        "singleRows": one.single_rows if one else 0,
        "after": _number(one.after) if one else 0,
        "afterRequests": one.after_requests if one else 0,
    }


def _point(point: CurvePoint) -> dict[str, Any]:
    return {
        "floor": _number(point.floor),
        "revenue": _bounds(point.revenue, "mid"),
        "fromDt": _number(point.from_dt),
        "fromRest": _number(point.from_rest),
    }


def _replay(replay: Replay) -> dict[str, Any]:
    return {
        "address": replay.cell.address,
        "country": replay.cell.country,
        "current": _number(replay.current),
        "suggested": _number(replay.suggested),
        "expectedChangePerWeek": _bounds(replay.expected, "mid"),
        "changePerWeek": _bounds(replay.came, "mid"),
        "silent": replay.silent or None,
    }


def _unmatched(unmatched: Unmatched) -> dict[str, Any]:
    return {
        "chartboostPlacements": list(unmatched.chartboost_placements),
        "dtPlacements": list(unmatched.dt_placements),
        "rows": unmatched.rows,
        "loose": unmatched.loose,
    }


def _basis(made: Suggestions) -> dict[str, Any] | None:
    basis = made.unmatched.basis
    if basis is None:
        return None
    return {
        "days": basis.days,
        "mediationDays": basis.mediation_days,
        "dtReports": basis.dt_days,
        "dtReportsExpected": basis.dt_expected,
        "rows": basis.rows,
        "unreadRows": basis.unread,
        "repeatedRows": basis.repeated,
        "sumRows": basis.sums,
        "revenue": _number(basis.revenue),
        "joinedRevenue": _number(basis.joined),
        "withoutDt": [
            {"app": one.app, "days": [f"{day}" for day in one.days], "instead": list(one.instead)}
            for one in basis.absences
        ],
    }


def _bounds(bounds: Bounds | None, middle: str) -> dict[str, Any] | None:
    if bounds is None:
        return None
    return {"low": _number(bounds.low), middle: _number(bounds.estimate), "high": _number(bounds.high)}


def _number(amount: float | Decimal) -> int | float | None:
    """To a millionth, whole ones without a point; null for what is no number."""
    if not isfinite(amount):
        return None
    exact = round(float(amount), PLACES)
    return int(exact) if exact.is_integer() else exact
