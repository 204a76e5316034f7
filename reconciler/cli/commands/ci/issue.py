"""`reconciler ci issue`."""

from pathlib import Path

import click

from reconciler.cli.forge import Asked, place_of
from reconciler.cli.offered import forge_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.forge.comments import mark_of, marked
from reconciler.forge.repository import Kind
from reconciler.given import read_text

TITLE = "The ad account has drifted"


@click.command("issue")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--title", default=TITLE, show_default=True, help="Of an issue that is opened.")
@click.option("--as", "name", metavar="NAME", help="Found again by this name, not by the report's own marker.")
@click.option("--close", "closing", is_flag=True, help="Close the issue that has the report's marker, if one is open.")
@forge_options()
@shared_options(formats=("text",))
def command(
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

    session = Session.of(options)
    place = place_of(session.environment, Asked(forge, repository, request))
    body = marked(read_text(file, session.root_if_any()), name)
    with open_issues(place, session.clock) as issues:
        kept = close(issues, mark_of(body) or "") if closing else upsert(issues, title, body)
    told = "none is open" if kept is None else f"{kept.done} {kept.url}"
    session.console.talk(f"issue: {told}".rstrip())
    return 0
