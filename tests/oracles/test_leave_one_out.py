"""The subsampled score against true leave-one-out: every sampled example is really trained without.

A classifier of handwritten digits that trains in a millisecond: one hidden layer of random ReLU
units, whose read-out is fitted by least squares until it fits its subset. Its seed draws the units,
so that models differ and rates lie between 0 and 1. A tenth of the labels is wrong.

Both estimate P[h(S) right] - P[h(S without i) right] over random subsets S of one size. Leaving i
out of S trains on one example fewer than the models that never saw i do; that difference is of
order 1/m (m = 175 here) and below what either can resolve.
"""

from collections.abc import Callable
from pathlib import Path

import handmade
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

import memanalysis as ma

N, SUBSET, UNITS, CLASSES = 250, 175, 500, 10
MODELS, RETRAININGS, SAMPLED = 500, 140, 60


class RandomFeatures:
    """The data set, and training on any part of it with any seed."""

    def __init__(self) -> None:
        pixels, labels = load_digits(return_X_y=True)
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(labels), N, replace=False)
        self.pixels = np.c_[pixels[chosen] / 16, np.ones(N)]
        self.labels = labels[chosen].copy()
        self.wrong = rng.random(N) < 0.1
        self.labels[self.wrong] = (self.labels + rng.integers(1, 10, N))[self.wrong] % CLASSES

    def kernel(self, seed: int) -> NDArray[np.float64]:
        """Inner products of the random layer's outputs: all that training sees, [N, N]."""
        rng = np.random.default_rng([seed, 1])
        units = np.maximum(self.pixels @ rng.normal(size=(self.pixels.shape[1], UNITS)), 0)
        return np.asarray(units @ units.T)

    def right(self, kernel: NDArray[np.float64], members: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Train on ``members`` and say which of all examples come out right: bool [N]."""
        gram = kernel[np.ix_(members, members)]
        gram[np.diag_indices(len(members))] += 1e-3 * np.trace(gram) / len(members)
        targets = np.eye(CLASSES)[self.labels[members]]
        outputs = kernel[:, members] @ np.linalg.solve(gram, targets)
        return np.asarray(outputs.argmax(axis=1) == self.labels)


def leave_one_out(learner: RandomFeatures, sampled: NDArray[np.intp]) -> NDArray[np.float64]:
    """Right with the example less right without it, NaN where S lacks it: [repeats, sampled]."""
    found = np.full((RETRAININGS, len(sampled)), np.nan)
    for repeat in range(RETRAININGS):
        rng = np.random.default_rng([repeat, 2])
        members = np.sort(rng.choice(N, SUBSET, replace=False))
        kernel = learner.kernel(10_000 + repeat)
        whole = learner.right(kernel, members)
        for column in np.flatnonzero(np.isin(sampled, members)):
            example = sampled[column]
            without = learner.right(kernel, members[members != example])
            found[repeat, column] = float(whole[example]) - float(without[example])
    return found


@pytest.mark.slow
def test_subsampling_estimates_leave_one_out(tmp_path: Path, report: Callable[[str], None]) -> None:
    """60 examples retrained without: scores agree within the errors of both, without bias."""
    learner = RandomFeatures()
    in_train, correct = np.zeros((2, N, MODELS), dtype=bool)
    for model in range(MODELS):
        members = np.random.default_rng([model, 3]).choice(N, SUBSET, replace=False)
        in_train[members, model] = True
        correct[:, model] = learner.right(learner.kernel(model), members)
    condition = handmade.Condition(
        "one_hot", "random-features", 0, in_train, correct, np.ones(MODELS, bool), {}
    )
    store = handmade.write(tmp_path / "store", [condition], n_test=0)
    scores = ma.open(store.path).table("memorization").sort("example_id")
    # Wrong labels and right ones alike, so that scores spread over their range.
    rng = np.random.default_rng(4)
    sampled = np.r_[
        rng.choice(np.flatnonzero(learner.wrong), 15, replace=False),
        rng.choice(np.flatnonzero(~learner.wrong), SAMPLED - 15, replace=False),
    ]
    pairs = leave_one_out(learner, sampled)
    truth = np.nanmean(pairs, axis=0)
    n = np.isfinite(pairs).sum(axis=0)
    # As for scores, a spread of 0 among few is no certainty: one pair more of each kind.
    error = np.sqrt((np.nanvar(pairs, axis=0) * n + 1) / (n + 2) / n)
    mem, se = (scores[name].to_numpy()[sampled] for name in ("memorization", "std_error"))
    z = (mem - truth) / np.hypot(se, error)
    low, high = (scores[name].to_numpy()[sampled] for name in ("ci_low", "ci_high"))
    meet = (low <= truth + 1.96 * error) & (high >= truth - 1.96 * error)
    assert np.ptp(truth) > 0.7
    assert np.corrcoef(mem, truth)[0, 1] > 0.97
    assert abs((mem - truth).mean()) < 3 * np.sqrt((se**2 + error**2).mean() / SAMPLED)
    assert (np.abs(z) < 1.96).mean() >= 0.9
    assert 0.4 < np.sqrt((z**2).mean()) < 1.25
    assert meet.mean() >= 0.95
    report(
        f"correlation with leave-one-out {np.corrcoef(mem, truth)[0, 1]:.3f}, mean difference "
        f"{(mem - truth).mean():+.4f}, rms z {np.sqrt((z**2).mean()):.2f}; 95 % intervals hold the "
        f"(noisy) leave-one-out figure in {((low <= truth) & (truth <= high)).mean():.3f}, and "
        f"meet its own 95 % interval in {meet.mean():.3f}"
    )
