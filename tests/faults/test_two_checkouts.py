"""Two checkouts of one project on the file store that apply at the same time: what was made twice is told, and never
made again. `make soak` plays more of these histories; a red seed is played again: `python bench/soak.py two SEED`."""

import pytest
from support.checkouts import play_two

SEEDS = 96
PACKS = 8


@pytest.mark.parametrize("pack", range(PACKS))
def test_a_run_that_can_see_both_names_both(pack):
    for seed in range(pack, SEEDS, PACKS):
        play_two(seed)


@pytest.mark.parametrize("seed", range(8))
def test_so_does_one_with_steps_side_by_side(seed):
    play_two(seed, parallelism=3)
