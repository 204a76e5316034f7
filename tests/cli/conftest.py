from contextlib import ExitStack

import pytest
from support.command import Project
from support.forge import PROJECT, REPOSITORY, TOKEN
from support.rival import Rival


@pytest.fixture
def rival():
    with Rival().running() as server:
        yield server


@pytest.fixture
def rivals():
    """Starts servers with the spelling given."""
    with ExitStack() as running:
        yield lambda spelling: running.enter_context(Rival(spelling).running())


@pytest.fixture
def project(tmp_path, rival):
    """An empty project whose API is the rival."""
    return Project(tmp_path / "project", rival.url)


@pytest.fixture(params=["github", "gitlab"])
def job(request, project, hosted, forge):
    """Commands as a job of either forge runs them, for the module's repository and forge."""
    project.env |= {
        "github": {
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": f"{forge.url}/api/v3",
            "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main", "GITHUB_TOKEN": TOKEN,
        },
        "gitlab": {
            "GITLAB_CI": "true", "CI_PROJECT_ID": PROJECT, "CI_API_V4_URL": f"{forge.url}/api/v4",
            "CI_COMMIT_BRANCH": "main", "GITLAB_TOKEN": TOKEN,
            "CI_PROJECT_URL": f"file://{hosted.bare}".removesuffix(".git"),
        },
    }[request.param]  # fmt: skip
    return project
