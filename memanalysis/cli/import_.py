"""``memanalysis import``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from memanalysis.cli.progress import progress_bar
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    from memanalysis.importing import Format

_EVERY: Final = ("out", "dry_run")


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


class ImportCommand(click.Command):
    """A command whose help lists the formats or, with a format before --help, is that format's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember the format that help is asked for."""
        if "--help" in args:
            from memanalysis.importing import FORMATS

            ctx.meta["format"] = next((FORMATS[arg] for arg in args if arg in FORMATS), None)
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The usage, with the format's name where there is one."""
        format_ = _asked(ctx)
        name = "FORMAT" if format_ is None else format_.name
        formatter.write_usage(ctx.command_path, f"{name} SOURCE --out STORE [OPTIONS]")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of importing or of the format, with an example."""
        from memanalysis.importing import FORMATS

        format_ = _asked(ctx)
        formatter.write_paragraph()
        if format_ is not None:
            with formatter.indentation():
                formatter.write_text(f"Import {format_.reads}.")
                if format_.gives:
                    formatter.write_paragraph()
                    formatter.write_text(f"A store then has: {format_.gives}.")
            _write_example(formatter, format_)
            return
        super().format_help_text(ctx, formatter)
        width = max(map(len, FORMATS))
        formatter.write_paragraph()
        for name, reads in (("FORMAT", "SOURCE"), *((n, f.reads) for n, f in FORMATS.items())):
            formatter.write(f"  {name:{width}}  {reads}\n")
        formatter.write_paragraph()
        formatter.write("  memanalysis import FORMAT --help says which options a format takes.\n")
        _write_example(formatter, FORMATS["npz"])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the format, or those that every format takes."""
        from memanalysis.importing.source import COMMON_OPTIONS

        format_ = _asked(ctx)
        own = () if format_ is None else format_.options
        records = [
            record
            for parameter in self.get_params(ctx)
            if (parameter.name in (*_EVERY, *COMMON_OPTIONS, *own) or "--help" in parameter.opts)
            and (record := parameter.get_help_record(ctx)) is not None
        ]
        title = "Options" if format_ is not None else "Options of every format"
        with formatter.section(title):
            formatter.write_dl(records)


def _asked(ctx: click.Context) -> Format | None:
    format_: Format | None = ctx.meta.get("format")
    return format_


def _write_example(formatter: click.HelpFormatter, format_: Format) -> None:
    with formatter.section("Example"):
        formatter.write(f"  memanalysis import {format_.example}\n")


@click.command("import", cls=ImportCommand)
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
    help="Objective of the models, if the source does not say.",
)
@click.option("--teacher", help="Size of the distilled models' teacher.")
@click.option("--teacher-scope", type=click.Choice(["same_subset", "full_data"]),
              help="Training examples of the teacher.")  # fmt: skip
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
    help="Labels of the training examples, in order or name,label: .npy, .npz, .csv, …; "
    "FILE:KEY names one key or column.",
)
@click.option(
    "--clean-labels",
    type=click.Path(path_type=Path),
    help="The same before noise: examples whose label differs are of the kind noisy.",
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
@click.option("--augmentation", help="Number of the augmentation, or mean; default: 0.")
@click.option(
    "--hard-is",
    type=click.Choice(["high", "low", "none"]),
    help="Scores that mean a hard example.",
)
@click.option("--side", type=click.Choice(["in", "out"]), default="in", show_default=True,
              help="Scores are of models that trained on the example, or held it out.")  # fmt: skip
@click.option("--columns", "names", type=Names(), default=(), help="Score columns; default: all.")
@click.option("--id-column", help="Column of ids or names; default: example_id, source_id, …")
@click.option("--in-order", is_flag=True, help="Row i of a table without ids is example i.")
@click.option("--missing", is_flag=True, help="Take scores that are NaN or infinite as NULL.")
@click.option("--name", help="Name of what is added; default: that of its column or file.")
@click.option("--row-names", help="Names of the examples by number or row: 'train/{}'.")
@click.option("--label-column", help="Labels to compare with the store's.")
@click.option("--replace", is_flag=True, help="Replace what was added by that name.")
@click.option("--rows", type=click.Choice(["train", "test"]),
              help="Which examples the rows of a square matrix of influence are.")  # fmt: skip
@click.option("--test-ids", type=click.Path(path_type=Path),
              help="The example_id of each test example of a matrix: .npy, .csv, …")  # fmt: skip
@click.option("--n-train", type=click.IntRange(1), help="Training examples, where no file says.")
@click.option("--n-test", type=click.IntRange(0), help="Test examples, where no file says.")
@click.pass_context
def command(
    ctx: click.Context, /, format_: str, source: Path, out: Path, dry_run: bool, **said: Any
) -> None:
    """Bring outcomes or scores from elsewhere into a store, and build it.

    A store that is there already gets another size, another objective, or proxies of the same
    examples; if anything is wrong, it stays as it was.
    """
    from memanalysis.importing import Options, import_source

    options = Options(**said)
    _note_unheeded(ctx, format_)
    with progress_bar() as report:
        done = import_source(format_, source, out, options, dry_run=dry_run, progress=report)
    for line in done.lines:
        say(line, err=not dry_run)
    if done.store is not None:
        say(f"imported into {done.store.path}", err=True)


def _note_unheeded(ctx: click.Context, name: str) -> None:
    """Say which options that were given a format does not heed."""
    from memanalysis.importing import FORMATS, Options
    from memanalysis.importing.source import COMMON_OPTIONS

    if name not in FORMATS:
        return
    options = {field.name for field in fields(Options)}
    heeded = {*COMMON_OPTIONS, *FORMATS[name].options}
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "")
        option = parameter.name in options - heeded
        if option and given is click.core.ParameterSource.COMMANDLINE:
            say(f"note: {name} does not heed {parameter.opts[0]}.", err=True)
