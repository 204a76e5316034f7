"""`reconciler render`."""

import click

from reconciler.adopt.expanded import expanded_blocks, plain
from reconciler.cli.completing import addresses
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.manifest.block import VERSION
from reconciler.manifest.write import manifest_text
from reconciler.model.glob import selector


@click.command("render")
@click.argument("globs", metavar="[GLOB]...", nargs=-1, shell_complete=addresses)
@shared_options(formats=("yaml", "json"))
def command(options: Options, *, globs: tuple[str, ...]) -> int:
    """Print the manifests expanded: defaults filled in, country groups and waterfalls written out. Asks no account.

    What is printed is a manifest itself, and declares the same. An app that matches comes with all its placements.

    \b
      reconciler render
      reconciler render 'android:com.cash_crash.54/level_end_*'
      reconciler render --format json
    """
    session = Session.of(options)
    project = session.project()
    desired = session.desired(project, remember=False)
    blocks = expanded_blocks(desired, session.settings(project), selector(globs))
    if globs and not blocks:
        raise ProjectError(f"{' '.join(globs)}: no address matches", hint="`reconciler render` without it shows all")
    if options.format == "json":
        session.console.document({"version": VERSION, "apps": plain(blocks)})
    else:
        session.console.raw(manifest_text(blocks).rstrip("\n"))
    return 0
