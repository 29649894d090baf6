"""The formats of ``memanalysis export``, each declared once: help and pages are made from this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from memanalysis.exporting.cleanlab import write_cleanlab
from memanalysis.exporting.database import write_database
from memanalysis.exporting.examples import write_examples
from memanalysis.exporting.huggingface import write_huggingface
from memanalysis.exporting.npz import write_npz
from memanalysis.exporting.print_tables import latex
from memanalysis.exporting.scores import scores, write_scores


@dataclass(frozen=True)
class Format:
    """One layout that a study can be written in.

    Attributes
    ----------
    name
        After ``--to``.
    wanted
        Its use, in a few words.
    gives
        What is written.
    example
        An example of its use, as it follows ``memanalysis export``.
    options
        Options that it takes beside ``--out`` and ``--force``, as Python names them.
    writer
        ``writer(study, out, force=..., **options)`` gives the path written, or several; None of
        tables, which the command line encodes.
    is_long
        Whether ``writer`` takes ``progress``.
    content
        The function whose docstring has keys or columns, dtypes and shapes.
    """

    name: str
    wanted: str
    gives: str
    example: str
    options: tuple[str, ...] = ()
    writer: Callable[..., Any] | None = None
    is_long: bool = False
    content: Callable[..., Any] | None = None


_CONDITION: Final = ("objective", "size")
_TABLE: Final = ("relation", "query")
_PRINTED: Final = (*_TABLE, "columns")

FORMATS: Final[Mapping[str, Format]] = {
    format_.name: format_
    for format_ in (
        Format(
            "npz",
            "NumPy arrays",
            "one archive per objective and size, by the CIFAR-10N key names",
            "--to npz --out arrays",
            (*_CONDITION, "influence"),
            write_npz,
            is_long=True,
            content=write_npz,
        ),
        Format(
            "scores",
            "scores to load",
            "a row per objective, size and training example, by plain index: score with interval, "
            "counts, held-out accuracy, trajectory, membership area",
            "--to scores --out scores.parquet",
            _CONDITION,
            write_scores,
            content=scores,
        ),
        Format(
            "cleanlab",
            "wrong labels by cleanlab",
            "`labels`, `pred_probs` for `find_label_issues`; needs logits, kept by "
            '`keep_logits = "final"` or `import --keep-logits`',
            "mine --to cleanlab --out heldout.npz",
            _CONDITION,
            write_cleanlab,
            is_long=True,
            content=write_cleanlab,
        ),
        Format(
            "examples",
            "to browse images",
            'images and all scores, for Spotlight (`dtype={"image": spotlight.Image}`; set '
            "`SPOTLIGHT_OPT_OUT=true` to stop its reports), FiftyOne or pandas",
            "--to examples --out examples.parquet",
            writer=write_examples,
            content=write_examples,
        ),
        Format(
            "huggingface",
            "to publish",
            "a folder for `load_dataset`, with a card; nothing is uploaded",
            "--to huggingface --out dataset",
            writer=write_huggingface,
            content=write_huggingface,
        ),
        Format(
            "duckdb",
            "SQL without Python",
            "one database file for the `duckdb` shell (from 1.4 on), DBeaver and other clients",
            "--to duckdb --out study.duckdb",
            writer=write_database,
        ),
        Format(
            "csv",
            "a table for spreadsheets",
            "a relation, or the result of a query",
            "--to csv --relation accuracy --out accuracy.csv",
            _TABLE,
        ),
        Format(
            "parquet",
            "a table for data frames",
            "the same",
            "--to parquet --relation accuracy --out accuracy.parquet",
            _TABLE,
        ),
        Format(
            "json",
            "a table for programs",
            "the same, as a list of records",
            '--to json --query "select size, accuracy_test from accuracy" --out accuracy.json',
            _TABLE,
        ),
        Format(
            "latex",
            "a table for a paper",
            "booktabs, estimates as `.216 [.201, .231]`",
            "--to latex --relation accuracy --out accuracy.tex",
            _PRINTED,
            content=latex,
        ),
        Format(
            "markdown",
            "a table for a page",
            "the same estimates as a Markdown table",
            "--to markdown --relation accuracy --columns size,accuracy_test --out accuracy.md",
            _PRINTED,
        ),
    )
}
