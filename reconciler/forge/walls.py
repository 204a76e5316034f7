"""The right walls for a place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from reconciler.forge import github, gitlab
from reconciler.forge.client import ForgeClient
from reconciler.forge.place import Place
from reconciler.forge.post import History, Issues, Wall
from reconciler.ports import Clock


@contextmanager
def comments(place: Place, request: int, clock: Clock) -> Iterator[Wall]:
    """The comments of a pull or merge request."""
    with _client(place, clock) as client:
        if place.kind == "github":
            yield github.Comments(client, place.repository, request)
        else:
            yield gitlab.Notes(client, place.repository, request)


@contextmanager
def open_issues(place: Place, clock: Clock) -> Iterator[Issues]:
    """The open issues of the repository."""
    with _client(place, clock) as client:
        if place.kind == "github":
            yield github.OpenIssues(client, place.repository)
        else:
            yield gitlab.OpenIssues(client, place.repository)


@contextmanager
def reviews(place: Place, branch: str, clock: Clock) -> Iterator[tuple[History, Callable[[int], Wall]]]:
    """The history of a branch, and the comments of each request by its number."""
    with _client(place, clock) as client:
        if place.kind == "github":
            walls = partial(github.Comments, client, place.repository)
            yield github.Merges(client, place.repository, branch), walls
        else:
            yield gitlab.Merges(client, place.repository, branch), partial(gitlab.Notes, client, place.repository)


def _client(place: Place, clock: Clock) -> ForgeClient:
    headers = github.github_headers if place.kind == "github" else gitlab.gitlab_headers
    return ForgeClient(place, headers(place.token), clock)
