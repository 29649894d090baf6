"""One small store of random bits for the tests of what reads stores."""

from pathlib import Path

import handmade
import pytest

from memanalysis.sql.confined import Confined
from memanalysis.storage.store import Store


@pytest.fixture(scope="package")
def random_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three sizes, two objectives, 21 subsets, 40 + 6 examples; nobody may write to it."""
    return handmade.write(tmp_path_factory.mktemp("random") / "store", handmade.random_conditions())


@pytest.fixture(scope="package")
def confined(random_store: Store) -> Confined:
    """A confined connection to it."""
    return Confined(random_store)


@pytest.fixture
def files(random_store: Store) -> dict[Path, int]:
    """Every file of the store with the time it was last changed."""
    return {path: path.stat().st_mtime_ns for path in random_store.path.rglob("*")}
