"""Read the live state that an operation needs: the list of apps, and the placements of selected apps.

Resources that the ledger owns and a list does not show are asked for by id. Checks that
ledger and account belong together.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from reconciler.diff.change import Blocked, Create, Delete
from reconciler.diff.resolve import Found, resolve_apps
from reconciler.errors import DoubtfulRead, ProjectError, WrongAccount
from reconciler.model.address import Address, Kind, app_of, kind_of, selector
from reconciler.model.journal import PastCreates
from reconciler.model.ledger import Ledger, ids_in
from reconciler.model.settled import ids_of
from reconciler.model.state import DesiredPlacement, DesiredState, LiveResource, LiveState, live_app_address
from reconciler.plan.plan import Plan
from reconciler.ports import LiveReader
from reconciler.workflow.prefetch import Prefetch
from reconciler.workflow.selection import Selection

MOST_QUESTIONS: Final = 200
"""Owned resources that lists do not show and that are asked for by id, of apps and of placements, in one reading."""
SAMPLE: Final = 16
"""How many are asked for where they are more."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Observation:
    """What was read, and the ids of apps (`""`: the list of apps) whose lists left out what does exist."""

    live: LiveState
    doubtful: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _AppScope:
    """The apps to look at. Those among `owned` are read whatever the manifests say of their placements.

    `compared`: lists are compared with the manifests as they are read.
    """

    touched: Collection[Address]
    owned: frozenset[Address]
    parallelism: int
    compared: bool = False


def observe(
    desired: DesiredState,
    reader: LiveReader,
    ledger: Ledger,
    selection: Selection,
    owned: frozenset[Address] = frozenset(),
    *,
    compared: bool = False,
) -> Observation:
    """Read the list of apps, and the placements of those apps that the manifests manage and the selection touches.

    And of the `owned` apps, whatever the manifests say of them. `compared`: lists that are plainly as declared are
    `SettledPlacements`.
    """
    touched = _touched_apps(desired, ledger, selection.only)
    return _observe_apps(desired, reader, ledger, _AppScope(touched, owned, selection.parallelism, compared))


def _observe_apps(desired: DesiredState, reader: LiveReader, ledger: Ledger, part: _AppScope) -> Observation:
    apps, doubt = all_apps(reader, ledger, part.parallelism)
    resolutions = resolve_apps(desired.apps, apps, ledger)
    to_read = {
        resolution.live.id: app.address
        for app in desired.apps
        if isinstance(resolution := resolutions[app.address], Found)
        and (app.placements is not None or app.state == "absent" or app.address in part.owned)
        and app.address in part.touched
    }
    live_ids = {app.id for app in apps}
    for address, entry in _owned_ids(ledger, "app").items():
        wanted = desired.prune == "delete" or address in part.owned
        if wanted and entry in live_ids and entry not in to_read and address in part.touched:
            to_read[entry] = address
    blocks = {app.address: app.placements for app in desired.apps if part.compared and app.placements}
    return read_lists(apps, to_read, reader, ledger, part.parallelism, doubtful={""} if doubt else set(), blocks=blocks)


def observe_account(reader: LiveReader, ledger: Ledger, wanted: Sequence[str], parallelism: int) -> LiveState:
    """The list of apps, and the placements of those whose id or address is wanted; of all where none is.

    Raises `ApiError` for what cannot be read or believed, and `ProjectError` for an app that is not there.
    """
    apps, doubt = all_apps(reader, ledger, parallelism)
    homes = {**{app.id: live_app_address(app) for app in apps}, **{v: k for k, v in _owned_ids(ledger, "app").items()}}
    known_as = {app.id: {app.id, homes[app.id], live_app_address(app)} for app in apps}
    if lost := [each for each in wanted if not any(each in names for names in known_as.values())]:
        raise ProjectError(f"--app {lost[0]}: no such app is in the account", hint="give its id or its address")
    to_read = {app.id: homes[app.id] for app in apps if not wanted or known_as[app.id].intersection(wanted)}
    observation = read_lists(apps, to_read, reader, ledger, parallelism, doubtful={""} if doubt else set())
    if observation.doubtful:
        raise DoubtfulRead(
            "the account's lists leave out resources that do exist",
            hint="nothing is concluded from such a list; try again later",
        )
    return observation.live


def observe_apps_of(
    addresses: Iterable[Address], desired: DesiredState, reader: LiveReader, ledger: Ledger, parallelism: int
) -> LiveState:
    """The list of apps, and the placements of the apps that these addresses are in, declared or owned."""
    concerned = frozenset(map(app_of, addresses))
    return _observe_apps(desired, reader, ledger, _AppScope(concerned, concerned, parallelism)).live


def observe_plan_targets(
    plan: Plan, desired: DesiredState, reader: LiveReader, ledger: Ledger, parallelism: int
) -> Observation:
    """Read again what a plan depends on: the list of apps, and the lists of the apps whose placements it changes.

    Raises `DoubtfulRead` where a list left out what exists while the plan makes or deletes something there.
    """
    moving = [change for change in plan.changes if not isinstance(change, Blocked)]
    concerned = frozenset(app_of(address) for address in _addresses_in_apps(plan))
    observation = _observe_apps(desired, reader, ledger, _AppScope(concerned, concerned, parallelism))
    for change in moving:
        if isinstance(change, Create | Delete) and (change.app_id or "") in observation.doubtful:
            raise DoubtfulRead(
                f"{change.address}: the account's list leaves out resources that do exist",
                hint="nothing is made or deleted on such a list; try again later",
            )
    return observation


def _addresses_in_apps(plan: Plan) -> Iterator[Address]:
    """The addresses in a plan for which the list of an app's placements has to be known."""
    deletes = [each for each in (*plan.changes, *(held.change for held in plan.held)) if isinstance(each, Delete)]
    yield from (each.address for each in deletes)
    others = (*(each.address for each in plan.changes if not isinstance(each, Blocked)), *plan.forget)
    for address in (*others, *(entry.address for entry in plan.remember)):
        if kind_of(address) == "placement":
            yield address


def read_lists(  # noqa: PLR0913 - what to read, by whom, and what is known of it
    apps: tuple[LiveResource, ...],
    to_read: Mapping[str, Address],
    reader: LiveReader,
    ledger: Ledger,
    parallelism: int,
    *,
    doubtful: set[str],
    blocks: Mapping[Address, Sequence[DesiredPlacement]] = MappingProxyType({}),
) -> Observation:
    """The placements of some apps (`to_read`: their addresses by id), and which lists left out what exists.

    They are compared with the `blocks` of their apps.
    """
    owned: dict[Address, list[str]] = {}
    for address, resource_id in ids_in(ledger):
        if kind_of(address) == "placement":
            owned.setdefault(app_of(address), []).append(resource_id)

    asked = [(app_id, bool(owned.get(address)), blocks.get(address)) for app_id, address in to_read.items()]
    lists = dict(zip(to_read, _lists(reader, asked, parallelism), strict=True))
    _check_apart(lists)
    lost = [
        (app_id, resource_id)
        for app_id, address in to_read.items()
        for resource_id in _unlisted_ids(lists[app_id], owned.get(address, ()))
    ]
    for resource in _find_unlisted("placement", [resource_id for _, resource_id in lost], reader, parallelism):
        for app_id, resource_id in lost:
            if resource_id != resource.id:
                continue
            _check_home(resource, app_id, to_read[app_id], ledger)
            if resource.app_id in {app_id, None}:
                lists[app_id] = (*lists[app_id], resource)
                doubtful = {*doubtful, app_id}
    return Observation(LiveState(apps, lists), frozenset(doubtful))


def _lists(
    reader: LiveReader, asked: Iterable[tuple[str, bool, Sequence[DesiredPlacement] | None]], parallelism: int
) -> list[Sequence[LiveResource]]:
    """The placements of each app asked for: its id, whether some are expected, and its blocks if they are compared."""
    if isinstance(reader, Prefetch):
        waiting = [reader.ask(app_id, expected=expected, blocks=blocks) for app_id, expected, blocks in asked]
        return [answer() for answer in waiting]

    def read(item: tuple[str, bool, Sequence[DesiredPlacement] | None]) -> Sequence[LiveResource]:
        app_id, expected, blocks = item
        return reader.placements(app_id, expected=expected, blocks=blocks)

    return side_by_side(read, asked, parallelism)


def _check_apart(lists: Mapping[str, Sequence[LiveResource]]) -> None:
    """Raise `DoubtfulRead` for a placement in the lists of two apps: the account did not give what was asked for."""
    homes: dict[str, str] = {}
    for app_id, listed in lists.items():
        for placement in ids_of(listed):
            other = homes.setdefault(placement, app_id)
            if other != app_id:
                raise DoubtfulRead(
                    f"the lists of apps {other} and {app_id} both hold placement {placement}: the account does not "
                    "tell the placements of its apps apart",
                    hint="nothing was concluded from such lists; try again later",
                )


def _check_home(placement: LiveResource, app_id: str, app: Address, ledger: Ledger) -> None:
    """Raise `WrongAccount` for a placement in another app than the very one in which the ledger has it."""
    owner = ledger.get(app)
    if owner is None or owner.id != app_id or placement.app_id in {app_id, None}:
        return
    address = next(a for a, entry in ledger.items() if entry.kind == "placement" and entry.id == placement.id)
    raise WrongAccount(
        f"{address}: the ledger knows it as id {placement.id}, which is in app {placement.app_id} and not in {app} "
        f"(id {app_id}): the ids in the ledger are mixed up, or another account's",
        hint=f"restore the ledger, or take the line of {address} out of it: it is found again by its name",
    )


def check_ledger(desired: DesiredState, live: LiveState, ledger: Ledger, past: PastCreates) -> None:
    """Raise `WrongAccount` where the ledger seems to be another account's.

    That is where it knows apps, none of them is in the account, the account shows others, and none of those is a
    declared one by pin or identity, nor were the ledger's made by runs of this journal. One app that is gone says
    nothing yet.
    """
    owned = _owned_ids(ledger, "app").values()
    there = {app.id for app in live.apps}
    if len(owned) < LEAST_GONE or not there or not there.isdisjoint(owned):
        return
    if any(("app", each) in past.made for each in owned):
        return
    if any(isinstance(each, Found) for each in resolve_apps(desired.apps, live.apps, ledger).values()):
        return
    raise WrongAccount(
        f"none of the {len(owned)} apps that the ledger knows is in the account, which shows {len(there)} that it "
        "does not know: the ledger may be another account's, or the credentials another publisher's",
        hint="check publisherId, DT_CLIENT_ID and DT_MANAGEMENT_URL. Where the apps were deleted, `plan` and `apply` "
        "go on with --recreate; where they have other ids by now, pin one with `appId`; where the ledger is not this "
        "account's, move reconciler.lock and .reconciler/ away",
    )


LEAST_GONE: Final = 2
"""Apps: a single one that is gone was deleted, as a rule."""


def all_apps(reader: LiveReader, ledger: Ledger, parallelism: int) -> tuple[tuple[LiveResource, ...], bool]:
    """The list of apps with what it left out although it exists, and whether there was any such app."""
    listed = reader.apps()
    unlisted = _find_unlisted("app", _unlisted_ids(listed, _owned_ids(ledger, "app").values()), reader, parallelism)
    return (*listed, *unlisted), bool(unlisted)


def _unlisted_ids(listed: Sequence[LiveResource], owned: Iterable[str]) -> list[str]:
    """The owned ids that a list does not show."""
    shown = set(ids_of(listed))
    return [resource_id for resource_id in dict.fromkeys(owned) if resource_id not in shown]


def _find_unlisted(kind: Kind, lost: Sequence[str], reader: LiveReader, parallelism: int) -> list[LiveResource]:
    """The resources that exist among owned ids that lists do not show; each is asked for by id.

    Raises `DoubtfulRead` for more than `MOST_QUESTIONS`, after asking for a sample of them.
    """
    ids = list(dict.fromkeys(lost))
    sample = ids if len(ids) <= MOST_QUESTIONS else ids[:: len(ids) // SAMPLE][:SAMPLE]
    answers = side_by_side(
        lambda resource_id: reader.find(kind, resource_id), sample, min(parallelism, len(sample) or 1)
    )
    existing = [resource for resource in answers if resource is not None]
    if len(sample) < len(ids):
        raise DoubtfulRead(
            f"the account's lists leave out {len(ids):,} {kind}s that the ledger knows, too many to ask for one by "
            f"one; of {len(sample)} that were asked for by id {len(existing)} exist",
            hint="nothing was concluded from such lists. If these are in the console, try again later; if they are "
            "gone for good, take their entries out of the ledger",
        )
    return existing


def _owned_ids(ledger: Ledger, kind: Kind) -> Mapping[Address, str]:
    return {address: resource_id for address, resource_id in ids_in(ledger) if kind_of(address) == kind}


def _touched_apps(desired: DesiredState, ledger: Ledger, only: Sequence[str]) -> set[Address]:
    """The apps in which the selection picks anything, by what the manifests and the ledger name."""
    addresses = {app.address for app in desired.apps} | set(ledger)
    if not only:
        return {app_of(address) for address in addresses}
    wanted = selector(only)
    addresses |= {each.address for app in desired.apps for each in app.placements or ()}
    return {app_of(address) for address in addresses if wanted(address)}


def side_by_side(function: Callable[[Item], Answer], items: Iterable[Item], parallelism: int) -> list[Answer]:
    """The function's answers for all items, in their order; the first error ends it, and what has not begun is left."""
    with ThreadPoolExecutor(parallelism, thread_name_prefix="read") as workers:
        futures = [workers.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            raise
