"""`reconciler drift`."""

from datetime import date

import click

from reconciler.cli.auditing import known_audits, notified, remember, render, since_day, webhook_of
from reconciler.cli.choices import only_option
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.diff.audit import remembered, trend, with_history
from reconciler.model.journal import past_creates
from reconciler.workflow.auditing import take_audit
from reconciler.workflow.observing import Selection

DRIFTED = 2


@click.command("drift")
@only_option("Only addresses that match; repeatable. Not remembered.")
@click.option(
    "--since",
    metavar="DAY|Nd",
    callback=since_day,
    help="Show the trend too, from a DAY (2026-11-01) or from N days ago (30d).",
)
@click.option("--notify", metavar="URL", help="Post alarms to this Slack-compatible webhook.")
@click.option("--record/--no-record", default=True, help="Remember this audit, for the trend. [default: record]")
@shared_options(formats=("text", "json", "markdown", "html", "openmetrics", "github", "junit"), api=True)
def command(options: Options, *, only: tuple[str, ...], since: date | None, notify: str | None, record: bool) -> int:
    """Audit the account: what in it is not as it was last applied. It cannot write to the account.

    Exits 2 when something drifted, is in conflict or is missing. A webhook's URL is a secret: RECONCILER_NOTIFY_URL, or
    a file that RECONCILER_NOTIFY_URL_FILE names, keeps it out of the list of processes and posts without --notify.

    \b
      reconciler drift
      reconciler drift --only 'android:com.cash_crash.54*' --format json
      reconciler drift --since 30d --format html > drift.html
    """
    session = Session.of(options)
    hook = webhook_of(session, notify)
    project = session.project()
    desired = session.desired(project)
    store, origin = session.store(project, desired.publisher_id), session.origin(desired)
    selection = Selection(only, options.parallelism)
    with session.reader(desired.publisher_id) as reader:
        ledger = store.ledger()
        audit = take_audit(desired, reader, ledger, origin, selection, lambda: past_creates(store.events()))
    if ledger and not only and not any(item.live for item in audit.items):
        session.tell_nothing_live()
    past = known_audits(store, origin, needed=since is not None)
    audit = with_history(audit, past)
    if record and not only:
        remember(audit, store)
    render(session, audit, None if since is None else trend([*past, remembered(audit)], since))
    if hook is not None and audit.alarming:
        notified(session, audit, hook)
    return DRIFTED if audit.alarming else 0
