"""How the program does against its peers at the same work: `python bench/peers/run.py [tofu|octodns] [--sizes N,N]`.

`tofu`: OpenTofu with the REST provider, on the same sandbox. `octodns`: octoDNS, record for record. Whole commands as a
user starts them: wall and CPU seconds, the best of three runs, but one run where something is made. A peer that cannot
be had is skipped, and the reason is told.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import build
import octo
import opentofu
from children import BrokenRunError
from place import WORK, PeerMissingError
from table import show

SIZES = "200,1000"


def tofu(sizes: list[int]) -> None:
    build.tofu()
    build.restapi()
    rows = chain.from_iterable(map(opentofu.rows, sizes))
    show(f"OpenTofu, {opentofu.LATENCY * 1000:g} ms latency", rows, *opentofu.HEADINGS)


def octodns(_sizes: list[int]) -> None:
    octo.installed()
    show(f"octoDNS {octo.VERSION}, {octo.ZONES * octo.EACH:,} records", octo.rows(), *octo.HEADINGS)


PEERS: dict[str, Callable[[list[int]], None]] = {"tofu": tofu, "octodns": octodns}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("peer", nargs="?", choices=PEERS, help="both, if none is named")
    asked.add_argument("--sizes", default=SIZES, help=f"placements of the account for OpenTofu; {SIZES}")
    given = asked.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in [given.peer] if given.peer else PEERS:
        try:
            PEERS[name]([int(size) for size in given.sizes.split(",")])
        except PeerMissingError as why:
            print(f"\n{name} skipped: {why}", flush=True)
        except (BrokenRunError, subprocess.SubprocessError, OSError, ValueError, AssertionError) as why:
            failed = 1
            print(f"\n{name} failed: {type(why).__name__}: {why}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
