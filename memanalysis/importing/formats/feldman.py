"""Feldman and Zhang's artefacts (2020, arXiv 2008.03703): subsets' outcomes, published scores.

A folder of ``<run>/aux_arrays.npz`` (google-research, heldout-influence-estimation) gives
models. The files of pluskid/influence-memorization give scores and pairs without counts:
``*_high_infl_pairs_*.npz`` (``tr_idx``, ``tt_idx``, ``infl``, ``mem``), ``*_infl_matrix.npz``
(``tr_mem``, ``tr_labels``, ``tt_labels`` and per class K ``tr_classidx_K``, ``tt_classidx_K``,
``infl_matrix_classK`` [train_K, test_K]), ``imagenet_index.npz`` and the MNIST demo's
``infl_mem.npz`` (``memorization`` [train], ``influence`` [test, train]).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from memanalysis.importing.arrays import Archive
from memanalysis.importing.formats import aux_arrays
from memanalysis.importing.formats.published import read_demo, read_matrix, read_pairs
from memanalysis.importing.problems import fault
from memanalysis.importing.source import MODEL_OPTIONS, Contents, Format, Options, Use

_USES: Final = (
    Use(
        "Feldman and Zhang's `aux_arrays.npz`",
        "feldman inception/0.7 --size inception --out mine",
        "scores, influence",
    ),
    Use(
        "their published pairs",
        "feldman pairs.npz --out mine",
        "influence; the proxy `memorization_published`",
    ),
)
FORMAT: Final = Format(
    name="feldman",
    module=__name__,
    reads="a folder of <run>/aux_arrays.npz, or published scores",
    options=(*MODEL_OPTIONS, "labels", "clean_labels", "n_train", "n_test", "models"),
    example=_USES[0].example,
    gives=_USES[0].gives,
    several=_USES,
)


def read(source: Path, options: Options) -> Contents:
    """Whichever of these it is, told by its keys."""
    if source.is_dir():
        return aux_arrays.read(source, options)
    if source.suffix == ".bin":
        raise fault(
            f"'{source}'",
            "one part of a split archive",
            "a whole .npz file",
            "Join the parts: cat imagenet_infl_matrix_split_a{a,b,c}.bin > "
            "imagenet_infl_matrix.npz",
        )
    archive = Archive(source)
    if "tr_idx" in archive:
        return read_pairs(source, archive, options)
    if "tr_mem" in archive:
        return read_matrix(source, archive, options)
    if "memorization" in archive:
        return read_demo(source, archive, options)
    raise fault(
        f"'{source}'",
        f"keys {', '.join(archive.keys)}",
        "tr_idx (pairs), tr_mem (influence by class) or memorization (MNIST demo)",
        "For masks and correctness use the format npz.",
    )
