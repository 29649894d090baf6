import numpy as np
import pytest
import worlds

from memanalysis.analysis import planning
from memanalysis.analysis.trajectories import RuleSettings

RULES = RuleSettings()


@pytest.mark.parametrize(("error", "subsets"), [(0.05, 334), (0.10, 84)])
def test_errors_as_published(error: float, subsets: int) -> None:
    """Worst case at 70 %: 334 subsets for .05 and 84 for .10, twice that for a change."""
    assert planning.subsets_for(error, 0.7) == subsets
    assert planning.subsets_for(error, 0.7, change=True) in (2 * subsets, 2 * subsets - 1)


def test_alpha_by_models_held_out() -> None:
    """.15 from 60 held out (200 subsets at 70 %), .20 from 18 (60 subsets), none below."""
    assert [planning.alpha_for(n, RULES) for n in (17, 18, 59, 60, 400)] == [
        None, 0.2, 0.2, 0.15, 0.15,
    ]  # fmt: skip
    assert planning.subsets_for_alpha(0.15, 0.7, RULES) == 200
    assert planning.subsets_for_alpha(0.2, 0.7, RULES) == 60
    assert planning.subsets_for_alpha(0.1, 0.7, RULES) is None
    assert planning.subsets_for_alpha(0.15, 0.5, RULES) == 120


@pytest.mark.parametrize(("groups", "alpha", "fixed"), [(6, 0.2, 0.38), (20, 0.15, 0.57)])
def test_power_repeats_the_rules_own_simulation(groups: int, alpha: float, fixed: float) -> None:
    """Five sizes, nothing changes: 38 % fixed with 60 subsets, 57 % with 200, hardly any wrong."""
    scores = worlds.feldman_zhang(2000, np.random.default_rng(0))
    found = planning.power(worlds.masks(2000, groups), scores, 5, alpha, RULES)
    assert found.fixed == pytest.approx(fixed, abs=0.05)
    assert found.fixed + found.undetermined + found.wrong == pytest.approx(1)
    assert found.wrong < 0.01
    assert found.rise == 2 * alpha
    assert found.found > 0.5


def test_more_models_find_more() -> None:
    """A rise of .3 over three sizes: 100 subsets find more of it than 20, by direction alone."""
    scores = worlds.feldman_zhang(400, np.random.default_rng(1))
    few, many = (
        planning.power(worlds.masks(400, groups), scores, 3, None, RULES) for groups in (2, 10)
    )
    assert few.found < many.found
