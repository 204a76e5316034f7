"""`reconciler ci ledger`."""

import click

from reconciler import disk
from reconciler.cli.forge import push_target
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session

LEDGER = "reconciler.lock"


@click.command("ledger")
@click.option("--branch", metavar="NAME", help="Where to push. [default: the job's branch]")
@shared_options(formats=("text",))
def command(options: Options, *, branch: str | None) -> int:
    """Commit the ledger and push it, after an apply that changed it.

    Other pushes in between are waited for and built upon. Where RECONCILER_STORE is set the ledger is in the database,
    and there is nothing to commit. The commit says `[skip ci]`.

    \b
      reconciler apply --yes
      reconciler ci ledger
    """
    from reconciler.forge.git import Git  # noqa: PLC0415
    from reconciler.forge.ledger_commit import commit_ledger  # noqa: PLC0415 - httpx costs 0.15 s

    session = Session.of(options)
    environment = session.environment
    project = session.project()
    if environment.has("RECONCILER_STORE"):
        session.console.talk("the ledger is in the database: nothing to commit")
        return 0
    if not disk.check(project.root, LEDGER).is_file():
        session.console.talk("no ledger is there: nothing to commit")
        return 0
    target, variables = push_target(environment, branch)
    git = Git(project.root, variables)
    commit = commit_ledger(git, LEDGER, _message(environment.who().get("commit", "")), target, session.clock)
    told = "the ledger is as it was: nothing to commit" if commit is None else f"ledger: {commit} on {target.branch}"
    session.console.talk(told)
    return 0


def _message(commit: str) -> str:
    return f"Ledger after {commit[:12]} [skip ci]" if commit else "Ledger after an apply [skip ci]"
