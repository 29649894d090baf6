"""Strata of examples: all, a class, a direction or shape of trajectory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.evidence.load import Study

Flags = NDArray[np.bool_]

_SMALLEST: Final = 30


def strata_of(study: Study, objective: str, tests: Mapping[str, Sequence[Any]]) -> dict[str, Flags]:
    """Members of each stratum, bool [n]; strata of fewer than 30 examples are left out.

    ``tests`` are the columns of ``trajectory_tests``. Trajectories come from all groups: measured
    on the same groups again, changes within such a stratum are those that it was chosen for.
    """
    strata = {"all": np.ones(len(study.labels), dtype=np.bool_)}
    for label in np.unique(study.labels[study.labels >= 0]):
        names = study.class_names
        name = names[label] if label < len(names) else str(label)
        strata[f"class: {name}"] = study.labels == label
    mine = np.asarray(tests.get("objective", []), dtype=object) == objective
    for kind in ("direction", "shape"):
        values = np.asarray(tests.get(kind, []), dtype=object)[mine]
        if len(values) == len(study.labels):
            for value in dict.fromkeys(values.tolist()):
                strata[f"{kind}: {value}"] = np.asarray(values == value)
    return {
        name: members
        for name, members in strata.items()
        if name == "all" or members.sum() >= _SMALLEST
    }
