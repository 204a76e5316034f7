"""PURE. Matching of report rows to known placements: by id, by name, and by name without case and spaces.

Also which lines of a waterfall are asked after DT, and on which days DT's line is missing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, TypeAlias

from reconciler.model.address import Address
from reconciler.model.evidence import Absence, KnownPlacement, Mode
from reconciler.warehouse.user_report_csv import folded

DT_SOURCES: Final = ("fyber",)
"""Chartboost's names of DT as a demand source."""
_CALLED: Final = re.compile(
    r"(?:fyber|dt|digitalturbine|inneractive|fairbid)"
    r"(?:fyber|dt|digitalturbine|inneractive|fairbid|exchange|marketplace|x|sdk|ads?"
    r"|bidding|bidder|network|waterfall|mediation)*"
)
"""What platforms call DT as a source of demand, and how it is asked: Chartboost has fyber, MAX FYBER_BIDDING and
FYBER_NETWORK, AdMob and LevelPlay DT Exchange (and Fyber or Inneractive before)."""
_MORE: Final = 1.05
"""How many times DT's requests a line may have had and still have been asked after DT: counts of two sides differ."""

Role: TypeAlias = Literal["own", "behind"]


def source_name(name: str) -> str:
    """The name of a demand source in stored rows: `fyber` for DT under any of its names, else in lower case."""
    return DT_SOURCES[0] if _CALLED.fullmatch(folded(name)) else name.lower()


def absences(sources_by_app: Mapping[str, Mapping[date, AbstractSet[str]]]) -> tuple[Absence, ...]:
    """Days on which an app's mediation report has rows and none of DT's, where those of other days have some.

    `sources_by_app` holds the sources of demand by app and day.
    """
    result = []
    for app, days in sorted(sources_by_app.items()):
        without = tuple(day for day in sorted(days) if days[day] and not days[day] & set(DT_SOURCES))
        others = [sources for day, sources in days.items() if day not in without]
        if without and any(others):
            usual = frozenset().union(*others)
            instead = frozenset().union(*(days[day] for day in without)) - usual
            result.append(Absence(app, without, tuple(sorted(instead))))
    return tuple(result)


@dataclass(frozen=True, slots=True)
class DtName:
    """A placement as DT's reports name it, with its rows and revenue (USD). Missing names are empty texts."""

    app: str
    placement_id: str
    placement_name: str
    rows: int
    revenue: float = field(default=0.0, compare=False)

    @property
    def shown(self) -> str:
        """The name to show: its name, else its id."""
        return self.placement_name or self.placement_id


@dataclass(frozen=True, slots=True)
class MediationLine:
    """A line of a waterfall in Chartboost's report, all countries and days together. Earnings are USD."""

    app: str
    placement: str
    network: str
    source: str
    partner_placement: str
    format: str = field(compare=False)
    rows: int = field(compare=False)
    requests: int = field(compare=False)
    impressions: int = field(compare=False)
    earnings: float = field(compare=False)

    @property
    def is_dt(self) -> bool:
        """Whether the line's demand source is DT."""
        return self.source in DT_SOURCES

    @property
    def shown(self) -> str:
        """The name to show: the partner's placement, else the mediation's."""
        return self.partner_placement or self.placement

    @property
    def price(self) -> float:
        """Mean price in USD per thousand impressions."""
        return 1000 * self.earnings / self.impressions if self.impressions else 0.0


@dataclass(slots=True)
class Matches:
    """What was matched and what was not. `loose` counts report rows that match only without case and spaces."""

    dt: dict[DtName, Address] = field(default_factory=dict)
    lines: dict[MediationLine, Address] = field(default_factory=dict)
    unmatched_dt: list[DtName] = field(default_factory=list)
    unmatched_lines: list[MediationLine] = field(default_factory=list)
    loose: int = 0


def match(placements: Sequence[KnownPlacement], names: Iterable[DtName], lines: Iterable[MediationLine]) -> Matches:
    """Match the names and lines of both reports to the known placements.

    Ids and names from DT's own report match Chartboost's lines too: they are the only source of the ids of placements
    that were never applied.
    """
    matches = Matches()
    index = _PlacementIndex(placements)
    _match_dt(index, names, matches)
    index.learn(matches.dt)
    dt_lines: dict[str, list[MediationLine]] = defaultdict(list)
    for line in lines:
        if line.is_dt:
            dt_lines[line.app].append(line)
    for of_one_app in dt_lines.values():
        _match_lines(index, of_one_app, matches)
    return matches


def lines_after_dt(matches: Matches, lines: Sequence[MediationLine]) -> Mapping[Address, frozenset[MediationLine]]:
    """The lines that are asked after DT, for each address.

    A report does not say in which order lines are asked. But a line ahead of DT is asked more often, since DT gets only
    the requests that it left; one behind DT is asked at most as often as DT. Of two of our tiers that were asked
    equally often, the one with the higher price comes first.
    """
    here: dict[tuple[str, str], list[MediationLine]] = defaultdict(list)
    for line in lines:
        here[line.app, line.placement].append(line)
    ours: dict[tuple[Address, str, str], list[MediationLine]] = defaultdict(list)
    for line, address in matches.lines.items():
        ours[address, line.app, line.placement].append(line)
    lines_after: dict[Address, frozenset[MediationLine]] = {}
    for (address, app, placement), own in ours.items():
        after = frozenset(line for line in here[app, placement] if line not in own and _comes_after(line, own))
        lines_after[address] = lines_after.get(address, frozenset()) | after
    return lines_after


def modes(matches: Matches) -> Mapping[Address, Mode]:
    """The mode of DT for each address, by the network types of its lines."""
    networks: dict[Address, set[str]] = defaultdict(set)
    for line, address in matches.lines.items():
        if line.requests or line.impressions:
            networks[address].add(line.network)
    return {address: _mode(types) for address, types in networks.items()}


def _mode(networks: set[str]) -> Mode:
    if networks == {"bidding"}:
        return "unified"
    return "waterfall" if networks == {"mediation"} else "unknown"


def _comes_after(line: MediationLine, own: Sequence[MediationLine]) -> bool:
    requests = sum(each.requests for each in own)
    if not line.is_dt:
        return line.requests <= _MORE * requests
    dearest = max(each.price for each in own)
    return (line.requests, line.price) < (requests, dearest)


class _PlacementIndex:
    """The known placements by every id and name that a report may use for them."""

    def __init__(self, placements: Iterable[KnownPlacement]) -> None:
        self.by_id: dict[str, KnownPlacement] = {}
        self.by_name: dict[str, list[KnownPlacement]] = defaultdict(list)
        self.by_loose_name: dict[str, list[KnownPlacement]] = defaultdict(list)
        self.by_report: dict[str, dict[Address, KnownPlacement]] = defaultdict(dict)
        self.by_bare_id: dict[str, dict[Address, KnownPlacement]] = defaultdict(dict)
        self._by_address: dict[str, KnownPlacement] = {}
        self._apps: dict[str, set[str]] = defaultdict(set)
        for placement in placements:
            self._by_address[placement.address] = placement
            app = _app_address(placement)
            for called in (app, app.partition(":")[2]):
                self._apps[called.casefold()].add(app)
            if placement.placement_id:
                self.by_id[placement.placement_id] = placement
                self.by_bare_id[_bare_id(placement.placement_id)][placement.address] = placement
            self.by_name[placement.name].append(placement)
            self.by_loose_name[_loose_name(placement.name)].append(placement)

    def learn(self, reported: Mapping[DtName, Address]) -> None:
        """Add the ids and names that DT's report has for matched placements."""
        for name, address in reported.items():
            placement = self._by_address[address]
            for alias in filter(None, (name.placement_id, name.placement_name)):
                self.by_report[alias][address] = placement
            if name.placement_id:
                self.by_bare_id[_bare_id(name.placement_id)][address] = placement

    def called(self, partner: str) -> tuple[Sequence[KnownPlacement], bool]:
        """All placements that a line's partner placement may stand for, and whether they match only loosely.

        An id of the ledger, or an address, decides before a name; our name before the names in DT's report; an exact
        match before a loose one.
        """
        if (by_id := self.by_id.get(partner) or self._by_address.get(partner)) is not None:
            return (by_id,), False
        named, loose = self.named(partner)
        if named and not loose:
            return named, False
        if partner in self.by_report:
            return tuple(self.by_report[partner].values()), False
        return named or tuple(self.by_bare_id.get(_bare_id(partner), {}).values()), True

    def apps(self, reported: str) -> frozenset[str]:
        """The addresses of our apps that an imported line's app may be; empty where none has its name.

        Imported apps have the mediation platform and a point before their name.
        """
        return frozenset(self._apps.get(reported.partition(".")[2].casefold(), ()))

    def named(self, name: str) -> tuple[Sequence[KnownPlacement], bool]:
        """All placements of this name, and whether they match only without case and spaces."""
        exact = self.by_name.get(name, ())
        return (exact, False) if exact else (self.by_loose_name.get(_loose_name(name), ()), True)


_PREFIX: Final = re.compile(r"ext(?:ernal)?[^0-9a-z]*(?=\d)", re.IGNORECASE)


def _bare_id(placement_id: str) -> str:
    """An id without a prefix that marks it as external: `ext-243713` is 243713."""
    return _PREFIX.sub("", placement_id.strip(), count=1) if _PREFIX.match(placement_id.strip()) else placement_id


def _loose_name(name: str) -> str:
    return "".join(name.casefold().split())


def _match_dt(index: _PlacementIndex, names: Iterable[DtName], matches: Matches) -> None:
    for name in names:
        by_id = index.by_id.get(name.placement_id) or index.by_id.get(name.placement_name)
        if by_id is not None:
            matches.dt[name] = by_id.address
            continue
        candidates, loose = index.named(name.placement_name)
        here = [placement for placement in candidates if placement.app_id in {name.app, None}]
        of_this_app = [placement for placement in here if placement.app_id == name.app] or here
        if name.placement_name and len(of_this_app) == 1:
            matches.dt[name] = of_this_app[0].address
            matches.loose += name.rows if loose else 0
        else:
            matches.unmatched_dt.append(name)


def _match_lines(index: _PlacementIndex, lines: Sequence[MediationLine], matches: Matches) -> None:
    """Match the lines of one app of Chartboost's, which is one of our apps; the report does not say which.

    Where placements of several apps have the name, the app that most of the lines match is taken.
    """
    candidates = {line: _candidates(index, line) for line in lines}
    votes = Counter(
        app for placements, _ in candidates.values() for app in {_app_address(placement) for placement in placements}
    )
    for line, (placements, loose) in candidates.items():
        chosen = _choose(placements, line, votes)
        if chosen is None:
            matches.unmatched_lines.append(line)
            continue
        matches.lines[line] = chosen.address
        matches.loose += line.rows if loose else 0


def _candidates(index: _PlacementIndex, line: MediationLine) -> tuple[Sequence[KnownPlacement], bool]:
    if line.partner_placement:
        placements, loose = index.called(line.partner_placement)
    else:  # the report gave no partner's placement: that of the mediation may go by the same name
        placements, loose = index.named(line.placement)[0], True
    apps = index.apps(line.app)
    return [placement for placement in placements if not apps or _app_address(placement) in apps], loose


def _choose(candidates: Sequence[KnownPlacement], line: MediationLine, votes: Counter[str]) -> KnownPlacement | None:
    most = max((votes[_app_address(placement)] for placement in candidates), default=0)
    best = [placement for placement in candidates if votes[_app_address(placement)] == most]
    if len(best) > 1:
        best = [placement for placement in best if placement.placement_type == line.format]
    return best[0] if len(best) == 1 else None


def _app_address(placement: KnownPlacement) -> str:
    return placement.address.partition("/")[0]
