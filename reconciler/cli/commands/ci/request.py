"""Reports where people read them: `reconciler ci comment` and `reconciler ci issue`."""

from pathlib import Path

import click

from reconciler.cli.forge import ForgeOptions, place_of
from reconciler.cli.groups import forge_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import UsageError
from reconciler.forge.comments import mark_of, marked
from reconciler.forge.repository import Kind
from reconciler.given import read_text

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
    from reconciler.forge.comments import upsert  # noqa: PLC0415
    from reconciler.forge.connect import comments  # noqa: PLC0415 - httpx costs 0.15 s, and --help needs none
    from reconciler.forge.review import is_settled  # noqa: PLC0415

    session = CommandSession.of(options)
    place = place_of(session.environment, ForgeOptions(forge, repository, request))
    if place.request is None:
        raise UsageError("this job is for no pull or merge request", hint="--request N names one")
    body = marked(read_text(file, session.root_if_any()), name)
    with comments(place, place.request, session.clock) as thread:
        if is_settled(thread, body):
            session.console.talk(f"#{place.request} is merged: the plan that was reviewed stays there as it is")
            return 0
        kept = upsert(thread, "", body)
    session.console.talk(f"comment: {kept.done} {kept.url}".rstrip())
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
    from reconciler.forge.comments import close, upsert  # noqa: PLC0415
    from reconciler.forge.connect import open_issues  # noqa: PLC0415 - httpx costs 0.15 s, and --help needs none

    session = CommandSession.of(options)
    place = place_of(session.environment, ForgeOptions(forge, repository, request))
    body = marked(read_text(file, session.root_if_any()), name)
    with open_issues(place, session.clock) as issues:
        kept = close(issues, mark_of(body) or "") if closing else upsert(issues, title, body)
    told = "none is open" if kept is None else f"{kept.done} {kept.url}"
    session.console.talk(f"issue: {told}".rstrip())
    return 0
