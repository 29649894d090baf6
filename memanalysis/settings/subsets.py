"""The section [subsets]: how training subsets are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.settings.keys import (
    CLOSED,
    FROM_ONE,
    FROM_ZERO,
    Faults,
    Float,
    Int,
    Key,
    Text,
    one_of,
)
from memanalysis.storage import subsets as subset_designs

MOST_SUBSETS: Final = 10**6  # a store has a bit for each subset and example
DESIGNS: Final = ("balanced", "independent")
_GROUP: Final = 10  # subsets of a group of independent ones


@dataclass(frozen=True, kw_only=True)
class Subsets:
    """Draw of training subsets: ``groups`` groups of ``group_size`` subsets of ``ratio``."""

    __pydantic_config__: ClassVar = CLOSED

    ratio: Annotated[Float, Key("a number between 0 and 1", lambda value: 0 < value < 1)] = 0.7
    """Share of the training examples in each subset."""
    groups: Annotated[Int, FROM_ONE]
    """Groups of subsets, the units of all standard errors."""
    group_size: Annotated[
        Int, Key("a whole number from 2", lambda value: value >= 2, default="as the design")
    ] = 0
    """Subsets of a group; by default the fewest that a balanced design allows, else ten."""
    design: Annotated[Text, one_of(DESIGNS)] = "balanced"
    """`balanced`: every example is in the same number of subsets of a group; `independent`: subsets
    of a fixed size are drawn independently."""
    repeats: Annotated[Int, FROM_ZERO] = 0
    """Groups, from the first, on whose subsets models of each size are trained a second time, from
    labels alone with other seeds: a score's variance splits into that of subsets and of seeds."""

    def masks(self, n_examples: int, group: int, seed: int) -> NDArray[np.bool_]:
        """Inclusion masks of one group: bool [group_size, n_examples]."""
        if self.design == "independent":
            return subset_designs.independent_group(
                n_examples, group, self.group_size, self.ratio, seed
            )
        return subset_designs.balanced_group(n_examples, group, self.ratio, seed, self.group_size)

    def completed(self, faults: Faults) -> Subsets:
        """With the size of groups that the design gives; settings that cannot be are noted."""
        size = self.group_size
        if self.design == "balanced":
            size = self._balanced(faults)
        size = size or _GROUP
        if self.groups * size > MOST_SUBSETS:
            faults.unexpected("subsets.groups", self.groups, f"at most {MOST_SUBSETS // size}")
        if self.repeats > self.groups:
            expected = f"a whole number from 0 to the {self.groups} groups"
            faults.unexpected("subsets.repeats", self.repeats, expected)
        return replace(self, group_size=size)

    def _balanced(self, faults: Faults) -> int:
        """The size of a group, 0 if there is no such design."""
        balanced = subset_designs.design(self.ratio)
        if balanced is None:
            faults.add(
                f"subsets.ratio = {self.ratio}: balanced designs exist for "
                f'{", ".join(subset_designs.ratios())}; use one of them or design = "independent"'
            )
            return 0
        if self.group_size and subset_designs.design(self.ratio, self.group_size) is None:
            faults.add(
                f"subsets.group_size = {self.group_size}: balanced designs of ratio {self.ratio} "
                f"have groups of {balanced[0]} or a multiple of it"
            )
            return balanced[0]
        return self.group_size or balanced[0]
