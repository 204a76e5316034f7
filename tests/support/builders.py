"""Short ways to say what is declared, what is live and what the ledger knows.

Fields are given as keywords under the API's names: `desired_placement("int_1", floorPrices={"US": 2})`. Floors may be
plain numbers and need no worldwide line, lists may be in any order: what is built is canonical.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from support.fake_clock import START
from support.fake_gateway import NOTHING, when_unset

from reconciler.diff.audit import Audit
from reconciler.diff.change import Contradiction, InSync, Verdict
from reconciler.diff.changes import owned_count, verdicts_on
from reconciler.diff.classes import audit_account
from reconciler.diff.context import DiffOptions, context_of
from reconciler.model.address import Address, address_order, app_address, placement_address
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import (
    DesiredApp,
    DesiredPlacement,
    DesiredState,
    Lifecycle,
    LiveResource,
    LiveState,
    Presence,
    Prune,
    Source,
)
from reconciler.model.value import Fields, Floors, Value, complete, price
from reconciler.plan.plan import Plan, PlanOrigin, build
from reconciler.plan.revalidate import Stale, why_moved

BUNDLE = "com.acme"
APP = app_address("android", BUNDLE)
APP_ID = "100"
API = "https://console.fyber.com"
AS_USUAL = Lifecycle()


def at(name: str, app: Address = APP) -> Address:
    """The address of a placement of the usual app."""
    return placement_address(app, name)


def floors(**table: Any) -> Floors:
    """A floor table of canonical prices, its worldwide line included."""
    return complete({country: price(amount) for country, amount in table.items()})


def canonical(fields: Mapping[str, Any]) -> Fields:
    """Fields written the short way, in canonical form."""
    return {name: _canonical(name, value) for name, value in fields.items()}


def _canonical(name: str, value: Any) -> Value:
    if name == "floorPrices":
        return floors(**value)
    if isinstance(value, list | set | tuple):
        return tuple(sorted(value))
    return {key: _canonical(key, part) for key, part in value.items()} if isinstance(value, Mapping) else value


def desired_placement(
    name: str = "int_1",
    *,
    app: Address = APP,
    pin: str | None = None,
    renamed_from: str | None = None,
    state: Presence = "present",
    lifecycle: Lifecycle = AS_USUAL,
    line: int = 10,
    **fields: Any,
) -> DesiredPlacement:
    """A placement block, an interstitial unless said otherwise. A field given as `...` is not declared."""
    declared = {"name": name, "placementType": "Interstitial", **fields}
    declared = {key: value for key, value in declared.items() if value is not ...}
    return DesiredPlacement(
        placement_address(app, name),
        canonical(declared),
        Source("apps/acme.yaml", line),
        pin,
        renamed_from,
        state,
        lifecycle,
    )


def desired_app(
    *placements: DesiredPlacement,
    bundle: str = BUNDLE,
    platform: str = "android",
    managed: bool = True,
    pin: str | None = None,
    state: Presence = "present",
    prune: Prune = "report",
    lifecycle: Lifecycle = AS_USUAL,
    line: int = 3,
    **fields: Any,
) -> DesiredApp:
    """An app block; `managed` off: it says nothing about placements. A field given as `...` is not declared."""
    declared = {
        "platform": platform, "bundle": bundle, "name": "Acme", "category1": "Finance", "coppa": False, **fields,
    }  # fmt: skip
    declared = {key: value for key, value in declared.items() if value is not ...}
    return DesiredApp(
        app_address(platform, bundle),
        canonical(declared),
        Source("apps/acme.yaml", line),
        pin,
        state,
        prune,
        placements if managed else None,
        lifecycle,
    )


def desired_state(*apps: DesiredApp, **settings: Any) -> DesiredState:
    """The manifests of a project; settings are `prune` and `safety`."""
    return DesiredState("3432", apps, "sha256:manifests", **settings)


def live_app(app_id: str = APP_ID, *, bundle: str = BUNDLE, platform: str = "android", **fields: Any) -> LiveResource:
    """An app as the account shows it."""
    known = {
        "platform": platform, "bundle": bundle, "name": "Acme", "category1": "Finance",
        "coppa": False, "status": "active", **fields,
    }  # fmt: skip
    return LiveResource("app", app_id, canonical(known))


def live_placement(
    placement_id: str = "1", name: str = "int_1", *, app_id: str = APP_ID, **fields: Any
) -> LiveResource:
    """A placement as the account shows it, what is off included. A field given as `...` is not shown."""
    known = {
        "name": name, "placementType": "Interstitial", "coppa": False, "status": "active", "floorPrices": {}, **fields,
    }  # fmt: skip
    known = {**when_unset("placement", known), **known}
    return LiveResource(
        "placement", placement_id, canonical({key: value for key, value in known.items() if value is not ...}), app_id
    )


def live_state(*resources: LiveResource) -> LiveState:
    """The account that holds these apps and placements."""
    apps = tuple(each for each in resources if each.kind == "app")
    return LiveState(apps, {app.id: tuple(each for each in resources if each.app_id == app.id) for app in apps})


def entry(of: DesiredApp | DesiredPlacement | Address, resource_id: str, **known: Any) -> LedgerEntry:
    """What the ledger holds of a block that was applied as it is declared, or of an address.

    `applied` fields replace those that the block declares; the rest are `LedgerEntry`'s own.
    """
    fields: Fields = {} if isinstance(of, str) else of.fields
    address = of if isinstance(of, str) else of.address
    applied = {**fields, **canonical(known.pop("applied", {}))}
    return LedgerEntry(address, resource_id, applied, **known)


def ledger_of(*entries: LedgerEntry) -> Ledger:
    """The ledger with these entries."""
    return {each.address: each for each in entries}


def without(known: LedgerEntry, *fields: str) -> LedgerEntry:
    """The entry as if these fields had never been applied."""
    return replace(known, applied={name: value for name, value in known.applied.items() if name not in fields})


def options(now: datetime = START, **more: Any) -> DiffOptions:
    """What an assessment needs beside the three states."""
    return DiffOptions(now, **more)


def reconciled(
    desired: DesiredState | DesiredApp | Iterable[DesiredApp],
    live: LiveState = NOTHING,
    ledger: Ledger | None = None,
    **more: Any,
) -> "Reconciled":
    """All there is to say about an account; `more` goes into the options."""
    if isinstance(desired, DesiredApp):
        desired = desired_state(desired)
    state = desired if isinstance(desired, DesiredState) else desired_state(*desired)
    return Reconciled(tuple(verdicts_on(state, live, ledger or {}, options(**more))))


@dataclass(frozen=True)
class Reconciled:
    """The verdicts on an account, and what they come to: `changes`, `notes` and the like are those of the plan."""

    verdicts: tuple[Verdict, ...]

    @cached_property
    def plan(self) -> Plan:
        """The plan of them."""
        return build(self.verdicts, owned_count(self.verdicts), origin())

    @property
    def in_sync(self) -> tuple[Address, ...]:
        """The addresses of what is as declared."""
        found = (each.address for each in self.verdicts if isinstance(each, InSync))
        return tuple(sorted(found, key=address_order))

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """What the account says otherwise than the ledger."""
        return tuple(each for each in self.verdicts if isinstance(each, Contradiction))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plan, name)


def plan_for(*states: Any, **more: Any) -> Plan:
    """The plan for what is declared, live and known."""
    return reconciled(*states, **more).plan


def audit_of(desired: DesiredState, live: LiveState, ledger: Ledger, **more: Any) -> Audit:
    """The audit of an account; `more` goes into the options."""
    made = origin()
    context = context_of(desired, live, ledger, options(**more))
    return audit_account(context, made.created_at, made.publisher_id, made.api)


def origin(created_at: str = "2026-11-21T19:00:00Z") -> PlanOrigin:
    """What a plan is made from and for."""
    return PlanOrigin("0.1.0", created_at, "3432", API, "sha256:manifests")


def stale_changes(plan, live):
    """The changes of a plan that do not rest any more on what was seen when it was made."""
    found = ((change.address, why_moved(change, live.by_id(), live)) for change in plan.changes)
    return tuple(Stale(address, how) for address, how in found if how is not None)
