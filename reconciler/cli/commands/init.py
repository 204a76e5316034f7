"""`init`: write the files of a new project, and of its CI jobs."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from reconciler.adopt.fresh import with_defaults
from reconciler.api.pull import adopt_live, find_publisher, read_account
from reconciler.cli.commands.account import print_adoption
from reconciler.cli.options import Options, shared_options
from reconciler.cli.scaffold import EXAMPLE, UNKNOWN_ACCOUNT, Ci, Surroundings, ci_texts, project_texts, surroundings
from reconciler.cli.session import CommandSession
from reconciler.cli.source import FORMS, UNKNOWN, installed_source, read_source
from reconciler.errors import ProjectError
from reconciler.files.project import SETTINGS_NAME, ProjectFiles, write_new
from reconciler.manifest.project_settings import UNKNOWN_PUBLISHER
from reconciler.workflow.lookup import is_id
from reconciler.yaml.scalar import ManifestText

_SECRETS = {
    "github": "secrets DT_CLIENT_ID and DT_CLIENT_SECRET of the environments {0} and {0}-plan (Settings, Environments)",
    "gitlab": "variables DT_CLIENT_ID and DT_CLIENT_SECRET for {0}* and GITLAB_TOKEN (Settings, CI/CD), masked",
}


@click.command("init")
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--publisher-id", help="Your publisher id, for the settings. Without it they are refused until it is filled in."
)
@click.option("--from-live", is_flag=True, help="Begin with what the account holds: init and pull in one.")
@click.option(
    "--app", "app_id", metavar="ID", help="With --from-live: find the publisher by the id of any of its apps."
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    help="Whose CI files to write. [default: by git's remote, else github]",
)
@click.option(
    "--source",
    "named",
    metavar="GIT-URL@COMMIT|WHEEL-URL",
    help="From where CI installs this program. [default: as this one was installed]",
)
@shared_options(formats=("text",), api=True)
def init(
    options: Options,
    *,
    directory: Path,
    publisher_id: str | None,
    from_live: bool,
    app_id: str | None,
    ci: Ci | None,
    named: str | None,
) -> int:
    """Start a project: settings, an example manifest, schemas for editors, CI workflows, CODEOWNERS, .gitignore.

    Inside a git repository the CI files go where CI looks for them, at its root, and name its main branch. Files that
    exist are left as they are; a folder that is a project already is refused.

    Its jobs install this program from one commit of a repository (all 40 digits), or from a wheel with #sha256= and its
    hash, and what it needs in the versions and with the hashes that come with it; never by name from a package index.

    \b
      reconciler init
      reconciler init monetization --publisher-id 3432
      reconciler init monetization --publisher-id 3432 --from-live
      reconciler init monetization --from-live --app 170709
      reconciler init --ci gitlab
      reconciler init --source https://github.com/studio/waterfall-reconciler@0123456789abcdef0123456789abcdef01234567
    """
    session = CommandSession.of(options)
    _check_account(publisher_id, app_id, from_live=from_live)
    if os.path.lexists(directory / SETTINGS_NAME):
        raise ProjectError(f"{directory / SETTINGS_NAME} is there already", hint="this folder is a project")
    if app_id is not None:
        publisher_id = _publisher_of(session, directory, app_id)
    around = _around(session, directory, ci, named, publisher_id or UNKNOWN_ACCOUNT)
    if publisher_id is not None and from_live:
        return _from_live(session, directory, publisher_id, around)
    _write_all(session, directory, project_texts(publisher_id or UNKNOWN_PUBLISHER), around)
    if publisher_id is None:
        _report_unknown(session, around)
    steps = "reconciler validate" if directory == Path() else f"cd {directory} && reconciler validate"
    session.console.talk(f"next: {steps}")
    return 0


def _around(session: CommandSession, directory: Path, ci: Ci | None, named: str | None, account: str) -> Surroundings:
    """Where the project will stand, and from where its jobs install the program: as named, else as this one was."""
    source = None if named is None else read_source(named)
    around = replace(surroundings(directory, session.environment, ci), account=account)
    installed = installed_source(session.environment) if source is None and around.ci != "none" else None
    return replace(
        around,
        source=source or (installed.source if installed else UNKNOWN),
        is_pushed=not installed or installed.is_pushed,
    )


def _check_account(publisher_id: str | None, app_id: str | None, *, from_live: bool) -> None:
    """Raise `click.UsageError` where it is not said once, and well, whose account it is."""
    if publisher_id is not None and not (
        publisher_id.isdecimal() and publisher_id.isascii() and publisher_id.strip("0")
    ):
        raise click.UsageError("--publisher-id is a number, as the console shows it")
    if from_live and publisher_id is None and app_id is None:
        raise click.UsageError(
            "--from-live needs --publisher-id, which the console shows under User Profile, or --app with the id of an "
            "app, by which it is found"
        )
    if app_id is not None and not (from_live and publisher_id is None and is_id(app_id)):
        raise click.UsageError("--app is the id of an app, with --from-live and in the place of --publisher-id")


def _publisher_of(session: CommandSession, directory: Path, app_id: str) -> str:
    """The publisher in whose account an app is."""
    blank = ProjectFiles(directory.resolve(), ManifestText(SETTINGS_NAME, b""))
    publisher_id = find_publisher(session.workspace(blank), app_id)
    session.console.talk(f"app {app_id} is in the account of publisher {publisher_id}")
    return publisher_id


def _report_unknown(session: CommandSession, around: Surroundings) -> None:
    """That the publisher is to be filled in, and where."""
    of_ci = " and for the 0 of account-0 in the CI files" if around.ci != "none" else ""
    session.console.warn(
        f"the publisher is not known, and commands refuse the settings until it is: put its id into "
        f"{SETTINGS_NAME}{of_ci}; the console shows it under User Profile, and `reconciler pull --app ID` finds it",
    )


def _from_live(session: CommandSession, directory: Path, publisher_id: str, around: Surroundings) -> int:
    """Read the account before anything is written, then write the project and adopt it."""
    texts = {name: text for name, text in project_texts(publisher_id).items() if name != EXAMPLE}
    blank = ProjectFiles(directory.resolve(), ManifestText(SETTINGS_NAME, texts[SETTINGS_NAME].encode()))
    live = read_account(session.workspace(blank), publisher_id)
    settings = with_defaults(blank.settings, live)
    _write_all(session, directory, {**texts, SETTINGS_NAME: settings.data.decode()}, around)
    workspace = session.workspace(ProjectFiles(directory.resolve(), settings))
    return print_adoption(session, adopt_live(workspace, live))


def _write_all(session: CommandSession, directory: Path, texts: Mapping[str, str], around: Surroundings) -> None:
    of_ci = ci_texts(around)
    _write(session, directory, texts)
    place = around.root if around.folder else directory
    includes = place / ".gitlab-ci.yml"
    tells = around.ci == "gitlab" and includes.is_file() and b"reconciler*.gitlab-ci.yml" not in includes.read_bytes()
    _write(session, place, of_ci)
    if tells:
        session.console.talk('add to .gitlab-ci.yml: include: [{local: "/reconciler*.gitlab-ci.yml"}]')
    if around.ci != "none":
        session.console.talk(f"for CI: {_SECRETS[around.ci].format(f'account-{around.account}')}")
        _report_source(session, around)


def _report_source(session: CommandSession, around: Surroundings) -> None:
    """From where jobs install the program; what is to be filled in where that is not known."""
    if around.source != UNKNOWN:
        session.console.talk(f"CI installs this program from {around.source}")
    if around.source == UNKNOWN:
        session.console.warn(
            "from where CI is to install this program is not known, and its jobs fail until it is: fill in "
            "RECONCILER_SOURCE and RECONCILER_COMMIT in the CI files",
        )
        session.console.talk(f"hint: next time, init --source {FORMS}")
    elif not around.is_pushed:
        session.console.warn("no branch of that repository is known to hold this commit: push it, or jobs fail")


def _write(session: CommandSession, directory: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        written = write_new(directory, name, text)
        session.console.talk(f"{'wrote' if written else 'kept '}  {directory / name}")
