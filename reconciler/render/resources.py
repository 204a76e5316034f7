"""Live resources as a table of rows, field by field, and as the JSON document `reconciler.resources/1`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, Protocol

from reconciler.model.address import Address, Kind
from reconciler.model.document import AddressText, Document, Shape, itself, key
from reconciler.model.field import FIELDS, CountType, FlagType
from reconciler.model.rows import Cell, Column, ColumnType, Rows
from reconciler.model.state import LiveResource
from reconciler.model.value import WORLDWIDE, Value, canonical_json, fields_to_json, value_text
from reconciler.render.text import Line, Span, counted, line, visible

STORE_URL: Final = "storeUrl"
"""A fact of an app that nobody can declare."""


class ShownResource(Protocol):
    """A live resource with its address."""

    @property
    def address(self) -> Address:
        """Its address."""
        ...

    @property
    def live(self) -> LiveResource:
        """The resource as the account shows it."""
        ...


class UnreadableFieldJson(Shape):
    """A field whose value cannot be read."""

    field: str = key("Its name.", itemgetter(0))
    reason: str = key("What is wrong with the value.", itemgetter(1))


class ResourceJson(Shape):
    """One live resource."""

    kind: Kind = key("What it is.", lambda shown: shown.live.kind)
    address: AddressText = key("By the ledger or a pin, else by its own identity.")
    id: str = key("The server's id.", lambda shown: shown.live.id)
    app_id: str | None = key("The id of a placement's app; null for an app.", lambda shown: shown.live.app_id)
    fields: dict[str, Any] = key(
        "Its fields as manifests and plans have them, null for blocks that are off; of an app also `storeUrl`.",
        lambda shown: shown_fields(shown.live),
    )
    unreadable: list[UnreadableFieldJson] = key(
        "Fields that the account shows and whose values cannot be read.", lambda shown: shown.live.unreadable
    )


class ResourcesDocument(Document, format="reconciler.resources/1", title="Live resources (get --format json)"):
    """Live resources, as the account shows them."""

    resources: list[ResourceJson] = key("In the order of the question, each once.", itself)


def shown_fields(live: LiveResource) -> dict[str, Any]:
    """The fields as JSON, in the order of their table, with what is known beside them."""
    told = fields_to_json(live.fields)
    ordered = {name: told[name] for name in FIELDS[live.kind] if name in told}
    return ordered if live.store_url is None else {**ordered, STORE_URL: live.store_url}


_LEADING: Final = ("kind", "address", "id", "appId")
_OVERVIEW: Final = ("kind", "address", "id", "name", "status", "type", "floors")
_MOST_FLOORS: Final = 3


def overview(shown: Sequence[ShownResource]) -> Rows:
    """A line for each resource: what it is called, its status and type, and its floors in short."""
    columns = tuple(Column(name, "text") for name in _OVERVIEW)
    return Rows(columns, [_overview_row(each) for each in shown])


def _overview_row(shown: ShownResource) -> tuple[Cell, ...]:
    live = shown.live
    fields = live.fields
    told = (fields.get(name) for name in ("name", "status", "placementType"))
    cells = (None if each in (None, "") else str(each) for each in told)
    return live.kind, shown.address, live.id, *cells, _floors_text(fields.get("floorPrices"))


def _floors_text(floors: Value) -> str | None:
    """Floors in a few words: the world's, then the highest of single countries."""
    if not isinstance(floors, Mapping):
        return None
    prices = {country: Decimal(str(price)) for country, price in floors.items()}
    world = [WORLDWIDE] if WORLDWIDE in prices else []
    others = sorted((each for each in prices if each != WORLDWIDE), key=lambda each: (-prices[each], each))
    told = [f"{country} {_price_text(prices[country])}" for country in (*world, *others[:_MOST_FLOORS])]
    left = len(others) - _MOST_FLOORS
    return ", ".join((*told, f"and {left} more") if left > 0 else told)


def _price_text(price: Decimal) -> str:
    return f"{price.normalize():f}" if price != price.quantize(Decimal("0.01")) else f"{price:.2f}"


def all_fields(shown: Sequence[ShownResource]) -> Rows:
    """A row for each resource with a column for each field that any of them has; blocks and lists as JSON text."""
    records = [(each, shown_fields(each.live)) for each in shown]
    there = {name for _, fields in records for name in fields}
    names = [name for name in _names() if name in there]
    columns = (*(Column(name, "text") for name in _LEADING), *(Column(name, _type_of(name)) for name in names))
    rows = [
        (each.live.kind, each.address, each.live.id, each.live.app_id, *(_cell(fields.get(name)) for name in names))
        for each, fields in records
    ]
    return Rows(columns, rows)


def _names() -> Iterable[str]:
    """Every field, an app's before a placement's, each name once."""
    return dict.fromkeys((*FIELDS["app"], STORE_URL, *FIELDS["placement"]))


def _type_of(name: str) -> ColumnType:
    spec = FIELDS["app"].get(name) or FIELDS["placement"].get(name)
    match spec and spec.type:
        case FlagType():
            return "flag"
        case CountType():
            return "number"
        case _:
            return "text"


def _cell(value: Any) -> Cell:
    if isinstance(value, dict | list):
        return canonical_json(value)
    return None if value is None else value if isinstance(value, bool | int | float | str) else str(value)


def field_lines(shown: Sequence[ShownResource]) -> Iterator[Line]:
    """Each resource with all of its fields, one a line."""
    for number, each in enumerate(shown):
        if number:
            yield ()
        live = each.live
        home = f" of app {live.app_id}" if live.app_id else ""
        yield line(Span(visible(f"{live.kind} {each.address} (id {live.id}{home})"), "strong"))
        facts = {STORE_URL: live.store_url} if live.store_url is not None else {}
        told = {name: live.fields[name] for name in FIELDS[live.kind] if name in live.fields}
        width = max(map(len, (*told, *facts)), default=0)
        for name, value in (*told.items(), *facts.items()):
            yield line(f"  {name.ljust(width)}  {visible(value_text(value))}")
        for name, why in live.unreadable:
            yield line(f"  {name}: not readable ({visible(why)})")


def numbers_text(shown: Sequence[ShownResource]) -> str:
    """How many there are of each kind."""
    apps = sum(each.live.kind == "app" for each in shown)
    return f"{counted(apps, 'app')} and {counted(len(shown) - apps, 'placement')}"
