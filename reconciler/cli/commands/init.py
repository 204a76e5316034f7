"""`reconciler init`."""

from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.manifest.schema import schema_texts
from reconciler.project import SETTINGS_NAME, write_new

PARTS: Final = {
    "reconciler.yaml": SETTINGS_NAME,
    "apps/example.yaml": "apps/example.yaml",
    "gitignore": ".gitignore",
    "workflows/reconcile.yml": ".github/workflows/reconcile.yml",
}
"""Files of the skeleton, and what they are called in a project."""


@click.command("init")
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--publisher-id", default="0", help="Your publisher id, for the settings.")
@shared_options(formats=("text",))
def command(options: Options, *, directory: Path, publisher_id: str) -> int:
    """Start a project: settings, an example manifest, schemas for editors, a CI workflow, .gitignore.

    Files that exist are left as they are; a folder that is a project already is refused.

    \b
      reconciler init
      reconciler init monetization --publisher-id 3432
    """
    session = Session.of(options)
    if not publisher_id.isdigit():
        raise click.UsageError("--publisher-id is a number, as the console shows it")
    if (directory / SETTINGS_NAME).exists():
        raise ProjectError(f"{directory / SETTINGS_NAME} is there already", hint="this folder is a project")
    for name, text in _texts(publisher_id).items():
        written = write_new(directory / name, text)
        session.console.talk(f"{'wrote' if written else 'kept '}  {directory / name}")
    steps = "reconciler validate" if directory == Path() else f"cd {directory} && reconciler validate"
    told = "" if publisher_id != "0" else f"; set publisherId in {SETTINGS_NAME} first"
    session.console.talk(f"next: {steps}{told}")
    return 0


def _texts(publisher_id: str) -> dict[str, str]:
    """The files of a new project, by their path in it."""
    skeleton = files("reconciler.cli").joinpath("skeleton")
    texts = {target: skeleton.joinpath(part).read_text(encoding="utf-8") for part, target in PARTS.items()}
    texts[SETTINGS_NAME] = texts[SETTINGS_NAME].replace("{publisher_id}", publisher_id)
    return {**texts, **{f"schemas/{name}": text for name, text in schema_texts().items()}}
