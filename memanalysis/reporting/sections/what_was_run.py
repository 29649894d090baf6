"""The parts of a study that were run: objectives, sizes, proxies, test split, influence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from memanalysis import proxies, wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.storage.schema import SIGNALS

# influence between training examples grows with their square; see relations.influence
_MOST_TRAIN_PARTNERS: Final = 100_000
_YES, _PARTLY, _NO = "yes", "in part", "no"
_Row = tuple[str, str, str]


def coverage(reading: Reading) -> blocks.Table:
    """A table of what was run and what was not, with the reason where the store knows it."""
    rows: list[_Row] = [
        _models(reading),
        _objectives(reading),
        _labels(reading),
        _test(reading),
        _images(reading),
        _signals(reading),
        _per_group(reading),
        _proxies(reading),
        *_influence(reading),
        _findings(reading),
    ]
    return blocks.Table("What was run and what was not", ("part", "there", "detail"), rows)


def _models(reading: Reading) -> _Row:
    manifest, models = reading.manifest, reading.table("models")
    if models.is_empty():
        return ("models", _NO, "The store holds scores of others, no models with masks.")
    planned = sum(
        manifest.planned_subsets(objective, size)
        for objective in manifest.objectives
        for size in manifest.sizes
    )
    detail = (
        f"{wording.plural(models.height, 'model')} in {wording.plural(len(reading.sizes), 'size')}"
    )
    if manifest.imports or planned <= models.height:
        return ("models", _YES, f"{detail}.")
    return ("models", _PARTLY, f"{detail}, of {wording.count(planned)} planned.")


def _objectives(reading: Reading) -> _Row:
    names = [wording.objective(name) for name in reading.objectives]
    if not names:
        return ("distillation", _NO, "There are no models.")
    if any(name != "one_hot" for name in reading.objectives):
        return ("distillation", _YES, f"Objectives: {wording.listed(names)}.")
    return ("distillation", _NO, f"One objective: {names[0]}.")


def _labels(reading: Reading) -> _Row:
    labels = reading.table("examples")["label"]
    missing = labels.null_count()
    if missing == 0:
        return ("labels", _YES, f"{wording.count(labels.n_unique())} different ones.")
    kind = _NO if missing == len(labels) else _PARTLY
    return (
        "labels",
        kind,
        f"{wording.count(missing)} of {wording.count(len(labels))} are missing.",
    )


def _test(reading: Reading) -> _Row:
    kept = reading.table("examples").filter(pl.col("split") == "test").height
    whole = reading.manifest.dataset.get("test_examples")
    if kept == 0:
        return ("test split", _NO, "No test example is in the store.")
    if isinstance(whole, int) and whole > kept:
        detail = (
            f"{wording.count(kept)} examples kept; test accuracy is over {wording.count(whole)}."
        )
        return ("test split", _PARTLY, detail)
    return ("test split", _YES, f"{wording.count(kept)} examples.")


def _images(reading: Reading) -> _Row:
    images = reading.table("examples").filter(pl.col("split") == "train")["image"]
    there = len(images) - images.null_count()
    if there == 0:
        return ("images", _NO, "The store keeps none.")
    kind = _YES if there == len(images) else _PARTLY
    return ("images", kind, f"Of {wording.count(there)} training examples.")


def _signals(reading: Reading) -> _Row:
    columns = ", ".join(f"count({signal}_in_sum) as {signal}" for signal in SIGNALS)
    counts = reading.sql(f"select {columns} from outcomes").row(0, named=True)
    there = [name for name, n in counts.items() if n]
    missing = [name for name, n in counts.items() if not n]
    if not there:
        return ("continuous outcomes", _NO, "Correctness alone is recorded.")
    detail = f"Sums of {wording.listed(there)}"
    if missing:
        return ("continuous outcomes", _PARTLY, f"{detail}; no {wording.listed(missing)}.")
    return ("continuous outcomes", _YES, f"{detail}.")


def _per_group(reading: Reading) -> _Row:
    part = "outcomes per group of models"
    if reading.table("models").is_empty():
        return (part, _NO, "There are no models.")
    if (reading.study.path / "models").is_dir():
        return (part, _YES, "Each model’s file is in the store.")
    why = (
        "The store is packed: label probabilities and proxies of single models were left out, and "
        "what needs them per group is as it was derived before packing."
        if reading.manifest.packed
        else "The store has no files of single models, so label probabilities and proxies are "
        "known as sums over models."
    )
    return (part, _PARTLY, f"Correctness, as bits. {why}")


def _proxies(reading: Reading) -> _Row:
    found = reading.sql("select distinct proxy from proxies order by proxy")["proxy"].to_list()
    if not found:
        return ("proxies", _NO, "No proxy was recorded.")
    missing = [name for name in proxies.PROXIES if name not in found]
    names = wording.listed([proxies.label(name) for name in found])
    if not missing:
        return ("proxies", _YES, f"{names}.")
    absent = wording.listed([proxies.label(name) for name in missing])
    return ("proxies", _PARTLY, f"Recorded: {names}. Not recorded: {absent}.")


def _influence(reading: Reading) -> Iterator[_Row]:
    summary = reading.table("influence_summary")
    imported = reading.table("influence").filter(pl.col("n_in").is_null()).height
    for split, words in (("test", "test examples"), ("train", "other training examples")):
        part = f"influence on {words}"
        pairs = sum(summary.filter(pl.col("split") == split)["n_pairs"].drop_nulls().to_list())
        if pairs:
            yield part, _YES, f"{wording.count(pairs)} pairs tested."
        elif split == "train" and reading.manifest.n_train > _MOST_TRAIN_PARTNERS:
            yield (
                part,
                _NO,
                (
                    f"Not computed above {wording.count(_MOST_TRAIN_PARTNERS)} training examples; "
                    "influence_on(example := ...) computes it for one."
                ),
            )
        elif imported:
            yield part, _PARTLY, f"{wording.count(imported)} imported pairs, untested."
        else:
            yield part, _NO, "No pair could be tested."


def _findings(reading: Reading) -> _Row:
    verdicts = reading.table("findings").filter(pl.col("row") == "headline")["verdict"]
    if verdicts.is_empty():
        return ("findings", _NO, "No finding was derived.")
    open_ = int((verdicts == "undetermined").sum())
    decided = f"{wording.count(len(verdicts) - open_)} of {wording.count(len(verdicts))} decided."
    return ("findings", _YES if open_ == 0 else _PARTLY, decided)
