"""``ma.compare``: do two studies memorise the same examples?"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from memanalysis.derive import comparison
from memanalysis.store import Store
from memanalysis.study import Study


def compare(first: str | Path | Study, second: str | Path | Study) -> pl.DataFrame:
    """Correlate the memorisation scores of every size of two studies over their common examples.

    Two architectures on the same images, two seeds, your models and somebody else's: see
    ``derive.comparison.compare`` for what each column is and which examples are the same.

    Raises
    ------
    StoreError
        If one is no built store, or they have nothing in common.
    """
    return comparison.compare(_store(first), _store(second))


def _store(study: str | Path | Study) -> Store:
    return Store.open(study.path if isinstance(study, Study) else study)
