"""`reconciler ci floors`."""

import re
from typing import TYPE_CHECKING, Final

import click

from reconciler import disk
from reconciler.cli.forge import ForgeOptions, place_of, push_target
from reconciler.cli.groups import forge_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import ProjectError, UsageError
from reconciler.floors.record import RECORD_NAME
from reconciler.forge.repository import Kind
from reconciler.project import STATE_FOLDER, find_manifests

if TYPE_CHECKING:
    from reconciler.forge.git import Git

REPORTS: Final = "reconciler/reports"
FLOORS: Final = "reconciler/floors"
TITLE: Final = "Floors that the reports speak for"
_FOLDER: Final = f"{STATE_FOLDER}/reports"
_SIGNS: Final = re.compile(r"[^A-Za-z0-9]+")


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
        return _take(session, branch)
    return _keep(session, branch) if keep else _ask(session, branch, ForgeOptions(forge, repository, request))


def _take(session: CommandSession, branch: str | None) -> int:
    from reconciler.forge.floors_commit import take_reports  # noqa: PLC0415 - httpx costs 0.15 s
    from reconciler.forge.git import Git  # noqa: PLC0415

    root = session.workspace().root
    target, variables = push_target(session.environment, branch)
    git = Git(root, variables)
    own = _own(REPORTS, git)
    disk.make_folder(root, _FOLDER)
    there = take_reports(git, _FOLDER, target, own)
    session.console.talk(f"reports: those of {own}" if there else f"reports: no branch {own} yet")
    return 0


def _keep(session: CommandSession, branch: str | None) -> int:
    from reconciler.forge.floors_commit import keep_reports  # noqa: PLC0415 - as above
    from reconciler.forge.git import Git  # noqa: PLC0415

    root = session.workspace().root
    folder = disk.check_folder(root, _FOLDER)
    names = sorted(f"{_FOLDER}/{path.name}" for path in folder.glob("source=*") if any(path.rglob("*.parquet")))
    if not names:
        session.console.talk("reports: none are there, nothing to keep")
        return 0
    target, variables = push_target(session.environment, branch)
    git = Git(root, variables)
    own = _own(REPORTS, git)
    commit = keep_reports(git, names, "Reports that were fetched [skip ci]", target, own)
    session.console.talk(f"reports: {own} is as it was" if commit is None else f"reports: {commit} on {own}")
    return 0


def _ask(session: CommandSession, branch: str | None, asked: ForgeOptions) -> int:
    from reconciler.forge.connect import branches  # noqa: PLC0415
    from reconciler.forge.floors_commit import request_changes  # noqa: PLC0415 - as above
    from reconciler.forge.git import Git  # noqa: PLC0415

    project = session.workspace()
    target, variables = push_target(session.environment, branch)
    git = Git(project.root, variables)
    own = _own(FLOORS, git)
    manifests = find_manifests(project.root, project.settings().manifests).texts
    names = [*(text.file for text in manifests), RECORD_NAME]
    commit = request_changes(git, names, TITLE, target, own)
    if commit is None:
        session.console.talk("no manifest was changed: nothing to ask for")
        return 0
    with branches(place_of(session.environment, asked, pushes=True), session.clock) as known:
        there = (one.url for one in known.open_requests(own) if one.into == target.branch)
        url = next(there, None) or known.ask(own, target.branch, TITLE, _WHY)
    session.console.talk(f"floors: {commit} on {own}, to be merged: {url}")
    number = url.rstrip("/").rpartition("/")[2]
    if not number.isdigit():
        raise ProjectError("the forge's answer names no number of the request", hint="the request is open all the same")
    session.console.raw(number)
    return 0


def _own(base: str, git: "Git") -> str:
    """One for each project of a repository: with the project's folder behind it if it has one."""
    slug = _SIGNS.sub("-", git.does("rev-parse", "--show-prefix")).strip("-")
    return f"{base}-{slug}" if slug else base


_WHY: Final = (
    "Floors that the reports of the last weeks speak for, and in `reconciler.evidence` what speaks for each. The plan "
    "shows what would change; merging applies it. Later runs rewrite this branch, until it is merged or closed."
)
