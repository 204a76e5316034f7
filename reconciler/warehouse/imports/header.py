"""PURE. Read a header: which platform's report it is, and which of its columns are ours."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.errors import ProjectError
from reconciler.report.sanitise import visible
from reconciler.warehouse.imports.schema import ADAPTERS, COLUMNS, OTHER, Adapter
from reconciler.warehouse.user_report_csv import folded, listed

_NOTE: Final = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]{1,40})[)\]]\s*", re.DOTALL)
"""What stands in brackets behind a name: the currency of an amount, the time zone of a day."""
_USD: Final = frozenset({"USD", "US$", "$", "US DOLLAR", "US DOLLARS"})
UTC_WORDS: Final = frozenset({"UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT", "UTC+0", "UTC+00:00", "GMT+0", "+00:00", "ZULU"})
"""What days may be said to be in, in upper case."""
_OURS: Final = frozenset({"day", "adunit", "source"})
"""What no platform but our own schema calls its columns, all of them."""


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a report. `places`: our name -> which of its columns, from 0; `theirs`: our name -> its name."""

    adapter: Adapter
    names: tuple[str, ...]
    places: Mapping[str, int]

    @property
    def theirs(self) -> Mapping[str, str]:
        """What the report calls each column of ours."""
        return {name: self.names[place] for name, place in self.places.items()}

    @property
    def tells_currency(self) -> bool:
        """Whether a column, or the name of that of the revenue, says in which currency it is."""
        amounts = (self.theirs[name] for name in ("revenue", "revenue_micros") if name in self.places)
        return "currency" in self.places or any(_note(name) for name in amounts)


def read_header(names: Sequence[str], mapped: Sequence[tuple[str, str]] = (), network: str | None = None) -> Header:
    """The columns by our names: those of `mapped` (their column, our name) first, then by the platform's names.

    Without a `network` the platform is the one whose own columns are there. Raises `ProjectError`, which lists what
    the header holds, for a column that is required and missing, or there twice, or said to be in another currency or
    time zone.
    """
    adapter = ADAPTERS[network] if network else _adapter(names)
    found = {ours: _mapped_place(names, column) for column, ours in mapped}
    for ours in COLUMNS:
        if ours not in found and (place := _place(names, adapter, ours)) is not None:
            found[ours] = place
    if "revenue_micros" in found and not {"revenue"} & {ours for _, ours in mapped}:
        found.pop("revenue", None)
    elif "revenue" in found:
        found.pop("revenue_micros", None)
    _check_share(names, found, adapter)
    return Header(adapter, tuple(names), {ours: found[ours] for ours in COLUMNS if ours in found})


def known(names: Sequence[str], mapped: Collection[str] = ()) -> int:
    """How many of the names mean something to any platform, or are `mapped`: what tells a header from other lines."""
    own = {text for column in mapped for text in (column.strip(), folded(column)) if text}
    told = (name for name in names if folded(_base(name)) in _ANY_PLATFORM or {name.strip(), folded(name)} & own)
    return len({folded(name) or name.strip() for name in told})


_ANY_PLATFORM: Final = frozenset(
    folded(alias) for each in ADAPTERS.values() for aliases in each.names.values() for alias in aliases
)
"""The names of all platforms, which are asked for with each line that may be a header."""


def _base(name: str) -> str:
    """A name without what stands in brackets behind it."""
    match = _NOTE.fullmatch(name)
    return match[1] if match else name


def _note(name: str) -> str:
    match = _NOTE.fullmatch(name)
    return match[2].strip() if match else ""


def _adapter(names: Sequence[str]) -> Adapter:
    """The platform most of whose own columns are there. Raises `ProjectError` where two have equally many."""
    here = {folded(_base(name)) for name in names}
    marks = {each.name: len(here & {folded(mark) for mark in each.marks}) for each in ADAPTERS.values()}
    most = max(marks.values())
    if not most or here >= _OURS:
        return OTHER
    best = [name for name, count in marks.items() if count == most]
    if len(best) > 1:
        raise ProjectError(
            f"the columns fit {' and '.join(ADAPTERS[name].title for name in best)} alike: {listed(names)}",
            hint=f"say which it is, as in --network {best[0]}",
        )
    return ADAPTERS[best[0]]


def _mapped_place(names: Sequence[str], column: str) -> int:
    exact = [place for place, name in enumerate(names) if name.strip() == column.strip()]
    alike = exact or [place for place, name in enumerate(names) if folded(name) == folded(column)]
    if len(alike) == 1:
        return alike[0]
    told = f"no column {visible(column)!r}" if not alike else f"the column {visible(column)!r} {len(alike)} times"
    raise ProjectError(f"the report has {told}; it has {listed(names)}", hint="--map COLUMN=NAME names one of these")


def _place(names: Sequence[str], adapter: Adapter, ours: str) -> int | None:
    exact = [place for place, name in enumerate(names) if name.strip() in adapter.exact.get(ours, ())]
    if exact:
        return exact[0]
    taken = {name for of in adapter.exact.values() for name in of}
    here = ["" if name.strip() in taken else folded(_base(name)) for name in names]
    for alias in (*adapter.names.get(ours, ()), *((ours,) if ours in _EVERYWHERE else ())):
        count = here.count(folded(alias))
        if count > 1:
            raise ProjectError(
                f"the report has the column {alias} {count} times; it has {listed(names)}",
                hint=_one_of(names, [place for place, name in enumerate(here) if name == folded(alias)], ours),
            )
        if count:
            return here.index(folded(alias))
    return None


def _one_of(names: Sequence[str], found: Sequence[int], ours: str) -> str:
    """What to do about columns of one name: those whose names are quite the same cannot be told apart."""
    alike = len({names[place].strip() for place in found}) < len(found)
    return "leave one of them out, or rename it" if alike else f"say which it is: --map COLUMN={ours}"


_EVERYWHERE: Final = frozenset({"currency", "timezone", "network_type", "revenue_micros"})
"""Names of ours that a report of any platform may have been given besides its own."""


def _check_share(names: Sequence[str], found: Mapping[str, int], adapter: Adapter) -> None:
    given = {"revenue"} if "revenue_micros" in found else set()
    missing = [each for each in COLUMNS.values() if each.required and each.name not in {*found, *given}]
    if missing:
        said = ", ".join(each.name for each in missing)
        usual = {each.name: adapter.names[each.name][0] for each in missing if each.name in adapter.names}
        raise ProjectError(
            f"the report has no column for {said}; it has {listed(names)}",
            hint=f"{adapter.title} calls it {', '.join(usual.values())}: export it, or name it with --map COLUMN=NAME",
        )
    money = _note(names[found["revenue"]]) if "revenue" in found else ""
    if money and money.upper() not in _USD:
        raise ProjectError(f"the revenue is in {visible(money)}: only USD is taken", hint="export the report in USD")
    zone = _note(names[found["day"]])
    if zone and zone.upper() not in UTC_WORDS:
        raise ProjectError(f"the days are in {visible(zone)}: only UTC is taken", hint="export the report in UTC")
