"""A study as a notebook shows it: what it is, its accuracies, its verdicts, its relations."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Protocol

import polars as pl

from memanalysis import numbers, wording
from memanalysis.errors import MemanalysisError
from memanalysis.sql.scripts import FOLDERS, scripts
from memanalysis.storage.store import Manifest

_ACCURACY = """
    select
        objective, size, n_models as models, accuracy_in as "on images trained on",
        accuracy_out as "held out", accuracy_test as test, memorization
    from accuracy
    order by objective desc, size_rank
"""
_VERDICTS = "select verdict, claim, finding from findings where row = 'headline'"
_HIDDEN = "checks"  # relations without rows in a good store


class _Study(Protocol):
    @property
    def manifest(self) -> Manifest: ...
    def sql(self, text: str, /) -> pl.DataFrame: ...


def html(study: _Study) -> str:
    """A few paragraphs and two tables; what cannot be read is said in their place."""
    manifest = study.manifest
    images = f"{manifest.n_train:,} examples to train on, {manifest.n_test:,} to test"
    parts = [
        f"<p><strong>{escape(manifest.title or manifest.study)}</strong> "
        f"({escape(manifest.study)}; {images}; {manifest.n_subsets} subsets)</p>"
    ]
    try:
        accuracy = study.sql(_ACCURACY)
        named = accuracy["objective"].map_elements(wording.objective, pl.String)
        parts += [_table(accuracy.with_columns(objective=named)), _table(study.sql(_VERDICTS))]
    except MemanalysisError as error:
        parts.append(f"<p>{escape(str(error))}</p>")
    return "".join([*parts, _relations()])


def _table(frame: pl.DataFrame) -> str:
    if frame.is_empty():
        return ""
    # JupyterLab sets all cells flush right.
    sides = [
        ' style="text-align: left"' if kind == pl.String else "" for kind in frame.schema.values()
    ]
    head = _cells("th", sides, frame.columns)
    rows = (_cells("td", sides, map(_text, row)) for row in frame.iter_rows())
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _cells(tag: str, sides: list[str], texts: Iterable[str]) -> str:
    each = zip(sides, texts, strict=True)
    return "".join(f"<{tag}{side}>{escape(text)}</{tag}>" for side, text in each)


def _text(value: object) -> str:
    if value is None or isinstance(value, float):
        return numbers.number(value, 3)
    return str(value)


def _relations() -> str:
    names = {
        folder: ", ".join(script.name for script in scripts() if script.folder == folder)
        for folder in FOLDERS
        if folder != _HIDDEN
    }
    listed = "".join(f"<dt>{folder}</dt><dd>{text}</dd>" for folder, text in names.items())
    return f"<details><summary>Relations</summary><dl>{listed}</dl></details>"
