"""Selecting addresses by shell-style patterns, as `--only` takes them."""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

from reconciler.model.address import Address


def selector(patterns: Iterable[str]) -> Callable[[Address], bool]:
    """A test for addresses that match any of the patterns; `*` matches slashes too. No pattern selects everything."""
    compiled = [re.compile(translate(pattern)) for pattern in patterns]
    if not compiled:
        return lambda _: True
    return lambda address: any(pattern.match(address) for pattern in compiled)
