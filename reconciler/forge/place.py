"""PURE. Where a job runs, as far as comments and issues need to know."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.model.secret import Secret

Kind: TypeAlias = Literal["github", "gitlab", "gitea", "bitbucket", "azure"]


@dataclass(frozen=True, slots=True)
class Place:
    """A repository at a forge.

    `api` is the API's base URL, path included. `repository` is as paths of calls have it: `owner/name` at GitHub and
    Gitea, the project's number or escaped path at GitLab, `workspace/name` at Bitbucket, `project/name` at Azure
    DevOps, each escaped. `request` is the number of the pull or merge request that the job is for; None for jobs that
    are for none. `account` is the id of the token's account, for forges that do not tell it to every token,
    and `email` the address that goes with a person's token.
    """

    kind: Kind
    api: str
    repository: str
    token: Secret
    request: int | None = None
    account: str | None = None
    email: str | None = None
