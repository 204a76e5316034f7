"""`reconciler ci ledger`."""

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import click

from reconciler import disk
from reconciler.cli.forge import ForgeOptions, place_of, push_target
from reconciler.cli.groups import forge_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import UsageError
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
    way, asked = by or _setting(session), ForgeOptions(forge, repository, request)
    if take:
        return _take(session, way, asked)
    root = session.workspace().root
    if not disk.check(root, LEDGER).is_file():
        session.console.talk("no ledger is there: nothing to commit")
        return 0
    _check_account(session, disk.read(root, LEDGER))
    session.console.talk(_keep(session, way, asked, branch))
    return 0


def _check_account(session: CommandSession, data: bytes) -> None:
    """Raise `WrongAccount` for another account's ledger, and `StoreError` where the line that says it is damaged."""
    from reconciler.store.ledger_file import account_in, checked_account  # noqa: PLC0415 - as below

    found = account_in(LEDGER, data)
    if found is not None:
        workspace = session.workspace()
        checked_account(LEDGER, found, workspace.account(workspace.settings().publisher_id))


def _setting(session: CommandSession) -> Way:
    found = session.environment.variables.get("RECONCILER_LEDGER") or "push"
    match found:
        case "push" | "request" | "signed":
            return found
        case _:
            raise UsageError("RECONCILER_LEDGER is none of push, request and signed")


def _keep(session: CommandSession, way: Way, asked: ForgeOptions, branch: str | None) -> str:
    """Commit in the way that is wanted; what was done."""
    from reconciler.forge.connect import branches  # noqa: PLC0415 - httpx costs 0.15 s, and --help needs none
    from reconciler.forge.git import Git  # noqa: PLC0415
    from reconciler.forge.ledger_commit import commit_ledger, request_ledger, sign_ledger  # noqa: PLC0415

    environment = session.environment
    target, variables = push_target(environment, branch)
    git = Git(session.workspace().root, variables)
    message = _message(environment.who().get("commit", ""), asked.request)
    same = "the ledger is as it was: nothing to commit"
    if way == "push":
        commit = commit_ledger(git, LEDGER, f"{message} [skip ci]", target, session.clock)
        return same if commit is None else f"ledger: {commit} on {target.branch}"
    with branches(place_of(environment, asked, pushes=True), session.clock) as known:
        if way == "signed":
            commit = sign_ledger(git, LEDGER, f"{message} [skip ci]", target, known, session.clock)
            return same if commit is None else f"ledger: {commit} on {target.branch}"
        own = _branch_of(git.does("rev-parse", "--show-prefix"))
        commit = request_ledger(git, LEDGER, message, target, own)
        if commit is None:
            return same
        return f"ledger: {commit} on {own}, to be merged: {_asked(known, own, target.branch, message)}"


def _asked(known: "Branches", own: str, into: str, message: str) -> str:
    """The URL of the open request that brings the ledger's branch into another; a new one where none is."""
    there = (request.url for request in known.open_requests(own) if request.into == into)
    return next(there, None) or known.ask(own, into, message, _WHY)


def _take(session: CommandSession, way: Way, asked: ForgeOptions) -> int:
    """Put the ledger that waits to be merged into the checkout; the other ways leave none waiting."""
    from reconciler.forge.connect import branches  # noqa: PLC0415 - as above
    from reconciler.forge.git import Git  # noqa: PLC0415
    from reconciler.forge.ledger_commit import note_taken, waiting_ledger  # noqa: PLC0415

    if way != "request":
        return 0
    root = session.workspace().root
    git = Git(root, session.environment.variables)
    prefix = git.does("rev-parse", "--show-prefix")
    own = _branch_of(prefix)
    with branches(place_of(session.environment, asked), session.clock) as known:
        data = waiting_ledger(known, own, f"{prefix}{LEDGER}")
    if data is not None:
        _check_account(session, data)
        disk.write(root, LEDGER, data)
    note_taken(git, LEDGER if data is not None else None)
    told = "no ledger waits to be merged" if data is None else f"the ledger is that of {own}, which is not merged yet"
    session.console.talk(told)
    return 0


def _branch_of(prefix: str) -> str:
    """One for each project of a repository: `reconciler/ledger`, with the project's folder behind it if it has one."""
    slug = _SIGNS.sub("-", prefix).strip("-")
    return f"{BRANCH}-{slug}" if slug else BRANCH


def _message(commit: str, request: int | None) -> str:
    after = f"#{request}" if request is not None else commit[:12]
    return f"Ledger after {after}" if after else "Ledger after an apply"


_WHY: Final = (
    "What the last apply has left: ids of what it created, and the values that were last applied. Merge it; the next "
    "apply takes it from this branch until then. Later applies update this request. Merging it starts no apply."
)
