"""Stores of random bits, and the conditions that they were made of."""

from dataclasses import dataclass

import handmade
import pytest

from memanalysis.study import Study


@dataclass(frozen=True)
class Case:
    """A study and what is in it."""

    study: Study
    conditions: list[handmade.Condition]
    n_train: int


@pytest.fixture(scope="package", params=["every subset", "some subsets", "no common subset"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Random outcomes: all subsets trained everywhere, some, or disjoint ones at each size."""
    missing = 0.0 if request.param == "every subset" else 0.3
    conditions = handmade.random_conditions(n_train=30, untrained=missing, seed=5)
    if request.param == "no common subset":
        conditions = [handmade.without(c, lambda k, r=c.size_rank: k % 3 != r) for c in conditions]
    path = tmp_path_factory.mktemp("case") / "store"
    return Case(Study(handmade.write(path, conditions)), conditions, 30)
