"""Faults by the hundred: `make torture`. One table at the end; lost and confusing must be 0.

Seeded: the same ``--seed`` and ``--size`` try the same, in each part alone as among others. Tests
run a hundredth of what needs no training; `make torture TORTURE='--size 0.1 files kills'` a part.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path[:0] = [str(Path(__file__).parents[1] / "helpers"), str(Path(__file__).parent)]

import conditions  # noqa: E402
import inputs  # noqa: E402
import limits  # noqa: E402
import processes  # noqa: E402
import stores  # noqa: E402
from trials import Table  # noqa: E402

PARTS: Final[dict[str, Callable[[Table], None]]] = {
    "files": lambda table: stores.files(table, conditions.built),
    "manifests": stores.manifests,
    "strange": lambda table: stores.strange(table, conditions.built),
    "read-only": lambda table: stores.read_only(table, conditions.built),
    "formats": inputs.formats,
    "studies": inputs.studies,
    "images": inputs.images,
    "bombs": inputs.zip_bombs,
    "sql": lambda table: limits.sql(table, conditions.built),
    "edges": limits.edges,
    "kills": conditions.kills,
    "full": conditions.disk_full,
    "writers": lambda table: processes.two_writers(table, conditions.building_line),
    "readers": lambda table: processes.readers(table, conditions.built),
    "produce": processes.produce,
    "large": limits.large,
}


def tortured(parts: tuple[str, ...], size: float, seed: int, folder: Path) -> Table:
    """The table of some parts; without derived tables, which are no matter of faults."""
    table = Table(size, random.Random(seed), folder)
    for name in parts:
        begin = time.monotonic()
        table.draw.seed(f"{seed} {name}")  # a part tries the same alone and among others
        with conditions.without_derivation(name not in ("edges", "large")):
            PARTS[name](table)
        sys.stderr.write(f"{name}: {time.monotonic() - begin:.0f} s\n")
    return table


def main() -> None:
    """Try what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--size", type=float, default=1.0, help="share of the trials")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for part in given.parts:
        if part not in PARTS:
            parser.error(f"There is no part '{part}'; there are: {', '.join(PARTS)}.")
    with tempfile.TemporaryDirectory() as folder:
        table = tortured(tuple(given.parts or PARTS), given.size, given.seed, Path(folder))
    sys.stdout.write(f"{table}\n")
    sys.exit(1 if table.wrong else 0)


if __name__ == "__main__":
    main()
