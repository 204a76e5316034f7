"""Commands that ask no account: `validate`, `fmt`, `render`, `schema`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.api.results import ValidationResult
from reconciler.api.workspace import Workspace
from reconciler.cli.options import Options, addresses, shared_options
from reconciler.cli.session import FINDINGS_FORMATS, CommandSession, print_findings
from reconciler.errors import EditError, InvalidManifests, ProjectError, UnfitFile
from reconciler.files.project import manifests_at, read_manifests, write_manifests
from reconciler.model.diagnostic import Finding
from reconciler.render.text import counted
from reconciler.yaml.scalar import ManifestText

if TYPE_CHECKING:
    from reconciler.manifest.schema import SchemaContext

UNFORMATTED: Final = 1
SCHEMAS_FOLDER: Final = "schemas"
"""Where `init` puts the schemas of both formats, and modelines look for them."""

# What each command takes is imported when it is called: `validate` must not wait for what edits or renders.
# ruff: noqa: PLC0415


@click.command("validate")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@shared_options(formats=FINDINGS_FORMATS)
def validate(options: Options, *, strict: bool) -> int:
    """Check everything that can be known without the network, and show all findings at once.

    Each finding names its place: file:line:column: address: what [code] (hint). Errors exit 1; warnings are shown and
    exit 0, or 1 with --strict.

    \b
      reconciler validate
      reconciler validate --strict --format github
    """
    session = CommandSession.of(options)
    result = _validation(session)
    errors, warnings = len(result.errors), len(result.warnings)
    summary = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    if result.desired is not None:
        apps = result.desired.apps
        placements = sum(len(app.placements or ()) for app in apps)
        summary = f"{counted(len(apps), 'app')}, {counted(placements, 'placement')}: {summary}"
    print_findings(session.console, options, result.findings, summary, session.folder, strict=strict)
    session.console.talk(summary)
    return 1 if errors or (strict and warnings) else 0


def _validation(session: CommandSession) -> ValidationResult:
    """The findings; settings that are no file of the project are one, too."""
    try:
        return session.project().validate()
    except UnfitFile as error:
        return ValidationResult((error.finding,), None)


@click.command("fmt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Name the files that would change, write nothing; exit 1 if there are any.")
@shared_options()
def fmt(options: Options, *, paths: tuple[Path, ...], check: bool) -> int:
    """Put manifests in their usual order and spacing; comments stay with what they stand at.

    All manifests of the project, or those at PATHS. A file that cannot be read, or not be put in order and surely say
    the same, stays as it is and exits 1.

    \b
      reconciler fmt
      reconciler fmt --check apps/cashcrash.yaml
    """
    from reconciler.render.result import FmtDocument
    from reconciler.render.text import line

    session = CommandSession.of(options)
    workspace = session.workspace()
    texts = _texts(workspace, paths)
    changed, findings = _format_texts(texts)
    files = [text.file for text in changed]
    if not check:
        write_manifests(workspace.root, texts, changed)
        session.console.require_answer()
    if options.format == "json":
        session.console.document(FmtDocument.write(files, written=not check))
    else:
        session.console.answer(line(file) for file in files)
    if findings:
        raise InvalidManifests(findings)
    return UNFORMATTED if check and files else 0


def _texts(workspace: Workspace, paths: Sequence[Path]) -> Sequence[ManifestText]:
    """The manifests at these paths; all of the project without any."""
    if paths:
        return manifests_at(workspace.root, paths)
    return read_manifests(workspace.root, workspace.settings().manifests)


def _format_texts(texts: Sequence[ManifestText]) -> tuple[list[ManifestText], list[Finding]]:
    """The texts that change, and findings on those that cannot be formatted."""
    from reconciler.manifest.text import format_manifest

    changed: list[ManifestText] = []
    findings: list[Finding] = []
    for text in texts:
        try:
            data = format_manifest(text)
        except EditError as error:
            findings += error.findings
            continue
        if data != text.data:
            changed.append(ManifestText(text.file, data))
    return changed, findings


@click.command("render")
@click.argument("globs", metavar="[GLOB]...", nargs=-1, shell_complete=addresses)
@shared_options(formats=("yaml", "json"))
def render(options: Options, *, globs: tuple[str, ...]) -> int:
    """Print the manifests expanded: defaults filled in, country groups and waterfalls written out. Asks no account.

    What is printed is a manifest itself, and declares the same. An app that matches comes with all its placements.

    \b
      reconciler render
      reconciler render 'android:com.cash_crash.54/level_end_*'
      reconciler render --format json
    """
    from reconciler.adopt.forms import expanded_blocks, plain_json
    from reconciler.manifest.block import VERSION
    from reconciler.manifest.text import manifest_text
    from reconciler.model.address import selector

    session = CommandSession.of(options)
    workspace = session.workspace()
    blocks = expanded_blocks(workspace.desired(remember=False), workspace.settings(), selector(globs))
    if globs and not blocks:
        raise ProjectError(f"{' '.join(globs)}: no address matches", hint="`reconciler render` without it shows all")
    if options.format == "json":
        session.console.document({"version": VERSION, "apps": plain_json(blocks)})
    else:
        session.console.raw(manifest_text(blocks).rstrip("\n"))
    return 0


@click.command("schema")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write them into this folder instead.")
@shared_options(formats=("json",), lone_project=True)
def schema(options: Options, *, out: Path | None) -> int:
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
    from reconciler.manifest.schema import schemas
    from reconciler.render.published import DOCUMENTS, document_schemas

    session = CommandSession.of(options)
    known = _known_values(session) if options.for_project else None
    formats = schemas(known)
    texts = {**formats, **document_schemas(DOCUMENTS)}
    if known is not None and out is None:
        _write(session, session.root() / SCHEMAS_FOLDER, formats, session.root())
    if out is None:
        session.console.document(texts)
        return 0
    _write(session, out, texts, session.root_if_any())
    return 0


def _known_values(session: CommandSession) -> "SchemaContext":
    """What the project's settings say. Raises `ProjectError` where they cannot be read."""
    from reconciler.manifest.load import load_settings
    from reconciler.manifest.schema import schema_context

    settings, _ = load_settings(session.workspace().settings_text)
    if settings is None:
        raise ProjectError("reconciler.yaml cannot be read", hint="reconciler validate tells what is wrong with it")
    return schema_context(settings)


def _write(session: CommandSession, folder: Path, texts: Mapping[str, Any], root: Path | None) -> None:
    from reconciler.files.project import write_given
    from reconciler.manifest.schema import schema_text

    for name, schema in texts.items():
        write_given(folder / name, schema_text(schema), root)
        session.console.talk(f"wrote {folder / name}")
