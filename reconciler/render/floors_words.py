"""Texts about floor suggestions that all formats share: prices, verdicts, grouped reasons, notes and totals."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Final, TypeGuard

from reconciler.model.evidence import (
    Absence,
    Basis,
    Bounds,
    Evidence,
    Suggestion,
    Suggestions,
    UnmatchedReports,
    Verdict,
)
from reconciler.render.plan_text import shown
from reconciler.render.text import Tone, counted

SIGNS: Final[Mapping[Verdict, tuple[str, Tone]]] = {
    "raise": ("^", "add"),
    "lower": ("v", "change"),
    "keep": ("=", "faint"),
    "insufficient": ("?", "faint"),
}
MOVES: Final = ("raise", "lower")
UNKNOWN: Final = "unknown"
MODES: Final = {
    "waterfall": "asked before the others",
    "unified": "in one auction with the others",
    "unknown": "no telling how it is asked",
}
NO_MEDIATION: Final = (
    "No mediation report is there, and it is what is missing: floors are judged by what the other sources pay. Set "
    "CHARTBOOST_CLIENT_ID and CHARTBOOST_CLIENT_SECRET and run `reconciler floors fetch`, or bring the reports of "
    "AppLovin MAX, Unity LevelPlay, AdMob or a warehouse of your own: `reconciler reports import FILE`."
)
_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,:-]\d+)*%?")
_INTERVAL: Final = " to "
"""What stands between the ends of an interval."""


def price(amount: float | Decimal) -> str:
    """A price as it is written in a manifest."""
    return f"{float(amount):.6g}" if isfinite(amount) else UNKNOWN


def worth(amount: float) -> str:
    """A price that was estimated, or an amount of money: two decimals, three where that would hide it."""
    return _money(amount, "") if isfinite(amount) else UNKNOWN


def gain(amount: float) -> str:
    """A change of money, signed; three decimals where two would hide it."""
    return _money(amount, "+") if isfinite(amount) else UNKNOWN


def _money(amount: float, sign: str) -> str:
    exact = round(amount, 3) + 0.0
    return f"{exact:{sign},.{3 if 0 < abs(exact) < 0.1 else 2}f}"


def interval(bounds: Bounds) -> str:
    """An estimated price with its bounds."""
    return f"{worth(bounds.estimate)} ({worth(bounds.low)} to {worth(bounds.high)})"


def change(bounds: Bounds | None) -> str:
    """A change of revenue a week with its bounds."""
    if bounds is None:
        return "not known"
    return f"{gain(bounds.estimate)} USD a week ({gain(bounds.low)} to {gain(bounds.high)})"


def move(current: Decimal, suggested: Decimal) -> str:
    """From one floor to another; one floor where it stays."""
    return f"{price(current)} -> {price(suggested)}" if current != suggested else price(current)


def evidence_text(suggestion: Suggestion) -> str:
    """What a suggestion rests on, in one line."""
    one = suggestion.evidence
    if one is None:
        return "no reports"
    text = (
        f"{MODES[suggestion.mode]}; {counted_in_thousands(one.requests, 'request')}, "
        f"{counted_in_thousands(one.impressions, 'impression')}, {worth(one.revenue)} USD"
        f" in {counted(len(one.days), 'day')}{ecpm_text(one)}"
    )
    if suggestion.opportunity_cost is None:
        return text
    return f"{text}; the rest would pay {interval(suggestion.opportunity_cost)}"


def ecpm_text(one: Evidence) -> str:
    """The average price, where there is one."""
    return f", {worth(1000 * one.revenue / one.impressions)} on average" if one.impressions else ""


def counted_in_thousands(number: int, noun: str) -> str:
    """A number of things, large ones with commas."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def moves(suggestions: Suggestions) -> tuple[Suggestion, ...]:
    """Cells with a floor to change, as they come."""
    return tuple(cell for cell in suggestions.cells if cell.verdict in MOVES)


def with_verdict(suggestions: Suggestions, verdict: Verdict) -> tuple[Suggestion, ...]:
    """Cells with one verdict, as they come."""
    return tuple(cell for cell in suggestions.cells if cell.verdict == verdict)


def known_changes(suggestions: Suggestions) -> Sequence[Bounds]:
    """The changes that are expected of moves, where they are known."""
    return [each for each in (cell.change for cell in moves(suggestions)) if _is_finite(each)]


def _is_finite(each: Bounds | None) -> TypeGuard[Bounds]:
    return each is not None and isfinite(each.low + each.estimate + each.high)


def total_change(changes: Sequence[Bounds]) -> Bounds:
    """All changes together; the bounds are those of all cells at once, wider than the sum's own would be."""
    return Bounds(
        sum(each.low for each in changes), sum(each.estimate for each in changes), sum(each.high for each in changes)
    )


def summary_text(suggestions: Suggestions) -> str:
    """A run in one line; what it is expected to bring is another."""
    numbers = {verdict: len(with_verdict(suggestions, verdict)) for verdict in SIGNS}
    moved = [f"{numbers[verdict]} to {verdict}" for verdict in MOVES if numbers[verdict]] or ["no floor to change"]
    rest = [f"{numbers['keep']} kept", f"{numbers['insufficient']} without enough evidence"]
    return f"Floors from {suggestions.first} to {suggestions.last}: {', '.join(moved)}, {', '.join(rest)}."


def expected_text(suggestions: Suggestions) -> str:
    """What all moves together are expected to change, as far as it is known; empty without moves."""
    moved, changes = moves(suggestions), known_changes(suggestions)
    if not changes:
        return "What the moves would bring is not known." if moved else ""
    rest = len(moved) - len(changes)
    of = f"{len(changes)} of {len(moved)}" if rest else "all"
    unknown = "; of the rest it is not known" if rest else ""
    return f"Expected of {of} moves together: {change(total_change(changes))}{unknown}."


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Cells of which the same is said."""

    reasons: tuple[str, ...]
    cells: tuple[Suggestion, ...]


def group_by_reasons(cells: Iterable[Suggestion]) -> tuple[ReasonGroup, ...]:
    """Cells by what is said of them, the most frequent first; numbers that differ within a group become a range."""
    by_reasons: dict[tuple[str, ...], list[Suggestion]] = {}
    for cell in cells:
        by_reasons.setdefault(tuple(map(_without_numbers, cell.reasons)), []).append(cell)
    groups = (
        ReasonGroup(_common_reasons([cell.reasons for cell in members]), tuple(members))
        for members in by_reasons.values()
    )
    return tuple(sorted(groups, key=lambda group: -len(group.cells)))


def _without_numbers(text: str) -> str:
    return _NUMBER.sub("0", text)


def _common_reasons(reasons: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Reasons that differ in numbers only, as one."""
    return tuple(_common_text(same) for same in zip(*reasons, strict=True))


def _common_text(texts: Sequence[str]) -> str:
    """One sentence for texts that differ in numbers only: a differing number as its range, intervals as their hull."""
    between = _NUMBER.split(texts[0])
    places = [sorted(set(same), key=_sort_key) for same in zip(*map(_NUMBER.findall, texts), strict=True)]
    text = between[0]
    for at, (numbers, behind) in enumerate(zip(places, between[1:], strict=True)):
        if behind == _INTERVAL:
            number = numbers[0]
        elif between[at] == _INTERVAL:
            number = numbers[-1]
        else:
            number = numbers[0] if len(numbers) == 1 else f"{numbers[0]}{_INTERVAL}{numbers[-1]}"
        text += number + behind
    return text


def _sort_key(number: str) -> tuple[float, str]:
    """By value; days, which are no numbers, as they are written."""
    try:
        return float(number.rstrip("%").replace(",", "")), number
    except ValueError:
        return 0.0, number


def assumption_texts(suggestions: Suggestions) -> tuple[str, ...]:
    """What the moves assume, each once, with the range of the numbers in it."""
    by_text: dict[str, list[str]] = {}
    for each in (each for cell in moves(suggestions) for each in cell.assumptions):
        by_text.setdefault(_without_numbers(each), []).append(each)
    return tuple(map(_common_text, by_text.values()))


def absence_text(one: Absence) -> str:
    """Days on which the mediation reports have no line of DT's, and which sources may be DT under another name."""
    days = f"{one.days[0]}" if len(one.days) == 1 else f"{len(one.days)} days from {one.days[0]} to {one.days[-1]}"
    text = f"the mediation reports of app {shown(one.app) or 'without a name'} have no line of DT's (fyber) on {days}"
    if not one.instead:
        return f"{text}, though they have one on other days; these days are left out"
    names = ", ".join(map(shown, one.instead[:5]))
    return f"{text}, but {names} on these alone: is that DT under another name? These days are left out"


def notes(suggestions: Suggestions) -> tuple[str, ...]:
    """What is missing before anything else, and how to bring it; what was left out, since it would mislead."""
    basis = suggestions.unmatched.basis
    return tuple(_basis_notes(basis)) if basis else ()


def _basis_notes(basis: Basis) -> Iterator[str]:
    if not basis.mediation_days:
        yield NO_MEDIATION
    elif not basis.dt_days:
        yield (
            "No report of DT's own is there, so nothing tells what single impressions were paid: set "
            "DT_REPORTING_CLIENT_ID and DT_REPORTING_CLIENT_SECRET and fetch; DT keeps ten days."
        )
    for one in basis.absences:
        text = absence_text(one)
        yield f"{text[0].upper()}{text[1:]}."
    if basis.repeated or basis.sums:
        rows = counted_in_thousands(basis.repeated, "row")
        sums = counted_in_thousands(basis.sums, "row")
        yield f"{rows} that stood twice counted once, and {sums} that sum others were left out."


def basis_text(suggestions: Suggestions) -> str:
    """What share of days, rows and money the suggestions stand on; empty where nobody looked."""
    basis = suggestions.unmatched.basis
    if basis is None or not basis.days:
        return ""
    parts = [f"{basis.mediation_days} of {counted(basis.days, 'day')} of mediation reports"]
    if basis.dt_expected:
        parts.append(f"{basis.dt_days} of {counted(basis.dt_expected, 'daily report')} of DT's own")
    if basis.rows:
        parts.append(f"{_share(basis.rows - basis.unread, basis.rows)} of their rows")
    if basis.revenue:
        parts.append(f"{_share(basis.joined, basis.revenue)} of DT's revenue ({worth(basis.joined)} USD)")
    return f"Stands on {', '.join(parts)}."


def _share(part: float, whole: float) -> str:
    """A share that is not called all while anything is missing."""
    percent = 100 * part / whole
    return f"{min(percent, 99.9) if part < whole else percent:.3g} %"


def unmatched_texts(unmatched: UnmatchedReports, most: int | None = None) -> tuple[str, ...]:
    """What could not be joined, a text for each kind; lists of names are cut to `most` names."""
    texts = []
    if unmatched.rows:
        texts.append(f"{counted_in_thousands(unmatched.rows, 'report row')} could not be joined")
    if unmatched.loose:
        rows = counted_in_thousands(unmatched.loose, "report row")
        texts.append(f"{rows} joined by a name that is only equal without case and spaces")
    for source, names in (("Mediation", unmatched.chartboost_placements), ("DT", unmatched.dt_placements)):
        if names:
            listed = names if most is None else names[:most]
            more = f" and {len(names) - len(listed):,} more" if len(listed) < len(names) else ""
            texts.append(f"{source} placements without a counterpart: {', '.join(map(shown, listed))}{more}")
    return tuple(texts)
