"""A log folder of Privacy Meter (privacytrustlab/ml_privacy_meter, commit e384af8).

``models/memberships.npy`` bool [models, examples], rows 2i and 2i + 1 complementary halves;
``signals/{rmia|loss}_signals.npy`` float [examples, models], the label's softmax probability, under
both names; ``models/models_metadata.json`` {index: {"model_name", ...}}. Whether a model is right
does not follow from the label's probability, so what comes of it is the probability form of
memorisation, as scores. The pickled models are never read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import Held, as_bools, open_npy, require_numbers
from memanalysis.importing.labels import given_labels
from memanalysis.importing.problems import fault
from memanalysis.importing.source import (
    UNKNOWN,
    Contents,
    Examples,
    Format,
    Options,
    Scores,
)

FORMAT: Final = Format(
    name="privacy-meter",
    module=__name__,
    reads="a log folder of Privacy Meter",
    options=("labels", "clean_labels"),
    example="privacy-meter exp --out mine",
    gives="memorisation in probability",
)
_SIGNALS: Final = ("rmia", "loss")  # in order of preference; both hold the same quantity
_SOME: Final = 20  # examples whose mean difference says something
_SPREAD: Final = 4.0  # standard errors
_SEVERAL_ROWS: Final = "_ramia_"
_NOTES: Final = (
    "The label's probability alone: whether a model is right is unknown, so memorization from "
    "correctness, accuracies and trajectories cannot be computed.",
    "Probabilities may be temperature-scaled; the source does not say.",
)


def read(source: Path, options: Options) -> Contents:
    """Describe a log folder: two scores for each ``model_name``, which is the size.

    Raises
    ------
    DataError
        If a file is missing, signals are of other examples or models than the memberships, or the
        memberships are not complementary in pairs.
    """
    masks = open_npy(source / "models" / "memberships.npy")
    path = _signals_file(source / "signals")
    signals = open_npy(path)
    mask = _require_fits(masks, signals)
    names = _names(source / "models" / "models_metadata.json", len(mask), options)
    scores: list[Scores] = []
    for size in dict.fromkeys(names):
        chosen = np.array([name == size for name in names])
        scores += _scores(signals, mask, chosen, size, options)
    notes = list(_NOTES)
    if len(_present(source / "signals")) > 1:
        notes.append(f"{path.name} is read; other signal files hold the same quantity.")
    if _population(source / "signals"):
        notes.append("Signals on the population are not imported: no model was trained on it.")
    if options.order is None:
        notes.append("Examples are in torchvision's order, the original one, as far as is known.")
    labels = given_labels(options) if options.labels else None
    return Contents(
        format="privacy-meter",
        source=source.name,
        examples=Examples(
            n_train=masks.shape[1], labels=labels, labels_are_given=labels is not None
        ),
        scores=scores,
        notes=notes,
        provenance={"models_of_scores": len(mask), "signals": path.name},
    )


def _present(folder: Path) -> list[Path]:
    return [path for name in _SIGNALS if (path := folder / f"{name}_signals.npy").is_file()]


def _population(folder: Path) -> list[Path]:
    return sorted(folder.glob("*_signals_pop.npy"))


def _signals_file(folder: Path) -> Path:
    present = _present(folder)
    if present:
        return present[0]
    others = sorted(path.name for path in folder.glob("*.npy"))
    if any(_SEVERAL_ROWS in name for name in others):
        raise fault(
            f"'{folder}'", ", ".join(others),
            "one row of signals for each example; range-membership signals have several",
            "Run the audit with rmia or loss.",
        )  # fmt: skip
    raise fault(
        f"'{folder}'", ", ".join(others) or "no signals", "rmia_signals.npy or loss_signals.npy"
    )


def _require_fits(masks: Held, signals: Held) -> NDArray[np.bool_]:
    """The memberships bool [models, examples], once they fit the signals and one another."""
    if len(masks.shape) != 2 or len(signals.shape) != 2:
        found = f"shapes {masks.shape} and {signals.shape} of {masks.where}"
        raise fault(signals.where, found, "signals [examples, models], memberships the reverse")
    require_numbers(signals)
    n_models, n_examples = masks.shape
    if signals.shape[1] != n_models:
        turned = signals.shape == masks.shape
        raise fault(
            signals.where, f"shape {signals.shape}",
            f"({n_examples:,} examples, {n_models:,} models)",
            "Memberships have models first, signals examples first; one of them is transposed."
            if turned else "They are of other models.",
        )  # fmt: skip
    if signals.shape[0] != n_examples:
        raise fault(
            signals.where, f"{signals.shape[0]:,} rows", f"{n_examples:,}, one for each example of "
            f"{masks.where}", "The audit drew a random sample whose indices were not saved, so its "
            "rows have no examples. Run it with audit.data_size of the whole data set.",
        )  # fmt: skip
    mask = np.stack([as_bools(row, masks.where, at) for at, row in enumerate(masks.rows())])
    if n_models % 2 or (mask[0::2] == mask[1::2]).any():
        raise fault(
            masks.where, f"{n_models:,} rows that are not complementary in pairs",
            "rows 2i and 2i + 1 that hold each example once",
            "A transposed array looks like this.",
        )  # fmt: skip
    return mask


def _names(path: Path, n_models: int, options: Options) -> list[str]:
    """Size of each model: --size, else its ``model_name``."""
    if options.size or not path.is_file():
        return [options.size or UNKNOWN] * n_models
    try:
        metadata: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return [str(metadata[str(index)]["model_name"]) for index in range(n_models)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise fault(
            f"'{path}'", f"no entry ({type(error).__name__}: {error})",
            f"{n_models} models by index, each with a model_name", "Or give --size.",
        ) from error  # fmt: skip


def _scores(
    signals: Held, mask: NDArray[np.bool_], chosen: NDArray[np.bool_], size: str, options: Options
) -> list[Scores]:
    """Mean probability inside less outside, and outside, of one size's models.

    Examples that are in all of them, or in none, have neither.
    """
    inside, outside = _means(signals, mask, chosen)
    ids = np.flatnonzero(np.isfinite(inside))
    _require_learned((inside - outside)[ids], signals.where)
    objective = options.objective or "one_hot"
    source = f"Privacy Meter, {np.count_nonzero(chosen)} models"
    return [
        Scores(
            "memorization_probability", (inside - outside)[ids], "high", ids, "in", size,
            objective, source,
            "mean p(y) over models with the example in train - mean over the others",
            signals.where,
        ),
        Scores(
            "held_out_probability", outside[ids], "low", ids, "out", size, objective, source,
            "mean p(y) over models with the example held out", signals.where,
        ),
    ]  # fmt: skip


def _require_learned(differences: NDArray[np.float64], where: str) -> None:
    """Refuse numbers that are lower for what models trained on: losses, or masks turned over."""
    if len(differences) < _SOME:
        return
    error = differences.std(ddof=1) / len(differences) ** 0.5
    if differences.mean() < -_SPREAD * error:
        raise fault(
            where, f"numbers that are lower by {-differences.mean():.3g} where a model trained on "
            "the example", "probabilities, which are higher there",
            "These look like losses, or memberships mark what was held out.",
        )  # fmt: skip


def _means(
    signals: Held, mask: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean probability of each example float64 [n], in and out; NaN where either has no model."""
    n_examples = signals.shape[0]
    inside, outside = np.full(n_examples, np.nan), np.full(n_examples, np.nan)
    for at, row in enumerate(signals.rows()):
        values = row[chosen].astype(np.float64)
        if not ((values >= 0) & (values <= 1)).all():  # false for NaN
            wrong = values[~((values >= 0) & (values <= 1))][0]
            logs = (row <= 0).all()
            hint = (
                "These look like log-probabilities: exponentiate them."
                if logs
                else "Losses and margins are not read: losses are -log of what is."
            )
            raise fault(
                signals.where, f"{wrong} at example {at}", "probabilities from 0 to 1", hint
            )
        member = mask[chosen, at]
        if member.any() and not member.all():
            inside[at], outside[at] = values[member].mean(), values[~member].mean()
    return inside, outside
