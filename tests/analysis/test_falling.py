import numpy as np
import pytest
from drawn_counts import drawn
from scipy import stats

from memanalysis.analysis.falling import PARTS, selected_change
from memanalysis.analysis.outcomes import Counts


def _naive(
    groups: Counts, low: float, high: float, end: int, group: int
) -> tuple[list[float], int]:
    """Mean change, fitting and generalising in one group of images chosen by all others."""
    rows = []
    others = [g for g in range(len(groups.n_in)) if g != group]
    for i in range(groups.n_in.shape[-1]):
        p_in, p_out = (
            sum(int(h[g, end, i]) for g in others) / sum(int(n[g, end, i]) for g in others)
            for h, n in ((groups.hits_in, groups.n_in), (groups.hits_out, groups.n_out))
        )
        if not low - 1e-9 <= p_in - p_out < high - 1e-9:
            continue
        rates = [
            [h[group, size, i] / n[group, size, i] for size in range(2)]
            for h, n in ((groups.hits_in, groups.n_in), (groups.hits_out, groups.n_out))
        ]
        fit, generalise = rates[0][1] - rates[0][0], rates[1][0] - rates[1][1]
        rows.append([fit + generalise, fit, generalise])
    return list(np.mean(rows, axis=0)), len(rows)


def test_cross_fitted_change_equals_a_loop_over_images() -> None:
    """Folds, numbers and limits are those of a loop over groups and images."""
    groups = drawn(6, 2, 120, seed=3)
    measured = selected_change(groups, (0.1, 0.5), minimum=1)
    interval = measured.interval()
    for end in range(2):
        folds = []
        for group in range(6):
            expected, number = _naive(groups, 0.1, 0.5, end, group)
            assert measured.folds[group, end, 1] == pytest.approx(expected)
            assert measured.numbers[group, end, 1] == number
            folds.append(expected[PARTS.index("generalising")])
        half = stats.t.ppf(0.975, 5) * np.std(folds, ddof=1) / np.sqrt(6)
        found = interval[end, 1, PARTS.index("generalising")]
        assert float(found.estimate) == pytest.approx(np.mean(folds))
        assert float(found.high - found.low) == pytest.approx(2 * half)


def test_a_fold_with_too_few_images_is_left_out() -> None:
    """A bin that holds fewer than the minimum has no fold, and no interval."""
    groups = drawn(6, 2, 40, seed=4)
    measured = selected_change(groups, (0.1, 0.5), minimum=41)
    assert measured.n_folds.sum() == 0
    assert np.isnan(measured.interval().estimate).all()
