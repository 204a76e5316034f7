"""The command line: which commands there are, and how every end of one becomes an exit code."""

import signal
import sys
from collections.abc import Sequence
from typing import Final

import click

from reconciler.cli.groups import CommandEntry, LazyGroup, group_options
from reconciler.cli.signals import end_by, stop_at_once, stop_on_request
from reconciler.cli.streams import flush_streams, try_write

COMMANDS: Final = {
    "init": CommandEntry("init:init", "Start a project: settings, an example manifest, schemas, CI workflow."),
    "validate": CommandEntry("manifests:validate", "Check everything that can be known without the network."),
    "plan": CommandEntry("plan:plan", "Read the account and show what apply would do. Writes nothing."),
    "list": CommandEntry("account:list_resources", "List resources: declared, owned, live, id and status."),
    "get": CommandEntry("resources:get", "Show live apps and placements by address or id."),
    "render": CommandEntry(
        "manifests:render", "Print the manifests expanded: defaults, groups and waterfalls written out."
    ),
    "drift": CommandEntry("account:drift", "Audit the account against what was last applied. Cannot write to it."),
    "apply": CommandEntry("plan:apply", "Make the account as declared, or carry out a saved plan."),
    "fmt": CommandEntry("manifests:fmt", "Put manifests in their usual order and spacing, comments kept."),
    "pull": CommandEntry("account:pull", "Adopt what is live: write manifests and ledger for it."),
    "rehearse": CommandEntry(
        "plan:rehearse", "Carry out a saved plan on a sandbox, under faults, and show the account."
    ),
    "show": CommandEntry("plan:show", "Show a saved plan again."),
    "floors": CommandEntry(
        "floors:floors", "Fetch reports, suggest floors from them, and write them into the manifests."
    ),
    "reports": CommandEntry("floors:reports", "Ask for mediation reports, or take in those of other platforms."),
    "history": CommandEntry("plan:history", "Show what was done, when, by which run, and what came of it."),
    "undo": CommandEntry("plan:undo", "Put back what a run has changed, as far as nobody has changed it since."),
    "ci": CommandEntry("ci:ci", "In a CI job: comment on pull requests, keep an issue while the account drifts."),
    "ping": CommandEntry("account:ping", "Check every set of keys, and what they can see."),
    "schema": CommandEntry("manifests:schema", "Print the JSON Schemas of the project's files, for editors."),
    "completion": CommandEntry(
        "completion:completion", "Print a script that makes a shell complete commands and addresses."
    ),
    "sandbox": CommandEntry("sandbox:sandbox", "Run a local server that speaks the APIs, to try things on."),
}


def _print_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from reconciler.installed import whence  # noqa: PLC0415 - few runs ask

        context.exit(0 if try_write(f"{whence()}\n") else 1)


@click.group(
    cls=LazyGroup, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and from where it runs, and exit.",
)
@group_options
def cli() -> None:
    """Waterfall as code: keep a Digital Turbine account in step with YAML manifests in git.

    \b
    A first round, on a local sandbox:
      exports=$(reconciler sandbox --detach --seed demo) && eval "$exports" &&
        reconciler init demo --publisher-id 3432 && cd demo && reconciler validate &&
        reconciler plan && reconciler apply
      reconciler sandbox --stop
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code.

    SIGTERM, which CI systems send some seconds before SIGKILL, is taken as the interrupt that Ctrl-C is.
    """
    try:
        stop_on_request()
        code = run(arguments)
        stop_at_once()
    except KeyboardInterrupt:  # between two of these lines, where `run` does not take it
        end_by(signal.SIGINT)
    flush_streams()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        code = cli.main(None if arguments is None else list(arguments), prog_name="reconciler", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as end:  # noqa: BLE001 - each is told in words, and ends with a code
        from reconciler.cli.errors import exit_code_of  # noqa: PLC0415 - most runs end well

        return exit_code_of(end, sys.argv[1:] if arguments is None else arguments)
    return code if isinstance(code, int) else 0
