"""One Parquet file with a row per example: labels, image and every score, for viewers."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import polars.selectors as cs

from memanalysis.errors import MemanalysisError
from memanalysis.exporting.placing import placing, require_replaceable
from memanalysis.studies import Study

# Rows with images are large, so row groups are small.
_ROW_GROUP = 4096


def write_examples(study: Study, out: str | Path, *, force: bool = False) -> Path:
    """Write ``study.frame("examples", images=True)`` as Parquet and return the path.

    Spotlight opens it with ``spotlight.show(frame, dtype={"image": spotlight.Image})``; FiftyOne
    takes its columns with ``dataset.set_values``. Numbers are plain floats and integers, and what
    cannot be estimated is NULL, never NaN.

    Raises
    ------
    MemanalysisError
        If ``out`` exists and ``force`` is not given, or cannot be written.
    """
    path = Path(out)
    require_replaceable([path], force=force)
    frame = plain(study.frame("examples", images=True))
    if not frame.height:
        raise MemanalysisError(f"'{study.path}' has no examples to write.")
    with placing(path) as temporary:
        frame.write_parquet(temporary, compression="zstd", row_group_size=_ROW_GROUP)
    return path


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with float64 and int64 alone, and NULL for what is no number."""
    return frame.with_columns(
        cs.float().cast(pl.Float64).fill_nan(None), cs.integer().cast(pl.Int64)
    )
