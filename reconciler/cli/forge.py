"""Where this job runs, from the variables that CI systems set."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.settings import Environment
from reconciler.errors import CredentialsError, ProjectError, UsageError
from reconciler.forge.place import Place
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from reconciler.forge.ledger_commit import Target

_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_OWNER_AND_NAME: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")

_GITHUB_BOT: Final = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
_PASSWORD: Final = "RECONCILER_GIT_PASSWORD"  # noqa: S105 - a variable's name
_HELPER: Final = f'!f() {{ echo username=reconciler; echo "password=${_PASSWORD}"; }}; f'


def place_of(environment: Environment) -> Place:
    """The repository that a job of GitHub Actions or GitLab CI runs for.

    Raises `UsageError` outside of both, `CredentialsError` without a token, `ProjectError` for variables that are odd.
    """
    variables = environment.variables
    if variables.get("GITHUB_ACTIONS") == "true":
        repository = variables.get("GITHUB_REPOSITORY", "")
        if not _OWNER_AND_NAME.fullmatch(repository):
            raise ProjectError("GITHUB_REPOSITORY does not name a repository", hint="it is OWNER/NAME")
        api = variables.get("GITHUB_API_URL") or "https://api.github.com"
        token = _token(environment, "GITHUB_TOKEN", "in a workflow: env: {GITHUB_TOKEN: ${{ github.token }}}")
        return Place("github", api, repository, token, _pull_request(variables.get("GITHUB_EVENT_PATH", "")))
    if variables.get("GITLAB_CI") == "true":
        project = variables.get("CI_PROJECT_ID", "")
        if not project.isascii() or not project.isdigit():
            raise ProjectError("CI_PROJECT_ID is not the number of a project")
        api = variables.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
        token = _token(environment, "GITLAB_TOKEN", "a project access token with the scope api, as a masked variable")
        return Place("gitlab", api, project, token, _number(variables.get("CI_MERGE_REQUEST_IID", "")))
    raise UsageError("this is no job of GitHub Actions or GitLab CI", hint="GITHUB_ACTIONS or GITLAB_CI is true in one")


def applied_branch(environment: Environment) -> str:
    """The branch that a job is for. Raises `UsageError` where it is for none, as for a tag or a merge request."""
    variables = environment.variables
    ref = variables.get("GITHUB_REF_NAME") if variables.get("GITHUB_REF_TYPE") == "branch" else None
    known = variables.get("CI_COMMIT_BRANCH") or ref
    if not known:
        raise UsageError("this job is for no branch", hint="--branch NAME names one")
    return known


def pushed_commit(environment: Environment) -> str | None:
    """The commit that a job was started for; None where the environment names none."""
    variables = environment.variables
    found = variables.get("CI_COMMIT_SHA") or variables.get("GITHUB_SHA") or ""
    return found if _COMMIT.fullmatch(found) else None


def push_target(environment: Environment, branch: str | None) -> "tuple[Target, Mapping[str, str]]":
    """Where a job pushes commits, and the variables that git is to see for it.

    Raises `UsageError` where no branch is known: a job for a tag or a merge request has none.
    """
    from reconciler.forge.ledger_commit import Target  # noqa: PLC0415 - httpx costs 0.15 s

    variables = environment.variables
    gitlab = variables.get("GITLAB_CI") == "true"
    known = branch or applied_branch(environment)
    if not gitlab:
        return Target("origin", known, _GITHUB_BOT), variables
    # The job's own token may not push. The other is told to git by a variable: arguments are seen by everyone.
    pushes = "GITLAB_PUSH_TOKEN" if environment.has("GITLAB_PUSH_TOKEN") else "GITLAB_TOKEN"
    token = _token(environment, pushes, "a project access token with the scopes api and write_repository")
    author = ("reconciler", f"noreply@{variables.get('CI_SERVER_HOST') or 'gitlab.com'}")
    options = ("-c", "credential.helper=", "-c", f"credential.helper={_HELPER}")
    target = Target(f"{variables.get('CI_PROJECT_URL', '')}.git", known, author, options)
    return target, {**variables, _PASSWORD: token.reveal()}


def _token(environment: Environment, name: str, where: str) -> Secret:
    found = environment.secret(name)
    if found is None:
        raise CredentialsError(f"{name} is not set", hint=where)
    return found


def _pull_request(event_path: str) -> int | None:
    """The number of the pull request that an event tells of; None for events that tell of none."""
    if not event_path:
        return None
    try:
        event = json.loads(Path(event_path).read_bytes())
    except (OSError, ValueError) as wrong:
        raise ProjectError("the file that GITHUB_EVENT_PATH names cannot be read") from wrong
    match event:
        case {"pull_request": {"number": int(number)}} | {"issue": {"number": int(number), "pull_request": {}}}:
            return number
        case _:
            return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
