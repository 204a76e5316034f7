"""`reconciler init`."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from reconciler.adopt.defaults import with_defaults
from reconciler.cli.options import Options, shared_options
from reconciler.cli.pulling import begun, declared, tell
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.manifest.schema import schema_texts
from reconciler.manifest.text import ManifestText
from reconciler.project import SETTINGS_NAME, Project, write_new
from reconciler.workflow.account import observe_account

EXAMPLE: Final = "apps/example.yaml"
PARTS: Final = {
    "reconciler.yaml": SETTINGS_NAME,
    "apps/example.yaml": EXAMPLE,
    "gitignore": ".gitignore",
    "workflows/reconcile.yml": ".github/workflows/reconcile.yml",
}
"""Files of the skeleton, and what they are called in a project."""


@click.command("init")
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--publisher-id", default="0", help="Your publisher id, for the settings.")
@click.option("--from-live", is_flag=True, help="Begin with what the account holds: init and pull in one.")
@shared_options(formats=("text",), api=True)
def command(options: Options, *, directory: Path, publisher_id: str, from_live: bool) -> int:
    """Start a project: settings, an example manifest, schemas for editors, a CI workflow, .gitignore.

    Files that exist are left as they are; a folder that is a project already is refused.

    \b
      reconciler init
      reconciler init monetization --publisher-id 3432
      reconciler init monetization --publisher-id 3432 --from-live
    """
    session = Session.of(options)
    if not publisher_id.isdigit():
        raise click.UsageError("--publisher-id is a number, as the console shows it")
    if (directory / SETTINGS_NAME).exists():
        raise ProjectError(f"{directory / SETTINGS_NAME} is there already", hint="this folder is a project")
    if from_live:
        return _from_live(session, directory, publisher_id)
    _write(session, directory, _texts(publisher_id))
    steps = "reconciler validate" if directory == Path() else f"cd {directory} && reconciler validate"
    told = "" if publisher_id != "0" else f"; set publisherId in {SETTINGS_NAME} first"
    session.console.talk(f"next: {steps}{told}")
    return 0


def _from_live(session: Session, directory: Path, publisher_id: str) -> int:
    """Read the account before anything is written, then write the project and adopt it."""
    if publisher_id == "0":
        raise click.UsageError("--from-live needs --publisher-id; the console shows it under User Profile")
    texts = {name: text for name, text in _texts(publisher_id).items() if name != EXAMPLE}
    with session.reader(publisher_id) as reader:
        live = observe_account(reader, {}, (), session.options.parallelism)
    settings = with_defaults(ManifestText(SETTINGS_NAME, texts[SETTINGS_NAME].encode()), live)
    _write(session, directory, {**texts, SETTINGS_NAME: settings.data.decode()})
    project = Project(directory.resolve(), settings)
    stands = declared(session, project)
    return tell(session, begun(session, project, stands, live), stands, check=False)


def _write(session: Session, directory: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        written = write_new(directory / name, text)
        session.console.talk(f"{'wrote' if written else 'kept '}  {directory / name}")


def _texts(publisher_id: str) -> dict[str, str]:
    """The files of a new project, by their path in it."""
    skeleton = files("reconciler.cli").joinpath("skeleton")
    texts = {target: skeleton.joinpath(part).read_text(encoding="utf-8") for part, target in PARTS.items()}
    texts[SETTINGS_NAME] = texts[SETTINGS_NAME].replace("{publisher_id}", publisher_id)
    return {**texts, **{f"schemas/{name}": text for name, text in schema_texts().items()}}
