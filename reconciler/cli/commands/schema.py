"""`reconciler schema`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.given import write_given
from reconciler.manifest.load import load_settings
from reconciler.manifest.schema import schema_text, schemas
from reconciler.manifest.schema_rules import Known, Schema, known_of
from reconciler.model.document import Document
from reconciler.model.document_schema import published
from reconciler.plan.document import PlanDocument
from reconciler.report.adoption import PullDocument
from reconciler.report.audit.document import DriftDocument
from reconciler.report.document import FindingsDocument, FmtDocument, ResultDocument
from reconciler.report.floors.document import BacktestDocument, FloorsDocument, WrittenDocument
from reconciler.report.history import HistoryDocument
from reconciler.report.inventory import ListDocument, PingDocument
from reconciler.report.rehearsal import RehearsalDocument
from reconciler.report.reports_document import FetchDocument, ImportDocument

DOCUMENTS: Final[tuple[type[Document], ...]] = (
    BacktestDocument,
    DriftDocument,
    FetchDocument,
    FindingsDocument,
    FloorsDocument,
    FmtDocument,
    HistoryDocument,
    ImportDocument,
    ListDocument,
    PingDocument,
    PlanDocument,
    PullDocument,
    RehearsalDocument,
    ResultDocument,
    WrittenDocument,
)

FOLDER = "schemas"
"""Where `init` puts the schemas of both formats, and modelines look for them."""


@click.command("schema")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write them into this folder instead.")
@shared_options(formats=("json",), lone_project=True)
def command(options: Options, *, out: Path | None) -> int:
    """Print the JSON Schemas (draft-07) of reconciler.yaml, of manifests and of JSON documents, by file name.

    With --project those of both formats know the project: its country groups and no others, its highest floor, and what
    its defaults declare. They are also written into the project's schemas folder, unless --out names another. A path
    behind --project names the project; without one it is found upwards from here. Run it again after each change of
    reconciler.yaml.

    \b
      reconciler schema
      reconciler schema --out schemas
      reconciler schema --project
    """
    session = Session.of(options)
    known = _known(session) if options.for_project else None
    formats = schemas(known)
    found = {**formats, **published(DOCUMENTS)}
    if known is not None and out is None:
        _write(session, session.root() / FOLDER, formats, session.root())
    if out is None:
        session.console.document(found)
        return 0
    _write(session, out, found, session.root_if_any())
    return 0


def _known(session: Session) -> Known:
    """What the project's settings say. Raises `ProjectError` where they cannot be read."""
    settings, _ = load_settings(session.project().settings)
    if settings is None:
        raise ProjectError("reconciler.yaml cannot be read", hint="reconciler validate tells what is wrong with it")
    return known_of(settings)


def _write(session: Session, folder: Path, texts: Mapping[str, Schema], root: Path | None) -> None:
    for name, schema in texts.items():
        write_given(folder / name, schema_text(schema), root)
        session.console.talk(f"wrote {folder / name}")
