"""The cyclic garbage collector of this process, told what a run is like."""

import gc
from typing import Final

_YOUNG: Final = 200_000
"""Containers made before the collector looks at them; Python's own 700 has it walk an account a thousand times."""


def collect_rarely() -> None:
    """Have the collector run rarely: reading an account makes millions of values, which live on, and few cycles.

    Measured at two fifths of the time it takes to make resources of answers.
    """
    gc.set_threshold(_YOUNG, 50, 100)
