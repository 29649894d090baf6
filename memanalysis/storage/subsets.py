"""The random subsets that models are trained on.

Completely specified, so that others can reproduce them: NumPy's PCG64 seeded with
``SeedSequence([study_seed, 0x5B5E7, group])`` draws one permutation per group.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# The usual group size of a ratio, which is the smallest. With ratio r each model of a group of b
# drops (1 - r) b consecutive of b blocks, so every example is out of exactly that many models.
_GROUP_SIZES: dict[Fraction, int] = {
    Fraction(1, 2): 2,
    Fraction(2, 3): 3,
    Fraction(7, 10): 10,
    Fraction(3, 4): 4,
    Fraction(9, 10): 10,
}

_STREAM = 0x5B5E7  # keeps subset draws apart from every other use of the study's seed


def design(ratio: float, group_size: int | None = None) -> tuple[int, int] | None:
    """(group size, blocks dropped) of the balanced design for ``ratio``, or None if there is none.

    Ratios within .004 of a known fraction are taken as that fraction, so .667 is two thirds.
    ``group_size`` is a multiple of the usual one, None for the usual one.
    """
    for fraction, usual in _GROUP_SIZES.items():
        if abs(ratio - float(fraction)) < 0.004:
            size = usual if group_size is None else group_size
            return None if size % usual else (size, int((1 - fraction) * size))
    return None


def ratios() -> list[str]:
    """The ratios that have a balanced design, as readable text."""
    return [str(fraction) for fraction in _GROUP_SIZES]


def balanced_group(
    n_examples: int, group: int, ratio: float, seed: int, group_size: int | None = None
) -> NDArray[np.bool_]:
    """Inclusion masks of one balanced group: bool [group size, n_examples], True = in_train.

    The examples are permuted and cut into as many blocks as the group has models; model k drops
    the blocks k, k+1, ... cyclically, so every example is out of exactly the same number of models.
    Where ``n_examples`` is no multiple of the group size, subset sizes differ by a few examples.

    Raises
    ------
    ValueError
        If ``ratio`` has no balanced design of this group size (None: of its usual one), or there
        are fewer examples than blocks.
    """
    blocks = design(ratio, group_size)
    if blocks is None:
        of_size = "" if group_size is None else f" and groups of {group_size}"
        raise ValueError(
            f"no balanced design for ratio {ratio}{of_size}; there are {', '.join(ratios())}"
        )
    n_blocks, dropped = blocks
    if n_examples < n_blocks:
        raise ValueError(f"{n_examples} examples cannot be cut into {n_blocks} blocks")
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAM, group])))
    block_of_example = np.empty(n_examples, dtype=np.int64)
    for block, members in enumerate(np.array_split(generator.permutation(n_examples), n_blocks)):
        block_of_example[members] = block
    distance = (block_of_example[None, :] - np.arange(n_blocks)[:, None]) % n_blocks
    return distance >= dropped


def independent_group(
    n_examples: int, group: int, group_size: int, ratio: float, seed: int
) -> NDArray[np.bool_]:
    """Masks of ``group_size`` independent draws of exactly int(ratio n) examples each.

    The design of Feldman and Zhang (2020): n_out then varies between examples.
    """
    masks = np.zeros((group_size, n_examples), dtype=np.bool_)
    for member in range(group_size):
        sequence = np.random.SeedSequence([seed, _STREAM, group, member])
        generator = np.random.Generator(np.random.PCG64(sequence))
        masks[member, generator.choice(n_examples, int(ratio * n_examples), replace=False)] = True
    return masks
