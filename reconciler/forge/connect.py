"""Opens the client of a forge for comments, issues, branches or the history of reviews."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import assert_never

from reconciler.errors import UsageError
from reconciler.forge import azure_and_bitbucket as azure
from reconciler.forge import azure_and_bitbucket as bitbucket
from reconciler.forge import github, gitlab
from reconciler.forge.client import NAMES, ForgeClient
from reconciler.forge.repository import Branches, Comments, CommentThread, History, Issues, Repository
from reconciler.ports import Clock


@contextmanager
def comments(place: Repository, request: int, clock: Clock) -> Iterator[Comments]:
    """The comments of a pull or merge request."""
    with _client(place, clock) as client:
        yield _thread(client, place, request)


@contextmanager
def open_issues(place: Repository, clock: Clock) -> Iterator[Issues]:
    """The open issues of the repository. Raises `UsageError` for forges that have none."""
    with _client(place, clock) as client:
        match place.kind:
            case "github" | "gitea":
                yield github.GithubIssues(client, place.repository)
            case "gitlab":
                yield gitlab.GitlabIssues(client, place.repository)
            case "bitbucket" | "azure":
                raise UsageError(
                    f"{NAMES[place.kind]} has no issues that a report could go into",
                    hint="let the job fail, or send the report elsewhere (--notify)",
                )


@contextmanager
def branches(place: Repository, clock: Clock) -> Iterator[Branches]:
    """The repository's branches. Raises `UsageError` for forges where the ledger can only be pushed."""
    with _client(place, clock) as client:
        match place.kind:
            case "github" | "gitea":
                yield github.GithubBranches(client, place.repository)
            case "gitlab":
                yield gitlab.GitlabBranches(client, place.repository)
            case "bitbucket" | "azure":
                raise UsageError(f"at {NAMES[place.kind]} the ledger can only be pushed", hint="--by push")


@contextmanager
def reviews(place: Repository, branch: str, clock: Clock) -> Iterator[tuple[History, Callable[[int], CommentThread]]]:
    """The history of a branch, and the comments of each request by its number.

    Raises `UsageError` for forges where it cannot be found out.
    """
    with _client(place, clock) as client:
        threads = partial(_thread, client, place)
        match place.kind:
            case "github":
                yield github.GithubHistory(client, place.repository, branch), threads
            case "gitlab":
                yield gitlab.GitlabHistory(client, place.repository, branch), threads
            case "gitea":
                yield github.GiteaHistory(client, place.repository, branch), threads
            case "bitbucket" | "azure":
                raise UsageError(
                    f"what was reviewed cannot be found out at {NAMES[place.kind]}",
                    hint="let people approve a saved plan: reconciler plan --out plan.json, reconciler apply plan.json",
                )


def _thread(client: ForgeClient, place: Repository, request: int) -> Comments:
    match place.kind:
        case "github" | "gitea":
            return github.GithubComments(client, place.repository, request)
        case "gitlab":
            return gitlab.GitlabNotes(client, place.repository, request)
        case "bitbucket":
            return bitbucket.BitbucketComments(client, place.repository, request)
        case "azure":
            return azure.AzureThreads(client, place.repository, request)
    assert_never(place.kind)


def _client(place: Repository, clock: Clock) -> ForgeClient:
    match place.kind:
        case "github":
            return ForgeClient(place, github.github_headers(place.token), clock)
        case "gitlab":
            return ForgeClient(place, gitlab.gitlab_headers(place.token), clock)
        case "gitea":
            return github.GiteaClient(place, github.gitea_headers(place.token), clock)
        case "bitbucket":
            return ForgeClient(place, bitbucket.bitbucket_headers(place.token, place.email), clock)
        case "azure":
            return ForgeClient(place, azure.azure_headers(place.token), clock)
    assert_never(place.kind)
