"""Trajectories: shape and direction of one example's memorisation over the sizes.

Two rules. ``classify`` is the decision rule of the findings: a change must be as large as alpha
and stand out from its standard error, and constancy must be shown, not assumed. ``by_threshold`` is
the plain rule of methods section 8, whose shares are mostly noise with few models; it is there to
be compared with.

What is compared with alpha as a point is the raw change; what is compared with its standard error
is the adjusted change of ``contrasts``. Simulated without any change (5 sizes, Feldman & Zhang's
CIFAR-100 scores), this choice gives the error rates of the registered rules: z = 1.645 in place of
q calls 3.3 % (60 models) and 2.5 % (200) increasing or decreasing, the raw change 4.4 % and 2.6 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.contrasts import (
    Contrast,
    PairedCounts,
    paired_counts,
    size_contrasts,
    size_pairs,
)
from memanalysis.analysis.intervals import Floats, benjamini_hochberg
from memanalysis.analysis.outcomes import Counts, Outcomes
from memanalysis.analysis.quantiles import tail, upper_quantile

Flags = NDArray[np.bool_]
Rule = Literal["shape", "direction", "threshold"]

SHAPES: Final = ("fixed", "increasing", "decreasing", "cap", "u", "mixed", "undetermined")
DIRECTIONS: Final = ("fixed", "increasing", "decreasing", "mixed", "undetermined")

# Scores are fractions of small counts: what differs from alpha at all does so by more than 1e-10
# (up to 4,000 models and three decimals of alpha), while rounding errs by less than 1e-12. So this
# tolerance decides ties as the integer counts would: a tie reaches alpha.
_TIE: Final = 1e-11


@dataclass(frozen=True)
class RuleSettings:
    """Levels of the decision rule; the values come from ``findings.toml``."""

    false_discovery_rate: float = 0.05
    equivalence_z: float = 1.645
    peak_level: float = 0.05
    drop_level: float = 0.05
    min_count: int = 5
    # (from so many models without the example, alpha), largest first.
    alpha_by_n_out: tuple[tuple[int, float], ...] = ((60, 0.15), (18, 0.20))


@dataclass(frozen=True)
class Trajectories:
    """One row per example, arrays [n].

    ``shape`` and ``direction`` are indices into SHAPES and DIRECTIONS (int8), ``tested`` says which
    examples had ``min_count`` models on both sides at both ends; others are undetermined and have
    NaN p- and q-values. ``pairs`` is the contrast of every pair of sizes, [P, n].
    """

    shape: NDArray[np.int8]
    direction: NDArray[np.int8]
    p_value: Floats
    q_value: Floats
    tested: Flags
    pairs: Contrast
    n_sizes: int
    alpha: float | None

    @property
    def change(self) -> Floats:
        """m_L - m_1, float64 [n]."""
        return np.asarray(self.pairs.change[ends(self.n_sizes)])

    def is_shape(self, *names: str) -> Flags:
        """True for the tested examples that have one of the named shapes."""
        return self.tested & np.isin(self.shape, [SHAPES.index(name) for name in names])

    def is_direction(self, *names: str) -> Flags:
        """True for the tested examples that have one of the named directions."""
        return self.tested & np.isin(self.direction, [DIRECTIONS.index(name) for name in names])


def default_alpha(counts: Counts, settings: RuleSettings | None = None) -> float | None:
    """Alpha by the median number of models without an example: .15 from 60, .20 from 18, else None.

    Below 18 a change of .2 is noise in too many examples; then only directions are tested.
    """
    if counts.n_out.size == 0:
        return None
    n_out = float(np.median(counts.n_out))
    steps = (settings or RuleSettings()).alpha_by_n_out
    return next((alpha for least, alpha in steps if n_out >= least), None)


def ends(n_sizes: int) -> int:
    """Position of the pair (first, last size) among ``size_pairs``."""
    return n_sizes - 2


def classify(
    pairs: PairedCounts,
    counts: Counts,
    alpha: float | None,
    settings: RuleSettings | None = None,
) -> Trajectories:
    """Shape and direction of every example by the registered rule.

    - ``fixed``: for every pair of sizes the adjusted change +- z SE lies inside (-alpha, alpha).
    - ``cap``: at some interior size both rises (from the first, to the last size) are >= alpha as
      points and > 0 by their lower limits at .05/(2(L-2)); ``u`` mirrored, both at once ``mixed``.
    - ``increasing``: q <= .05, change >= alpha as a point, and no drop >= alpha between any two
      sizes that is itself significant at .05/(number of pairs); ``decreasing`` mirrored.
    - ``undetermined``: everything else. The order of the tests is the order above.

    Directions: ``increasing``/``decreasing`` by q <= .05 alone, then ``mixed`` for the shapes cap,
    u and mixed, then ``fixed`` by the equivalence test of the ends. Without alpha nothing but an
    increasing or decreasing direction can be found. Tests are one-sided normal ones, q-values by
    Benjamini & Hochberg (1995) over the tested examples.

    Parameters
    ----------
    pairs
        int32 [P, n], of ``size_pairs``.
    counts
        int32 [L, n].
    """
    tested = np.asarray(counts.filled((settings or RuleSettings()).min_count)[[0, -1]].all(axis=0))
    return classify_contrasts(
        size_contrasts(pairs, counts), len(counts.n_in), tested, alpha, settings
    )


def classify_contrasts(
    contrasts: Contrast,
    n_sizes: int,
    tested: Flags,
    alpha: float | None,
    settings: RuleSettings | None = None,
    degrees: int | None = None,
) -> Trajectories:
    """``classify`` from contrasts [P, n] of any signal.

    With ``degrees`` of freedom every quantile and p-value is Student's t instead of the normal
    one: for errors that were estimated from as many groups plus one.
    """
    settings = settings or RuleSettings()
    if n_sizes < 2:
        raise ValueError(f"a trajectory needs at least two sizes, not {n_sizes}")
    last = ends(n_sizes)
    z = np.abs(contrasts.adjusted[last]) / contrasts.se[last]
    # Common subsets that all hold an example, or none of them: there is nothing to test.
    tested = tested & np.isfinite(z)
    p = np.where(tested, 2 * tail(z, degrees), np.nan)
    q = benjamini_hochberg(p)
    significant = np.nan_to_num(q, nan=1.0) <= settings.false_discovery_rate
    rises = significant & (contrasts.change[last] > 0)
    falls = significant & (contrasts.change[last] < 0)
    levels = _Levels.of(settings, n_sizes, degrees)
    flags = _shape_flags(contrasts, n_sizes, alpha, levels, rises, falls)
    shape = np.where(tested, _first_of(flags, SHAPES), SHAPES.index("undetermined"))
    turns = np.isin(shape, [SHAPES.index(name) for name in ("cap", "u", "mixed")])
    level = _equivalent(contrasts[last], alpha, levels.equivalence)
    direction = _first_of(
        {"increasing": rises, "decreasing": falls, "mixed": turns, "fixed": level}, DIRECTIONS
    )
    direction = np.where(tested, direction, DIRECTIONS.index("undetermined"))
    return Trajectories(
        shape.astype(np.int8), direction.astype(np.int8), p, q, tested, contrasts, n_sizes, alpha
    )


def classify_outcomes(
    outcomes: Outcomes, alpha: float | None, settings: RuleSettings | None = None
) -> Trajectories:
    """``classify`` with the counts taken from packed outcomes of at least two sizes."""
    rows = size_pairs(len(outcomes.sizes))
    return classify(paired_counts(outcomes, outcomes, *rows), outcomes.counts(), alpha, settings)


def by_threshold(contrasts: Contrast, n_sizes: int, alpha: float) -> NDArray[np.int8]:
    """Shape of every example by point estimates alone (methods section 8); int8 [n].

    ``fixed`` if max - min < alpha; ``cap`` if an interior size exceeds both ends by >= alpha, ``u``
    mirrored, both at once ``mixed``; ``increasing`` if m_L - m_1 >= alpha and no later size lies
    >= alpha below an earlier one, ``decreasing`` mirrored; else ``mixed``. ``undetermined`` where a
    score is missing. A tie reaches alpha.
    """
    change = contrasts.change  # [P, n]
    rise, drop = _at_least(change, alpha), _at_least(-change, alpha)
    flags = {
        "fixed": ~(rise | drop).any(axis=0),
        **_turns(rise, drop, n_sizes),
        "increasing": rise[ends(n_sizes)] & ~drop.any(axis=0),
        "decreasing": drop[ends(n_sizes)] & ~rise.any(axis=0),
    }
    shape = _first_of(flags, SHAPES)
    shape = np.where(shape == SHAPES.index("undetermined"), SHAPES.index("mixed"), shape)
    missing = ~np.isfinite(change).all(axis=0)
    return np.where(missing, SHAPES.index("undetermined"), shape).astype(np.int8)


def threshold_direction(shape: NDArray[np.int8]) -> NDArray[np.int8]:
    """Direction that goes with a threshold shape: cap, u and mixed are ``mixed``; int8 [n]."""
    table = [DIRECTIONS.index("mixed" if name in ("cap", "u") else name) for name in SHAPES]
    return np.asarray(table, dtype=np.int8)[shape]


def points_towards(trajectories: Trajectories, name: str) -> Flags:
    """Undetermined examples whose point estimates would have the shape ``name``.

    These might turn out to have it with more models, hence they enter the upper limit of its
    share. Without alpha every undetermined example might.
    """
    candidates = trajectories.is_shape("undetermined")
    if trajectories.alpha is None:
        return candidates
    change = trajectories.pairs.change
    rise = _at_least(change, trajectories.alpha)
    drop = _at_least(-change, trajectories.alpha)
    last = ends(trajectories.n_sizes)
    turns = _turns(rise, drop, trajectories.n_sizes)
    points = {
        "fixed": ~(rise | drop).any(axis=0),
        "increasing": rise[last],
        "decreasing": drop[last],
        "cap": turns["cap"] | turns["mixed"],
        "u": turns["u"] | turns["mixed"],
    }
    return np.asarray(candidates & points[name])


@dataclass(frozen=True)
class _Levels:
    """Quantiles of the three kinds of one-sided test."""

    equivalence: float
    peak: float
    drop: float

    @classmethod
    def of(cls, settings: RuleSettings, n_sizes: int, degrees: int | None) -> _Levels:
        n_pairs = n_sizes * (n_sizes - 1) // 2
        equivalence = settings.equivalence_z
        if degrees is not None:
            equivalence = float(upper_quantile(tail(equivalence), degrees))
        return cls(
            equivalence,
            float(upper_quantile(settings.peak_level / (2 * max(n_sizes - 2, 1)), degrees)),
            float(upper_quantile(settings.drop_level / n_pairs, degrees)),
        )


def _shape_flags(
    contrasts: Contrast,
    n_sizes: int,
    alpha: float | None,
    levels: _Levels,
    rises: Flags,
    falls: Flags,
) -> dict[str, Flags]:
    if alpha is None:
        return {}
    rise, drop = _at_least(contrasts.change, alpha), _at_least(-contrasts.change, alpha)
    z_peak, z_drop = levels.peak, levels.drop
    up = contrasts.adjusted / contrasts.se
    last = ends(n_sizes)
    return {
        "fixed": _equivalent(contrasts, alpha, levels.equivalence).all(axis=0),
        **_turns(rise & (up > z_peak), drop & (-up > z_peak), n_sizes),
        "increasing": rises & rise[last] & ~(drop & (-up > z_drop)).any(axis=0),
        "decreasing": falls & drop[last] & ~(rise & (up > z_drop)).any(axis=0),
    }


def _turns(rise: Flags, drop: Flags, n_sizes: int) -> dict[str, Flags]:
    """Caps and us: ``rise`` and ``drop`` [P, n] say which pairs count as risen or fallen."""
    first, second = size_pairs(n_sizes)
    into = [int(np.flatnonzero((first == 0) & (second == j))[0]) for j in range(1, n_sizes - 1)]
    out = [
        int(np.flatnonzero((first == j) & (second == n_sizes - 1))[0])
        for j in range(1, n_sizes - 1)
    ]
    cap = np.asarray((rise[into] & drop[out]).any(axis=0))
    u = np.asarray((drop[into] & rise[out]).any(axis=0))
    return {"mixed": cap & u, "cap": cap, "u": u}


def _equivalent(contrasts: Contrast, alpha: float | None, z: float) -> Flags:
    if alpha is None:
        return np.zeros(contrasts.change.shape, dtype=np.bool_)
    return np.asarray(np.abs(contrasts.adjusted) + z * contrasts.se < alpha)


def _at_least(change: Floats, alpha: float) -> Flags:
    return np.asarray(change >= alpha - _TIE)


def _first_of(flags: dict[str, Flags], names: tuple[str, ...]) -> NDArray[np.intp]:
    """Index into ``names`` of the first flag that is set, else of ``undetermined``."""
    return np.asarray(
        np.select(
            list(flags.values()), [names.index(f) for f in flags], names.index("undetermined")
        )
        if flags
        else names.index("undetermined")
    )
