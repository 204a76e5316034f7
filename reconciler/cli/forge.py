"""The forge, repository, request, branch and tokens of a CI job, from options and the variables that CI systems set."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import quote

from reconciler.api.environment import Environment
from reconciler.errors import CredentialsError, ProjectError, UsageError
from reconciler.forge.repository import Kind, Repository
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from reconciler.forge.commits import Target

_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_COMMITS: Final = ("CI_COMMIT_SHA", "GITHUB_SHA", "BITBUCKET_COMMIT", "BUILD_SOURCEVERSION")
_OWNER_AND_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}/[A-Za-z0-9._-]{1,255}")
_GROUPS_AND_PROJECT: Final = re.compile(r"[0-9]{1,20}|[A-Za-z0-9._-]{1,255}(?:/[A-Za-z0-9._-]{1,255}){1,21}")
_PROJECT_AND_NAME: Final = re.compile(r"[^/\x00-\x1f]{1,255}/[^/\x00-\x1f]{1,255}")

_GITHUB_BOT: Final = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
_NOBODY: Final = ("reconciler", "noreply@reconciler.invalid")
"""Who commits where git knows nobody: a host that cannot exist (RFC 2606)."""
_PASSWORD: Final = "RECONCILER_GIT_PASSWORD"  # noqa: S105 - a variable's name
_HELPER: Final = f'!f() {{ echo username=reconciler; echo "password=${_PASSWORD}"; }}; f'


@dataclass(frozen=True, slots=True)
class ForgeOptions:
    """What the command line says of the forge; None is for the job's own."""

    forge: Kind | None = None
    repository: str | None = None
    request: int | None = None


OF_THIS_JOB: Final = ForgeOptions()


def job_repository(
    environment: Environment, options: ForgeOptions = OF_THIS_JOB, *, pushes: bool = False
) -> Repository:
    """The repository that a job runs for, or the one that is named, and the request; `pushes` wants the token for that.

    Raises `UsageError` where the forge or the repository is not known, `CredentialsError` without a token,
    `ProjectError` for variables that are odd.
    """
    variables = environment.variables
    own_kind = _own_forge(variables)
    kind = options.forge or own_kind
    if kind is None:
        raise UsageError(
            "this is no job of GitHub Actions, GitLab CI, Gitea Actions, Bitbucket or Azure Pipelines",
            hint="--forge NAME --repository R --request N",
        )
    of_job = _own_repository(kind, variables) if kind == own_kind else None
    name = options.repository or of_job
    if name is None:
        raise UsageError(f"which repository at {_FORGES[kind]} is not known", hint="--repository R names it")
    request = _own_request(kind, variables) if of_job is not None and name == of_job else None
    return Repository(
        kind,
        _api_url(kind, variables, own_kind),
        _quoted_repository(kind, name, is_given=options.repository is not None),
        _first_token(environment, kind, pushes=pushes),
        options.request or request,
        variables.get("BITBUCKET_ACCOUNT") or None,
        variables.get("BITBUCKET_EMAIL") or None,
    )


_FORGES: Final[Mapping[Kind, str]] = {
    "github": "GitHub",
    "gitlab": "GitLab",
    "gitea": "Gitea",
    "bitbucket": "Bitbucket",
    "azure": "Azure DevOps",
}
_TOKENS: Final[Mapping[Kind, tuple[tuple[str, ...], str]]] = {
    "github": (("GITHUB_TOKEN",), "in a workflow: env: {GITHUB_TOKEN: ${{ github.token }}}"),
    "gitlab": (("GITLAB_TOKEN",), "a project access token with the scope api, as a masked variable"),
    "gitea": (("GITEA_TOKEN", "GITHUB_TOKEN"), "an access token with the scopes read:user and write:issue"),
    "bitbucket": (("BITBUCKET_TOKEN",), "an access token that may write pull requests, as a secured variable"),
    "azure": (
        ("SYSTEM_ACCESSTOKEN", "AZURE_DEVOPS_EXT_PAT"),
        "in a step: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}",
    ),
}
_REPOSITORIES: Final[Mapping[Kind, tuple[Callable[[str], object], str]]] = {
    "github": (_OWNER_AND_NAME.fullmatch, "OWNER/NAME"),
    "gitea": (_OWNER_AND_NAME.fullmatch, "OWNER/NAME"),
    "bitbucket": (_OWNER_AND_NAME.fullmatch, "WORKSPACE/NAME"),
    "gitlab": (_GROUPS_AND_PROJECT.fullmatch, "the number of a project, or GROUP/PROJECT"),
    "azure": (_PROJECT_AND_NAME.fullmatch, "PROJECT/NAME"),
}
_TOKEN: Final = re.compile(r"[!-~]+")
"""What a header can hold."""
_DOTS: Final = re.compile(r"\.\.?")


def _own_forge(variables: Mapping[str, str]) -> Kind | None:
    """The forge whose own CI runs this job. Gitea and Forgejo set GitHub's variables, too."""
    if variables.get("GITHUB_ACTIONS") == "true":
        return "gitea" if "true" in {variables.get("GITEA_ACTIONS"), variables.get("FORGEJO_ACTIONS")} else "github"
    if variables.get("GITLAB_CI") == "true":
        return "gitlab"
    if variables.get("BITBUCKET_BUILD_NUMBER"):
        return "bitbucket"
    is_azure = (
        variables.get("TF_BUILD", "").lower() == "true" and variables.get("BUILD_REPOSITORY_PROVIDER") == "TfsGit"
    )
    return "azure" if is_azure else None


def _own_repository(kind: Kind, variables: Mapping[str, str]) -> str:
    match kind:
        case "github" | "gitea":
            return variables.get("GITHUB_REPOSITORY", "")
        case "gitlab":
            return variables.get("CI_PROJECT_ID", "")
        case "bitbucket":
            return variables.get("BITBUCKET_REPO_FULL_NAME", "")
        case "azure":
            return f"{variables.get('SYSTEM_TEAMPROJECT', '')}/{variables.get('BUILD_REPOSITORY_NAME', '')}"
    assert_never(kind)


def _own_request(kind: Kind, variables: Mapping[str, str]) -> int | None:
    match kind:
        case "github" | "gitea":
            return _request_in_event(variables.get("GITHUB_EVENT_PATH", ""))
        case "gitlab":
            return _number(variables.get("CI_MERGE_REQUEST_IID", ""))
        case "bitbucket":
            return _number(variables.get("BITBUCKET_PR_ID", ""))
        case "azure":
            return _number(variables.get("SYSTEM_PULLREQUEST_PULLREQUESTID", ""))
    assert_never(kind)


_REPOSITORY_VARIABLES: Final[Mapping[Kind, str]] = {
    "github": "GITHUB_REPOSITORY",
    "gitea": "GITHUB_REPOSITORY",
    "gitlab": "CI_PROJECT_ID",
    "bitbucket": "BITBUCKET_REPO_FULL_NAME",
    "azure": "SYSTEM_TEAMPROJECT, BUILD_REPOSITORY_NAME",
}


def _quoted_repository(kind: Kind, name: str, *, is_given: bool) -> str:
    """A repository as paths of calls have it. Raises `UsageError` or `ProjectError` for what is none."""
    is_whole, form = _REPOSITORIES[kind]
    if is_whole(name) and not any(_DOTS.fullmatch(part) for part in name.split("/")):
        return quote(name, safe="" if kind == "gitlab" else "/")
    if is_given:
        raise UsageError(f"--repository does not name a repository at {_FORGES[kind]}", hint=f"it is {form}")
    raise ProjectError(f"{_REPOSITORY_VARIABLES[kind]} does not name a repository", hint=f"it is {form}")


def _api_url(kind: Kind, variables: Mapping[str, str], own_kind: Kind | None) -> str:
    """The base URL of the API. Raises `UsageError` for a forge that has no address of its own and is not named."""
    match kind:
        case "github":
            return (variables.get("GITHUB_API_URL") if own_kind != "gitea" else "") or "https://api.github.com"
        case "gitlab":
            return variables.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
        case "bitbucket":
            return variables.get("BITBUCKET_API_URL") or "https://api.bitbucket.org/2.0"
        case "gitea":
            url, name = (variables.get("GITHUB_API_URL") if own_kind == "gitea" else ""), "GITEA_API_URL"
            example = "https://gitea.example/api/v1"
        case "azure":
            url, name, example = "", "SYSTEM_COLLECTIONURI", "https://dev.azure.com/ORGANIZATION"
        case _:
            assert_never(kind)
    base_url = variables.get(name) or url
    if not base_url:
        raise UsageError(f"{name} is not set", hint=f"it names the server, as in {example}")
    return base_url


def _first_token(environment: Environment, kind: Kind, *, pushes: bool) -> Secret:
    names, where = _TOKENS[kind]
    first = ("GITLAB_PUSH_TOKEN",) if pushes and kind == "gitlab" else ()
    return _token(environment, next((name for name in (*first, *names) if environment.has(name)), names[0]), where)


def applied_branch(environment: Environment) -> str:
    """The branch that a job is for. Raises `UsageError` where it is for none, as for a tag or a merge request."""
    variables = environment.variables
    ref = variables.get("GITHUB_REF_NAME") if variables.get("GITHUB_REF_TYPE") == "branch" else None
    of_azure = variables.get("BUILD_SOURCEBRANCH", "")
    heads = of_azure.removeprefix("refs/heads/") if of_azure.startswith("refs/heads/") else None
    of_bitbucket = None if variables.get("BITBUCKET_PR_ID") else variables.get("BITBUCKET_BRANCH")
    branch = variables.get("CI_COMMIT_BRANCH") or ref or of_bitbucket or heads
    if not branch:
        raise UsageError("this job is for no branch", hint="--branch NAME names one")
    return branch


def pushed_commit(environment: Environment) -> str | None:
    """The commit that a job was started for; None where the environment names none."""
    variables = environment.variables
    commit = next((variables[name] for name in _COMMITS if variables.get(name)), "")
    return commit if _COMMIT.fullmatch(commit) else None


def push_target(environment: Environment, branch: str | None) -> "tuple[Target, Mapping[str, str]]":
    """Where a job pushes commits, and the variables that git is to see for it.

    Raises `UsageError` where no branch is known: a job for a tag or a merge request has none.
    """
    from reconciler.forge.commits import Target  # noqa: PLC0415 - httpx costs 0.15 s

    variables = environment.variables
    gitlab = variables.get("GITLAB_CI") == "true"
    target_branch = branch or applied_branch(environment)
    if not gitlab:
        author = _GITHUB_BOT if _own_forge(variables) == "github" else _NOBODY
        return Target("origin", target_branch, author), variables
    # The job's own token may not push. The other is told to git by a variable: arguments are seen by everyone.
    pushes = "GITLAB_PUSH_TOKEN" if environment.has("GITLAB_PUSH_TOKEN") else "GITLAB_TOKEN"
    token = _token(environment, pushes, "a project access token with the scopes api and write_repository")
    author = ("reconciler", f"noreply@{variables.get('CI_SERVER_HOST') or 'gitlab.com'}")
    options = ("-c", "credential.helper=", "-c", f"credential.helper={_HELPER}")
    target = Target(f"{variables.get('CI_PROJECT_URL', '')}.git", target_branch, author, options)
    return target, {**variables, _PASSWORD: token.reveal()}


def _token(environment: Environment, name: str, where: str) -> Secret:
    token = environment.secret(name)
    if token is None:
        raise CredentialsError(f"{name} is not set", hint=where)
    if not _TOKEN.fullmatch(token.reveal()):
        raise CredentialsError(f"{name} holds a blank, a line break or another character that no token has", hint=where)
    return token


def _request_in_event(event_path: str) -> int | None:
    """The number of the pull request in the event file of a job; None for other events."""
    if not event_path:
        return None
    try:
        event = json.loads(Path(event_path).read_bytes())
    except (OSError, ValueError) as error:
        raise ProjectError("the file that GITHUB_EVENT_PATH names cannot be read") from error
    match event:
        case {"pull_request": {"number": int(number)}} | {"issue": {"number": int(number), "pull_request": {}}}:
            return number
        case _:
            return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
