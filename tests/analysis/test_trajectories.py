from fractions import Fraction

import numpy as np
import pytest
import worlds

from memanalysis.analysis.contrasts import paired_counts, size_contrasts, size_pairs
from memanalysis.analysis.outcomes import Outcomes
from memanalysis.analysis.trajectories import (
    DIRECTIONS,
    SHAPES,
    RuleSettings,
    Trajectories,
    by_threshold,
    classify_outcomes,
    default_alpha,
    points_towards,
    threshold_direction,
)

STEPS = np.linspace(0, 1, 5)[:, None]


def _shares(found: Trajectories, part: slice = slice(None)) -> dict[str, float]:
    return {name: float(found.is_shape(name)[part].mean()) for name in SHAPES}


def _exact(out: np.ndarray) -> Outcomes:
    """Outcomes with p_in = 1 and ``out`` [L, n] of 20 held-out models right, always the first."""
    n = out.shape[1]
    inside = np.zeros((n, 40), dtype=bool)
    inside[:, 20:] = True
    right = inside | (np.arange(40) < out[..., None])
    return Outcomes.from_bools(inside, right, 10)


def _threshold_by_fractions(out: list[int], alpha: Fraction) -> str:
    """The plain rule of methods section 8 in exact arithmetic."""
    m = [1 - Fraction(k, 20) for k in out]
    drop = max(m[i] - m[j] for i in range(len(m)) for j in range(i + 1, len(m)))
    rise = max(m[j] - m[i] for i in range(len(m)) for j in range(i + 1, len(m)))
    interior = m[1:-1]
    if max(m) - min(m) < alpha:
        return "fixed"
    cap = bool(interior) and max(interior) - max(m[0], m[-1]) >= alpha
    u = bool(interior) and min(m[0], m[-1]) - min(interior) >= alpha
    if cap or u:
        return "mixed" if cap and u else "cap" if cap else "u"
    if m[-1] - m[0] >= alpha and drop < alpha:
        return "increasing"
    if m[0] - m[-1] >= alpha and rise < alpha:
        return "decreasing"
    return "mixed"


@pytest.mark.parametrize("alpha", ["0.1", "0.15", "0.2", "0.25"])
def test_threshold_rule_is_exact(alpha: str) -> None:
    """On the lattice of 20 held-out models ties at alpha are common; all are decided exactly."""
    out = np.random.default_rng(0).integers(0, 21, (4, 300))
    out[:, ::2] = out[0, ::2] // 2 + np.random.default_rng(1).integers(0, 6, (4, 150))
    drawn = _exact(out)
    rows = size_pairs(4)
    contrasts = size_contrasts(paired_counts(drawn, drawn, *rows), drawn.counts())
    found = by_threshold(contrasts, 4, float(alpha))
    expected = [_threshold_by_fractions(column, Fraction(alpha)) for column in out.T.tolist()]
    assert [SHAPES[code] for code in found] == expected
    assert len(set(expected)) == 6


def test_threshold_directions() -> None:
    """Caps and us turn: their direction is mixed; the others keep their name."""
    codes = np.arange(len(SHAPES), dtype=np.int8)
    names = [DIRECTIONS[code] for code in threshold_direction(codes)]
    assert names == [
        "fixed", "increasing", "decreasing", "mixed", "mixed", "mixed", "undetermined",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "alpha", "fixed"), [(6, 0.20, (0.35, 0.41)), (20, 0.15, (0.54, 0.60))]
)
def test_registered_error_rates(groups: int, alpha: float, fixed: tuple[float, float]) -> None:
    """No change over 5 sizes, CIFAR-100 scores: the rates that the rules were registered with.

    Increasing or decreasing .03 % and 0 %, cap or u .1 % and .2 %, fixed 38 % and 57 % for 60 and
    200 models.
    """
    scores = worlds.feldman_zhang(4000, np.random.default_rng(1))
    drawn = worlds.memorising(np.tile(scores, (5, 1)), groups)
    assert default_alpha(drawn.counts()) == alpha
    found = _shares(classify_outcomes(drawn, alpha))
    assert found["increasing"] + found["decreasing"] <= 0.001
    assert found["cap"] + found["u"] <= 0.004
    assert fixed[0] < found["fixed"] < fixed[1]


def test_planted_shapes_are_recalled() -> None:
    """200 models, 5 % each planted with an amplitude of .4: recall above .95, none called fixed."""
    rng = np.random.default_rng(0)
    scores = np.tile(worlds.feldman_zhang(3000, rng), (5, 1))
    low = rng.uniform(0, 0.2, 150)
    scores[:, :150] = low + 0.4 * STEPS
    scores[:, 150:300] = low + 0.4 * (1 - STEPS)
    scores[:, 300:450] = low + 0.4 * (1 - np.abs(2 * STEPS - 1))
    found = classify_outcomes(worlds.memorising(scores, 20), 0.15)
    for start, shape in ((0, "increasing"), (150, "decreasing"), (300, "cap")):
        shares = _shares(found, slice(start, start + 150))
        assert shares[shape] > 0.95
        assert shares["fixed"] == 0
    unchanged = _shares(found, slice(450, None))
    assert unchanged["increasing"] + unchanged["decreasing"] < 0.004
    assert found.is_direction("mixed")[300:450].mean() > 0.9
    wrong = found.is_direction("increasing", "decreasing")[450:].sum()
    assert wrong <= 0.08 * found.is_direction("increasing", "decreasing").sum()


def test_significance_wins_over_equivalence_for_the_direction() -> None:
    """A tiny but certain change among 4,000 models: direction increasing, shape fixed."""
    rng = np.random.default_rng(0)
    inside = np.tile(np.arange(4000) % 2 == 0, (3, 1))
    p_out = np.array([[0.9] * 3, [0.85] * 3])
    right = inside | (rng.random((2, 3, 4000)) < p_out[..., None])
    found = classify_outcomes(Outcomes.from_bools(inside, right, 1000), 0.15)
    assert found.is_direction("increasing").all()
    assert found.is_shape("fixed").all()


def test_few_models_allow_directions_only() -> None:
    """Without alpha an abrupt change still has a direction, but no example has a shape."""
    scores = np.array([[0.0] * 50, [1.0] * 50])
    drawn = worlds.memorising(scores, 4)
    assert default_alpha(drawn.counts()) is None
    found = classify_outcomes(drawn, None)
    assert found.is_direction("increasing").all()
    assert found.is_shape("undetermined").all()
    assert points_towards(found, "cap").all()


def test_untested_examples() -> None:
    """Fewer than min_count models on one side: undetermined, no p-value, not counted by q."""
    drawn = worlds.memorising(np.array([[0.0] * 30, [1.0] * 30]), 6)
    in_train = drawn.in_train.copy()
    in_train[:, 0] = drawn.trained
    odd = Outcomes(
        drawn.sizes, in_train, drawn.correct, drawn.trained, drawn.groups, drawn.example_id
    )
    found = classify_outcomes(odd, 0.2, RuleSettings(min_count=5))
    assert not found.tested[0]
    assert np.isnan(found.p_value[0])
    assert SHAPES[found.shape[0]] == "undetermined"
    assert found.is_shape("increasing").sum() == 29


def test_candidates_for_a_shape() -> None:
    """Undetermined examples are candidates for what their point estimates show."""
    scores = np.tile(np.linspace(0.3, 0.45, 200), (3, 1))
    scores[2] += 0.12
    found = classify_outcomes(worlds.memorising(scores, 6), 0.2)
    rise = found.change >= 0.2 - 1e-9
    expected = rise & found.is_shape("undetermined")
    assert np.array_equal(points_towards(found, "increasing"), expected)
    assert expected.any()


def test_one_size_has_no_trajectory() -> None:
    """A single size is refused by name."""
    drawn = worlds.memorising(np.full((1, 10), 0.5), 2)
    with pytest.raises(ValueError, match="at least two sizes, not 1"):
        classify_outcomes(drawn, 0.2)
