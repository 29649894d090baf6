"""``memanalysis reproduce``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memanalysis.cli.options import emit, output_options, trust_option
from memanalysis.cli.studies import load_study
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    import polars as pl

_LIMIT = 4.0  # standard errors; with a few dozen accuracies, chance alone reaches 3


@click.command("reproduce")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--study",
    metavar="STUDY.toml",
    help="Its study file. Default: study.toml inside the store, else what its manifest keeps.",
)
@click.option(
    "--group",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The group of subsets, from 0.",
)
@click.option("--workers", type=click.IntRange(1), help="Default: one per processor.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:<n>.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the new models here; the same command then continues where it was stopped.",
)
@trust_option
@output_options
def command(
    store: Path,
    study: str | None,
    group: int,
    workers: int | None,
    device: str,
    keep: Path | None,
    trust_code: bool,
    format_: str | None,
    out: Path | None,
) -> None:
    """Train one group of a finished study again and compare it with the store.

    On the same processor type and torch version every outcome must be the same. Elsewhere the
    accuracies must agree within their errors. Ends with 1 where they do not.
    Networks of your own are code: with --study it is what lies beside your
    file, and what STORE names or holds runs only with --trust-code.

    \b
    Example:
      memanalysis reproduce data/planted --group 3 --keep runs/again
    """
    from memanalysis.experiments.reproduce import reproduce, same_machine
    from memanalysis.producer.retraining import kept_study, require_trusted
    from memanalysis.storage.store import Store

    opened = Store.open(store)
    inside = store / "study.toml"
    if study is not None:
        settings = load_study(study)  # which the user names, and so the code beside it
    else:
        own = load_study(str(inside)) if inside.is_file() else kept_study(opened)
        settings = require_trusted(opened, own, trust_code)
    with tempfile.TemporaryDirectory() as temporary:
        frame = reproduce(
            opened, settings, group, keep or temporary, workers=workers, device=device
        )
    emit(frame, format_, out)
    models, identical = int(frame["models"].sum()), int(frame["identical"].sum())
    say(f"{identical} of {models} models have every outcome of the store.", err=True)
    if identical == models:
        return
    if same_machine(opened):
        say(
            "This is the processor type and torch version of the store: all should be the same.",
            err=True,
        )
        raise SystemExit(1)
    worst = _worst(frame)
    say(
        "Another processor type or torch version than the store's: accuracies differ by at most "
        f"{worst:.1f} standard errors.",
        err=True,
    )
    if worst > _LIMIT:
        raise SystemExit(1)


def _worst(frame: pl.DataFrame) -> float:
    """The largest difference of an accuracy in its standard errors; 0 where none has any."""
    ratios = [
        abs(row[name]) / row[f"{name}_error"]
        for row in frame.iter_rows(named=True)
        for name in ("accuracy_in", "accuracy_out", "accuracy_test")
        if (row[f"{name}_error"] or 0) > 0
    ]
    return max(ratios, default=0.0)
