import pytest
from support.forge import Forge
from support.rival import Rival
from support.runner import Checkout, GitHubRunner, GitLabRunner


@pytest.fixture
def rival():
    with Rival().running() as server:
        yield server


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


@pytest.fixture
def github(tmp_path, rival, forge):
    return GitHubRunner(tmp_path / "runner", rival.url, forge.url)


@pytest.fixture
def gitlab(tmp_path, rival, forge):
    return GitLabRunner(tmp_path / "runner", rival.url, forge.url)


@pytest.fixture
def repository(tmp_path, forge):
    hosted = Checkout(tmp_path / "repository")
    forge.repository = hosted.bare
    return hosted
