"""The top of the page: title, one paragraph on what was trained, and a table of facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from memanalysis.report import wording
from memanalysis.report.reading import Reading

_PER_SIZE: Final = "per size and objective"


@dataclass(frozen=True)
class Opening:
    """Title, paragraph and facts."""

    title: str
    lead: str
    facts: list[tuple[str, str]]
    sizes: list[tuple[str, str, str]]


def opening(reading: Reading) -> Opening:
    """Describe the study in words and in a table."""
    return Opening(
        title=reading.manifest.title or reading.manifest.study,
        lead=_lead(reading),
        facts=_facts(reading),
        sizes=_sizes(reading),
    )


def _lead(reading: Reading) -> str:
    manifest = reading.manifest
    models = reading.table("models")
    ratio = "" if manifest.ratio is None else f"{100 * manifest.ratio:g} % "
    sentences = [
        f"{wording.plural(models.height, 'model')} in {wording.plural(len(reading.sizes), 'size')} "
        f"were trained, each on a random {ratio}subset of {wording.count(manifest.n_train)} "
        f"examples of {_data(manifest.dataset)}.",
        "An example’s memorisation score is the share of models that get it right among those "
        "that trained on it, minus that share among those that did not.",
    ]
    if reading.distilled:
        sentences.append(
            "Every subset was learned twice: from its labels (one-hot), and by distillation from "
            "a larger teacher’s outputs."
        )
    return " ".join(sentences)


def _facts(reading: Reading) -> list[tuple[str, str]]:
    manifest = reading.manifest
    models = reading.table("models")
    facts = [
        ("Data", _data(manifest.dataset)),
        (
            "Examples",
            f"{wording.count(manifest.n_train)} training, {wording.count(manifest.n_test)} "
            f"test kept, in {len(manifest.class_names)} classes",
        ),
        ("Subsets K", _subsets(reading)),
        ("Ratio", wording.number(manifest.ratio, 2)),
        ("Held out", _counts(reading)),
        ("Objectives", wording.listed([wording.objective(name) for name in reading.objectives])),
        ("Epochs", ", ".join(str(value) for value in _distinct(models, "epochs"))),
    ]
    if reading.teacher:
        facts.append(("Teacher", reading.teacher))
    return [(name, value) for name, value in facts if value]


def _subsets(reading: Reading) -> str:
    groups = len(_distinct(reading.table("models"), "group_id"))
    size = reading.manifest.group_size
    inside = f" in {wording.plural(groups, 'group')}" + (f" of {size}" if size else "")
    subsets = reading.table("models")["subset_id"].n_unique()
    return f"{wording.count(subsets)}{inside if groups else ''}"


def _counts(reading: Reading) -> str:
    """How many models see an example and how many do not, for one size and objective."""
    rows = reading.sql(
        "select min(n_in) as a, max(n_in) as b, min(n_out) as c, max(n_out) as d "
        "from memorization where split = 'train'"
    ).row(0)
    if None in rows:
        return ""
    a, b, c, d = (wording.count(value) for value in rows)
    inside, outside = a if a == b else f"{a}–{b}", c if c == d else f"{c}–{d}"
    return f"each example inside {inside} and outside {outside} models {_PER_SIZE}"


def _sizes(reading: Reading) -> list[tuple[str, str, str]]:
    """Each size with its parameters and number of models."""
    rows = (
        reading.table("models")
        .group_by("size", "size_rank")
        .agg(pl.col("parameters").max(), pl.len().alias("n"))
        .sort("size_rank", "size")
    )
    return [
        (row["size"], wording.count(row["parameters"]), wording.count(row["n"]))
        for row in rows.iter_rows(named=True)
    ]


def _data(dataset: dict[str, Any]) -> str:
    return str(dataset.get("name") or "a data set without a name")


def _distinct(frame: pl.DataFrame, column: str) -> list[Any]:
    return frame[column].drop_nulls().unique().sort().to_list()
