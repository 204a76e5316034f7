"""The plan as a page: counts, refusals, removals first, then every change by app, folded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from reconciler.diff.change import Action, Change, Update, action_of, id_of
from reconciler.model.address import Address, app_of, kind_of, name_of
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan, summary
from reconciler.render.html import CountBadge, FieldChangeRow, Tile, count_badges, field_rows, page
from reconciler.render.plan_text import SIGNS, held_title, not_carried_out, summary_text
from reconciler.render.text import Tone, counted

DANGERS: Final = ("delete", "deactivate", "blocked")
"""What a reader has to see first, in this order."""
MOST_CHANGES: Final = 2000
"""A page with more is slow to open and read by nobody: about 2 MB."""
MOST_NAMES: Final = 1000
OPEN_CHANGES: Final = 12
"""A plan of so many changes is shown unfolded."""
OPEN_APPS: Final = 10


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change as the template draws it; `number` is its anchor."""

    number: int
    action: Action
    sign: str
    tone: Tone
    address: str
    what: str
    id: str | None
    place: str
    reason: str | None
    renamed_from: str | None
    rows: tuple[FieldChangeRow, ...]
    unfolded: bool

    @property
    def size(self) -> str:
        """How many fields it has."""
        return counted(len(self.rows), "field")


@dataclass(frozen=True, slots=True)
class AppView:
    """An app's changes; `left` counts those that are not drawn."""

    address: Address
    counts: tuple[CountBadge, ...]
    changes: tuple[ChangeView, ...]
    left: int
    unfolded: bool


def plan_page(plan: Plan, refusals: Sequence[Refusal] = (), title: str = "Plan") -> str:
    """The page of a plan. At most 2,000 changes are drawn, removals first; the page says how many are left out."""
    drawn = frozenset(number for number, _ in sorted(enumerate(plan.changes), key=_danger_rank)[:MOST_CHANGES])
    dangers = [view for view in _change_views(plan, drawn) if view.action in DANGERS]
    origin = plan.origin
    values = {
        "title": title,
        "lead": summary_text(plan),
        "facts": [
            ("Publisher", origin.publisher_id),
            ("API", origin.api),
            ("Made", origin.created_at),
            ("Manifests", origin.manifest_digest[:19]),
        ],
        "tiles": _tiles(plan),
        "searched": "addresses, fields, values",
        "refusals": refusals,
        "missing": not_carried_out(plan, refusals),
        "dangers": sorted(dangers, key=lambda view: DANGERS.index(view.action)),
        "dangers_left": sum(action_of(change) in DANGERS for change in plan.changes) - len(dangers),
        "apps": list(_app_views(plan, drawn)),
        "drawn": len(drawn),
        "left": len(plan.changes) - len(drawn),
        "held": [
            (
                each.address,
                f"{action_of(each.change)} id {each.change.id}: {each.reason}; what would allow it: {each.switch}",
            )
            for each in plan.held[:MOST_NAMES]
        ],
        "held_title": held_title(plan.held),
        "held_left": max(0, len(plan.held) - MOST_NAMES),
        "unmanaged": [(each.address, f"id {each.id}") for each in plan.unmanaged[:MOST_NAMES]],
        "unmanaged_number": len(plan.unmanaged),
        "unmanaged_left": max(0, len(plan.unmanaged) - MOST_NAMES),
        "notes": [(note.address, note.text) for note in plan.notes],
        "closing": f"waterfall-reconciler {origin.tool}",
    }
    return page("plan.html", values)


def _danger_rank(numbered: tuple[int, Change]) -> int:
    action = action_of(numbered[1])
    return DANGERS.index(action) if action in DANGERS else len(DANGERS)


def _tiles(plan: Plan) -> list[Tile]:
    counts = summary(plan)
    return [
        Tile(counts.create, "to create", "add"),
        Tile(counts.update, "to update", "change"),
        Tile(counts.deactivate, "to deactivate", "remove"),
        Tile(counts.delete, "to delete", "remove"),
        Tile(counts.blocked, "blocked", "blocked"),
        Tile(counts.held, "held"),
        Tile(counts.unchanged, "unchanged"),
        Tile(counts.unmanaged, "unmanaged"),
    ]


def _change_views(plan: Plan, drawn: frozenset[int]) -> Iterable[ChangeView]:
    few = len(plan.changes) <= OPEN_CHANGES
    return (_change_view(number, change, few) for number, change in enumerate(plan.changes) if number in drawn)


def _change_view(number: int, change: Change, few: bool) -> ChangeView:
    action = action_of(change)
    sign, tone = SIGNS[action]
    return ChangeView(
        number=number,
        action=action,
        sign=sign,
        tone=tone,
        address=change.address,
        what="the app" if kind_of(change.address) == "app" else name_of(change.address),
        id=id_of(change),
        place="" if change.source is None else f"{change.source.file}:{change.source.line}",
        reason=change.reason,
        renamed_from=change.renamed_from if isinstance(change, Update) else None,
        rows=field_rows(change),
        unfolded=few or action in DANGERS,
    )


def _app_views(plan: Plan, drawn: frozenset[int]) -> Iterable[AppView]:
    by_app = groupby(_change_views(plan, drawn), key=lambda view: app_of(Address(view.address)))
    shown = {app: tuple(views) for app, views in by_app}
    tones: dict[str, Tone] = {action: tone for action, (_, tone) in SIGNS.items()}
    every = [(app, list(changes)) for app, changes in groupby(plan.changes, key=lambda change: app_of(change.address))]
    for app, changes in every:
        views = shown.get(app, ())
        counts = count_badges((action_of(change) for change in changes), tones)
        yield AppView(app, counts, views, len(changes) - len(views), len(every) <= OPEN_APPS)
