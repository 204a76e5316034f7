"""`ci comment`, `ci issue` and `ci reviewed`: reports on requests and issues, and which plans were reviewed there."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.forge import ForgeOptions, applied_branch, job_repository, pushed_commit
from reconciler.cli.groups import comment_key_option, forge_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import UsageError
from reconciler.files.project import read_text, write_given
from reconciler.forge.repository import Kind, last_line, mark_of, named_mark, with_mark
from reconciler.plan.plan import ANYTHING, PlanOrigin, left_in, marks_of
from reconciler.render.text import counted

# ruff: noqa: PLC0415 - each command imports what it takes


TITLE = "The ad account has drifted"


@click.command("comment")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@forge_options()
@click.option("--as", "name", metavar="NAME", help="Found again by this name, not by the report's own marker.")
@shared_options(formats=("text",))
def comment(
    options: Options, *, file: Path, forge: Kind | None, repository: str | None, request: int | None, name: str | None
) -> int:
    """Write a report in Markdown under a pull or merge request, or rewrite the one that is there.

    It is found again by the marker in its first line, among the comments that the token's own account wrote. A plan is
    not written under a request that is merged: what is there was reviewed, and a later plan was not. The token
    is in a variable of the environment: GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN, BITBUCKET_TOKEN or SYSTEM_ACCESSTOKEN.

    \b
      reconciler plan --format markdown >plan.md
      reconciler ci comment plan.md
      reconciler ci comment plan.md --forge bitbucket --repository studio/ads --request 12
    """
    from reconciler.forge.connect import comments
    from reconciler.forge.repository import is_settled, upsert

    session = CommandSession.of(options)
    place = job_repository(session.environment, ForgeOptions(forge, repository, request))
    if place.request is None:
        raise UsageError("this job is for no pull or merge request", hint="--request N names one")
    body = with_mark(read_text(file, session.root_if_any()), name)
    with comments(place, place.request, session.clock) as thread:
        if is_settled(thread, body):
            session.console.talk(f"#{place.request} is merged: the plan that was reviewed stays there as it is")
            return 0
        upserted = upsert(thread, "", body)
    session.console.talk(f"comment: {upserted.done} {upserted.url}".rstrip())
    return 0


@click.command("issue")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--title", default=TITLE, show_default=True, help="Of an issue that is opened.")
@click.option("--as", "name", metavar="NAME", help="Found again by this name, not by the report's own marker.")
@click.option("--close", "closing", is_flag=True, help="Close the issue that has the report's marker, if one is open.")
@forge_options()
@shared_options(formats=("text",))
def issue(
    options: Options,
    *,
    file: Path,
    title: str,
    name: str | None,
    closing: bool,
    forge: Kind | None,
    repository: str | None,
    request: int | None,
) -> int:
    """Open an issue with a report in Markdown, rewrite the one that is open, or close it.

    It is found again by the marker in its first line, among the open issues that the token's own account wrote. The
    token is in GITHUB_TOKEN, GITLAB_TOKEN or GITEA_TOKEN. Bitbucket and Azure DevOps have no such issues (64).

    \b
      reconciler drift --format markdown >drift.md
      reconciler ci issue drift.md
      reconciler ci issue --close drift.md
    """
    from reconciler.forge.connect import open_issues
    from reconciler.forge.repository import close, upsert

    session = CommandSession.of(options)
    place = job_repository(session.environment, ForgeOptions(forge, repository, request))
    body = with_mark(read_text(file, session.root_if_any()), name)
    with open_issues(place, session.clock) as issues:
        upserted = close(issues, mark_of(body) or "") if closing else upsert(issues, title, body)
    message = "none is open" if upserted is None else f"{upserted.done} {upserted.url}"
    session.console.talk(f"issue: {message}".rstrip())
    return 0


if TYPE_CHECKING:
    from reconciler.forge.repository import ReviewedPlans


@click.command("reviewed")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it, for `apply --reviewed FILE`."
)
@click.option("--as", "name", metavar="NAME", help="Plans were commented with this `ci comment --as NAME`.")
@comment_key_option()
@click.option("--branch", metavar="NAME", help="The branch that is applied. [default: the job's]")
@click.option(
    "--direct-push",
    type=click.Choice(["refuse", "apply"]),
    default="refuse",
    show_default=True,
    help="Whether a push with no pull or merge request behind it may be applied, which nobody has reviewed.",
)
@click.option("--applied", is_flag=True, help="Say under the requests of --number that their plans are applied.")
@click.option(
    "--result",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --applied: the report of `apply --reviewed` in Markdown. What it has not done stays reviewed.",
)
@click.option("--number", "numbers", type=click.IntRange(1), multiple=True, help="With --applied: which requests.")
@shared_options(formats=("text",))
def reviewed(
    options: Options,
    *,
    out: Path | None,
    name: str | None,
    branch: str | None,
    direct_push: str,
    applied: bool,
    result: Path | None,
    numbers: tuple[int, ...],
) -> int:
    """Find what was reviewed of a branch that is to be applied, and print the numbers of the requests behind it.

    These are the requests that were merged and not applied yet, first those behind the push itself. What was reviewed
    is what `ci comment` wrote of their plans under them, with the same account: comments of others do not count. After
    an apply, `--applied` says so there, and they count no more: all of them, or with `--result` what was done of them.

    \b
      reconciler ci reviewed --out reviewed.txt
      reconciler apply --yes --reviewed reviewed.txt --format markdown >result.md
      reconciler ci reviewed --applied --result result.md --number 12
    """
    from reconciler.forge.connect import reviews
    from reconciler.forge.repository import find_reviewed, set_applied

    session = CommandSession.of(options)
    _check_options(out, result, numbers, applied=applied)
    left = frozenset[bytes]() if result is None else _remaining_marks(session, result)
    if left is None:
        session.console.talk("nothing was applied: what was reviewed stays so")
        return 0
    mark = named_mark(name) if name is not None else _plan_mark(session, options.comment_key)
    place = job_repository(session.environment)
    with reviews(place, branch or applied_branch(session.environment), session.clock) as (history, thread_of):
        if out is None:
            set_applied(thread_of, mark, numbers, left)
            return 0
        plans = find_reviewed(history, thread_of, mark, _head_commit(session))
        behind = history.requests(pushed_commit(session.environment) or _head_commit(session))
    direct = direct_push == "apply" and not behind
    write_given(out, f"{ANYTHING if direct else marks_of(plans.known)}\n", session.root_if_any())
    first_those_behind = sorted(plans.requests, key=lambda number: number not in behind)
    _report_reviewed(session, replace(plans, requests=tuple(first_those_behind)), direct=direct)
    return 0


def _check_options(out: Path | None, result: Path | None, numbers: tuple[int, ...], *, applied: bool) -> None:
    """Raise `UsageError` where these options do not go together."""
    hint = "`reconciler ci reviewed --help`"
    if applied == (out is not None) or applied != bool(numbers):
        raise UsageError("either --out FILE, or --applied with --number N", hint=hint)
    if result is not None and not applied:
        raise UsageError("--result goes with --applied", hint=hint)


def _remaining_marks(session: CommandSession, result: Path) -> frozenset[bytes] | None:
    """What an apply has left, by its report; None where it has done nothing."""
    text = read_text(result, session.root_if_any())
    return left_in(last_line(text))


def _plan_mark(session: CommandSession, key: str) -> str:
    from reconciler.render.markdown import marker

    workspace = session.workspace()
    publisher = workspace.settings().publisher_id
    return marker("plan", PlanOrigin("", "", publisher, workspace.api(), ""), key)


def _head_commit(session: CommandSession) -> str:
    """The commit that is checked out, and will be applied. Raises `ProjectError` without git."""
    from reconciler.forge.commits import Git

    return Git(session.root_if_any() or Path.cwd(), session.environment.variables).run("rev-parse", "HEAD")


def _report_reviewed(session: CommandSession, plans: "ReviewedPlans", *, direct: bool) -> None:
    for number in plans.requests:
        session.console.raw(str(number))
    message = counted(len(plans.requests), "request")
    talk = session.console.talk
    if direct:
        talk("no request stands behind this push: it is applied as it is (--direct-push apply)")
    elif not plans.requests:
        talk("nothing was reviewed: no request is merged and not applied yet. What is pushed directly is not applied")
    else:
        talk(f"reviewed: the plans of {message} ({', '.join(f'#{number}' for number in plans.requests)})")
    for number in plans.without_plan:
        talk(f"#{number} has no plan that this account has commented: nothing of it was reviewed")
