"""PURE. The sketch of winning prices: which prices impressions were paid, from rows that tell one price each."""

from collections.abc import Mapping
from math import floor, log

from reconciler.model.evidence import PRICE_STEP


def rescaled(bins: Mapping[int, int], single_revenue: float, impressions: int, revenue: float) -> Mapping[int, float]:
    """How many impressions were paid in each bin, for all impressions: sums to `impressions`, with their mean price.

    `bins` counts rows with one impression, which earned `single_revenue` USD together. Users who see more than one
    impression may be worth less each: all prices move by the ratio of both means. What falls between two bins is
    shared by them.
    """
    singles = sum(bins.values())
    if not singles or not impressions or single_revenue <= 0 or revenue <= 0:
        return {}
    ratio = (revenue / impressions) / (single_revenue / singles)
    shift = log(ratio) / log(PRICE_STEP)
    whole = floor(shift + _NEARLY)
    part = max(0.0, shift - whole)
    weight = impressions / singles
    found: dict[int, float] = {}
    for place, count in sorted(bins.items()):
        for target, share in ((place + whole, 1 - part), (place + whole + 1, part)):
            if share > _NEARLY:
                found[target] = found.get(target, 0.0) + count * weight * share
    return dict(sorted(found.items()))


_NEARLY = 1e-9
"""Of a bin: below what arithmetic can tell."""
