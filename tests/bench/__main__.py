"""Ratios against named alternatives, measured side by side in one run: `make bench`.

Each pair runs in turn, A B A B ..., after a warm-up of both; the median of the pairwise ratios is
printed with its range. Absolute times are of this machine and mean little. On a busy machine it
ends and prints no ratio; else each table is kept in `data/results/bench.md` with the commit and the
machine. `--full` adds the largest sizes: some ten minutes and 10 GB of temporary files more.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # helpers that tests share

import machine
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
    """Run the comparisons asked for, print a table each, and keep it on the page of results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the largest sizes, too")
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}")
    given = parser.parse_args()
    for part in given.parts:
        if part not in PARTS:
            parser.error(f"There is no part '{part}'; there are: {', '.join(PARTS)}.")
    screen = Console(width=110)
    screen.print(machine.description(), highlight=False)
    for part in [part for part in PARTS if part in (given.parts or PARTS)]:
        machine.require_quiet(machine.share())
        console = Console(width=110, record=True, file=io.StringIO())
        with tempfile.TemporaryDirectory() as folder:
            compare(part, Path(folder), console, full=given.full)
        machine.require_quiet(machine.share())  # nobody came meanwhile
        tables = console.export_text()
        screen.print(tables, markup=False, highlight=False)
        machine.keep(part, tables)


def compare(part: str, root: Path, console: Console, *, full: bool) -> None:
    """Measure one part and print its tables on ``console``."""
    match part:
        case "start":
            console.print(start.compare())
        case "scoring":
            one_size = replace(CIFAR100, sizes=1)
            console.print(scoring.compare(root, CIFAR100 if full else one_size))
        case "influence":
            console.print(pairs.compare(Scale(4_000, 400, 1, ("one_hot",))))
        case "growth":
            largest = IMAGENET if full else replace(IMAGENET, examples=128_117)
            console.print(scale.growth(root, largest))
        case "derive":
            small = replace(CIFAR100, examples=2_000)
            console.print(scale.deriving(root, [small, CIFAR100] if full else [small]))
        case "opening":
            console.print(opening.compare(root))
        case "training":
            training.main(console)


if __name__ == "__main__":
    main()
