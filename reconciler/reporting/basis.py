"""How much of a window's reports is there, was read and belongs to placements that are known."""

from collections import Counter
from collections.abc import Sequence

from reconciler.model.evidence import Absence, Basis, Question
from reconciler.reporting.acceptance import STRAY, SUM
from reconciler.reporting.days import Span
from reconciler.reporting.join import Matches
from reconciler.reporting.shelf import Partition, Shelf


def basis(
    shelf: Shelf, asked: Question, matches: Matches, mediation: Sequence[Partition], absent: Sequence[Absence]
) -> Basis:
    """What the evidence of a question stands on; `mediation` are the mediation reports in its window.

    Money is that of DT's own reports or, without any, what the mediation reports say of DT.
    """
    dt = [*shelf.files("dt", asked.first, asked.last)]
    markers = [marker for each in (*mediation, *dt) if (marker := shelf.marker(each))]
    reasons = Counter[str]()
    for marker in markers:
        reasons.update(marker.quarantined)
    unread = sum(rows for why, rows in reasons.items() if why not in STRAY)
    apps = {each.app for each in dt} | {one.app_id for one in asked.known if one.app_id}
    window = len(Span(asked.first, asked.last))
    if dt:
        joined, left = (sum(name.revenue for name in names) for names in (matches.dt, matches.unmatched_dt))
    else:
        joined, left = (sum(line.earnings for line in of) for of in (matches.lines, matches.unmatched_lines))
    return Basis(
        days=window,
        mediation_days=len({each.day for each in mediation}),
        dt_days=len(dt),
        dt_expected=len(apps) * window,
        rows=sum(marker.rows for marker in markers) + unread,
        unread=unread,
        repeated=sum(marker.repeated for marker in markers),
        sums=reasons[SUM],
        revenue=joined + left,
        joined=joined,
        absences=tuple(absent),
    )
