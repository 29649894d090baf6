"""Noise alone: outcomes of examples with the same rates at every size.

Each example keeps its rates pooled over sizes and the real subsets; outcomes are drawn anew,
independently between sizes and models. Whatever share of them a rule calls increasing is the share
that noise alone produces.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.outcomes import Outcomes, ratio
from memanalysis.storage import bits

MAX_EXAMPLES: Final = 20_000
_BATCH: Final = 2_000  # examples at once: 2,000 x 7 sizes x 400 models of float32 are 22 MB


def unchanging(
    outcomes: Outcomes, seed: int, max_examples: int = MAX_EXAMPLES, repeats: int = 1
) -> Outcomes:
    """Outcomes of the same examples and subsets if nothing depended on the size.

    A random ``max_examples`` of the examples at most, each ``repeats`` times. Where an example was
    never held out its pooled rate is undefined; the draw is then wrong throughout, and the
    example stays untested.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0x0015E]))
    index = np.arange(outcomes.n_examples)
    if outcomes.n_examples > max_examples:
        index = np.sort(generator.choice(outcomes.n_examples, max_examples, replace=False))
    sample = outcomes.examples(np.tile(index, repeats))
    pooled = sample.counts().sum(0)
    p_in = np.nan_to_num(ratio(pooled.hits_in, pooled.n_in))
    p_out = np.nan_to_num(ratio(pooled.hits_out, pooled.n_out))
    correct = np.empty_like(sample.correct)
    for start in range(0, sample.n_examples, _BATCH):
        rows = slice(start, start + _BATCH)
        correct[:, rows] = _draw(sample.in_train[:, rows], p_in[rows], p_out[rows], generator)
    return replace(sample, correct=correct & sample.trained[:, None, :])


def _draw(
    in_train: NDArray[np.uint8],
    p_in: NDArray[np.float64],
    p_out: NDArray[np.float64],
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    inside = np.unpackbits(in_train, axis=-1).view(np.bool_)
    rate = np.where(inside, p_in[:, None], p_out[:, None]).astype(np.float32)
    return bits.pack(generator.random(inside.shape, dtype=np.float32) < rate)
