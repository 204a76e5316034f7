"""Changes as pieces of Markdown."""

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.diff.change import Change, Create, Delete, FieldChange, Held, Update, action_of, id_of
from reconciler.report.count import counted
from reconciler.report.markdown.pieces import listed, name, place, row, sentence, table, value
from reconciler.report.markdown.sheet import Item
from reconciler.report.text import ORIGINS, SIGNS, after_text, before_text, percent_text

FIELDS: Final = 60
"""Fields of one change that are shown; the rest are counted."""


def bullet(change: Change) -> Item:
    """A change as an item of a list, its fields below it."""
    fields = () if isinstance(change, Delete) else change.fields
    rows = [f"  - {name(field.path)}: {_before(field)} → {value(after_text(field))}\n" for field in fields[:FIELDS]]
    reason = "" if change.reason is None else f"\\\n  {sentence(change.reason)}"
    return Item(f"- {_title(change)}{reason}\n{''.join(rows)}{_more('  - ', fields)}", _key(change))


def held_bullet(held: Held) -> Item:
    """What is held as an item of a list, with what it waits for and what would allow it."""
    told = f"{sentence(held.reason)}; what would allow it: {name(held.switch)}"
    return Item(f"- {_title(held.change)}\\\n  {told}\n", ("held", held.address))


def floor_rows(change: Update) -> Item:
    """The floors that an update moves, as rows of a table with `FLOOR_TITLES`."""
    floors = [field for field in change.fields if field.field == "floorPrices"]
    rows = [
        row(
            name(change.address),
            name(field.path.removeprefix("floorPrices.")),
            _before(field),
            value(after_text(field)) + _percent(field),
            _why(field),
        )
        for field in floors[:FIELDS]
    ]
    more = [row(name(change.address), f"and {len(floors) - FIELDS} more", "", "", "")] if len(floors) > FIELDS else []
    return Item("".join([*rows, *more]), _key(change))


def _percent(field: FieldChange) -> str:
    percent = percent_text(field)
    return f" ({percent})" if percent else ""


FLOOR_TITLES: Final = ("placement", "country", "before", "after", "why")


def block(change: Create | Update) -> Item:
    """A change with a table of its fields; floors that move are told elsewhere, and left out."""
    fields = [field for field in change.fields if isinstance(change, Create) or field.field != "floorPrices"]
    titles = ("field", "value") if isinstance(change, Create) else ("field", "before", "after", "why")
    told = [f"\n{_title(change)}\n"]
    if change.reason is not None:
        told.append(f"\n{sentence(change.reason)}\n")
    if isinstance(change, Update) and change.renamed_from is not None:
        told.append(f"\nknown as {name(change.renamed_from)} before\n")
    if fields:
        told += [table(*titles), *_rows(change, fields), _more("\n", fields)]
    return Item("".join(told), _key(change))


def _rows(change: Change, fields: list[FieldChange]) -> Iterator[str]:
    for field in fields[:FIELDS]:
        after = value(after_text(field))
        known = () if isinstance(change, Create) else (_before(field),)
        why = () if isinstance(change, Create) else (_why(field),)
        yield row(name(field.path), *known, after, *why)


def _title(change: Change) -> str:
    action = action_of(change)
    resource_id = id_of(change)
    return listed([
        f"**{SIGNS_IN_MARKDOWN[action]} {action}** {name(change.address)}",
        "" if resource_id is None else f"id {name(resource_id)}",
        "" if change.source is None else place(change.source.file, change.source.line),
    ])  # fmt: skip


SIGNS_IN_MARKDOWN: Final = {action: f"\\{sign}" if sign in "+~-!" else sign for action, (sign, _) in SIGNS.items()}


def _before(field: FieldChange) -> str:
    return value(before_text(field))


def _why(field: FieldChange) -> str:
    """Where a difference comes from, and what speaks for a price."""
    return listed([ORIGINS[field.origin], "" if field.evidence is None else sentence(field.evidence)])


def _more(start: str, fields: Iterable[FieldChange]) -> str:
    others = len(list(fields)) - FIELDS
    return f"{start}and {counted(others, 'field')} more\n" if others > 0 else ""


def _key(change: Change) -> tuple[str, str]:
    action = action_of(change)
    return action if action == "blocked" else f"to {action}", change.address
