"""An apply of thirty steps of every kind, in an account of its own publisher; as many such accounts as are wanted."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from support.builders import desired_app, desired_placement, entry
from support.wire import app, placement

from reconciler.model.address import app_address
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import DesiredPlacement, DesiredState, LiveResource, Safety
from reconciler.store.ledger_file import LEDGER_NAME, ledger_text

STEPS: Final = 30
LONG_AGO: Final = "2020-01-01T00:00:00+00:00"
ALPHA, BETA = app_address("android", "com.alpha"), app_address("android", "com.beta")
UPDATED, MADE, BORN_INACTIVE, RETIRED, DELETED, BELOW = 8, 2, 2, 3, 3, 10


@dataclass(frozen=True)
class Thirty:
    """One such account: its publisher, what it holds before, the manifests, and what the ledger knows."""

    publisher: str
    resources: tuple[dict[str, Any], ...]
    desired: DesiredState
    known: tuple[LedgerEntry, ...]

    def write_ledger(self, root: Path) -> None:
        """Put the ledger into a project's folder."""
        root.mkdir(parents=True, exist_ok=True)
        (root / LEDGER_NAME).write_text(ledger_text({each.address: each for each in self.known}))

    def of(self, everything: dict[str, LiveResource], publishers: dict[str, str]) -> list[LiveResource]:
        """The part of what is live that belongs to this publisher; `publishers` tells each app's."""
        mine = {app_id for app_id, publisher in publishers.items() if publisher == self.publisher}
        return [each for each in everything.values() if (each.id if each.kind == "app" else each.app_id) in mine]


def thirty(number: int) -> Thirty:
    """The account with this number. Its ids are its own, too."""
    alpha_id = str(100_000 + number)
    ids = iter(str(1_000_000 + number * 100 + each) for each in range(100))
    url = "https://example.com/{}"
    resources = [app(alpha_id, "com.alpha", rewardedAdUrl=url.format("old"))]
    blocks: list[DesiredPlacement] = []
    known: list[LedgerEntry] = []

    def live(name: str, *, absent: bool = False, since: str | None = None, **shown: Any) -> None:
        block = desired_placement(name, app=ALPHA, state="absent" if absent else "present")
        resource_id = next(ids)
        resources.append(placement(resource_id, alpha_id, name, **shown))
        known.append(entry(block, resource_id, inactive_since=since))
        blocks.append(block if absent else desired_placement(name, app=ALPHA, floorPrices={"US": 2}))

    for each in range(UPDATED):
        live(f"updated_{each}", floorPrices={"WW": 0.01, "US": 1}, capping={"value": 1, "unit": "day"})
    for each in range(RETIRED):
        live(f"retired_{each}", absent=True)
    for each in range(DELETED):
        live(f"deleted_{each}", absent=True, since=LONG_AGO, status="inactive")
    blocks += [_new(f"made_{each}", ALPHA) for each in range(MADE)]
    blocks += [_new(f"asleep_{each}", ALPHA, status="inactive") for each in range(BORN_INACTIVE)]
    alpha = desired_app(*blocks, bundle="com.alpha", rewardedAdUrl=url.format("new"))
    below = [_new(f"below_{each}", BETA) for each in range(BELOW)]
    beta = desired_app(*below, bundle="com.beta", name="Beta")
    known.append(entry(replace(alpha, fields={**alpha.fields, "rewardedAdUrl": url.format("old")}), alpha_id))
    desired = DesiredState(str(5_000 + number), (alpha, beta), "sha256:manifests", safety=Safety(settle_seconds=0.05))
    return Thirty(desired.publisher_id, tuple(resources), desired, tuple(known))


def _new(name: str, home: Any, **fields: Any) -> DesiredPlacement:
    return desired_placement(name, app=home, coppa=False, floorPrices={"US": 3}, **fields)


def as_declared(case: Thirty, live: list[LiveResource], ledger: Any) -> list[str]:
    """What is not as it should be after a run to the end; empty where everything is."""
    by_id = {each.id: each for each in live}
    wrong = []
    for block in case.desired.apps:
        for each in (block, *(block.placements or ())):
            known = ledger.get(each.address)
            shown = by_id.get(known.id) if known is not None else None
            if each.state == "absent":
                gone = each.fields["name"].startswith("deleted")
                named = [other for other in live if other.name == each.fields["name"]]
                if (gone and named) or any(other.fields["status"] != "inactive" for other in named):
                    wrong.append(f"{each.address} is there")
            elif shown is None:
                wrong.append(f"{each.address} is not there, or not in the ledger")
            else:
                wrong += [
                    f"{each.address}: {name}" for name, value in each.fields.items() if shown.fields[name] != value
                ]
    return wrong
