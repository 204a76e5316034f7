"""What `drift` does with an audit: remember it, print it, tell a chat of it."""

import json
import logging
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.clock import SystemClock
from reconciler.cli.session import Session
from reconciler.diff.audit import Audit, PastAudit, Trend, audit_event, past_audits
from reconciler.errors import ReconcilerError, StoreError
from reconciler.model.secret import Secret
from reconciler.plan.plan import Origin
from reconciler.ports import AuditLog
from reconciler.report.audit.annotations import annotation_lines
from reconciler.report.audit.document import audit_document
from reconciler.report.audit.markdown import audit_markdown
from reconciler.report.audit.message import audit_message
from reconciler.report.audit.metrics import metrics_text
from reconciler.report.audit.text import audit_lines
from reconciler.report.line import Span

if TYPE_CHECKING:
    from reconciler.web.webhook import Webhook

NOTIFY_URL: Final = "RECONCILER_NOTIFY_URL"

_DAYS_AGO: Final = re.compile(r"(\d{1,5})d")

log = logging.getLogger("reconciler")


def since_day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:
    """A day in UTC, from `2026-11-01` or from `30d`: so many days before today."""
    if value is None:
        return None
    if ago := _DAYS_AGO.fullmatch(value):
        return SystemClock().now().date() - timedelta(days=int(ago[1]))
    try:
        return date.fromisoformat(value)
    except ValueError:
        told = f"{value!r} is neither a day such as 2026-11-01 nor a number of days such as 30d"
        raise click.BadParameter(told, ctx, param) from None


def webhook_of(session: Session, flag: str | None) -> "Webhook | None":
    """Where to tell of alarms: the flag's URL, else the environment's; None without either.

    Raises `ProjectError` for what is no webhook, before the account is asked for anything.
    """
    url = Secret(flag) if flag is not None else session.environment.secret(NOTIFY_URL)
    if url is None:
        return None
    from reconciler.web.webhook import webhook  # noqa: PLC0415 - not needed without one

    return webhook(url, "--notify" if flag is not None else NOTIFY_URL)


def known_audits(store: AuditLog, origin: Origin, *, needed: bool) -> list[PastAudit]:
    """The audits of this account that are remembered. Raises `StoreError` only where they are needed."""
    try:
        return past_audits(store.audits(), origin.publisher_id, origin.api)
    except StoreError as wrong:
        if needed:
            raise
        log.warning("earlier audits cannot be read: %s", wrong.message)
        return []


def remember(audit: Audit, store: AuditLog) -> None:
    """Remember an audit where the store can be written; in a read-only checkout it goes on without."""
    try:
        store.remember_audit(audit_event(audit))
    except StoreError as wrong:
        log.info("this audit is not remembered: %s", wrong.message)


def render(session: Session, audit: Audit, history: Trend | None) -> None:
    """Print the audit as asked for."""
    console = session.console
    match session.options.format:
        case "json":
            console.document(audit_document(audit, history))
        case "markdown":
            console.markup(audit_markdown(audit, history))
        case "openmetrics":
            console.raw(metrics_text(audit, session.project_name()))
        case "github":
            for command in annotation_lines(audit):
                console.raw(command)
        case "junit":
            from reconciler.report.junit import audit_junit  # noqa: PLC0415 - each costs the others nothing

            console.markup(audit_junit(audit))
        case "html":
            from reconciler.report.html.audit import audit_page  # noqa: PLC0415 - templates cost 0.1 s

            console.markup(audit_page(audit, history))
        case _:
            console.answer(audit_lines(audit, history))


def notified(session: Session, audit: Audit, hook: "Webhook") -> None:
    """Post the alarms. What goes wrong is told and changes nothing: the exit code speaks of the account."""
    from reconciler.web.webhook import post  # noqa: PLC0415 - as above

    body = json.dumps(audit_message(audit), ensure_ascii=True).encode()
    try:
        why = post(hook, body, session.clock)
    except ReconcilerError as wrong:
        why = wrong.message
    if why is not None:
        session.console.talk(Span("warning: ", "change"), f"the notification was not delivered: {why}")
