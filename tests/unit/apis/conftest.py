import pytest
from support.reports import report_server


@pytest.fixture
def server():
    with report_server() as server:
        yield server
