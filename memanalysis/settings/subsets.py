"""The section [subsets]: how training subsets are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.settings.section import Section
from memanalysis.storage import subsets as subset_designs

MOST_SUBSETS: Final = 10**6  # a store has a bit for each subset and example


@dataclass(frozen=True)
class Subsets:
    """How training subsets are drawn: ``groups`` groups of ``group_size`` subsets of ``ratio``.

    The subsets of the first ``repeats`` groups are trained on a second time at each size, by labels
    alone and other seeds, so that a score's variance splits into that of subsets and of seeds.
    """

    ratio: float
    groups: int
    group_size: int
    design: str = "balanced"
    repeats: int = 0

    def masks(self, n_examples: int, group: int, seed: int) -> NDArray[np.bool_]:
        """Inclusion masks of one group: bool [group_size, n_examples]."""
        if self.design == "independent":
            return subset_designs.independent_group(
                n_examples, group, self.group_size, self.ratio, seed
            )
        return subset_designs.balanced_group(n_examples, group, self.ratio, seed, self.group_size)


def read(section: Section) -> Subsets:
    """Validate [subsets]."""
    ratio = section.get(
        "ratio", float, 0.7, valid=lambda v: 0 < v < 1, expected="a number between 0 and 1"
    )
    groups = section.get(
        "groups", int, 1, required=True, valid=lambda v: v >= 1, expected="a whole number from 1"
    )
    designs = ("balanced", "independent")
    design = section.get(
        "design", str, "balanced", valid=lambda v: v in designs, expected=" or ".join(designs)
    )
    size = section.get("group_size", int, valid=lambda v: v >= 2, expected="a whole number from 2")
    balanced = subset_designs.design(ratio)
    if design == "balanced":
        if balanced is None:
            known = ", ".join(subset_designs.ratios())
            section.fault(
                f"{section.label('ratio')} = {ratio}: balanced designs exist for {known}; "
                'use one of them or design = "independent"'
            )
        elif size is not None and subset_designs.design(ratio, size) is None:
            section.fault(
                f"{section.label('group_size')} = {size}: balanced designs of ratio {ratio} have "
                f"groups of {balanced[0]} or a multiple of it"
            )
            size = None
        size = size or (balanced[0] if balanced else 10)
    if groups * (size or 10) > MOST_SUBSETS:
        section.fault(
            f"{section.label('groups')} = {groups}: expected at most {MOST_SUBSETS // (size or 10)}"
        )
    repeats = section.get(
        "repeats",
        int,
        0,
        valid=lambda v: 0 <= v <= groups,
        expected=f"a whole number from 0 to the {groups} groups",
    )
    section.finish()
    return Subsets(
        ratio=ratio, groups=groups, group_size=size or 10, design=design, repeats=repeats
    )
