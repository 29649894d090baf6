import numpy as np
import pytest
from scipy import stats

from memanalysis.analysis.kinds import Kinds, detect, means, members

NAMES = ("flipped", "rotated", "clean")


def _drawn(seed: int, n: int = 120) -> tuple[np.ndarray, Kinds]:
    """Values with many ties, some unknown, and a kind for most examples."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12, (2, n)) / 12.0
    values[rng.random((2, n)) < 0.1] = np.nan
    return values, Kinds(NAMES, rng.choice([-1, 0, 1, 2], n, p=[0.1, 0.2, 0.1, 0.6]), 2)


@pytest.mark.parametrize("ordinary", [2, None])
@pytest.mark.parametrize("seed", range(4))
def test_area_is_that_of_mann_and_whitney(seed: int, ordinary: int | None) -> None:
    """SciPy's U over the product of both numbers, against the ordinary kind or all others."""
    values, kinds = _drawn(seed)
    kinds = Kinds(NAMES, kinds.codes, ordinary)
    area = detect(values, kinds)[0]
    for row, line in enumerate(values):
        known = np.isfinite(line)
        for code in range(3):
            others = known & (kinds.codes != code if ordinary is None else kinds.codes == ordinary)
            high, low = line[known & (kinds.codes == code)], line[others]
            if code == ordinary:
                assert np.isnan(area[row, code])
            else:
                expected = stats.mannwhitneyu(high, low).statistic / (len(high) * len(low))
                assert area[row, code] == pytest.approx(expected)


def test_precision_is_the_mean_over_ways_to_break_ties() -> None:
    """Selecting as many as the kind has, ties broken at random 4,000 times."""
    values, kinds = _drawn(0, n=40)
    line, codes = values[0], kinds.codes
    known = np.isfinite(line)
    mine = codes[known] == 0
    rng = np.random.default_rng(1)
    shares = [
        mine[np.lexsort((rng.random(known.sum()), -line[known]))[: mine.sum()]].mean()
        for _ in range(4_000)
    ]
    assert detect(values, kinds)[1, 0, 0] == pytest.approx(np.mean(shares), abs=0.01)


def test_means_and_numbers_are_of_the_known_members() -> None:
    """A loop over kinds with NumPy's nanmean."""
    values, kinds = _drawn(3)
    for code in range(3):
        mine = values[:, kinds.codes == code]
        assert means(values, kinds)[:, code] == pytest.approx(np.nanmean(mine, axis=1))
        assert members(values, kinds)[:, code].tolist() == np.isfinite(mine).sum(axis=1).tolist()


def test_a_kind_without_values_has_none() -> None:
    """No member with a value: NaN, and no error."""
    kinds = Kinds(("empty", "clean"), np.array([1, 1, 1]), 1)
    found = detect(np.array([[0.1, 0.2, 0.3]]), kinds)
    assert np.isnan(found[:, 0, 0]).all()
    assert found[1, 0, 1] == 1
    assert np.isnan(means(np.array([0.1, 0.2, 0.3]), kinds)[0])
