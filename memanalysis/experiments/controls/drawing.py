"""Bits of models in a world whose true rates are known.

A model gets image i right if a standard normal latent value lies below the quantile of the image's
true rate, so marginal rates are exact. The latent value is the sum of a shock of the model
(.15 logit), an effect of the subset on the image that all sizes and objectives share (.3 logit),
and noise; a logit counts as sqrt(3)/pi normal units (logistic against normal spread).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import Outcomes

Flags = NDArray[np.bool_]

_LOGIT: Final = math.sqrt(3) / math.pi
_MODEL: Final = 0.15 * _LOGIT
_SUBSET: Final = 0.30 * _LOGIT
_CLASS: Final = 0.50 * _LOGIT
# Normal units by which broken models are worse: of rates of .9999 and .5, .957 and .02 are left.
_BROKEN: Final = 2.0
_NOISE: Final = math.sqrt(1 - _MODEL**2 - _SUBSET**2)
_WITHOUT_MODEL: Final = math.sqrt(1 - _MODEL**2)
_SIZES: Final = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8")


@dataclass(frozen=True)
class Design:
    """Subsets in balanced groups: every image is outside equally often in each group."""

    n_subsets: int = 200
    group_size: int = 10
    out_of_group: int = 3

    @property
    def n_groups(self) -> int:
        """Number of groups of subsets."""
        return self.n_subsets // self.group_size


@dataclass(frozen=True)
class Truth:
    """True rates of a world: float64 [C, L, n] for C objectives, L sizes and n training images.

    Attributes
    ----------
    inside, outside
        Rates of models trained on an image and of those that were not.
    test
        Rates of test images, float64 [C, L, m], or None.
    permuted
        Analyse every group with the membership of the next one.
    drift
        Normal units by which the first group's held-out rates are lower, and the last one's higher.
    halved
        The last size of the last objective has models for every other group alone.
    broken
        Size at which the first group's models of the first objective are worse at everything.
    wild
        Shocks of models have the tails of Student's t with two degrees; rates are then not exact.
    classes
        Class of each image, int [n]: its images share a shock of .5 logit of each model.
    """

    inside: Floats
    outside: Floats
    test: Floats | None = None
    permuted: bool = False
    drift: float = 0.0
    halved: bool = False
    broken: int | None = None
    wild: bool = False
    classes: NDArray[np.int64] | None = None

    @property
    def score(self) -> Floats:
        """True memorisation, float64 [C, L, n]."""
        return self.inside - self.outside


@dataclass(frozen=True)
class Draw:
    """Outcomes of each objective, and test accuracies summed over models with their numbers.

    ``test`` has float64 [G, L] pairs, one per objective; empty without test images.
    """

    outcomes: tuple[Outcomes, ...]
    test: tuple[tuple[Floats, Floats], ...]


def draw(truth: Truth, design: Design, rng: np.random.Generator) -> Draw:
    """Models of every subset, size and objective of a world."""
    n_objectives, n_sizes, n = truth.outside.shape
    in_train = _membership(design, n, rng)
    cells = _cells(truth, in_train)
    shared = _normal(rng, len(cells.image), _SUBSET)
    trend = np.repeat(np.linspace(-1, 1, design.n_groups), design.group_size) * truth.drift
    counted = np.roll(in_train, design.group_size, axis=1) if truth.permuted else in_train
    outcomes, tests = [], []
    for objective in range(n_objectives):
        shocks = _shocks(truth, (n_sizes, design.n_subsets), rng) - trend
        if truth.broken is not None and objective == 0:
            shocks[truth.broken, : design.group_size] += _BROKEN
        correct = np.ones((n_sizes, n, design.n_subsets), dtype=np.bool_)
        for size in range(n_sizes):
            latent = _normal(rng, len(shared), _NOISE) + shared
            latent += shocks[size].astype(np.float32)[cells.subset]
            if truth.classes is not None:
                by_class = rng.normal(0, _CLASS, (truth.classes.max() + 1, design.n_subsets))
                latent += by_class.astype(np.float32)[truth.classes[cells.image], cells.subset]
            correct[size, cells.image, cells.subset] = latent < cells.thresholds(
                truth.inside[objective, size], truth.outside[objective, size]
            )
        packed = Outcomes.from_bools(counted, correct, design.group_size, _SIZES[:n_sizes])
        last = objective == n_objectives - 1
        outcomes.append(_halved(packed) if truth.halved and last else packed)
        if truth.test is not None:
            tests.append(_test(truth.test[objective], shocks, design, rng))
    return Draw(tuple(outcomes), tuple(tests))


@dataclass(frozen=True)
class _Cells:
    """Images and subsets whose outcome is not certain, int64 [m], and their membership."""

    image: NDArray[np.int64]
    subset: NDArray[np.int64]
    inside: Flags

    def thresholds(self, inside: Floats, outside: Floats) -> NDArray[np.float32]:
        """Normal quantiles of the rates [n] that hold in each cell."""
        quantiles = [special.ndtri(rates).astype(np.float32) for rates in (inside, outside)]
        if_inside, if_outside = (quantile[self.image] for quantile in quantiles)
        return np.asarray(np.where(self.inside, if_inside, if_outside))


def _cells(truth: Truth, in_train: Flags) -> _Cells:
    """Most outcomes are certain: images that every model fits, or gets right without them."""
    fails_in, fails_out = (
        np.asarray((rates < 1).any(axis=(0, 1))) for rates in (truth.inside, truth.outside)
    )
    image, subset = np.nonzero(np.where(in_train, fails_in[:, None], fails_out[:, None]))
    return _Cells(image, subset, in_train[image, subset])


def _membership(design: Design, n: int, rng: np.random.Generator) -> Flags:
    """bool [n, S]: in each group every image is outside ``out_of_group`` of its subsets."""
    shape = (n, design.n_groups, design.group_size)
    order = rng.random(shape, dtype=np.float32).argsort(axis=-1)
    return np.asarray((order >= design.out_of_group).reshape(n, design.n_subsets))


def _shocks(truth: Truth, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Shocks of the models of one objective, [L, S]."""
    if truth.wild:
        return np.asarray(_MODEL * rng.standard_t(2, shape))
    return rng.normal(0, _MODEL, shape)


def _normal(rng: np.random.Generator, n: int, scale: float) -> NDArray[np.float32]:
    values: NDArray[np.float32] = rng.standard_normal(n, dtype=np.float32)
    values *= np.float32(scale)
    return values


def _halved(outcomes: Outcomes) -> Outcomes:
    """Without the models of odd groups at the last size."""
    mask = np.bitwise_or.reduce(outcomes.groups[::2], axis=0)
    arrays = outcomes.in_train.copy(), outcomes.correct.copy(), outcomes.trained.copy()
    for array in arrays:
        array[-1] &= mask
    return Outcomes(outcomes.sizes, *arrays, outcomes.groups, outcomes.example_id)


def _test(
    rates: Floats, shocks: Floats, design: Design, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Test accuracy summed over the models of each group [G, L], and the number of models."""
    n_sizes, m = rates.shape
    right = np.empty((n_sizes, design.n_subsets))
    for size in range(n_sizes):
        threshold = special.ndtri(rates[size])[:, None]
        latent = rng.standard_normal((m, design.n_subsets), dtype=np.float32)
        right[size] = (latent * _WITHOUT_MODEL + shocks[size] < threshold).mean(axis=0)
    summed = right.reshape(n_sizes, design.n_groups, design.group_size).sum(axis=-1)
    return summed.T, np.full((design.n_groups, n_sizes), float(design.group_size))
