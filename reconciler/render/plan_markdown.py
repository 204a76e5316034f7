"""The plan as Markdown for a comment: single changes as list items and tables, and the size-limited report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from reconciler.diff.change import Action, Change, Create, Delete, FieldChange, HeldChange, Update, action_of, id_of
from reconciler.model.address import app_of
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import ROOM, Plan, reviewed_mark
from reconciler.render.markdown import (
    FOLD_END,
    LIMIT,
    LimitedDocument,
    Section,
    SectionItem,
    fold,
    listed,
    marker,
    name,
    place,
    row,
    sentence,
    table,
    value,
)
from reconciler.render.plan_overview import AppCounts, by_app, is_large, triage
from reconciler.render.plan_text import (
    ORIGINS,
    SIGNS,
    after_text,
    before_text,
    held_title,
    not_carried_out,
    percent_text,
    summary_text,
)
from reconciler.render.text import counted

FIELDS: Final = 60
"""Fields of one change that are shown; the rest are counted."""


def bullet(change: Change) -> SectionItem:
    """A change as an item of a list, its fields below it."""
    return SectionItem(partial(_bullet_text, change), _stands_for(change))


def _bullet_text(change: Change) -> str:
    fields = () if isinstance(change, Delete) else change.fields
    rows = [
        f"  - {name(field.path)}: {_before_value(field)} → {value(after_text(field))}\n" for field in fields[:FIELDS]
    ]
    reason = "" if change.reason is None else f"\\\n  {sentence(change.reason)}"
    return f"- {_title(change)}{reason}\n{''.join(rows)}{_more_fields('  - ', fields)}"


def held_bullet(held: HeldChange) -> SectionItem:
    """What is held as an item of a list, with what it waits for and what would allow it."""
    reason = f"{sentence(held.reason)}; what would allow it: {name(held.switch)}"
    return SectionItem(f"- {_title(held.change)}\\\n  {reason}\n", ("held", held.address))


def floor_rows(change: Update) -> SectionItem:
    """The floors that an update moves, as rows of a table with `FLOOR_TITLES`."""
    return SectionItem(partial(_floor_rows, change), _stands_for(change))


def _floor_rows(change: Update) -> str:
    floors = [field for field in change.fields if field.field == "floorPrices"]
    rows = [
        row(
            name(change.address),
            name(field.path.removeprefix("floorPrices.")),
            _before_value(field),
            value(after_text(field)) + _percent(field),
            _reason_text(field),
        )
        for field in floors[:FIELDS]
    ]
    more = [row(name(change.address), f"and {len(floors) - FIELDS} more", "", "", "")] if len(floors) > FIELDS else []
    return "".join([*rows, *more])


def _percent(field: FieldChange) -> str:
    percent = percent_text(field)
    return f" ({percent})" if percent else ""


FLOOR_TITLES: Final = ("placement", "country", "before", "after", "why")


def block(change: Create | Update) -> SectionItem:
    """A change with a table of its fields, without floors that move: these have a table of their own."""
    return SectionItem(partial(_block_text, change), _stands_for(change))


def _block_text(change: Create | Update) -> str:
    fields = [field for field in change.fields if isinstance(change, Create) or field.field != "floorPrices"]
    titles = ("field", "value") if isinstance(change, Create) else ("field", "before", "after", "why")
    parts = [f"\n{_title(change)}\n"]
    if change.reason is not None:
        parts.append(f"\n{sentence(change.reason)}\n")
    if isinstance(change, Update) and change.renamed_from is not None:
        parts.append(f"\nknown as {name(change.renamed_from)} before\n")
    if fields:
        parts += [table(*titles), *_field_rows(change, fields), _more_fields("\n", fields)]
    return "".join(parts)


def _field_rows(change: Change, fields: list[FieldChange]) -> Iterator[str]:
    for field in fields[:FIELDS]:
        after = value(after_text(field))
        before = () if isinstance(change, Create) else (_before_value(field),)
        why = () if isinstance(change, Create) else (_reason_text(field),)
        yield row(name(field.path), *before, after, *why)


def _title(change: Change) -> str:
    action = action_of(change)
    resource_id = id_of(change)
    return listed([
        f"**{SIGNS_IN_MARKDOWN[action]} {action}** {name(change.address)}",
        "" if resource_id is None else f"id {name(resource_id)}",
        "" if change.source is None else place(change.source.file, change.source.line),
    ])  # fmt: skip


SIGNS_IN_MARKDOWN: Final = {action: f"\\{sign}" if sign in "+~-!" else sign for action, (sign, _) in SIGNS.items()}


def _before_value(field: FieldChange) -> str:
    return value(before_text(field))


def _reason_text(field: FieldChange) -> str:
    """The origin of a difference, and the evidence for a price."""
    return listed([ORIGINS[field.origin], "" if field.evidence is None else sentence(field.evidence)])


def _more_fields(start: str, fields: Iterable[FieldChange]) -> str:
    others = len(list(fields)) - FIELDS
    return f"{start}and {counted(others, 'field')} more\n" if others > 0 else ""


def _stands_for(change: Change) -> tuple[str, str]:
    action = action_of(change)
    return action if action == "blocked" else f"to {action}", change.address


REFUSALS_SHARE: Final = 0.3
LARGE_SHARE: Final = 0.5
"""How much of the room still left a list may take that comes first: of refusals, and of dangers in a large plan."""

WHOLE: Final = " `reconciler plan -v` and `reconciler show -v` tell everything."


def plan_markdown(plan: Plan, refusals: Sequence[Refusal] = (), key: str = "", limit: int = LIMIT) -> str:
    """The plan for a comment of at most `limit` characters; its first line is the marker of the project and `key`.

    The last line says, for programs, what somebody who reads it has reviewed.
    """
    large = is_large(plan)
    foot = f"\n{reviewed_mark(plan, min(ROOM, limit // 4))}\n"
    missing = not_carried_out(plan, refusals)
    warning = f"\n**{sentence(missing)}**\n" if missing else ""
    head = f"{marker('plan', plan.origin, key)}\n### {summary_text(plan)}\n{warning}{_origin_line(plan)}"
    sheet = LimitedDocument(head, limit, foot)
    sheet.write(_refusal_sections(refusals))
    sheet.write(_danger_sections(plan.changes, LARGE_SHARE if large else 1.0))
    sheet.write([held_section(plan.held)])
    sheet.write([_overview_section(by_app(plan.changes))] if large else _app_sections(plan.changes))
    sheet.write(_unmanaged_and_notes(plan))
    return sheet.text(WHOLE)


def _danger_sections(changes: Iterable[Change], share: float) -> Iterator[Section]:
    sorts = triage(changes)
    yield Section("\n#### To be looked at first\n\n", [bullet(each) for each in sorts.grave], share=share)
    floors = [floor_rows(each) for each in sorts.floors]
    yield Section(f"\n#### Floors that move\n{table(*FLOOR_TITLES)}", floors, share=share)


def held_section(held: Sequence[HeldChange]) -> Section:
    """The changes that are held: they wait for permission or for a point in time."""
    return Section(f"\n#### {held_title(held)}\n\n", [held_bullet(each) for each in held], share=LARGE_SHARE)


def _origin_line(plan: Plan) -> str:
    origin = plan.origin
    facts = [
        f"publisher {name(origin.publisher_id)}",
        name(origin.api.removeprefix("https://")),
        name(origin.created_at),
    ]
    return f"\n{listed(facts)}\n"


def _refusal_sections(refusals: Sequence[Refusal]) -> Iterator[Section]:
    binding = [_refusal_item(each) for each in refusals if each.binding]
    warnings = [_refusal_item(each) for each in refusals if not each.binding]
    yield Section("\n#### Apply would refuse this\n\n", binding, share=REFUSALS_SHARE)
    yield Section("\n#### Warnings\n\n", warnings, share=REFUSALS_SHARE)


def _refusal_item(refusal: Refusal) -> SectionItem:
    text = f"{sentence(refusal.message)} ({name(refusal.limit)}); what would allow it: {name(refusal.switch)}"
    return SectionItem(
        f"- {text}\n", ("refusal" if refusal.binding else "warning", f"{refusal.limit} {refusal.message}")
    )


def _overview_section(apps: Iterable[AppCounts]) -> Section:
    titles = ("app", *SIGNS, "of floors")
    return Section(
        f"\n#### By app, the gravest first\n\nToo much to tell change by change.\n{table(*titles)}",
        [
            SectionItem(
                row(
                    name(each.app),
                    *(str(each.counts[action] or "") for action in SIGNS),
                    str(each.counts["floors"] or ""),
                ),
                ("app", each.app),
            )
            for each in apps
        ],
    )


def _app_sections(changes: Iterable[Change]) -> Iterator[Section]:
    for app, group in groupby(changes, key=lambda each: app_of(each.address)):
        of_app = list(group)
        counts = by_app(of_app)[0].counts
        counts_text = ", ".join(f"{counts[action]} to {word}" for action, word in WORDS.items() if counts[action])
        blocked = f"{counts['blocked']} blocked" if counts["blocked"] else ""
        items = [block(each) for each in of_app if isinstance(each, Create | Update) and _has_more(each)]
        yield Section(fold(app, f" — {', '.join(filter(None, (counts_text, blocked)))}"), items, FOLD_END)


WORDS: Final[Mapping[Action, str]] = {
    "create": "create", "update": "update", "deactivate": "deactivate", "delete": "delete",
}  # fmt: skip


def _has_more(change: Create | Update) -> bool:
    """Whether a change has anything to show besides floors that move."""
    return isinstance(change, Create) or not change.fields or any(each.field != "floorPrices" for each in change.fields)


def _unmanaged_and_notes(plan: Plan) -> Iterator[Section]:
    unmanaged = [
        SectionItem(f"- {name(each.address)} · id {name(each.id)}\n", ("unmanaged", f"{each.address} {each.id}"))
        for each in plan.unmanaged
    ]
    yield Section(fold(f"{len(unmanaged)} in no manifest, left alone") + "\n", unmanaged, FOLD_END)
    notes = [
        SectionItem(f"- {name(each.address)} — {sentence(each.text)}\n", ("note", f"{each.address} {each.text}"))
        for each in plan.notes
    ]
    yield Section(fold(counted(len(notes), "note")) + "\n", notes, FOLD_END)
