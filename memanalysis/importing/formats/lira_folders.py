"""Folders of LiRA's code and its copies: a model's mask, outputs and settings (``lira``)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError
from memanalysis.importing.arrays import as_bools, as_integers, open_npy
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import UNKNOWN

_MATRICES: Final = ("keep_indices.npy", "keep.npy", "keeps.npy", "masks.npy")
_PLAIN: Final = ("logits.npy", "logits/logits.npy")
_MODEL: Final = re.compile(r"(?:model|experiment|exp|shadow)?[-_]?(\d+)")
_LAYOUTS: Final = (
    "<experiment>/keep.npy with logits/<epoch>.npy or logits.npy beside it, or keep_indices.npy "
    "[models, examples] with model_<i>/logits.npy or model_<i>/logits/logits.npy"
)


@dataclass(frozen=True)
class Experiment:
    """One model: its folder, outputs, mask (a row of a matrix, or a file of its own), settings.

    ``epoch``: of the checkpoint, None where the layout does not say.
    """

    folder: Path
    logits: Path
    mask_file: Path
    row: int | None = None
    epoch: int | None = None
    hparams: dict[str, Any] = field(default_factory=dict)

    @property
    def arch(self) -> str:
        """The architecture's name."""
        return str(self.hparams.get("arch", UNKNOWN))

    @property
    def only_subset(self) -> int | None:
        """Number of examples that subsets were drawn from, where not from all."""
        return whole(self.hparams.get("only_subset"))

    @property
    def ratio(self) -> float | None:
        """The share of examples in a subset, as declared."""
        found = self.hparams.get("pkeep")
        share = isinstance(found, float) and 0 < found < 1
        return found if share else None

    @property
    def mask_shape(self) -> tuple[int, ...]:
        """Of this model's mask as it lies in its file."""
        shape = open_npy(self.mask_file).shape
        return shape if self.row is None else shape[1:]

    @property
    def in_numbers(self) -> bool:
        """True if the mask is a list of indices."""
        return _are_indices(self._values())

    def mask(self, n: int, at: int) -> NDArray[np.bool_]:
        """in_train bool [n]; ``at``: the model's number, for messages."""
        values = self._values()
        where = f"'{self.mask_file}'"
        if not _are_indices(values):
            if len(values) < n:
                expected = f"({n},) or longer, as the logits have examples"
                raise fault(where, f"shape {values.shape}", expected)
            return as_bools(values[:n], where, at)
        indices = as_integers(values, where)
        mask = np.zeros(max(n, int(indices.max()) + 1), np.bool_)
        mask[indices] = True
        return mask[:n]

    def _values(self) -> NDArray[Any]:
        values = open_npy(self.mask_file).whole()
        return values if self.row is None else values[self.row]


def read_experiments(source: Path) -> list[Experiment]:
    """Every model below ``source``, in natural order of folders.

    Raises
    ------
    DataError
        If there is none, or one lacks outputs, has bad settings or ends at another epoch.
    """
    faults = Faults(str(source))
    found = []
    for folder, mask_file, row in _places(source):
        outputs = _outputs(folder, faults)
        if outputs is None:
            continue
        try:
            hparams = _hparams(folder)
        except DataError as error:
            faults.note(error)
            continue
        found.append(Experiment(folder, outputs[0], mask_file, row, outputs[1], hparams))
    last = max((experiment.epoch or 0 for experiment in found), default=0)
    for experiment in found:
        if (experiment.epoch or 0) != last:
            faults.add(
                f"'{experiment.logits.parent}'",
                f"epoch {experiment.epoch} as the last",
                f"{last}, as in other experiments",
                "Finish the training, or move the experiment away.",
            )
    faults.raise_any()
    return found


def whole(value: Any) -> int | None:
    """``value`` if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _places(source: Path) -> list[tuple[Path, Path, int | None]]:
    """(folder, file of masks, its row) of each model."""
    folders = sorted({path.parent for path in source.glob("*/keep.npy")}, key=_natural)
    if folders:
        return [(folder, folder / "keep.npy", None) for folder in folders]
    matrix = next((path for name in _MATRICES if (path := source / name).is_file()), None)
    models = {
        int(match[1]): path
        for path in source.glob("*")
        if path.is_dir() and (match := _MODEL.fullmatch(path.name))
    }
    if matrix is None or not models:
        what = "no */keep.npy" if matrix is None else f"{matrix.name} and no model_<i> beside it"
        raise fault(f"'{source}'", what, _LAYOUTS)
    shape = open_npy(matrix).shape
    if len(shape) != 2 or sorted(models) != list(range(shape[0])):
        raise fault(
            f"'{matrix}'", f"shape {shape} beside {len(models)} folders, "
            f"{models[min(models)].name} to {models[max(models)].name}",
            "a row of the matrix for each of the folders, numbered from 0",
        )  # fmt: skip
    return [(models[at], matrix, at) for at in range(shape[0])]


def _outputs(folder: Path, faults: Faults) -> tuple[Path, int | None] | None:
    """The outputs of the last checkpoint, and its epoch where the file is named after one."""
    plain = next((path for name in _PLAIN if (path := folder / name).is_file()), None)
    if plain is not None:
        return plain, None
    try:
        epochs = {int(path.stem): path for path in (folder / "logits").glob("*.npy")}
    except ValueError:
        faults.add(f"'{folder / 'logits'}'", "files not named after epochs", "<epoch>.npy")
        return None
    if not epochs:
        hint = "Run inference.py, or move the experiment away."
        faults.add(f"'{folder}'", "no logits/*.npy and no logits.npy", "a model's outputs", hint)
        return None
    return epochs[max(epochs)], max(epochs)


def _hparams(folder: Path) -> dict[str, Any]:
    path = folder / "hparams.json"
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise fault(f"'{path}'", str(error), "the settings of the training as JSON") from error
    if not isinstance(found, dict):
        raise fault(f"'{path}'", type(found).__name__, "a JSON object")
    return found


def _are_indices(values: NDArray[Any]) -> bool:
    """True if a mask is the indices of a subset's examples: whole numbers, each once."""
    if values.dtype.kind not in "iu" or values.ndim != 1 or not len(values):
        return False
    return bool(values.min() >= 0 and values.max() > 1 and len(np.unique(values)) == len(values))


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order of paths in which experiment 10 follows experiment 9."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", path.name)]
