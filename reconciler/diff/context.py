"""The input of all assessments of a run (`DiffContext`): the three states, what is derived of them, and the options."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, assert_never

from reconciler.diff.change import FieldChange
from reconciler.diff.look_alikes import Orphan, suspected_apps, suspected_renames
from reconciler.diff.resolve import Crossed, Found, NotFound, Resolution, resolve_apps
from reconciler.model.address import Address, Kind, app_of, kind_of
from reconciler.model.field import WRITABLE
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits
from reconciler.model.journal import NO_CREATES, PastCreates
from reconciler.model.ledger import EntriesOfApp, IndexedLedger, Ledger, LedgerEntry, ids_in
from reconciler.model.state import DesiredApp, DesiredState, LiveResource, LiveState, OnDrift

HOLD_CONFLICTS: Final = "--hold-conflicts"

LATELY: Final = timedelta(minutes=10)
"""How long after its creation a resource that is not shown counts as not visible yet, and not as gone."""

DOUBT: Final = (
    "the account's list left out resources that do exist, so nothing is made or deleted here; plan again later"
)


@dataclass(frozen=True, slots=True)
class DriftRule:
    """What becomes of fields that live moved in since the last apply: what `safety.onDrift` says.

    With `holds_conflicts` those that the manifest has changed as well are held, unless `on_drift` is "overwrite".
    """

    on_drift: OnDrift = "overwrite"
    holds_conflicts: bool = False

    def holds(self, change: FieldChange) -> bool:
        """Whether a change of a field is held."""
        match self.on_drift:
            case "hold":
                return is_drift(change)
            case "warn":
                return self.holds_conflicts and change.origin == "conflict"
            case "overwrite":
                return False
            case _:
                assert_never(self.on_drift)

    @property
    def name(self) -> str:
        """The setting or flag that holds changes."""
        return "safety.onDrift: hold" if self.on_drift == "hold" else HOLD_CONFLICTS


OVERWRITE: Final = DriftRule()


def is_drift(change: FieldChange) -> bool:
    """Whether live has moved away from what was last applied, whatever the manifest asks for by now."""
    return change.origin in {"drift", "conflict"}


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What an assessment needs beside the three states.

    `now` is in UTC. `doubtful` holds ids of apps whose placement lists left out what exists, `""` standing for the app
    list itself: nothing is created or deleted there. `recreate` makes owned resources that are gone again. `past` is
    what the journal says of creates, and `settle_seconds` how long one is given to appear. `drift` is what becomes
    of fields that live moved in, and `unread` why there may be more manifests than were read. `habits` are what is
    known of the account's updates.
    """

    now: datetime
    quarantine_days: float = 14
    doubtful: frozenset[str] = frozenset()
    recreate: bool = False
    past: PastCreates = NO_CREATES
    settle_seconds: float = 30
    drift: DriftRule = OVERWRITE
    unread: str | None = None
    habits: AccountHabits = UNKNOWN_HABITS

    def why_unsendable(self, live: LiveResource) -> str | None:
        """Why a resource cannot be updated: what cannot be read cannot be sent, and is reset where it is not."""
        if self.habits.mode(live.kind) != "replaces":
            return None
        unreadable = live.why_unreadable(*WRITABLE[live.kind])
        return unsendable_text(unreadable) if unreadable else None

    @property
    def settled_after(self) -> timedelta:
        """How long after its sending a create of unknown outcome may be taken for not done, where no list shows it."""
        return self.past.settled_after(self.settle_seconds)

    def made_lately(self, kind: Kind, resource_id: str) -> datetime | None:
        """When a resource was made, if that is so lately that the account may not show it yet."""
        at = self.past.made.get((kind, resource_id))
        return at if at is not None and self.now - at < max(self.settled_after, LATELY) else None

    def hidden_since(self, kind: Kind, resource_id: str) -> datetime | None:
        """When a resource was made, if that is so lately and no reading has shown it since."""
        return None if (kind, resource_id) in self.past.shown else self.made_lately(kind, resource_id)


def unsendable_text(why: str) -> str:
    """Why a resource with fields that cannot be read is not updated; `why` names these."""
    return (
        "this account's updates reset what they are not sent, and a field that cannot be read cannot be sent: "
        f"{why}; correct it in the console"
    )


@dataclass(frozen=True, slots=True)
class DiffContext:
    """The three states, and what was derived from them once.

    `by_app` groups the ledger, `resolutions` are those of the app blocks, `claimed` the live app ids they stand for,
    `orphans` the owned live apps that none of them names; `suspects` tells which of these a new block may be.
    """

    desired: DesiredState
    live: LiveState
    ledger: Ledger
    options: DiffOptions
    by_app: Mapping[Address, Mapping[Address, LedgerEntry]]
    resolutions: Mapping[Address, Resolution]
    claimed: frozenset[str]
    orphans: Mapping[Address, LiveResource]
    suspects: Mapping[Address, Address]

    @property
    def today(self) -> date:
        """The day (UTC) that decides which acceptances still hold."""
        return self.options.now.date()

    def entries(self, app: Address) -> Ledger:
        """What the ledger holds of an app and its placements."""
        return self.by_app.get(app, {})


def context_of(desired: DesiredState, live: LiveState, ledger: Ledger, options: DiffOptions) -> DiffContext:
    """The three states, and which live app each app block stands for."""
    resolutions = resolve_apps(desired.apps, live.apps, ledger)
    claimed = claimed_ids(resolutions)
    orphans = _orphan_apps(desired, live, ledger, claimed)
    suspects = suspected_apps((app for app in desired.apps if _is_new(app, resolutions[app.address])), orphans, ledger)
    return DiffContext(desired, live, ledger, options, by_app(ledger), resolutions, claimed, orphans, suspects)


def by_app(ledger: Ledger) -> Mapping[Address, Ledger]:
    """The entries of each app and of its placements."""
    if isinstance(ledger, IndexedLedger):
        return {app: EntriesOfApp(ledger, app) for app in ledger.apps}
    grouped: dict[Address, dict[Address, LedgerEntry]] = {}
    for address, entry in ledger.items():
        grouped.setdefault(app_of(address), {})[address] = entry
    return grouped


def claimed_ids(resolutions: Mapping[Address, Resolution]) -> frozenset[str]:
    """The ids of live resources that are some block's, though it may be unclear which one's."""
    return frozenset(_claimed_ids(resolutions.values()))


def _claimed_ids(resolutions: Iterable[Resolution]) -> Iterator[str]:
    for each in resolutions:
        if isinstance(each, Found):
            yield each.live.id
        elif isinstance(each, Crossed):
            yield each.id


def _is_new(app: DesiredApp, resolution: Resolution) -> bool:
    """Whether a block would make an app; beside a look-alike it does not."""
    return app.state == "present" and isinstance(resolution, NotFound) and not resolution.alike.free


def _orphan_apps(
    desired: DesiredState, live: LiveState, ledger: Ledger, claimed: Container[str]
) -> Mapping[Address, LiveResource]:
    """Owned live apps that no block names, by their address in the ledger; `claimed` ids are those blocks stand for."""
    by_id = {app.id: app for app in live.apps}
    declared = {app.address for app in desired.apps}
    return {
        address: by_id[resource_id]
        for address, resource_id in ids_in(ledger)
        if kind_of(address) == "app" and address not in declared and resource_id in by_id and resource_id not in claimed
    }


def orphan_placements(
    app: DesiredApp, listed: Iterable[LiveResource], claimed: Container[str], entries: Ledger
) -> list[Orphan]:
    """The owned live placements of an app that no block names; `claimed` ids are those blocks stand for."""
    by_id = {each.id: each for each in listed}
    declared = {block.address for block in app.placements or ()}
    return [
        Orphan(entry, by_id[entry.id])
        for address, entry in entries.items()
        if kind_of(address) == "placement" and address not in declared and entry.id in by_id and entry.id not in claimed
    ]


def suspected_placements(
    app: DesiredApp, resolutions: Mapping[Address, Resolution], orphans: Iterable[Orphan]
) -> Mapping[Address, LedgerEntry]:
    """For each block of an app that stands for no placement yet, the orphan that it may be under another name."""
    blocks = (each for each in app.placements or () if each.state == "present")
    return suspected_renames([each for each in blocks if isinstance(resolutions[each.address], NotFound)], orphans)
