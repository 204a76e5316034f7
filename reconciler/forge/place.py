"""PURE. Where a job runs, as far as comments and issues need to know."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.model.secret import Secret

Kind: TypeAlias = Literal["github", "gitlab"]


@dataclass(frozen=True, slots=True)
class Place:
    """A repository at a forge.

    `api` is the API's base URL, path included. `repository` is `owner/name` at GitHub, the project's number at GitLab.
    `request` is the number of the pull or merge request that the job is for; None for jobs that are for none.
    """

    kind: Kind
    api: str
    repository: str
    token: Secret
    request: int | None = None
