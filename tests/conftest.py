import gc
import logging
import os
import re
import signal
import time
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about a law: a busy one must not fail it. The gate draws the same ones
# each time, so that it fails for what was changed; `make soak` draws others, and three times as many.
settings.register_profile("others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("others"), derandomize=True, max_examples=34)
settings.load_profile("gate")

KEPT: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|TEMP|TMP|SYSTEMROOT|CI|JAVA_HOME|REWRITE_GOLDENS|MUTANTS|LD_LIBRARY_PATH|PLAYWRIGHT_.*"
    r"|(PYTEST|COV|COVERAGE|HYPOTHESIS|OPENBLAS|SOAK)_.*"
)
"""The variables of the environment that tests see; what they mean by any other, they say."""
SAID: Final = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
HEARD: Final = {"SIGINT": signal.default_int_handler} | dict.fromkeys(
    ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGCHLD", "SIGALRM"), signal.SIG_DFL
)


def pytest_configure():
    """Let nothing hang on how the run was started: from a terminal, as a background job of a script, from a git hook.

    Those differ in signals that are ignored or blocked (processes that a test starts would inherit that), in the
    environment, in standard input, and in what may be done with new files.
    """
    for name, handler in HEARD.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    for name in [name for name in os.environ if not KEPT.fullmatch(name)]:
        del os.environ[name]
    os.environ.update(SAID)
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        time.tzset()
    os.umask(0o022)
    gc.disable()  # until all tests are collected: what that makes lives on


def pytest_collection_finish():
    """Keep the collector off what was collected, which lives on, and let no command in this process do likewise.

    A command takes it that the process ends with it. Here it does not, and what a test made is to be cleared away.
    """
    gc.freeze()
    gc.freeze = lambda: None
    gc.enable()


LONG: Final = (
    "tests/architecture/test_surroundings.py",
    "tests/laws/test_floors_market.py",
    "tests/unit/warehouse/test_engines.py",
    "tests/architecture/test_install.py",
    "tests/docs/test_tutorial.py",
    "tests/cli/test_pull.py",
)
"""Modules that take longest, in one test or with a fixture that all of them share: begun last they would end alone."""


def pytest_collection_modifyitems(items):
    """Deal the long modules to the workers, to each as the first of its share of all tests."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    firsts = [[] for _ in range(workers)]
    rest = []
    for item in items:
        module = item.nodeid.partition("::")[0]
        (firsts[LONG.index(module) % workers] if module in LONG else rest).append(item)
    ordered = []
    for number, first in enumerate(firsts):
        share = (len(items) - len(ordered)) // (workers - number)
        room = max(0, share - len(first))
        ordered += [*first, *rest[:room]]
        del rest[:room]
    items[:] = ordered


@pytest.fixture(autouse=True)
def _what_a_command_sets_for_good_ends_with_its_test():
    """A command that a test runs in this process says where its talk goes."""
    logger = logging.getLogger("reconciler")
    handlers, propagate, level = list(logger.handlers), logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)
