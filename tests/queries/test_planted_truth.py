"""The scores that SQL computes, against the probabilities that a simulation planted."""

from pathlib import Path

import polars as pl
import pytest

import memanalysis as ma
from memanalysis.experiments.simulate import WORLDS, read_truth, simulate
from memanalysis.storage.store import Store

KEYS = ["objective", "size", "example_id"]


@pytest.fixture(scope="module")
def covered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """By world, the share of examples and sizes whose interval holds the planted score."""
    with pytest.MonkeyPatch.context() as patch:
        # Scores and their intervals are SQL; deriving the rest takes most of a build.
        patch.setattr("memanalysis.building.build._derive", lambda _staged: None)
        folder = tmp_path_factory.mktemp("worlds")
        return {world: coverage(folder / world, world) for world in WORLDS}


def coverage(path: Path, world: str) -> float:
    """Simulate 20 groups of models, score them in SQL, and compare with the truth."""
    simulate(
        path, n_train=600, n_test=10, sizes=("s1", "s2"), groups=20, objectives=("one_hot",),
        seed=3, world=world, proxies=(),
    )  # fmt: skip
    scores = ma.open(path).table("memorization").filter(pl.col("split") == "train")
    truth = pl.DataFrame(read_truth(Store.open(path)))
    planted = pl.col("p_in") - pl.col("p_out")
    both = scores.join(truth.select(*KEYS, planted=planted), on=KEYS)
    assert both.height == 1200
    # Rounding must not decide where an interval ends exactly at the truth.
    holds = pl.col("planted").is_between(pl.col("ci_low") - 1e-9, pl.col("ci_high") + 1e-9)
    return float(both.select(holds.mean()).item())


def test_intervals_cover_spread_rates(covered: dict[str, float]) -> None:
    """For p_in and p_out spread over [.1, .9], 95 % intervals hold the truth in 93 to 97 %."""
    assert 0.93 <= covered["uniform"] <= 0.97


@pytest.mark.parametrize("world", WORLDS)
def test_intervals_cover_in_every_world(covered: dict[str, float], world: str) -> None:
    """In no planted world do intervals hold the truth less often than in 93 %."""
    assert covered[world] >= 0.93
