"""`pytest tests/cases --goldens` writes the expected files anew; so does REWRITE_GOLDENS=1 in the environment."""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--goldens", action="store_true", help="write the expected files of the cases anew")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--goldens", default=False):
        os.environ["REWRITE_GOLDENS"] = "1"
