"""Random histories of faults, deaths and console edits. `make soak` plays thousands; a red seed is printed and can be
played again: `python bench/soak.py SEED`."""

import secrets

import pytest
from support.histories import play
from support.wire import Wire
from support.wire_histories import QUIRKS, play_on

SEEDS = 96
PACKS = 12


@pytest.mark.parametrize("pack", range(PACKS))
def test_histories_end_with_live_as_declared_and_no_twin(pack):
    for seed in range(pack, SEEDS, PACKS):
        play(seed)


def test_so_does_one_that_nobody_has_seen():
    play(secrets.token_hex(8))


@pytest.mark.parametrize("seed", range(12))
def test_so_do_some_with_steps_side_by_side(seed):
    play(seed, parallelism=3)


@pytest.mark.parametrize("quirks", QUIRKS, ids=lambda quirks: next(iter(quirks), "plain"))
def test_so_do_some_over_real_http(quirks, tmp_path):
    with Wire.running(**quirks) as wire:
        for seed in range(4):
            root = tmp_path / str(seed)
            root.mkdir()
            play_on(wire, seed, root)
