"""`reconciler schema`."""

from pathlib import Path

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.manifest.schema import schema_text, schemas
from reconciler.project import write_given
from reconciler.report.schemas.published import document_schemas


@click.command("schema")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write them into this folder instead.")
@shared_options(formats=("json",))
def command(options: Options, *, out: Path | None) -> int:
    """Print the JSON Schemas (draft-07) of reconciler.yaml, of manifests and of JSON documents, by file name.

    \b
      reconciler schema
      reconciler schema --out schemas
    """
    session = Session.of(options)
    found = {**schemas(), **document_schemas()}
    if out is None:
        session.console.document(found)
        return 0
    root = session.root_if_any()
    for name, schema in found.items():
        write_given(out / name, schema_text(schema), root)
        session.console.talk(f"wrote {out / name}")
    return 0
