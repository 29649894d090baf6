"""``memanalysis removal``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.options import emit, output_options, trust_option
from memanalysis.cli.progress import progress_bar


@click.command("removal")
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--size", help="Size to retrain, and whose scores choose. Default: the largest.")
@click.option(
    "--share",
    "shares",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="Share of the examples to remove; may be repeated. Default: .05, .1, .2 and .3.",
)
@click.option(
    "--seeds",
    type=click.IntRange(2),
    default=10,
    show_default=True,
    help="Models for each share and each way to remove it.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:<n>.")
@trust_option
@output_options
def command(
    store: Path,
    size: str | None,
    shares: tuple[float, ...],
    seeds: int,
    device: str,
    trust_code: bool,
    format_: str | None,
    out: Path | None,
) -> None:
    """Retrain without the most memorised examples, and without as many at random.

    One row per share and way to remove it: accuracy on all test images with its standard error,
    and the paired difference of both ways. STORE must have been made by `memanalysis produce`.

    \b
    Example:
      memanalysis removal runs/digits --seeds 20 --out removal.parquet
    """  # fmt: skip
    import numpy as np

    import memanalysis
    from memanalysis.experiments.removal import SHARES, removal
    from memanalysis.storage.store import Store

    opened = Store.open(store)
    chosen = size or opened.manifest.sizes[-1]
    scores = np.full(opened.manifest.n_train, np.nan)
    known = memanalysis.open(store).table("memorization").filter(
        objective="one_hot", size=chosen, split="train"
    ).drop_nulls("memorization")  # fmt: skip
    scores[known["example_id"].to_numpy()] = known["memorization"].to_numpy()
    with progress_bar() as report:
        frame = removal(
            opened, scores, chosen, shares=shares or SHARES, seeds=seeds, device=device,
            trust_code=trust_code, progress=report,
        )  # fmt: skip
    emit(frame, format_, out)
