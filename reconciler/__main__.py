"""`python -m reconciler` is `reconciler`."""

import os
import sys

if __name__ == "__main__":
    # `-m` looks for modules in the working directory first, and that may be a checkout which others write: nothing is
    # taken from there unless this program itself is. `-P` and `-I` keep Python from looking there at all.
    if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(__file__)):  # noqa: PTH120
        del sys.path[0]
    from waterfall_reconciler import main  # a module of the same distribution: see there

    main()
