import pytest

from memanalysis.storage.store import Store
from memanalysis.studies import Study


def test_proxy_curves_are_means_over_shapes(simulated_store: Store) -> None:
    """Means of one proxy by a loop over sizes and shapes."""
    study = Study(simulated_store)
    curves = study.sql("from proxy_curves where objective = 'one_hot' and proxy = 'aum'")
    shapes = study.sql("select example_id, shape from trajectory_tests where objective = 'one_hot'")
    for size in ("s1", "s3"):
        values = study.sql(
            "select example_id, value_in::double as value from proxies where objective = 'one_hot' "
            f"and proxy = 'aum' and size = '{size}' and value_in is not null"
        )
        joined = values.join(shapes, on="example_id")
        for shape in joined["shape"].unique():
            mine = joined.filter(shape=shape)
            row = curves.filter(size=size, shape=shape).row(0, named=True)
            assert row["n_examples"] == mine.height
            assert row["value"] == pytest.approx(mine["value"].mean())
    study.close()
