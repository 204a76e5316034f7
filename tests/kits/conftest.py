import pytest
from support.forge import Forge
from support.forking import forked
from support.rival import Rival
from support.runner import Checkout, GitHubRunner, GitLabRunner


@pytest.fixture
def program():
    return forked().program


@pytest.fixture
def rival():
    with Rival().running() as server:
        yield server


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


@pytest.fixture
def github(tmp_path, rival, forge, program):
    return GitHubRunner(tmp_path / "runner", rival.url, forge.url, program)


@pytest.fixture
def gitlab(tmp_path, rival, forge, program):
    return GitLabRunner(tmp_path / "runner", rival.url, forge.url, program)


@pytest.fixture
def repository(tmp_path, forge):
    hosted = Checkout(tmp_path / "repository")
    forge.repository = hosted.bare
    return hosted
