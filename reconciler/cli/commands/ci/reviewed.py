"""`reconciler ci reviewed`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.forge import applied_branch, place_of, pushed_commit
from reconciler.cli.groups import comment_key_option
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import UsageError
from reconciler.forge.comments import last_line, named_mark
from reconciler.given import read_text, write_given
from reconciler.plan.plan import Origin
from reconciler.plan.reviewed import ANYTHING, left_in, marks_of
from reconciler.report.count import counted

if TYPE_CHECKING:
    from reconciler.forge.review import ReviewedPlans


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
    from reconciler.forge.connect import reviews  # noqa: PLC0415 - httpx costs 0.15 s, and --help needs none
    from reconciler.forge.review import find_reviewed, set_applied  # noqa: PLC0415

    session = CommandSession.of(options)
    _check(out, result, numbers, applied=applied)
    left = frozenset[bytes]() if result is None else _left(session, result)
    if left is None:
        session.console.talk("nothing was applied: what was reviewed stays so")
        return 0
    mark = named_mark(name) if name is not None else _plan_mark(session, options.comment_key)
    place = place_of(session.environment)
    with reviews(place, branch or applied_branch(session.environment), session.clock) as (history, thread_of):
        if out is None:
            set_applied(thread_of, mark, numbers, left)
            return 0
        found = find_reviewed(history, thread_of, mark, _head(session))
        behind = history.requests(pushed_commit(session.environment) or _head(session))
    direct = direct_push == "apply" and not behind
    write_given(out, f"{ANYTHING if direct else marks_of(found.known)}\n", session.root_if_any())
    first_those_behind = sorted(found.requests, key=lambda number: number not in behind)
    _tell(session, replace(found, requests=tuple(first_those_behind)), direct=direct)
    return 0


def _check(out: Path | None, result: Path | None, numbers: tuple[int, ...], *, applied: bool) -> None:
    """Raise `UsageError` where these options do not go together."""
    hint = "`reconciler ci reviewed --help`"
    if applied == (out is not None) or applied != bool(numbers):
        raise UsageError("either --out FILE, or --applied with --number N", hint=hint)
    if result is not None and not applied:
        raise UsageError("--result goes with --applied", hint=hint)


def _left(session: CommandSession, result: Path) -> frozenset[bytes] | None:
    """What an apply has left, by its report; None where it has done nothing."""
    text = read_text(result, session.root_if_any())
    return left_in(last_line(text))


def _plan_mark(session: CommandSession, key: str) -> str:
    from reconciler.report.markdown.marker import marker  # noqa: PLC0415 - not needed with a name

    workspace = session.workspace()
    publisher = workspace.settings().publisher_id
    return marker("plan", Origin("", "", publisher, workspace.api(), ""), key)


def _head(session: CommandSession) -> str:
    """The commit that is checked out, and will be applied. Raises `ProjectError` without git."""
    from reconciler.forge.git import Git  # noqa: PLC0415 - as above

    return Git(session.root_if_any() or Path.cwd(), session.environment.variables).does("rev-parse", "HEAD")


def _tell(session: CommandSession, found: "ReviewedPlans", *, direct: bool) -> None:
    for number in found.requests:
        session.console.raw(str(number))
    told = counted(len(found.requests), "request")
    talk = session.console.talk
    if direct:
        talk("no request stands behind this push: it is applied as it is (--direct-push apply)")
    elif not found.requests:
        talk("nothing was reviewed: no request is merged and not applied yet. What is pushed directly is not applied")
    else:
        talk(f"reviewed: the plans of {told} ({', '.join(f'#{number}' for number in found.requests)})")
    for number in found.without_plan:
        talk(f"#{number} has no plan that this account has commented: nothing of it was reviewed")
