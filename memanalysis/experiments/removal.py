"""Fewer, more informative? Test accuracy without the most memorised, and without as many others.

Removing examples costs accuracy whichever they are. So beside every set of most memorised examples
stands a random one of the same number, from the same candidates, trained with the same seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from memanalysis import settings
from memanalysis.errors import SettingsError
from memanalysis.producer import plan, training
from memanalysis.producer.retraining import one_thread, require_trusted, study_of
from memanalysis.producer.worker import Trainer
from memanalysis.storage.store import Store

SHARES: Final = (0.05, 0.1, 0.2, 0.3)
SEEDS: Final = 10
# Keeps these trainings apart from every model of the study.
_STREAM: Final = "removal"

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Training:
    """One model to train: what is removed before, and its seed (from 0)."""

    removed: str  # nothing | most memorised | random
    share: float
    seed: int
    in_train: Flags


def trainings(
    scores: NDArray[np.float64], shares: Sequence[float], seeds: int, study_seed: int
) -> list[Training]:
    """Every model of a removal curve: all examples, then per share both ways to remove it.

    ``scores`` float64 [n_train]; examples without one (NaN) always stay. A share is one of those
    with a score. Equal scores go by example. The random set of each seed is drawn anew from
    ``SeedSequence([study_seed, seed, number removed])``.
    """
    candidates = np.flatnonzero(np.isfinite(scores))
    ranked = candidates[np.argsort(-scores[candidates], kind="stable")]
    everything = np.ones(len(scores), dtype=np.bool_)
    found = [Training("nothing", 0.0, seed, everything) for seed in range(seeds)]
    for share in shares:
        number = round(share * len(candidates))
        for seed in range(seeds):
            sequence = np.random.SeedSequence([study_seed, seed, number])
            drawn = np.random.default_rng(sequence).choice(candidates, number, replace=False)
            for removed, dropped in (("most memorised", ranked[:number]), ("random", drawn)):
                kept = everything.copy()
                kept[dropped] = False
                found.append(Training(removed, share, seed, kept))
    return found


def removal(
    store: Store,
    scores: NDArray[np.float64],
    size: str,
    *,
    shares: Sequence[float] = SHARES,
    seeds: int = SEEDS,
    device: str = "cpu",
    trust_code: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> pl.DataFrame:
    """Retrain a study's models of one size without part of its examples.

    Parameters
    ----------
    scores
        float64 [n_train], by which examples count as memorised; NaN where unknown.
    shares
        Shares to remove, each above 0 and below 1.
    seeds
        Models for each share and each way to remove it, at least 2.
    trust_code
        Whether networks that the store's own study names, and may bring along, are run.

    Returns
    -------
    polars.DataFrame
        One row per share and way to remove it: ``accuracy_test`` on all test images, mean over
        seeds with ``std_error``; for the most memorised also ``difference`` to the random set
        (paired by seed) with its standard error and 95 % limits by Student's t.

    Raises
    ------
    SettingsError
        If there is no such size or a number is out of its range.
    StoreError
        If the store's study or data set cannot be had again, or its networks are code that nobody
        trusts.
    """
    study = require_trusted(store, study_of(store), trust_code)
    _require_valid(study, size, shares, seeds)
    planned = trainings(scores, shares, seeds, study.seed)
    with one_thread():
        accuracy = _accuracies(Trainer(study, store, device), planned, size, progress)
    rows = [_row(scores, planned, accuracy, "nothing", 0.0)]
    for share in shares:
        rows += [
            _row(scores, planned, accuracy, way, share) for way in ("most memorised", "random")
        ]
    return (
        pl.DataFrame(rows)
        .with_columns(pl.lit(size).alias("size"))
        .select("size", pl.exclude("size"))
    )


def _require_valid(study: settings.Study, size: str, shares: Sequence[float], seeds: int) -> None:
    names = [known.name for known in study.sizes]
    if size not in names:
        raise SettingsError(f"There is no size '{size}' in this study: {', '.join(names)}.")
    if not shares or not all(0 < share < 1 for share in shares):
        raise SettingsError(f"shares = {list(shares)}: expected numbers above 0 and below 1.")
    if seeds < 2:
        raise SettingsError(f"seeds = {seeds}: expected at least 2, or there is no error to give.")


def _accuracies(
    trainer: Trainer,
    planned: list[Training],
    size_name: str,
    progress: Callable[[str, int, int], None] | None,
) -> NDArray[np.float64]:
    """Test accuracy of each planned model; models that keep as many examples train together."""
    size = trainer.sizes[size_name]
    lesson = training.Lesson(trainer.study.training, settings.Observe(dynamics="none"))
    accuracy = np.zeros(len(planned))
    n_in_train = np.array([model.in_train.sum() for model in planned])
    done = 0
    for number in np.unique(n_in_train)[::-1]:
        alike = np.flatnonzero(n_in_train == number)
        for index in np.array_split(alike, -(-len(alike) // size.ensemble)):
            members = [_member(trainer, planned[k], size_name) for k in index]
            network = training.train(
                trainer.train_images, members, size, lesson, len(trainer.dataset.class_names)
            ).network
            right = training.evaluate(network, trainer.test_images).argmax(-1)
            accuracy[index] = (right == trainer.test_images.labels).double().mean(-1).cpu().numpy()
            done += len(index)
            if progress is not None:
                progress("retraining", done, len(planned))
    return accuracy


def _member(trainer: Trainer, planned: Training, size: str) -> training.Member:
    """Models of one seed start alike, whatever was removed."""
    seed, order = plan.seeds(trainer.study.seed, planned.seed, size, _STREAM)
    name = f"{size} without {planned.share:.0%} ({planned.removed}), seed {planned.seed}"
    return training.Member(name, seed, order, planned.in_train)


def _row(
    scores: NDArray[np.float64],
    planned: list[Training],
    accuracy: NDArray[np.float64],
    removed: str,
    share: float,
) -> dict[str, object]:
    matches = _of(planned, removed, share)
    first, values = planned[matches[0]], accuracy[matches]
    taken = ~first.in_train
    row: dict[str, object] = {
        "removed": removed,
        "share": share,
        "n_removed": int(taken.sum()),
        "n_train": int(first.in_train.sum()),
        "lowest_score": float(scores[taken].min()) if removed == "most memorised" else None,
        "n_models": len(values),
        "accuracy_test": float(values.mean()),
        "std_error": float(stats.sem(values)),
        "difference": None,
        "difference_std_error": None,
        "difference_low": None,
        "difference_high": None,
    }
    if removed == "most memorised":
        pairs = values - accuracy[_of(planned, "random", share)]
        error = float(stats.sem(pairs))
        reach = float(stats.t.ppf(0.975, len(pairs) - 1)) * error
        row |= {
            "difference": float(pairs.mean()),
            "difference_std_error": error,
            "difference_low": float(pairs.mean()) - reach,
            "difference_high": float(pairs.mean()) + reach,
        }
    return row


def _of(planned: list[Training], removed: str, share: float) -> list[int]:
    """Positions of one way to remove one share, by seed."""
    return [
        k for k, model in enumerate(planned) if (model.removed, model.share) == (removed, share)
    ]
