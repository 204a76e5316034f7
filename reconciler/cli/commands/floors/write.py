"""`reconciler floors write`."""

from collections.abc import Sequence
from datetime import datetime

import click

from reconciler.cli.applying import INCOMPLETE
from reconciler.cli.choices import day_options, only_option
from reconciler.cli.options import Options, shared_options
from reconciler.cli.reports import Desk
from reconciler.cli.session import Session
from reconciler.floors.record import RECORD_NAME, merged, records_of, records_text
from reconciler.manifest.checked_edits import ProjectContext
from reconciler.manifest.floor_edits import FloorChange, FloorTexts, write_floors
from reconciler.model.evidence import Cell
from reconciler.model.suggestion import Suggestion, Suggestions
from reconciler.project import write_manifests
from reconciler.report.floors.document import written_document
from reconciler.report.floors.written import written_lines
from reconciler.store.ledger_file import write_atomically
from reconciler.workflow.floors import Ground, suggest_floors
from reconciler.yaml.text import ManifestText


@click.command("write")
@day_options
@only_option("Only placements that match; repeatable.")
@shared_options()
def command(options: Options, *, first: datetime | None, last: datetime | None, only: tuple[str, ...]) -> int:
    """Write suggested floors into the manifests: prices change, and nothing else.

    What speaks for each is kept in reconciler.evidence, so that the plan of the pull request can show it. Exits 3
    when some floors could not be written, and names their places.

    \b
      reconciler floors write
      reconciler floors write --only 'android:com.cash_crash.54/*'
      git diff && reconciler plan
    """
    desk = Desk.of(Session.of(options))
    window = desk.window(first and first.date(), last and last.date())
    ground = desk.ground()
    with desk.warehouse() as warehouse:
        made = suggest_floors(ground, warehouse, window, desk.rules(), desk.earliest(), only)
    texts = desk.manifests()
    context = ProjectContext(desk.settings, desk.project.settings)
    done = write_floors(context, texts, desk.desired, _changes(made))
    written = _written(desk, ground, made, texts, done)
    files = [text.file for text in done.texts]
    console = desk.session.console
    console.give_account()
    console.findings(done.findings, to_answer=False)
    if options.format == "json":
        console.document(written_document(written, files))
    else:
        console.answer(written_lines(written, files))
    return INCOMPLETE if any(finding.severity == "error" for finding in done.findings) else 0


def _written(
    desk: Desk, ground: Ground, made: Suggestions, read: Sequence[ManifestText], done: FloorTexts
) -> list[Suggestion]:
    """Put the new texts in their places, and what speaks for them beside the ledger; the suggestions in them."""
    root = desk.project.root
    write_manifests(root, read, done.texts)
    cells = {Cell(change.address, change.country) for change in done.written}
    if cells:
        new = records_of(made, cells, desk.session.clock.now().date())
        known = merged(desk.session.price_evidence(desk.project), new, ground.declared)
        write_atomically(root / RECORD_NAME, records_text(known))
    return [one for one in made.cells if one.cell in cells]


def _changes(made: Suggestions) -> list[FloorChange]:
    return [
        FloorChange(one.cell.address, one.cell.country, one.suggested)
        for one in made.cells
        if one.suggested != one.current
    ]
