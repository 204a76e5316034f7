"""A plan as Markdown: one line of numbers, what to look at first, the rest folded by app."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from reconciler.diff.change import Action, Change, Create, Held, Update
from reconciler.model.address import app_of
from reconciler.plan.guard import Refusal
from reconciler.plan.plan import Plan
from reconciler.plan.reviewed import ROOM, reviewed_mark
from reconciler.report.count import counted
from reconciler.report.markdown.changes import FLOOR_TITLES, block, bullet, floor_rows, held_bullet
from reconciler.report.markdown.marker import marker
from reconciler.report.markdown.pieces import FOLD_END, fold, listed, name, row, sentence, table
from reconciler.report.markdown.sheet import LIMIT, Item, Section, Sheet
from reconciler.report.outlook import not_carried_out
from reconciler.report.text import SIGNS, held_title, summary_text
from reconciler.report.triage import AppCounts, by_app, is_large, triage

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
    told = f"\n**{sentence(missing)}**\n" if missing else ""
    head = f"{marker('plan', plan.origin, key)}\n### {summary_text(plan)}\n{told}{_origin(plan)}"
    sheet = Sheet(head, limit, foot)
    sheet.write(_refusals(refusals))
    sheet.write(_dangers(plan.changes, LARGE_SHARE if large else 1.0))
    sheet.write([held_section(plan.held)])
    sheet.write([_overview(by_app(plan.changes))] if large else _folds(plan.changes))
    sheet.write(_others(plan))
    return sheet.text(WHOLE)


def _dangers(changes: Iterable[Change], share: float) -> Iterator[Section]:
    sorts = triage(changes)
    yield Section("\n#### To be looked at first\n\n", [bullet(each) for each in sorts.grave], share=share)
    floors = [floor_rows(each) for each in sorts.floors]
    yield Section(f"\n#### Floors that move\n{table(*FLOOR_TITLES)}", floors, share=share)


def held_section(held: Sequence[Held]) -> Section:
    """What waits for leave or for a time."""
    return Section(f"\n#### {held_title(held)}\n\n", [held_bullet(each) for each in held], share=LARGE_SHARE)


def _origin(plan: Plan) -> str:
    origin = plan.origin
    facts = [
        f"publisher {name(origin.publisher_id)}",
        name(origin.api.removeprefix("https://")),
        name(origin.created_at),
    ]
    return f"\n{listed(facts)}\n"


def _refusals(refusals: Sequence[Refusal]) -> Iterator[Section]:
    binding = [_refusal(each) for each in refusals if each.binding]
    warnings = [_refusal(each) for each in refusals if not each.binding]
    yield Section("\n#### Apply would refuse this\n\n", binding, share=REFUSALS_SHARE)
    yield Section("\n#### Warnings\n\n", warnings, share=REFUSALS_SHARE)


def _refusal(refusal: Refusal) -> Item:
    told = f"{sentence(refusal.message)} ({name(refusal.limit)}); what would allow it: {name(refusal.switch)}"
    return Item(f"- {told}\n", ("refusal" if refusal.binding else "warning", f"{refusal.limit} {refusal.message}"))


def _overview(apps: Iterable[AppCounts]) -> Section:
    titles = ("app", *SIGNS, "of floors")
    return Section(
        f"\n#### By app, the gravest first\n\nToo much to tell change by change.\n{table(*titles)}",
        [
            Item(
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


def _folds(changes: Iterable[Change]) -> Iterator[Section]:
    for app, group in groupby(changes, key=lambda each: app_of(each.address)):
        own = list(group)
        counts = by_app(own)[0].counts
        told = ", ".join(f"{counts[action]} to {word}" for action, word in WORDS.items() if counts[action])
        blocked = f"{counts['blocked']} blocked" if counts["blocked"] else ""
        items = [block(each) for each in own if isinstance(each, Create | Update) and _has_more(each)]
        yield Section(fold(app, f" — {', '.join(filter(None, (told, blocked)))}"), items, FOLD_END)


WORDS: Final[Mapping[Action, str]] = {
    "create": "create", "update": "update", "deactivate": "deactivate", "delete": "delete",
}  # fmt: skip


def _has_more(change: Create | Update) -> bool:
    """Whether there is more to a change than floors that move, which have been told."""
    return isinstance(change, Create) or not change.fields or any(each.field != "floorPrices" for each in change.fields)


def _others(plan: Plan) -> Iterator[Section]:
    unmanaged = [
        Item(f"- {name(each.address)} · id {name(each.id)}\n", ("unmanaged", f"{each.address} {each.id}"))
        for each in plan.unmanaged
    ]
    yield Section(fold(f"{len(unmanaged)} in no manifest, left alone") + "\n", unmanaged, FOLD_END)
    notes = [
        Item(f"- {name(each.address)} — {sentence(each.text)}\n", ("note", f"{each.address} {each.text}"))
        for each in plan.notes
    ]
    yield Section(fold(counted(len(notes), "note")) + "\n", notes, FOLD_END)
