"""Read the account without changing it: an audit against what was last applied, and a list of resources."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from reconciler.api.results import ColumnTypes, one_row_per_field, table
from reconciler.api.workspace import NOTHING_LIVE, Workspace
from reconciler.diff.audit import (
    Audit,
    AuditItem,
    PastAudit,
    Trend,
    audit_event,
    past_audit,
    past_audits,
    trend,
    with_history,
)
from reconciler.diff.classes import InventoryRow, inventory
from reconciler.errors import ProjectError, StoreError
from reconciler.model.address import selector
from reconciler.model.journal import past_creates
from reconciler.plan.plan import PlanOrigin
from reconciler.ports import AuditLog
from reconciler.render.account import ListDocument, audit_document
from reconciler.workflow.observe import observe_account
from reconciler.workflow.plan import make_audit
from reconciler.workflow.selection import Selection

if TYPE_CHECKING:
    from pyarrow import Table

log = logging.getLogger("reconciler")


@dataclass(frozen=True, slots=True)
class DriftResult:
    """An audit of the account, and the trend of earlier ones where it was asked for."""

    audit: Audit
    trend: Trend | None = None

    @property
    def alarming(self) -> tuple[AuditItem, ...]:
        """What drifted, is in conflict or is missing."""
        return self.audit.alarming

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.drift/1`."""
        return audit_document(self.audit, self.trend)

    def to_arrow(self) -> "Table":
        """A row for each field that differs, and one for each resource of which none does; values as JSON.

        `class` is the resource's, `fieldClass` the field's.
        """
        columns: ColumnTypes = {
            "address": "text", "kind": "text", "id": "text", "class": "text", "path": "text", "fieldClass": "text",
            "applied": "json", "before": "json", "after": "json", "note": "text", "openSince": "text",
        }  # fmt: skip
        return table(columns, one_row_per_field(map(_add_both_classes, self.to_dict()["items"])))


def _add_both_classes(item: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = [{**each, "class": item["class"], "fieldClass": each["class"]} for each in item["fields"]]
    return {**item, "fields": fields}


@dataclass(frozen=True, slots=True)
class InventoryResult:
    """Resources that are declared, owned or live, in the order of addresses."""

    resources: tuple[InventoryRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.list/1`."""
        return ListDocument.write(self.resources)

    def to_arrow(self) -> "Table":
        """A row for each resource."""
        columns: ColumnTypes = {
            "kind": "text", "address": "text", "declared": "flag", "owned": "flag", "live": "flag", "id": "text",
            "status": "text",
        }  # fmt: skip
        return table(columns, self.to_dict()["resources"])


def drift(workspace: Workspace, only: tuple[str, ...], since: date | None, *, record: bool) -> DriftResult:
    """Audit the account. `record` remembers the audit of a whole account, for the trend from `since` on."""
    desired = workspace.desired()
    store, origin = workspace.store(desired.publisher_id), workspace.origin(desired)
    selection = Selection(only, workspace.parallelism)
    with workspace.reader(desired.publisher_id) as reader:
        ledger = store.ledger()
        selection = replace(selection, habits=store.habits())
        audit = make_audit(desired, reader, ledger, origin, selection, lambda: past_creates(store.events()))
    if ledger and not only and not any(item.live for item in audit.items):
        workspace.warn(NOTHING_LIVE)
    past = _earlier_audits(store, origin, needed=since is not None)
    audit = with_history(audit, past)
    if record and not only:
        _record_audit(audit, store)
    return DriftResult(audit, None if since is None else trend([*past, past_audit(audit)], since))


def _earlier_audits(store: AuditLog, origin: PlanOrigin, *, needed: bool) -> list[PastAudit]:
    """The audits of this account that are remembered. Raises `StoreError` only where they are needed."""
    try:
        return past_audits(store.audits(), origin.publisher_id, origin.api)
    except StoreError as error:
        if needed:
            raise
        log.warning("earlier audits cannot be read: %s", error.message)
        return []


def _record_audit(audit: Audit, store: AuditLog) -> None:
    """Remember an audit where the store can be written; in a read-only checkout it goes on without."""
    try:
        store.remember_audit(audit_event(audit))
    except StoreError as error:
        log.info("this audit is not remembered: %s", error.message)


def list_resources(workspace: Workspace, globs: Sequence[str]) -> InventoryResult:
    """Resources that are declared, owned or live, and whose address matches; all without patterns."""
    desired = workspace.desired(remember=False)
    ledger = workspace.store(desired.publisher_id).ledger()
    with workspace.reader(desired.publisher_id) as reader:
        live = observe_account(reader, ledger, (), workspace.parallelism)
    wanted = selector(globs)
    listed = tuple(each for each in inventory(desired, live, ledger) if wanted(each.address))
    if globs and not listed:
        raise ProjectError(f"{' '.join(globs)}: no address matches", hint="`reconciler list` without it shows all")
    return InventoryResult(listed)
