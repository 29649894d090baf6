"""Scores to load: one long table of every training example at every objective and size.

Long, since its columns are then the same for every study: a program that reads one file reads all,
and one condition is one filter. ``export --to examples`` is the wide one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl
import pyarrow.parquet as pq

from memanalysis.errors import MemanalysisError, QueryError
from memanalysis.exporting.examples import plain
from memanalysis.exporting.placing import conditions, placing, require_replaceable
from memanalysis.storage.store import FINGERPRINT
from memanalysis.studies import Study

# ``index`` is the number that a name such as train/123 ends in; without names, the position.
_SCORES: Final = """
    select
        case
            when e.source_id is null then e.example_id
            else try_cast(regexp_extract(e.source_id, '^[A-Za-z_-]*/?([0-9]+)$', 1) as bigint)
        end as index,
        m.example_id, e.source_id, m.label, m.objective, m.size,
        m.memorization as score, m.ci_low as score_low, m.ci_high as score_high,
        m.n_in, m.n_out, m.accuracy_in, m.accuracy_out,
        t.shape, t.direction, t.change, t.change_se, t.q_value,
        r.area as membership_area
    from memorization as m
    join examples as e using (example_id)
    left join trajectories as t
        on m.objective = t.objective and m.example_id = t.example_id
    left join membership_risk as r
        on m.objective = r.objective and m.size = r.size and m.example_id = r.example_id
    where m.split = 'train'
        and ($objective is null or m.objective = $objective)
        and ($size is null or m.size = $size)
    order by m.objective desc, m.size_rank, m.example_id
"""


def scores(study: Study, objective: str | None = None, size: str | None = None) -> pl.DataFrame:
    """One row per objective, size and training example, in that order; NULL is not estimable.

    - ``index``: plain number of the example in its data set, such as 123 of ``train/123``; of
      examples without names ``example_id``, of other names NULL; ``example_id``, ``source_id``,
      ``label``;
    - ``score`` with its 95 % interval ``score_low``, ``score_high``, ``n_in`` and ``n_out`` models,
      ``accuracy_in``, ``accuracy_out``: see the relation ``memorization``;
    - ``shape``, ``direction``, ``change``, ``change_se``, ``q_value`` of the trajectory over all
      sizes of the objective, repeated in each: ``trajectories``;
    - ``membership_area``: ``membership_risk.area``.

    Raises
    ------
    QueryError
        If the study has no outcomes of this objective and size.
    """
    conditions(study, objective, size)  # which refuses what is not there
    return plain(study.sql(_SCORES, {"objective": objective, "size": size}))


def write_scores(
    study: Study,
    out: str | Path,
    *,
    objective: str | None = None,
    size: str | None = None,
    force: bool = False,
) -> Path:
    """Write ``scores`` to a .parquet or .csv file and return its path.

    Parquet is stamped with the fingerprint of the outcomes: as ``scores.parquet`` it may lie in the
    store, and ``check`` tells when it is of other models than the store has by then.

    Raises
    ------
    QueryError
        If ``out`` has another ending, or the study has no such scores.
    MemanalysisError
        If ``out`` exists and ``force`` is not given, or cannot be written.
    """
    path = Path(out)
    if path.suffix not in (".parquet", ".csv"):
        raise QueryError(f"'{path}': expected a name ending in .parquet or .csv.")
    require_replaceable([path], force=force)
    frame = scores(study, objective, size)
    if not frame.height:
        raise MemanalysisError(f"'{study.path}' has no training examples to write.")
    with placing(path) as temporary:
        if path.suffix == ".csv":
            frame.write_csv(temporary, float_precision=6)
        else:
            stamp = {FINGERPRINT: study.manifest.outcomes_fingerprint.encode()}
            table = frame.to_arrow().replace_schema_metadata(stamp)
            pq.write_table(table, temporary, compression="zstd", compression_level=15)
    return path
