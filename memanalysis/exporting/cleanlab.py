"""Out-of-sample probabilities as cleanlab takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.errors import MemanalysisError
from memanalysis.exporting.archive import Archive
from memanalysis.exporting.logits import kept_logits
from memanalysis.exporting.placing import (
    Condition,
    archives,
    conditions,
    placing,
    require_replaceable,
)
from memanalysis.storage import bits
from memanalysis.storage.parquet import blob_array
from memanalysis.studies import Study

Progress = Callable[[str, int, int], None]


def write_cleanlab(
    study: Study,
    out: str | Path,
    *,
    objective: str | None = None,
    size: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write held-out probabilities, one archive per objective and size; return their paths.

    ``pred_probs`` float32 [n, classes] is the mean softmax over the models that held the example
    out, ``labels`` int64 [n] the classes, ``example_id`` int64 [n] the study's ids and
    ``class_names`` str [classes] the names in column order. Training examples that no model held
    out, or that have no label, are left out. ``cleanlab.filter.find_label_issues(labels,
    pred_probs)`` takes the first two; positions in its answer are positions in ``example_id``.

    Parameters
    ----------
    out
        A file ending in .npz for one objective and size, or a folder for any number.
    progress
        Called after each model file.

    Raises
    ------
    MemanalysisError
        If the store keeps no logits, nothing fits ``objective`` and ``size``, or a file exists and
        ``force`` is not given.
    """
    targets = archives(Path(out), conditions(study, objective, size))
    require_replaceable(targets.values(), force=force)
    # All are found before the first file is written, so that a refusal leaves none.
    subsets = {condition: _subsets(study, condition) for condition in targets}
    for condition, path in targets.items():
        content = _contents(study, condition, subsets[condition], progress)
        with placing(path) as temporary, Archive(temporary) as archive:
            for name, values in content.items():
                archive.put(name, values)
    return list(targets.values())


def _subsets(study: Study, condition: Condition) -> list[int]:
    """The subsets of a condition's models, all of which keep logits."""
    query = f"select subset_id from models where {condition.where} order by subset_id"
    subsets = [int(subset) for subset in study.sql(query)["subset_id"]]
    if not subsets or kept_logits(study, condition.objective, condition.size, subsets) is None:
        raise MemanalysisError(_explain(study, condition))
    return subsets


def _contents(
    study: Study, condition: Condition, subsets: list[int], progress: Progress | None
) -> dict[str, Any]:
    rows = study.sql(f"""
        select example_id, label, in_train, trained
        from outcomes where {condition.where} and split = 'train' order by example_id
    """)
    subsets = study.sql(f"select subset_id from models where {condition.where} order by subset_id")[
        "subset_id"
    ].to_list()
    held_out = _bits(rows["trained"]) & ~_bits(rows["in_train"])
    sums, counts = _sum_held_out(study, condition, subsets, held_out, progress)
    known = (counts > 0) & rows["label"].is_not_null().to_numpy()
    means = sums[known] / counts[known, None]
    names = study.manifest.class_names
    return {
        "pred_probs": (means / means.sum(axis=1, keepdims=True)).astype(np.float32),
        "labels": rows["label"].filter(pl.Series(known)).to_numpy().astype(np.int64),
        "example_id": rows["example_id"].to_numpy()[known],
        **({"class_names": np.array(names, dtype=np.str_)} if names else {}),
    }


def _sum_held_out(
    study: Study,
    condition: Condition,
    subsets: list[int],
    held_out: NDArray[np.uint8],
    progress: Progress | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sums of softmax [n_train, classes] over the models that held each example out; their number.

    ``held_out``: bits uint8 [n_train, bytes].
    """
    kept = kept_logits(study, condition.objective, condition.size, subsets) or iter(())
    n_train = len(held_out)
    counts = np.zeros(n_train, dtype=np.int64)
    sums: NDArray[np.float64] = np.zeros((n_train, 0))
    for done, (subset, logits) in enumerate(zip(subsets, kept, strict=True)):
        if not done:
            sums = np.zeros((n_train, logits.shape[1]))
        outside = bits.column(held_out, subset)
        sums[outside] += softmax(logits[:n_train][outside])
        counts += outside
        if progress:
            progress(f"reading logits of {condition}", done + 1, len(subsets))
    return sums, counts


def softmax(logits: NDArray[np.float16]) -> NDArray[np.float64]:
    """Probabilities float64 [n, classes] of logits [n, classes]."""
    wide = logits.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _bits(blobs: pl.Series) -> NDArray[np.uint8]:
    return blob_array(pa.chunked_array([blobs.to_arrow().cast(pa.binary())]))


def _explain(study: Study, condition: Condition) -> str:
    packed = " It is packed: its model files were removed." if study.manifest.packed else ""
    return (
        f"'{study.path}' does not keep the logits of every model of {condition}, and mean held-out "
        f"probabilities of all classes need them; the label's probability is not enough.{packed} "
        'Produce the study with `keep_logits = "final"` under [observe] and do not pack it, or '
        "import logits with --keep-logits."
    )
