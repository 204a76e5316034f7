"""SIGKILL before and after the lines of the journal, the requests and the files of an apply of thirty steps.

Here at a systematic sample of all points; `make soak` takes every one.
"""

import pytest
from support.kills import Kills

STRIDE = {1: 11, 4: 29}


@pytest.mark.parametrize("parallelism", STRIDE)
def test_the_run_after_a_kill_ends_where_the_killed_one_would_have(tmp_path, parallelism):
    with Kills.running(tmp_path) as kills:
        last = kills.points(parallelism)
        assert last > 4 * 30, "before and after the intent, and before and after the end, of each of thirty steps"
        points = range(2, last + 1, STRIDE[parallelism])
        reached = kills.at(parallelism, points)
    assert len(reached) > 0.8 * len(points)
