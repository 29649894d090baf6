"""Masks and margins of datamodels: a store of MadryLab/datamodels, or the released arrays.

A store (commit 61e590a) has ``spec.json`` = {"num_models", "schema": {key: {"shape", "dtype"}}},
one ``<key>.npy`` [models, ...] for each key and ``_completed.npy`` bool [models]. Its CIFAR example
keeps ``masks`` bool [models, train] and ``margins`` float16 [models, test].

The releases (MadryLab/datamodels-data) are ``train_masks_{PCT}pct.npy`` bool [models, train],
``train_margins_…``, ``test_margins_…`` float16, for CIFAR also ``train_logits_…`` and
``test_logits_…`` float16 [models, examples, 10]. A margin is the correct logit less the largest
other, so an example is classified correctly if it is above 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress, repeat
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import Held, as_bools, open_npy, require_numbers
from memanalysis.importing.formats.influence import THRESHOLD, strong_pairs
from memanalysis.importing.labels import Labels, given_labels
from memanalysis.importing.outcomes import Outcome, half, of_outputs, require_classes
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import (
    MODEL_OPTIONS,
    UNKNOWN,
    Contents,
    Examples,
    Format,
    Models,
    Options,
    Output,
    Pairs,
    chosen,
)

FORMAT: Final = Format(
    name="datamodels",
    module=__name__,
    reads="a store or a folder of released masks and margins",
    options=(
        *MODEL_OPTIONS,
        "labels",
        "clean_labels",
        "models",
        "axes_known",
        "keep_logits",
        "augmentation",
    ),
    example="datamodels cifar --size resnet9 --out mine",
    gives="memorisation by margin; from test margins alone, influence",
)
_SPEC: Final = "spec.json"
_COMPLETED: Final = "_completed"
_RELEASED: Final = re.compile(r"train_masks_(\d+)pct\.npy")
# Values of margins that are searched for exact zeros before the import, to bound its time.
_SEARCHED: Final = 2**27
# Margins of so many examples are not all of right ones; rounding moves so many across 0.
_SOME: Final = 20
_DIFFER: Final = 0.02


@dataclass(frozen=True, eq=False)
class _Source:
    """Arrays by what they are, models first; ``kept`` bool [models] marks finished models."""

    where: str
    masks: Held
    train_margins: Held | None
    test_margins: Held | None
    train_logits: Held | None
    test_logits: Held | None
    kept: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    @property
    def n_models(self) -> int:
        return int(np.count_nonzero(self.kept))

    @property
    def outputs(self) -> dict[str, Held]:
        named = {
            "train_margins": self.train_margins,
            "test_margins": self.test_margins,
            "train_logits": self.train_logits,
            "test_logits": self.test_logits,
        }
        return {name: array for name, array in named.items() if array is not None}

    def rows(self, array: Held) -> Iterator[NDArray[Any]]:
        """The rows of finished models."""
        return compress(array.rows(), self.kept)


def read(source: Path, options: Options) -> Contents:
    """Describe a datamodels store, a folder of released arrays or one ``train_masks_…`` file.

    With outputs on the training set they are models; with test outputs alone, influence.

    Raises
    ------
    DataError
        If a file is missing, a shape differs from the others or from ``spec.json``, no model is
        completed, or the source holds pickled regression results.
    """
    if source.suffix == ".pt":
        raise fault(
            f"'{source}'", "a torch file, which is a pickle and never read",
            "masks and margins as .npy",
        )  # fmt: skip
    found = _store(source) if (source / _SPEC).is_file() else _released(source)
    _require_shapes(found, options)
    found = _first(found, options.models)
    labels = given_labels(options)
    models, pairs, notes = _outcomes(found, options, labels)
    n_test = _n_test(found, options)
    return Contents(
        format="datamodels",
        source=source.name,
        examples=Examples(n_train=found.masks.shape[1], n_test=n_test),
        models=models,
        pairs=pairs,
        notes=(*found.notes, *_zeros(found), *notes),
        provenance={
            "augmentation": options.augmentation
            or "unknown; the CIFAR example averages logits over lr_tta, which reverses channels"
        },
    )


# The two layouts


def _store(folder: Path) -> _Source:
    spec = _spec(folder / _SPEC)
    faults = Faults(str(folder))
    arrays = {}
    for key, entry in {**spec["schema"], _COMPLETED: {"shape": [], "dtype": "bool"}}.items():
        array = open_npy(folder / f"{key}.npy")
        shape = (spec["num_models"], *entry["shape"])
        # Their dtype names are attributes of NumPy, such as bool_.
        if array.shape != shape or array.dtype.name != str(entry["dtype"]).rstrip("_"):
            faults.add(
                array.where, f"{array.dtype.name} {array.shape}", f"{entry['dtype']} {shape}, as "
                f"{_SPEC} says",
            )  # fmt: skip
        arrays[key] = array
    faults.raise_any()
    if "masks" not in arrays:
        keys = ", ".join(spec["schema"])
        raise fault(f"'{folder / _SPEC}'", f"only {keys}", "a key 'masks' [models, examples]")
    completed = arrays[_COMPLETED].whole().astype(np.bool_)
    if not completed.any():
        raise fault(arrays[_COMPLETED].where, "no completed model", "at least one")
    missing = int(np.count_nonzero(~completed))
    notes = [f"{missing:,} models were never completed and are left out."] if missing else []
    known = {"masks", "margins", "test_margins", "train_margins", "train_logits", "test_logits"}
    if rest := sorted(arrays.keys() - known - {_COMPLETED}):
        notes.append(f"Not imported: {', '.join(rest)}.")
    return _Source(
        str(folder), arrays["masks"], arrays.get("train_margins"),
        arrays.get("test_margins", arrays.get("margins")), arrays.get("train_logits"),
        arrays.get("test_logits"), completed, tuple(notes),
    )  # fmt: skip


def _spec(path: Path) -> dict[str, Any]:
    expected = '{"num_models": M, "schema": {key: {"shape": [...], "dtype": name}}}'
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
        entries = spec["schema"].values()
        if all(isinstance(e["shape"], list) and isinstance(e["dtype"], str) for e in entries):
            return {"num_models": int(spec["num_models"]), "schema": spec["schema"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise fault(f"'{path}'", f"no specification ({error})", expected) from error
    raise fault(f"'{path}'", "entries without shape and dtype", expected)


def _released(source: Path) -> _Source:
    folder = source if source.is_dir() else source.parent
    masks = [source] if source.is_file() else sorted(folder.glob("train_masks_*pct.npy"))
    matches = [match for path in masks if (match := _RELEASED.fullmatch(path.name))]
    if len(matches) != 1:
        found = ", ".join(path.name for path in masks) or "neither"
        raise fault(
            f"'{source}'", found, f"a {_SPEC}, or one train_masks_<PCT>pct.npy",
            "With several, give the path of one: subsets of another share are another study."
            if matches else "",
        )  # fmt: skip
    percent = matches[0][1]

    def beside(name: str) -> Held | None:
        path = folder / f"{name}_{percent}pct.npy"
        return open_npy(path) if path.exists() else None

    array = open_npy(folder / matches[0][0])
    n_models = array.shape[0] if array.shape else 0
    return _Source(
        str(folder), array, beside("train_margins"), beside("test_margins"),
        beside("train_logits"), beside("test_logits"), np.ones(n_models, np.bool_),
        (f"Subsets of {percent} % of the examples.",),
    )  # fmt: skip


# What they give


def _require_shapes(found: _Source, options: Options) -> None:
    faults = Faults(found.where)
    masks = found.masks
    if len(masks.shape) != 2:
        raise fault(masks.where, f"shape {masks.shape}", "[models, examples]")
    n_models, n_train = masks.shape
    if n_models == n_train and not options.axes_known:
        faults.add(
            masks.where, f"shape {masks.shape}", "another number of models than of examples",
            "If models come first, say so with --axes-known.",
        )  # fmt: skip
    if not found.outputs:
        faults.add(f"'{found.where}'", "masks alone", "margins or logits beside them")
    for name, array in found.outputs.items():
        require_numbers(array)
        axes = 3 if name.endswith("logits") else 2
        length = n_train if name.startswith("train") else None
        fits = len(array.shape) == axes and array.shape[0] == n_models
        if not fits or (length is not None and array.shape[1] != length):
            expected = f"[{n_models:,} models, {length or 'test'} examples"
            faults.add(
                array.where, f"shape {array.shape}",
                expected + (", classes]" if axes == 3 else "]"),
            )  # fmt: skip
    faults.raise_any()


def _first(found: _Source, n_models: int | None) -> _Source:
    """The source with its first ``n_models`` finished models alone."""
    if n_models is None or n_models >= found.n_models:
        return found
    kept = found.kept & (np.cumsum(found.kept) <= n_models)
    return _Source(
        found.where, found.masks, found.train_margins, found.test_margins, found.train_logits,
        found.test_logits, kept, (*found.notes, f"The first {n_models:,} models alone."),
    )  # fmt: skip


def _outcomes(
    found: _Source, options: Options, labels: Labels | None
) -> tuple[tuple[Models, ...], tuple[Pairs, ...], list[str]]:
    size, objective = options.size or UNKNOWN, options.objective or "one_hot"
    from_logits = found.train_logits is not None and labels is not None
    if found.train_logits is not None and labels is not None:
        array = found.train_logits
        require_classes(labels, array.shape[2], array.where)
        if len(labels) != array.shape[1]:
            expected = f"{array.shape[1]:,}, one for each example of {array.where}"
            raise fault(f"'{options.labels or found.where}'", f"{len(labels):,} labels", expected)
    if found.train_margins is None and not from_logits:
        if found.train_logits is not None:
            raise fault(found.train_logits.where, "logits without labels", "--labels FILE")
        if found.test_margins is None:
            raise fault(f"'{found.where}'", "no margins", "margins or logits with --labels")
        note = (
            "No outputs on the training set: memorization, accuracies and trajectories cannot be "
            f"computed. Influence on the test set is, from {THRESHOLD} on."
        )
        return (), (_influence(found, size, objective),), [note]
    notes = []
    if not from_logits:
        if found.train_logits is not None:
            notes.append("train_logits are not read: --labels FILE is missing.")
        notes.append("Margins alone: probability and loss cannot be computed, so they are NULL.")
    models = Models(
        size=size,
        objective=objective,
        n_models=found.n_models,
        masks=lambda: _masks(found),
        outputs=lambda: _outputs(
            found, labels if from_logits else None, options.store_test_labels, options.keep_logits
        ),
        where=found.masks.where,
        **{"evaluation_mode": "eval", **chosen(options)},
    )
    return (models,), (), notes


def _n_test(found: _Source, options: Options) -> int:
    """Test examples with outcomes that can be judged: by margins, or logits with known labels."""
    if found.test_margins is not None:
        return found.test_margins.shape[1]
    known = options.store_test_labels
    return 0 if found.test_logits is None or known is None else found.test_logits.shape[1]


def _masks(found: _Source) -> Iterator[NDArray[np.bool_]]:
    for at, row in enumerate(found.rows(found.masks)):
        yield as_bools(row, found.masks.where, at)


def _outputs(
    found: _Source, labels: Labels | None, test_labels: Labels | None, keep: bool
) -> Iterator[Output]:
    """Each model's outcomes: from logits where there are labels, else from margins."""
    train = _split(found, found.train_logits, found.train_margins, labels, keep)
    test = _split(found, found.test_logits, found.test_margins, test_labels, keep)
    for one in train:
        assert one is not None  # _outcomes saw to it
        yield Output(one, next(test))


def _split(
    found: _Source, logits: Held | None, margins: Held | None, labels: Labels | None, keep: bool
) -> Iterator[Outcome | None]:
    if logits is not None and labels is not None:
        beside = repeat(None) if margins is None else found.rows(margins)
        for at, (row, margin) in enumerate(zip(found.rows(logits), beside, strict=False)):
            where = f"{logits.where}, model {at}"
            outcome = of_outputs(row, labels, where, keep=keep)
            if margin is not None:
                _require_agreement(outcome, margin, where)
            yield outcome
    elif margins is not None:
        yield from _of_margins(found, margins)
    else:
        yield from repeat(None)


def _require_agreement(outcome: Outcome, margin: NDArray[Any], where: str) -> None:
    """Logits with labels, and margins beside them, are right about the same examples."""
    differ = np.count_nonzero((margin > 0) != outcome.correct)
    if len(margin) >= _SOME and differ > max(1, _DIFFER * len(margin)):
        raise fault(
            where, f"logits that with these labels are right about others than the margins, at "
            f"{differ:,} of {len(margin):,} examples", "labels of the same examples, in order",
            "The labels are in another order than the logits, or of other examples.",
        )  # fmt: skip


def _of_margins(found: _Source, array: Held) -> Iterator[Outcome]:
    for at, row in enumerate(found.rows(array)):
        if not np.isfinite(row).all():
            raise fault(array.where, f"a margin that is not finite, model {at}", "numbers")
        if row.size >= _SOME and row.min() >= 0:
            between = row.max() <= 1
            raise fault(
                f"{array.where}, model {at}",
                f"numbers from {row.min():.3g} to {row.max():.3g}, none below 0",
                "margins, which are below 0 where a model is wrong",
                "These look like probabilities." if between else "These look like losses.",
            )
        yield Outcome(row > 0, {"margin": half(row)})


def _zeros(found: _Source) -> list[str]:
    """Notes on margins of exactly 0 in the first models: float16 cannot tell who won."""
    notes = []
    for name, array in found.outputs.items():
        if name.endswith("logits"):
            continue
        zeros = seen = models = 0
        for row in found.rows(array):
            zeros += int(np.count_nonzero(row == 0))
            seen, models = seen + row.size, models + 1
            if seen >= _SEARCHED:
                break
        if zeros:
            notes.append(
                f"{name}: {zeros:,} of {seen:,} margins of the first {models:,} models are exactly "
                "0 and count as wrong."
            )
    return notes


def _influence(found: _Source, size: str, objective: str) -> Pairs:
    margins = found.test_margins
    assert margins is not None  # _outcomes saw to it
    trains, tests, values = strong_pairs(
        lambda: _masks(found),
        lambda: (row > 0 for row in found.rows(margins)),
        found.masks.shape[1],
        margins.shape[1],
    )
    return Pairs(trains, tests, values, size, objective, margins.where)
