"""`ci ledger` and `ci floors`: commit and push the ledger, changed floors and fetched reports from a CI job."""

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import click

from reconciler.cli.forge import ForgeOptions, job_repository, push_target
from reconciler.cli.groups import forge_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import ProjectError, UsageError
from reconciler.files import disk
from reconciler.files.project import STATE_FOLDER, find_manifests
from reconciler.floors.current_floors import RECORD_NAME
from reconciler.forge.repository import Kind

if TYPE_CHECKING:
    from reconciler.forge.repository import Branches

LEDGER: Final = "reconciler.lock"
BRANCH: Final = "reconciler/ledger"
_SIGNS: Final = re.compile(r"[^A-Za-z0-9]+")
WAYS: Final = ("push", "request", "signed")

Way: TypeAlias = Literal["push", "request", "signed"]


@click.command("ledger")
@click.option("--branch", metavar="NAME", help="The branch that it belongs to. [default: the job's branch]")
@click.option(
    "--by",
    type=click.Choice(WAYS),
    help="A push to the branch, a request of its own, or a call of the API, whose commit the forge signs. "
    "[default: RECONCILER_LEDGER, else push]",
)
# ruff: noqa: PLC0415 - each command imports what it takes
@click.option("--take", is_flag=True, help="Before a plan or apply: the ledger of a request that is not merged yet.")
@forge_options()
@shared_options(formats=("text",))
def ledger(
    options: Options,
    *,
    branch: str | None,
    by: Way | None,
    take: bool,
    forge: Kind | None,
    repository: str | None,
    request: int | None,
) -> int:
    """Commit the ledger and push it, after an apply that changed it.

    Other pushes in between are waited for and built upon. Where RECONCILER_STORE is set the ledger is in the database,
    and there is nothing to commit. The commit says `[skip ci]`, but for a request's.

    A branch that is protected takes no push. `--by request` puts the ledger onto the branch reconciler/ledger and opens
    a pull or merge request, or updates the one that is open; until it is merged, `--take` brings that ledger into the
    checkout before the next plan. `--by signed` is for branches that want signed commits, at GitHub and GitLab.

    \b
      reconciler apply --yes
      reconciler ci ledger
      reconciler ci ledger --by request
    """
    session = CommandSession.of(options)
    if session.environment.has("RECONCILER_STORE"):
        session.console.talk("the ledger is in the database: nothing to commit")
        return 0
    way, target = by or _ledger_setting(session), ForgeOptions(forge, repository, request)
    if take:
        return _take_ledger(session, way, target)
    root = session.workspace().root
    if not disk.check(root, LEDGER).is_file():
        session.console.talk("no ledger is there: nothing to commit")
        return 0
    _check_account(session, disk.read(root, LEDGER))
    session.console.talk(_commit_ledger(session, way, target, branch))
    return 0


def _check_account(session: CommandSession, data: bytes) -> None:
    """Raise `WrongAccount` for another account's ledger, and `StoreError` where the line that says it is damaged."""
    from reconciler.store.ledger_file import account_in, check_account

    account = account_in(LEDGER, data)
    if account is not None:
        workspace = session.workspace()
        check_account(LEDGER, account, workspace.account(workspace.settings().publisher_id))


def _ledger_setting(session: CommandSession) -> Way:
    value = session.environment.variables.get("RECONCILER_LEDGER") or "push"
    match value:
        case "push" | "request" | "signed":
            return value
        case _:
            raise UsageError("RECONCILER_LEDGER is none of push, request and signed")


def _commit_ledger(session: CommandSession, way: Way, forge: ForgeOptions, branch: str | None) -> str:
    """Commit in the way that is wanted; what was done."""
    from reconciler.forge.commits import Git, commit_ledger, request_ledger, sign_ledger
    from reconciler.forge.connect import branches

    environment = session.environment
    target, variables = push_target(environment, branch)
    git = Git(session.workspace().root, variables)
    message = _commit_message(environment.who().get("commit", ""), forge.request)
    same = "the ledger is as it was: nothing to commit"
    if way == "push":
        commit = commit_ledger(git, LEDGER, f"{message} [skip ci]", target, session.clock)
        return same if commit is None else f"ledger: {commit} on {target.branch}"
    with branches(job_repository(environment, forge, pushes=True), session.clock) as api:
        if way == "signed":
            commit = sign_ledger(git, LEDGER, f"{message} [skip ci]", target, api, session.clock)
            return same if commit is None else f"ledger: {commit} on {target.branch}"
        branch_name = _project_branch(BRANCH, git.run("rev-parse", "--show-prefix"))
        commit = request_ledger(git, LEDGER, message, target, branch_name)
        if commit is None:
            return same
        return (
            f"ledger: {commit} on {branch_name}, to be merged: {_request_url(api, branch_name, target.branch, message)}"
        )


def _request_url(api: "Branches", branch_name: str, into: str, message: str) -> str:
    """The URL of the open request that brings the ledger's branch into another; a new one where none is."""
    there = (request.url for request in api.open_requests(branch_name) if request.into == into)
    return next(there, None) or api.ask(branch_name, into, message, _WHY)


def _take_ledger(session: CommandSession, way: Way, forge: ForgeOptions) -> int:
    """Write the ledger of an open request into the checkout; only `request` has such a ledger."""
    from reconciler.forge.commits import Git, record_taken, unmerged_ledger
    from reconciler.forge.connect import branches

    if way != "request":
        return 0
    root = session.workspace().root
    git = Git(root, session.environment.variables)
    prefix = git.run("rev-parse", "--show-prefix")
    branch_name = _project_branch(BRANCH, prefix)
    with branches(job_repository(session.environment, forge), session.clock) as api:
        data = unmerged_ledger(api, branch_name, f"{prefix}{LEDGER}")
    if data is not None:
        _check_account(session, data)
        disk.write(root, LEDGER, data)
    record_taken(git, LEDGER if data is not None else None)
    message = (
        "no ledger waits to be merged"
        if data is None
        else f"the ledger is that of {branch_name}, which is not merged yet"
    )
    session.console.talk(message)
    return 0


def _project_branch(base: str, prefix: str) -> str:
    """The branch of this project: `base`, and behind it the project's folder in the repository (git's prefix)."""
    slug = _SIGNS.sub("-", prefix).strip("-")
    return f"{base}-{slug}" if slug else base


def _commit_message(commit: str, request: int | None) -> str:
    after = f"#{request}" if request is not None else commit[:12]
    return f"Ledger after {after}" if after else "Ledger after an apply"


_WHY: Final = (
    "What the last apply has left: ids of what it created, and the values that were last applied. Merge it; the next "
    "apply takes it from this branch until then. Later applies update this request. Merging it starts no apply."
)


REPORTS: Final = "reconciler/reports"
FLOORS: Final = "reconciler/floors"
TITLE: Final = "Floors that the reports speak for"
_FOLDER: Final = f"{STATE_FOLDER}/reports"


@click.command("floors")
@click.option("--branch", metavar="NAME", help="The branch that is applied. [default: the job's branch]")
@click.option("--take", is_flag=True, help="Before a fetch: the reports of earlier jobs.")
@click.option("--keep", is_flag=True, help="After a fetch: keep the reports for later jobs.")
@forge_options()
@shared_options(formats=("text",))
def floors(
    options: Options,
    *,
    branch: str | None,
    take: bool,
    keep: bool,
    forge: Kind | None,
    repository: str | None,
    request: int | None,
) -> int:
    """Ask for the merge of floors that `floors write` has changed, or carry reports from job to job.

    DT keeps ten days of reports, so a job fetches daily. --keep puts them onto the branch reconciler/reports, which is
    one commit without a history; --take brings them into the checkout. Whoever may read the repository can read them.

    Without these, changed manifests and reconciler.evidence go onto the branch reconciler/floors, upon the branch that
    is applied, and a pull or merge request is opened, or the open one updated. Its number is printed.

    \b
      reconciler ci floors --take && reconciler floors fetch && reconciler ci floors --keep
      reconciler floors write && reconciler ci floors
    """
    if take and keep:
        raise UsageError("--take comes before a fetch and --keep after it", hint="call it twice")
    session = CommandSession.of(options)
    if take:
        return _take_floors(session, branch)
    return (
        _keep_floors(session, branch)
        if keep
        else _request_floors(session, branch, ForgeOptions(forge, repository, request))
    )


def _take_floors(session: CommandSession, branch: str | None) -> int:
    from reconciler.forge.commits import Git, fetch_reports

    root = session.workspace().root
    target, variables = push_target(session.environment, branch)
    git = Git(root, variables)
    branch_name = _project_branch(REPORTS, git.run("rev-parse", "--show-prefix"))
    disk.make_folder(root, _FOLDER)
    there = fetch_reports(git, _FOLDER, target, branch_name)
    session.console.talk(f"reports: those of {branch_name}" if there else f"reports: no branch {branch_name} yet")
    return 0


def _keep_floors(session: CommandSession, branch: str | None) -> int:
    from reconciler.forge.commits import Git, push_reports

    root = session.workspace().root
    folder = disk.check_folder(root, _FOLDER)
    names = sorted(f"{_FOLDER}/{path.name}" for path in folder.glob("source=*") if any(path.rglob("*.parquet")))
    if not names:
        session.console.talk("reports: none are there, nothing to keep")
        return 0
    target, variables = push_target(session.environment, branch)
    git = Git(root, variables)
    branch_name = _project_branch(REPORTS, git.run("rev-parse", "--show-prefix"))
    commit = push_reports(git, names, "Reports that were fetched [skip ci]", target, branch_name)
    session.console.talk(
        f"reports: {branch_name} is as it was" if commit is None else f"reports: {commit} on {branch_name}"
    )
    return 0


def _request_floors(session: CommandSession, branch: str | None, forge: ForgeOptions) -> int:
    from reconciler.forge.commits import Git, request_changes
    from reconciler.forge.connect import branches

    project = session.workspace()
    target, variables = push_target(session.environment, branch)
    git = Git(project.root, variables)
    branch_name = _project_branch(FLOORS, git.run("rev-parse", "--show-prefix"))
    manifests = find_manifests(project.root, project.settings().manifests).texts
    names = [*(text.file for text in manifests), RECORD_NAME]
    commit = request_changes(git, names, TITLE, target, branch_name)
    if commit is None:
        session.console.talk("no manifest was changed: nothing to ask for")
        return 0
    with branches(job_repository(session.environment, forge, pushes=True), session.clock) as api:
        there = (one.url for one in api.open_requests(branch_name) if one.into == target.branch)
        url = next(there, None) or api.ask(branch_name, target.branch, TITLE, _WHY_FLOORS)
    session.console.talk(f"floors: {commit} on {branch_name}, to be merged: {url}")
    number = url.rstrip("/").rpartition("/")[2]
    if not number.isdigit():
        raise ProjectError("the forge's answer names no number of the request", hint="the request is open all the same")
    session.console.raw(number)
    return 0


_WHY_FLOORS: Final = (
    "Floors that the reports of the last weeks speak for, and in `reconciler.evidence` what speaks for each. The plan "
    "shows what would change; merging applies it. Later runs rewrite this branch, until it is merged or closed."
)
