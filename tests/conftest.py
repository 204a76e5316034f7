import logging

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about a law: a busy one must not fail it.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


@pytest.fixture(autouse=True)
def _loggers_stay_as_they_were():
    """A command that a test runs in this process says where its talk goes, for good."""
    logger = logging.getLogger("reconciler")
    handlers, propagate, level = list(logger.handlers), logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)
