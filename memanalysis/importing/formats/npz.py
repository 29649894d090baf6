"""The interchange file: masks and correctness of all models of one size and objective.

Key names of "Label Memorization of CIFAR-10N" (Zenodo record 14687826), which `export` writes too:
``total_runs``; ``trainset_mask``, ``trainset_correctness`` 0/1 [runs, train];
``testset_correctness`` 0/1 [runs, test]; ``trainset_predictions``, ``testset_predictions`` int;
``memorization`` [train]; ``influence`` [test, train]. Ours, all optional: ``labels``,
``test_labels``, ``clean_labels``, ``example_id``, ``group_id`` [runs], ``size``, ``objective``,
``class_names``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import (
    Archive,
    Array,
    as_bools,
    floats,
    integers,
    require_line,
)
from memanalysis.importing.example_names import unwrapped
from memanalysis.importing.labels import Labels, checked, given_labels
from memanalysis.importing.model_arrays import Arrays, Split
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import (
    MODEL_OPTIONS,
    UNKNOWN,
    Contents,
    Examples,
    Format,
    Options,
    chosen,
    unknown_keys,
)

FORMAT: Final = Format(
    name="npz",
    module=__name__,
    reads="masks and correctness, by CIFAR-10N's key names",
    options=(*MODEL_OPTIONS, "labels", "clean_labels", "n_train", "models", "axes_known"),
    example="npz arrays.npz --labels y.npy --size resnet18 --out mine",
    gives="scores, intervals, report",
)
_REQUIRED: Final = ("trainset_mask", "trainset_correctness")
_KNOWN: Final = (
    *_REQUIRED, "total_runs", "testset_correctness", "trainset_predictions", "testset_predictions",
    "memorization", "labels", "test_labels", "clean_labels", "example_id", "group_id", "size",
    "objective", "class_names",
)  # fmt: skip
_ELSEWHERE: Final = (
    "Rename the arrays, or give them as they are, logits too, to ma.store.write in Python."
)
# Keys that go by example, by the array whose width they have; a transposed one is told later.
_BY_EXAMPLE: Final = {
    "trainset_mask": ("labels", "clean_labels", "example_id", "memorization"),
    "testset_correctness": ("test_labels",),
}
# A published score may be float32, and a mean of 0/1 values in float16 steps would be off by 2^-11.
_TOLERANCE: Final = 1e-3


def read(source: Path, options: Options) -> Contents:
    """Describe one .npz file; ``memorization``, where it is there, proves the masks' orientation.

    Raises
    ------
    DataError
        If a required key is missing, shapes disagree, or ``memorization`` is not what the masks
        and the correctness give.
    """
    archive = Archive(source)
    faults = Faults(str(source))
    for key in _REQUIRED:
        if key not in archive:
            keys = ", ".join(archive.keys)
            faults.add(f"'{source}'", f"keys {keys}", f"'{key}' among them", _ELSEWHERE)
    faults.raise_any()
    _check_widths(archive, faults)
    faults.raise_any()
    names = _source_ids(archive)
    labels = checked(archive["labels"]) if "labels" in archive else given_labels(options, names)
    width = archive["trainset_mask"].shape
    if labels is not None and len(labels) not in width:
        where = f"'{options.labels or 'labels of the store'}'"
        raise fault(where, f"{len(labels):,} labels", f"one for each example of masks {width}")
    test_labels = options.store_test_labels
    if "test_labels" in archive:
        test_labels = checked(archive["test_labels"])
    test = archive.get("testset_correctness")
    predictions = [archive.get(f"{split}set_predictions") for split in ("train", "test")]
    arrays = Arrays(
        archive["trainset_mask"],
        Split("correct", archive["trainset_correctness"], labels, predictions[0]),
        None if test is None else Split("correct", test, test_labels, predictions[1]),
    )
    runs = archive.get("total_runs")
    n_runs = None if runs is None else _count(runs)
    n_models, n_train, n_test = arrays.check(
        faults,
        n_runs,
        _n_train(archive, labels, options),
        None if test_labels is None else len(test_labels),
        axes_known=options.axes_known or _proves(archive.get("memorization")),
    )
    _check_lengths(archive, faults, n_models, n_train, n_test)
    faults.raise_any()
    taken = min(n_models, options.models or n_models)
    _require_memorization(archive, n_train)
    group_ids = archive.get("group_id")
    models = arrays.models(
        options.size or _word(archive, "size", UNKNOWN),
        options.objective or _word(archive, "objective", "one_hot"),
        taken,
        group_ids=None if group_ids is None else integers(group_ids),
        about=chosen(options),
    )
    return Contents(
        format="npz",
        source=source.name,
        examples=Examples(
            n_train=n_train,
            n_test=n_test,
            labels=labels if "labels" in archive or options.labels else None,
            labels_are_given="labels" not in archive and options.labels is not None,
            test_labels=test_labels if "test_labels" in archive else None,
            clean_labels=checked(archive["clean_labels"]) if "clean_labels" in archive else None,
            source_ids=names,
            class_names=_names(archive),
        ),
        models=(models,),
        notes=_notes(source, archive),
    )


def _check_widths(archive: Archive, faults: Faults) -> None:
    """Compare lengths in headers before any array by example is read."""
    for split, keys in _BY_EXAMPLE.items():
        shape = archive[split].shape if split in archive else ()
        for key in keys:
            array = archive.get(key)
            if len(shape) == 2 and array is not None and array.shape not in [(n,) for n in shape]:
                faults.add(array.where, f"shape {array.shape}", f"({shape[1]},), as '{split}' has")


def _n_train(archive: Archive, labels: Labels | None, options: Options) -> int | None:
    """Number of training examples by anything but the masks."""
    if labels is not None:
        return len(labels)
    score = archive.get("memorization")
    return options.n_train or (score.shape[0] if score is not None and score.shape else None)


def _check_lengths(
    archive: Archive, faults: Faults, n_models: int, n_train: int, n_test: int
) -> None:
    expected = {
        "memorization": n_train,
        "clean_labels": n_train,
        "example_id": n_train,
        "test_labels": n_test,
        "group_id": n_models,
    }
    for key, length in expected.items():
        array = archive.get(key)
        if array is not None and array.shape != (length,):
            faults.add(array.where, f"shape {array.shape}", f"({length},)")


def _require_memorization(archive: Archive, n_train: int) -> None:
    """Recompute the published score: masks turned, swapped or shuffled do not give it."""
    published = archive.get("memorization")
    if published is None:
        return
    expected = floats(published)
    found = _memorization(archive["trainset_mask"], archive["trainset_correctness"], n_train)
    both = np.isfinite(expected) & np.isfinite(found)
    wrong = both & (abs(expected - found) > _TOLERANCE)
    if wrong.any():
        at = int(np.argmax(wrong))
        swapped = np.allclose(expected[both], -found[both], atol=_TOLERANCE)
        raise fault(
            published.where,
            f"{np.count_nonzero(wrong):,} values that the masks do not give, first "
            f"{expected[at]:.4f} at example {at}",
            f"{found[at]:.4f} there, from trainset_mask and trainset_correctness",
            "The mask marks what was held out; turn it over."
            if swapped
            else "Masks and correctness are in another order than the score, or of other models.",
        )


def _memorization(masks: Array, correct: Array, n_train: int) -> NDArray[np.float64]:
    """P[correct | in train] - P[correct | out], float64 [n_train], NaN where a side is empty."""
    counts = np.zeros((2, 2, n_train), np.int64)
    pairs = zip(masks.rows(), correct.rows(), strict=True)
    for at, (mask, right) in enumerate(pairs):
        inside = as_bools(mask, masks.where, at)
        hits = as_bools(right, correct.where, at)
        for side, chosen_ in enumerate((inside, ~inside)):
            counts[side] += np.stack([chosen_, chosen_ & hits])
    with np.errstate(invalid="ignore"):
        rates = counts[:, 1] / counts[:, 0]
    difference: NDArray[np.float64] = rates[0] - rates[1]
    return difference


def _scalar(array: Array) -> Any:
    values = array.whole()
    if values.size != 1:
        raise fault(array.where, f"shape {values.shape}", "one value")
    return values.item()


def _count(array: Array) -> int:
    values = integers(array)
    if values.size != 1 or values.item() < 1:
        found = f"{values.item()}" if values.size == 1 else f"shape {values.shape}"
        raise fault(array.where, found, "one number, at least 1")
    return int(values.item())


def _proves(score: Array | None) -> bool:
    """True if a published score tells both axes apart: it has values to compare."""
    return score is not None and bool(np.isfinite(floats(score)).any())


def _word(archive: Archive, key: str, default: str) -> str:
    array = archive.get(key)
    return default if array is None else str(_scalar(array))


def _names(archive: Archive) -> list[str]:
    array = archive.get("class_names")
    if array is None:
        return []
    if len(array.shape) != 1:
        raise fault(array.where, f"shape {array.shape}", "(classes,), a name each")
    return [str(name) for name in array.whole()]


def _source_ids(archive: Archive) -> list[str] | None:
    """Names of the examples, unless they are their positions."""
    array = archive.get("example_id")
    if array is None:
        return None
    require_line(array, "ids")
    ids = array.whole()
    if ids.dtype.kind in "iu" and np.array_equal(ids, np.arange(len(ids))):
        return None
    names = [unwrapped(str(name)) for name in ids]
    if len(set(names)) != len(names):
        raise fault(array.where, "ids more than once", "each example once")
    return names


def _notes(source: Path, archive: Archive) -> list[str]:
    notes = unknown_keys(str(source.name), archive.keys, (*_KNOWN, "influence"))
    if "influence" in archive:
        notes.append("influence is not imported: it follows from the masks and test correctness.")
    notes.append(
        "Correctness alone: probability, margin and loss cannot be computed, so their columns "
        "are NULL."
    )
    return notes
