"""Stores of random bits, the conditions that they were made of, and one engine to ask them all."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import handmade
import polars as pl
import pytest

from memanalysis.sql.connection import connect
from memanalysis.storage.store import Store


@dataclass(frozen=True)
class Asked:
    """A store behind the shared engine: relations read the variable `store` with each query."""

    engine: duckdb.DuckDBPyConnection
    path: Path

    def sql(self, text: str) -> pl.DataFrame:
        """The result of a query."""
        self.engine.execute("set variable store = ?", [str(self.path)])
        return self.engine.sql(text).pl()

    def table(self, name: str) -> pl.DataFrame:
        """One relation whole; macros with their defaults."""
        return self.sql(f"from {name}{'()' if name.endswith(('_by', '_at')) else ''}")


@dataclass(frozen=True)
class Case:
    """A store and what is in it."""

    study: Asked
    conditions: list[handmade.Condition]
    n_train: int


@pytest.fixture(scope="package")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Store], Asked]:
    """Ask any store; the relations are loaded once."""
    path = tmp_path_factory.mktemp("engine") / "store"
    first = handmade.write(path, handmade.random_conditions(("any",), ("one_hot",), n_train=10))
    engine = connect(first, documented=False)
    return lambda store: Asked(engine, store.path)


@pytest.fixture(scope="package", params=["every subset", "some subsets", "no common subset"])
def case(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    ask: Callable[[Store], Asked],
) -> Case:
    """Random outcomes: all subsets trained everywhere, some, or disjoint ones at each size."""
    missing = 0.0 if request.param == "every subset" else 0.3
    conditions = handmade.random_conditions(n_train=24, untrained=missing, seed=5)
    if request.param == "no common subset":
        conditions = [handmade.without(c, lambda k, r=c.size_rank: k % 3 != r) for c in conditions]
    path = tmp_path_factory.mktemp("case") / "store"
    return Case(ask(handmade.write(path, conditions)), conditions, 24)
