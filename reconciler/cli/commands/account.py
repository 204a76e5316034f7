"""Commands that read the account: `list`, `drift`, `pull`, `ping`."""

import json
from datetime import date
from typing import TYPE_CHECKING, Final

import click

from reconciler.api.results import INCOMPLETE
from reconciler.cli.options import Options, addresses, only_option, shared_options, since_day
from reconciler.cli.session import AUDIT_FORMATS, CommandSession, print_audit, print_result
from reconciler.errors import ReconcilerError
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from reconciler.api.pull import PullResult
    from reconciler.diff.audit import Audit
    from reconciler.http.connections import Webhook

DRIFTED: Final = 2
DIFFERENCES: Final = 2
NOTIFY_URL: Final = "RECONCILER_NOTIFY_URL"

# ruff: noqa: PLC0415 - each command imports what it takes


@click.command("list")
@click.argument("globs", metavar="[GLOB]...", nargs=-1, shell_complete=addresses)
@shared_options(formats=("table", "json", "csv"), api=True)
def list_resources(options: Options, *, globs: tuple[str, ...]) -> int:
    """List resources: declared, owned or live, with id and status.

    Declared: a manifest has a block for it. Owned: the ledger knows it. Live: the account shows it; what is live alone
    is unmanaged. Reads the whole account, writes nothing.

    \b
      reconciler list
      reconciler list 'android:com.cash_crash.54*'
      reconciler list --format csv > resources.csv
    """
    from reconciler.render.account import list_csv, list_lines

    session = CommandSession.of(options)
    result = session.project().inventory(globs)
    listed = result.resources
    print_result(
        session.console,
        options.format,
        result,
        lambda: list_lines(listed),
        csv=lambda: session.console.raw(list_csv(listed)),
    )
    return 0


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
@shared_options(formats=AUDIT_FORMATS, api=True)
def drift(options: Options, *, only: tuple[str, ...], since: date | None, notify: str | None, record: bool) -> int:
    """Audit the account: what in it is not as it was last applied. It cannot write to the account.

    Exits 2 when something drifted, is in conflict or is missing. A webhook's URL is a secret: RECONCILER_NOTIFY_URL, or
    a file that RECONCILER_NOTIFY_URL_FILE names, keeps it out of the list of processes and posts without --notify.

    \b
      reconciler drift
      reconciler drift --only 'android:com.cash_crash.54*' --format json
      reconciler drift --since 30d --format html > drift.html
    """
    session = CommandSession.of(options)
    hook = _webhook(session, notify)
    result = session.project().drift(only, since=since, record=record)
    print_audit(session.console, options.format, result, session.project_name)
    if hook is not None and result.alarming:
        _notify(session, result.audit, hook)
    return DRIFTED if result.alarming else 0


def _webhook(session: CommandSession, flag: str | None) -> "Webhook | None":
    """The webhook for alarms: the option's URL, else the environment's; None without either.

    Raises `ProjectError` for a URL that is no webhook's, before the account is read.
    """
    url = Secret(flag) if flag is not None else session.environment.secret(NOTIFY_URL)
    if url is None:
        return None
    from reconciler.http.connections import webhook

    return webhook(url, "--notify" if flag is not None else NOTIFY_URL)


def _notify(session: CommandSession, audit: "Audit", hook: "Webhook") -> None:
    """Post the alarms. A failure is a warning and does not change the exit code."""
    from reconciler.http.connections import post
    from reconciler.render.drift_text import audit_message

    body = json.dumps(audit_message(audit), ensure_ascii=True).encode()
    try:
        why = post(hook, body, session.clock)
    except ReconcilerError as error:
        why = error.message
    if why is not None:
        session.console.warn(f"the notification was not delivered: {why}")


@click.command("pull")
@click.option(
    "--app",
    "apps",
    multiple=True,
    metavar="ID",
    shell_complete=addresses,
    help="Only this live app, by id or address; repeatable.",
)
@click.option("--check", is_flag=True, help="Say what would be written, write nothing; exit 2 if there is anything.")
@click.option(
    "--theirs", is_flag=True, help="Take what is live where the manifest has moved since the last apply, too."
)
@shared_options(api=True)
def pull(options: Options, *, apps: tuple[str, ...], check: bool, theirs: bool) -> int:
    """Adopt what is live: write manifests and ledger so that a plan finds nothing to change.

    New apps get files of their own. In files that exist, only values that differ change; comments, order, quotes and
    anchors stay. What a manifest has changed since the last apply stays, and is told.

    Where reconciler.yaml does not say whose account it is, --app with the id of an app finds it and writes it there.

    Exit 3: some differences could not be written, and are named. 1: the manifests have errors.

    \b
      reconciler pull
      reconciler pull --check
      reconciler pull --theirs
      reconciler pull --app android:com.cash_crash.54
      reconciler pull --app 170709
    """
    session = CommandSession.of(options)
    return print_adoption(session, session.project().pull(apps, check=check, theirs=theirs))


def print_adoption(session: CommandSession, result: "PullResult") -> int:
    """Show an adoption; the exit code that says how it went."""
    from reconciler.render.pull import adoption_lines

    adoption, before, checked = result.adoption, result.before, result.checked
    if not checked:
        session.console.require_answer()
    lines = adoption_lines(adoption, before, checked=checked)
    print_result(session.console, session.options.format, result, lambda: lines)
    if checked and not adoption.is_empty:
        return DIFFERENCES
    return INCOMPLETE if adoption.held else 0


@click.command("ping")
@shared_options(api=True)
def ping(options: Options) -> int:
    """Check every set of keys that is there: are they good, and what can they see? Writes nothing.

    Asks for tokens, and for the list of apps. A set of keys is good, refused, or its API unreachable. For Chartboost,
    where CHARTBOOST_AUTH_URL gives no token, the other URL that is known is tried too, and named if it works.

    Exit 1: keys that are there are not good, see another publisher's apps, or see none although the ledger knows some.

    Without a project, only tokens are asked for. Tells also which program asks: its version, from where it runs, and
    the commit or file that it was installed from.

    \b
      reconciler ping
    """
    from reconciler.installed import whence
    from reconciler.render.account import ping_lines
    from reconciler.render.text import line

    session = CommandSession.of(options)
    result = session.project_if_any().ping()
    print_result(session.console, options.format, result, lambda: [*ping_lines(result), line(f"asked by {whence()}")])
    for each in result.services:
        if each.error is not None:
            session.console.error(each.error.message, each.error.hint)
        elif each.token_url is not None:
            told = "the present URL for tokens gives none, and another one does"
            session.console.warn(f"{told}: set CHARTBOOST_AUTH_URL={each.token_url}")
    return 0 if result.is_good else 1
