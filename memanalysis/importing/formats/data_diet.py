"""Scores of mansheej/data_diet (commit aee462e): arrays without ids, in an order of their own.

``run_<r>/{forget_scores,error_l2_norm_scores,grad_norm_scores}/ckpt_<step>.npy`` [examples] of each
training, and ``<kind>_scores/ckpt_<step>.npy``, their mean. Examples lie sorted by class, with an
unstable sort, so their order cannot be rebuilt: labels in the arrays' order must be given, and the
store must have that order, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import floats, open_npy
from memanalysis.importing.labels import Labels, read_label_file
from memanalysis.importing.problems import fault
from memanalysis.importing.source import UNKNOWN, Contents, Examples, Options, Scores
from memanalysis.proxies import HardIs

_SOURCE: Final = "data_diet (Paul et al. 2021)"
_STEP: Final = re.compile(r"ckpt_(\d+)\.npy")
_LONGEST: Final = 2**0.5 + 1e-3
_SORTED: Final = "class_sorted"

# Folder -> (proxy, direction, formula). EL2N and GraNd are of a clean pass in eval mode; forgetting
# is counted in the training pass.
_KINDS: Final[dict[str, tuple[str, HardIs, str]]] = {
    "forget_scores": ("forgetting_events", "high", "sum_t 1[correct at t-1 and wrong at t]"),
    "error_l2_norm_scores": ("el2n_clean", "high", "|| p_t - onehot(y) ||_2"),
    "grad_norm_scores": ("grand", "high", "|| gradient of the loss over all weights ||_2"),
}


def is_experiment(folder: Path) -> bool:
    """True if ``folder`` holds data_diet's score folders, itself or in ``run_<r>``."""
    return any(True for _ in _files(folder))


def read(source: Path, options: Options) -> Contents:
    """Describe one score file or an experiment's folder; trainings are averaged here.

    Raises
    ------
    DataError
        If labels are missing or not in the arrays' order, lengths differ, or a kind is unknown.
    """
    files = [source] if source.is_file() else list(_files(source))
    labels = _labels(source, options)
    by_proxy: dict[tuple[str, int], list[Path]] = {}
    for path in files:
        by_proxy.setdefault(_key(path), []).append(path)
    notes = [
        "Examples are taken to be in the order of --labels; data_diet saves no ids, and nothing "
        "else can prove it."
    ]
    several = {kind for kind, _ in by_proxy if sum(k == kind for k, _ in by_proxy) > 1}
    scores = []
    for (kind, step), paths in sorted(by_proxy.items()):
        values, more = _mean(kind, paths, len(labels), options)
        notes += more
        scores.append(_scores(kind, step if kind in several else None, values, paths, options))
    if any(kind == "grad_norm_scores" for kind, _ in by_proxy):
        notes.append("grad_norm_scores may hold L1-norm scores, too: see the run's args.json.")
    examples = Examples(len(labels), labels=labels, labels_are_given=True)
    return Contents(
        "dynamics", source.name, examples, (), scores,
        notes=notes, provenance={"order": options.order or _SORTED},
    )  # fmt: skip


def _files(folder: Path) -> Iterator[Path]:
    """Score files of single trainings; where there are none, their means."""
    found = [path for run in sorted(folder.glob("run_*")) for path in _of_run(run)]
    yield from found or _of_run(folder)


def _of_run(folder: Path) -> Iterator[Path]:
    for kind in _KINDS:
        yield from (p for p in sorted((folder / kind).glob("*.npy")) if _STEP.fullmatch(p.name))


def _key(path: Path) -> tuple[str, int]:
    kind, match = path.parent.name, _STEP.fullmatch(path.name)
    if kind not in _KINDS or match is None:
        raise fault(
            f"'{path}'", f"a file in '{kind}'", f"ckpt_<step>.npy in {', '.join(_KINDS)}",
            "Another score in .npy is imported as `scores`, with --columns and --hard-is.",
        )  # fmt: skip
    return kind, int(match[1])


def _labels(source: Path, options: Options) -> Labels:
    if options.labels is None:
        raise fault(
            f"'{source}'", "scores without ids", "the labels of their examples in the same order",
            "data_diet sorts by class, unstably, so the order cannot be rebuilt: save the labels "
            "(or images) that its loader gives, and give --labels FILE.",
        )  # fmt: skip
    labels = read_label_file(options.labels).in_order()
    if (options.order or _SORTED) == _SORTED and (np.diff(labels) < 0).any():
        raise fault(
            f"'{options.labels}'", "labels that are not sorted by class",
            "those of data_diet's own order, which is",
            "If the scores were put in another order, name it with --order.",
        )  # fmt: skip
    return labels


def _mean(
    kind: str, paths: list[Path], n: int, options: Options
) -> tuple[NDArray[np.float64], list[str]]:
    """Mean over trainings float64 [n], NaN where a training never learned the example."""
    total = np.zeros(n)
    never = np.zeros(n, np.bool_)
    for path in paths:
        values = floats(open_npy(path))
        if values.shape != (n,):
            expected = f"({n},), one for each label"
            raise fault(f"'{path}'", f"shape {values.shape}", expected)
        endless = np.isposinf(values) if kind == "forget_scores" else np.zeros(n, np.bool_)
        if not np.isfinite(values[~endless]).all() or (values < 0).any():
            raise fault(
                f"'{path}'", "numbers below 0, or not finite", "norms and counts from 0",
                "Margin scores are written to the same folders; import them as `scores`.",
            )  # fmt: skip
        counts = values[~endless]
        if kind == "forget_scores" and _of_one_training(path) and (counts % 1).any():
            raise fault(f"'{path}'", "numbers that are not whole", "counts of events")
        if options.epochs is not None and _of_one_training(path):
            values = np.where(endless, options.epochs, values)
            endless[:] = False
        total += np.where(endless, 0, values)
        never |= endless
    count = int(np.count_nonzero(never))
    note = (
        f"{count:,} examples that a training never learned (infinity in {kind}) are NULL; "
        "--epochs counts them, where trainings have files of their own."
    )
    notes = [note] if count else []
    if kind == "error_l2_norm_scores" and (beyond := int((total / len(paths) > _LONGEST).sum())):
        notes.append(
            f"WARNING: {beyond:,} EL2N scores are above the square root of 2, which no distance of "
            "probabilities from a label is: are they losses or margins?"
        )
    return np.where(never, np.nan, total / len(paths)), notes


def _of_one_training(path: Path) -> bool:
    return path.parent.parent.name.startswith("run_")


def _scores(
    kind: str, step: int | None, values: NDArray[np.float64], paths: list[Path], options: Options
) -> Scores:
    proxy, hard_is, formula = _KINDS[kind]
    known = np.flatnonzero(np.isfinite(values))
    return Scores(
        proxy if step is None else f"{proxy}_step_{step}", values[known], hard_is, known, "in",
        options.size or UNKNOWN, options.objective or "one_hot",
        f"{_SOURCE}, {len(paths)} files", formula, f"'{paths[0].parent}'",
    )  # fmt: skip
