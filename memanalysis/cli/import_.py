"""``memanalysis import``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from memanalysis.cli.progress import progress_bar


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between."""

    name = "a,b,c"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The names in the text."""
        names = value if isinstance(value, tuple) else tuple(n.strip() for n in value.split(","))
        if not all(names):
            self.fail(f"{value!r} has an empty name", param, ctx)
        return names


@click.command("import")
@click.argument("format_", metavar="FORMAT")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The store; made if there is none.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be imported, and write nothing.")
@click.option("--size", help="Name of the models' size, if the source has none.")
@click.option(
    "--size-order",
    type=Names(),
    default=(),
    help="Sizes, smallest first, if they come in another order.",
)
@click.option(
    "--objective",
    type=click.Choice(["one_hot", "distilled"]),
    help="How the models were trained, if the source does not say.",
)
@click.option("--teacher", help="Size of the distilled models' teacher.")
@click.option("--teacher-scope", type=click.Choice(["same_subset", "full_data"]),
              help="What the teacher was trained on.")  # fmt: skip
@click.option("--temperature", type=float, help="Temperature of the distillation.")
@click.option("--family", help="Architecture family of the models.")
@click.option("--parameters", type=click.IntRange(1), help="Trainable parameters of a model.")
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="Epochs of a training; in dynamics, what is never learned counts so many.",
)
@click.option(
    "--evaluation-mode", help="Mode of the network when outcomes were taken: eval or train."
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Labels of the training examples: .npy, .npz, .csv.",
)
@click.option("--class-names", type=Names(), default=(), help="Names of the classes, in order.")
@click.option(
    "--order",
    type=click.Choice(["original", "tfds", "class_sorted", "filename", "unknown"]),
    help="Order of the examples, for the record.",
)
@click.option(
    "--ratio",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of the examples that a model trained on, to check the masks.",
)
@click.option("--models", type=click.IntRange(1), help="Read only the first so many models.")
@click.option(
    "--axes-known",
    is_flag=True,
    help="Arrays are [models, examples], although they have as many models as examples, or more.",
)
@click.option(
    "--keep-logits",
    is_flag=True,
    help="Keep logits in the model files, for `export --to cleanlab`.",
)
@click.option("--augmentation", help="lira: number of the augmentation, or mean; default: 0.")
@click.option(
    "--hard-is",
    type=click.Choice(["high", "low", "none"]),
    help="Which scores mean a hard example.",
)
@click.option("--side", type=click.Choice(["in", "out"]), default="in", show_default=True,
              help="Scores are of models that trained on the example, or held it out.")  # fmt: skip
@click.option("--columns", "names", type=Names(), default=(), help="Score columns; default: all.")
@click.option("--id-column", help="Column of ids or names; default: example_id or source_id.")
@click.option("--missing", is_flag=True, help="Take scores that are NaN or infinite as NULL.")
@click.option("--n-train", type=click.IntRange(1), help="Training examples, where no file says.")
@click.option("--n-test", type=click.IntRange(0), help="Test examples, where no file says.")
def command(format_: str, source: Path, out: Path, dry_run: bool, **said: Any) -> None:
    """Bring outcomes or scores from elsewhere into a store, and build it.

    A store that is there already gets another size, another objective, or proxies of the same
    examples; if anything is wrong, it stays as it was.

    \b
    FORMAT         SOURCE
    npz            masks and correctness, by CIFAR-10N's key names
    lira           a log directory of TensorFlow Privacy's LiRA
    feldman        a folder of <run>/aux_arrays.npz, or published scores
    cscore         published C-scores, .npz or .npy
    datamodels     a store or a folder of released masks and margins
    privacy-meter  a log directory of Privacy Meter
    leakpro        an output directory of LeakPro, masks.npy in it
    dynamics       cartography's, AUM's or data_diet's: proxies
    scores         any scores by example: .csv, .parquet, .npy

    \b
    Example:
      memanalysis import npz cifar-rand1-human-infl-mem.npz --out runs/cifar10n
    """
    from memanalysis.importing import Options, import_source

    options = Options(**said)
    with progress_bar() as report:
        done = import_source(format_, source, out, options, dry_run=dry_run, progress=report)
    for line in done.lines:
        click.echo(line, err=not dry_run)
    if done.store is not None:
        click.echo(f"imported into {done.store.path}", err=True)
