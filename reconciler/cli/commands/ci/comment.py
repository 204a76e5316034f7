"""`reconciler ci comment`."""

from pathlib import Path

import click

from reconciler.cli.forge import place_of
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.errors import UsageError
from reconciler.forge.mark import marked
from reconciler.project import read_given


@click.command("comment")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--number", type=click.IntRange(1), help="Which pull or merge request. [default: the job's]")
@click.option("--as", "name", metavar="NAME", help="Found again by this name, not by the report's own marker.")
@shared_options(formats=("text",))
def command(options: Options, *, file: Path, number: int | None, name: str | None) -> int:
    """Write a report in Markdown under a pull or merge request, or rewrite the one that is there.

    It is found again by the marker in its first line, among the comments that the token's own account wrote. The token
    is GITHUB_TOKEN in GitHub Actions, GITLAB_TOKEN in GitLab CI.

    \b
      reconciler plan --format markdown >plan.md
      reconciler ci comment plan.md
    """
    from reconciler.forge.keep import keep  # noqa: PLC0415
    from reconciler.forge.walls import comments  # noqa: PLC0415 - httpx costs 0.15 s, and --help needs none

    session = Session.of(options)
    place = place_of(session.environment)
    request = number or place.request
    if request is None:
        raise UsageError("this job is for no pull or merge request", hint="--number N names one")
    body = marked(read_given(file, session.root_if_any()).decode("utf-8", errors="replace"), name)
    with comments(place, request, session.clock) as wall:
        kept = keep(wall, "", body)
    session.console.talk(f"comment: {kept.done} {kept.url}".rstrip())
    return 0
