"""Numbers of models: errors by formula, what the rules can tell by simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import Outcomes
from memanalysis.analysis.trajectories import RuleSettings, classify_outcomes
from memanalysis.storage import bits

_EXAMPLES: Final = 2000  # a share of half of them is then good to .015
_OUTCOMES: Final = 20_000_000


@dataclass(frozen=True)
class Power:
    """Verdicts of the trajectory rules on simulated examples; shares, 0 to 1.

    Attributes
    ----------
    undetermined
        Of examples whose memorisation does not change: no shape is found.
    fixed
        Of the same: rightly called fixed.
    wrong
        Of the same: called increasing, decreasing, cap or u.
    found
        Of examples whose memorisation rises by ``rise`` from the first to the last size, evenly:
        called increasing (by direction where shapes cannot be told).
    rise
        That planted rise.
    """

    undetermined: float
    fixed: float
    wrong: float
    found: float
    rise: float


def std_error(accuracy: float, subsets: int, ratio: float) -> float:
    """SE of a score at this held-out accuracy p, p_in = 1: sqrt(p (1 - p) / ((1 - r) K))."""
    return math.sqrt(accuracy * (1 - accuracy) / ((1 - ratio) * subsets))


def subsets_for(error: float, ratio: float, accuracy: float = 0.5, *, change: bool = False) -> int:
    """Subsets K that buy this standard error: p (1 - p) / ((1 - r) SE^2), twice that for a change.

    Pairing of sizes over the same subsets saves 3 to 13 % of a change's variance (simulated), which
    is left out to be on the safe side.
    """
    variance = accuracy * (1 - accuracy) * (2 if change else 1)
    # Rounded first: .25 / (.3 * .0025) must not become 334 or 335 by the last bit of a float.
    return math.ceil(round(variance / ((1 - ratio) * error**2), 6))


def alpha_for(held_out: float, settings: RuleSettings) -> float | None:
    """The smallest alpha at which so many models without an example can tell shapes; or None."""
    return next((alpha for least, alpha in settings.alpha_by_n_out if held_out >= least), None)


def subsets_for_alpha(alpha: float, ratio: float, settings: RuleSettings) -> int | None:
    """Subsets that it takes to tell shapes at ``alpha``, None if no rule names that alpha."""
    enough = [n for n, known in settings.alpha_by_n_out if known <= alpha + 1e-9]
    least = min(enough, default=None)
    return None if least is None else math.ceil(round(least / (1 - ratio), 6))


def power(
    masks: NDArray[np.bool_],
    scores: Floats,
    n_sizes: int,
    alpha: float | None,
    settings: RuleSettings,
    seed: int = 0,
) -> Power:
    """Verdicts of the rules on a study whose truth is known.

    Half of the examples keep their score at every size, half rise by twice ``alpha`` (.3 where
    shapes cannot be told) from a score low enough. Models fit everything they were trained on, and
    sizes are independent given the example.

    Parameters
    ----------
    masks
        bool [examples, S], which subsets hold which example.
    scores
        float64 [examples], true scores to draw from.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x9013]))
    n = len(masks)
    rise = 0.3 if alpha is None else 2 * alpha
    rising = np.arange(n) % 2 == 1
    start = np.where(rising, np.minimum(scores, 1 - rise), scores)
    steps = np.linspace(0, 1, n_sizes)[:, None] * np.where(rising, rise, 0.0)
    held_out = 1 - (start + steps)  # [L, n]
    correct = np.stack(
        [masks | (rng.random(masks.shape, dtype=np.float32) < p[:, None]) for p in held_out]
    )
    drawn = _outcomes(masks, correct)
    shapes = classify_outcomes(drawn, alpha, settings)
    unchanged, fixed = ~rising, shapes.is_shape("fixed")
    undetermined = shapes.is_shape("undetermined")
    found = shapes.is_shape("increasing") if alpha else shapes.is_direction("increasing")
    return Power(
        undetermined=float(undetermined[unchanged].mean()),
        fixed=float(fixed[unchanged].mean()),
        wrong=float((~fixed & ~undetermined)[unchanged].mean()),
        found=float(found[rising].mean()),
        rise=rise,
    )


def sample_size(n_examples: int, n_sizes: int, n_subsets: int) -> int:
    """Examples to simulate: enough for shares, few enough for a second of work."""
    return max(100, min(n_examples, _EXAMPLES, _OUTCOMES // (n_sizes * n_subsets)))


def _outcomes(in_train: NDArray[np.bool_], correct: NDArray[np.bool_]) -> Outcomes:
    """Packed outcomes of which groups do not matter: all subsets are one."""
    everything = bits.pack(np.ones(in_train.shape[1], dtype=np.bool_))
    packed = bits.pack(in_train)
    n_sizes = len(correct)
    return Outcomes(
        sizes=tuple(str(rank) for rank in range(n_sizes)),
        in_train=np.broadcast_to(packed, (n_sizes, *packed.shape)).copy(),
        correct=bits.pack(correct),
        trained=np.broadcast_to(everything, (n_sizes, len(everything))).copy(),
        groups=everything[None],
        example_id=np.arange(len(in_train), dtype=np.int64),
    )
