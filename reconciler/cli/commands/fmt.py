"""`reconciler fmt`."""

from collections.abc import Sequence
from pathlib import Path

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.errors import EditError, InvalidManifests
from reconciler.manifest.write import formatted
from reconciler.model.diagnostic import Finding
from reconciler.project import manifests_at, read_manifests, write_manifests
from reconciler.report.document import fmt_document
from reconciler.report.line import line
from reconciler.yaml.text import ManifestText

UNFORMATTED = 1


@click.command("fmt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Name the files that would change, write nothing; exit 1 if there are any.")
@shared_options()
def command(options: Options, *, paths: tuple[Path, ...], check: bool) -> int:
    """Put manifests in their usual order and spacing; comments stay with what they stand at.

    All manifests of the project, or those at PATHS. A file that cannot be read, or not be put in order and surely say
    the same, stays as it is and exits 1.

    \b
      reconciler fmt
      reconciler fmt --check apps/cashcrash.yaml
    """
    session = Session.of(options)
    project = session.project()
    texts = (
        manifests_at(project.root, paths)
        if paths
        else read_manifests(project.root, session.settings(project).manifests)
    )
    changed, findings = _formatted(texts)
    if not check:
        write_manifests(project.root, texts, changed)
        session.console.give_account()
    files = [text.file for text in changed]
    if options.format == "json":
        session.console.document(fmt_document(files, written=not check))
    else:
        session.console.answer(line(file) for file in files)
    if findings:
        raise InvalidManifests(findings)
    return UNFORMATTED if check and changed else 0


def _formatted(texts: Sequence[ManifestText]) -> tuple[list[ManifestText], list[Finding]]:
    """The texts that change, and findings on those that cannot be formatted."""
    changed: list[ManifestText] = []
    findings: list[Finding] = []
    for text in texts:
        try:
            data = formatted(text)
        except EditError as wrong:
            findings += wrong.findings
            continue
        if data != text.data:
            changed.append(ManifestText(text.file, data))
    return changed, findings
