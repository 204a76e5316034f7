import pytest
from support.command import Project
from support.rival import Rival


@pytest.fixture
def rival():
    with Rival().running() as server:
        yield server


@pytest.fixture
def project(tmp_path, rival):
    """An empty project whose API is the rival."""
    return Project(tmp_path / "project", rival.url)
