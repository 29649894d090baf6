"""Directories of ``aux_arrays.npz``, one for each model.

``subsample_idx``: ids of the subset. ``correctness_{train,removed,test}`` 0/1 of the final model in
evaluation order, with the example id of each entry in ``index_{train,removed,test}``: nothing means
anything before it is scattered by these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import Archive, as_bools, integers, require_line
from memanalysis.importing.outcomes import Outcome
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import (
    UNKNOWN,
    Contents,
    Examples,
    Models,
    Options,
    Output,
    chosen,
)

_FILE: Final = "aux_arrays.npz"
_SPLITS: Final = ("train", "removed", "test")
_KEYS: Final = (
    "subsample_idx",
    *(f"{what}_{split}" for what in ("correctness", "index") for split in _SPLITS),
)
_NOTES: Final = (
    "Correctness alone: probability, margin and loss cannot be computed (NULL).",
    "Ids follow the loader of the training code, TFDS order for CIFAR: check labels before joining "
    "with files in the original order.",
)


def read(source: Path, options: Options) -> Contents:
    """All models below ``source``, which must be of one experiment and subset ratio."""
    files = sorted(source.rglob(_FILE), key=_natural)
    if not files:
        raise fault(f"'{source}'", f"no {_FILE} below it", f"<run>/{_FILE} for each model")
    folders = sorted({path.parent.parent for path in files}, key=_natural)
    if len(folders) > 1:
        shown = ", ".join(f"'{folder}'" for folder in folders[:4])
        raise fault(
            f"'{source}'",
            f"runs in {len(folders)} folders: {shown}{', …' if len(folders) > 4 else ''}",
            "the runs of one experiment and one subset ratio",
            "Import one of these folders, and others under another --size.",
        )
    files = files[: options.models]
    _check_keys(source, files)
    first = Archive(files[0])
    n_train = sum(first[f"index_{split}"].shape[0] for split in ("train", "removed"))
    n_test = first["index_test"].shape[0]
    runs = _Runs(files, n_train, n_test)
    models = Models(
        size=options.size or UNKNOWN,
        objective=options.objective or "one_hot",
        n_models=len(files),
        masks=runs.masks,
        outputs=runs.outputs,
        where=f"'{source}'",
        **chosen(options),
    )
    return Contents(
        format="feldman",
        source=source.name,
        examples=Examples(n_train=n_train, n_test=n_test),
        models=(models,),
        notes=_NOTES,
        provenance={"order": options.order or "tfds"},
    )


@dataclass(frozen=True)
class _Runs:
    files: list[Path]
    n_train: int
    n_test: int

    def masks(self) -> Iterator[NDArray[np.bool_]]:
        """in_train of each run, bool [n_train]."""
        for path in self.files:
            yield _mask(Archive(path), self.n_train)

    def outputs(self) -> Iterator[Output]:
        """Correctness of each run, by example id."""
        for path in self.files:
            yield self._output(Archive(path))

    def _output(self, archive: Archive) -> Output:
        mask = _mask(archive, self.n_train)
        train = np.zeros(self.n_train, np.bool_)
        seen = np.zeros(self.n_train, np.int64)
        for split, inside in (("train", True), ("removed", False)):
            ids = _ids(archive, f"index_{split}", self.n_train)
            if (mask[ids] != inside).any():
                at = int(ids[np.argmax(mask[ids] != inside)])
                subset = "outside" if inside else "in"
                raise fault(
                    archive[f"index_{split}"].where,
                    f"example {at}, which is {subset} subsample_idx",
                    f"examples {'in' if inside else 'outside'} the subset",
                )
            train[ids] = _correctness(archive, split, len(ids))
            seen += np.bincount(ids, minlength=self.n_train)
        _require_once(archive, "index_train, index_removed", seen)
        ids = _ids(archive, "index_test", self.n_test)
        _require_once(archive, "index_test", np.bincount(ids, minlength=self.n_test))
        test = np.zeros(self.n_test, np.bool_)
        test[ids] = _correctness(archive, "test", len(ids))
        return Output(Outcome(train), Outcome(test) if self.n_test else None)


def _check_keys(source: Path, files: list[Path]) -> None:
    faults = Faults(str(source))
    for path in files:
        missing = [key for key in _KEYS if key not in Archive(path).keys]
        if missing:
            faults.add(f"'{path}'", f"no {', '.join(missing)}", f"keys {', '.join(_KEYS)}")
    faults.raise_any()


def _mask(archive: Archive, n_train: int) -> NDArray[np.bool_]:
    mask = np.zeros(n_train, np.bool_)
    mask[_ids(archive, "subsample_idx", n_train)] = True
    return mask


def _ids(archive: Archive, key: str, n: int) -> NDArray[np.int64]:
    array = archive[key]
    require_line(array, "example ids")
    ids = integers(array)
    if len(ids) and (ids.min() < 0 or ids.max() >= n):
        raise fault(array.where, f"ids from {ids.min()} to {ids.max()}", f"0 to {n - 1}")
    return ids


def _correctness(archive: Archive, split: str, length: int) -> NDArray[np.bool_]:
    array = archive[f"correctness_{split}"]
    if array.shape != (length,):
        expected = f"({length},), as index_{split} has"
        raise fault(array.where, f"shape {array.shape}", expected)
    return as_bools(array.whole(), array.where, 0)


def _require_once(archive: Archive, keys: str, seen: NDArray[np.int64]) -> None:
    if (seen != 1).any():
        at = int(np.argmax(seen != 1))
        expected = "every example exactly once"
        raise fault(f"'{archive.path}', {keys}", f"example {at} {seen[at]} times", expected)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order of paths in which run 10 follows run 9."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", str(path))]
