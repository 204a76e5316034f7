"""`ci`: commands for CI jobs."""

import click

from reconciler.cli.groups import CommandEntry, LazyGroup

COMMANDS = {
    "comment": CommandEntry(
        "ci.request:comment", "Write a report under a pull or merge request, or rewrite the one that is there."
    ),
    "reviewed": CommandEntry("ci.request:reviewed", "Find what was reviewed of a branch, for `apply --reviewed`."),
    "ledger": CommandEntry("ci.commits:ledger", "Commit the ledger and push it, after an apply."),
    "floors": CommandEntry(
        "ci.commits:floors", "Ask for the merge of floors that were written, or carry reports from job to job."
    ),
    "issue": CommandEntry(
        "ci.request:issue", "Open an issue with a report, rewrite the one that is open, or close it."
    ),
}


@click.group("ci", cls=LazyGroup, entries=COMMANDS)
def ci() -> None:
    """In a job of CI: tell people at the forge, find what was reviewed there, keep the ledger.

    \b
      reconciler plan --format markdown >plan.md && reconciler ci comment plan.md
      reconciler ci reviewed --out reviewed.txt && reconciler apply --yes --reviewed reviewed.txt
      reconciler ci ledger
      reconciler drift --format markdown >drift.md || reconciler ci issue drift.md
      reconciler ci issue --close drift.md
    """
