"""``memanalysis judge``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.options import emit, output_options
from memanalysis.cli.progress import progress_bar
from memanalysis.cli.terminal import say


@click.command("judge")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--folds", type=click.IntRange(2), default=5, show_default=True, help="Models of the judge."
)
@click.option(
    "--epochs", type=click.IntRange(2), default=8, show_default=True, help="Epochs of each."
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:<n>.")
@output_options
def command(
    store: Path, folds: int, epochs: int, device: str, format_: str | None, out: Path | None
) -> None:
    """Sort examples into easy, ambiguous and hard ones and suspected wrong labels.

    The judge is an ensemble of another family, trained on the images that the study left out; it
    knows nothing of the study's scores. Its kinds are kept in the store (examples.kind). Shown is
    one row per example with the judge's probabilities.

    Where all images were trained on, the votes of the study's own held-out models judge; these
    kinds are shown and not kept. See also: memanalysis suspects.

    \b
    Example:
      memanalysis judge runs/mine --out judgements.parquet
      memanalysis sql runs/mine "select kind, count(*) from examples group by kind"
    """
    from memanalysis.experiments.judge import judge
    from memanalysis.storage.store import Store

    opened = Store.open(store)
    with progress_bar() as report:
        found = judge(opened, folds=folds, epochs=epochs, device=device, progress=report)
    emit(found.frame, format_, out)
    counts = found.frame["kind"].value_counts(sort=True).iter_rows()
    say(", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in counts), err=True)
    if found.votes_of is not None:
        say(
            "The study leaves too few images out to train a judge, so the votes of its own models "
            f"of {found.votes_of} judge, each image by those that never saw it; they agree with "
            f"{found.accuracy:.1%} of the labels. Scores are made of the same votes: these kinds "
            "are not kept in the store.",
            err=True,
        )
        return
    tested = (
        "" if found.accuracy_test is None else f", and for {found.accuracy_test:.1%} of test images"
    )
    say(
        f"The judge is right for {found.accuracy:.1%} of images that it did not learn from"
        f"{tested}.",
        err=True,
    )
