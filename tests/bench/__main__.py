"""Ratios against named alternatives, measured side by side in one run: `make bench`.

Each pair runs in turn, A B A B ..., after a warm-up of both; the median of the pairwise ratios is
printed with its range. Absolute times are of this machine and mean little. `--full` adds the
largest sizes: some ten minutes and 10 GB of temporary files more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # helpers that tests share

import opening
import pairs
import scale
import scoring
import start
import training
from inputs import CIFAR100, IMAGENET, Scale
from rich.console import Console

PARTS = ("start", "scoring", "influence", "growth", "derive", "opening", "training")


def main() -> None:
    """Run the comparisons asked for and print a table each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the largest sizes, too")
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}")
    given = parser.parse_args()
    wanted = given.parts or PARTS
    for part in wanted:
        if part not in PARTS:
            parser.error(f"There is no part '{part}'; there are: {', '.join(PARTS)}.")
    console = Console(width=100)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if "start" in wanted:
            console.print(start.compare())
        if "scoring" in wanted:
            one_size = replace(CIFAR100, sizes=1)
            console.print(scoring.compare(root, CIFAR100 if given.full else one_size))
        if "influence" in wanted:
            console.print(pairs.compare(Scale(4_000, 400, 1, ("one_hot",))))
        if "growth" in wanted:
            largest = IMAGENET if given.full else replace(IMAGENET, examples=128_117)
            console.print(scale.growth(root, largest))
        if "derive" in wanted:
            small = replace(CIFAR100, examples=2_000)
            console.print(scale.deriving(root, [small, CIFAR100] if given.full else [small]))
        if "opening" in wanted:
            console.print(opening.compare(root))
    if "training" in wanted:
        training.main()


if __name__ == "__main__":
    main()
