"""Chance without a generator: the same words always give the same number, in any order and any process."""

from hashlib import sha256
from math import sqrt
from statistics import NormalDist

_NORMAL = NormalDist()
_EDGE = 1e-9


def uniform(*words: object) -> float:
    """A number from 0 up to 1."""
    digest = sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def normal(*words: object) -> float:
    """A number of the standard normal distribution."""
    return _NORMAL.inv_cdf(min(1 - _EDGE, max(_EDGE, uniform(*words))))


def count(tries: int, share: float, noise: float) -> int:
    """How many of so many tries succeed, `noise` standard deviations away from what is expected."""
    expected = tries * share
    return max(0, min(tries, round(expected + noise * sqrt(max(0.0, expected * (1 - share))))))
