"""`make bench`: ratios against named alternatives, measured side by side in one run.

`python tests/bench training` runs that part alone.
"""

from __future__ import annotations

import sys

import scoring
import training

PARTS = {"scoring": scoring.main, "training": training.main}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        if part not in PARTS:
            sys.exit(f"There is no part '{part}'; there are: {', '.join(PARTS)}.")
        PARTS[part]()
