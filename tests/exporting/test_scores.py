"""Scores to load: what a row is, and that it says what the relations say."""

from pathlib import Path

import polars as pl
import pytest

from memanalysis.checking import check
from memanalysis.errors import MemanalysisError, QueryError
from memanalysis.exporting import write_scores
from memanalysis.exporting.scores import scores
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study


@pytest.fixture(scope="module")
def frame(simulated) -> pl.DataFrame:
    """The scores of the simulated store."""
    return scores(simulated)


def test_a_row_per_condition_and_training_example(simulated, frame) -> None:
    """Both objectives, three sizes in order and 200 examples each, by plain index."""
    assert frame.height == 2 * 3 * 200
    assert frame.select("objective", "size").unique(maintain_order=True).rows() == [
        (objective, size) for objective in ("one_hot", "distilled") for size in ("s1", "s2", "s3")
    ]
    names = simulated.sql("select source_id from examples order by example_id limit 200")
    part = frame.filter(objective="one_hot", size="s2")
    assert part["example_id"].to_list() == list(range(200))
    assert part["source_id"].to_list() == names["source_id"].to_list()


def test_values_are_those_of_the_relations(simulated, frame) -> None:
    """Score, interval, counts, trajectory and risk agree with the relations that define them."""
    expected = simulated.sql(
        "select m.memorization, m.ci_low, m.ci_high, m.n_in, m.n_out, m.accuracy_out, t.shape, "
        "t.change, r.area from memorization as m join trajectories as t using (objective, "
        "example_id) left join membership_risk as r using (objective, size, example_id) "
        "where m.split = 'train' order by m.objective desc, m.size_rank, m.example_id"
    )
    columns = ["score", "score_low", "score_high", "n_in", "n_out", "accuracy_out", "shape",
               "change", "membership_area"]  # fmt: skip
    assert frame.select(columns).rows() == expected.rows()


@pytest.mark.parametrize(
    ("name", "index"),
    [("train/123", 123), ("45", 45), ("train/0007", 7), ("a/b.png", None),
     ("train/1 + train/2", None), ("n01/12.JPEG", None)],
)  # fmt: skip
def test_the_index_is_the_number_that_a_name_ends_in(study, monkeypatch, name, index) -> None:
    """Of plain names the number; of names that are no number nothing is made up."""
    from memanalysis.exporting import scores as module

    asked = module._SCORES.replace("e.source_id", f"'{name}'")
    monkeypatch.setattr(module, "_SCORES", asked)
    assert scores(study)["index"].unique().to_list() == [index]


def test_without_names_the_index_is_the_position(study) -> None:
    """Examples of a store without names count from 0."""
    frame = scores(study, "one_hot", "small")
    assert frame["index"].to_list() == frame["example_id"].to_list() == list(range(40))
    assert frame["score"].null_count() == 2  # never held out, and never trained on


def test_files_say_the_same(simulated, frame, tmp_path: Path) -> None:
    """Parquet and CSV hold one condition or all; other endings and files that exist are refused."""
    path = write_scores(simulated, tmp_path / "s.parquet")
    assert pl.read_parquet(path).equals(frame)
    path = write_scores(simulated, tmp_path / "s.csv", objective="one_hot", size="s1")
    read = pl.read_csv(path)
    part = frame.filter(objective="one_hot", size="s1")
    assert read.columns == frame.columns
    assert (read["score"] - part["score"]).abs().max() < 1e-6
    with pytest.raises(MemanalysisError, match="exists"):
        write_scores(simulated, path)
    with pytest.raises(QueryError, match=r"ending in \.parquet or \.csv"):
        write_scores(simulated, tmp_path / "s.json")
    with pytest.raises(QueryError, match="There is no 'one_hot huge'"):
        write_scores(simulated, tmp_path / "t.csv", objective="one_hot", size="huge")


def test_scores_may_lie_in_their_store(tiny_store: Store) -> None:
    """``check`` takes them as long as they are of the store's outcomes."""
    write_scores(open_study(tiny_store.path), tiny_store.path / "scores.parquet")
    assert check(tiny_store.path) == []
    table = pl.read_parquet(tiny_store.path / "scores.parquet")
    table.write_parquet(tiny_store.path / "scores.parquet")
    (fault,) = check(tiny_store.path)
    assert str(fault).startswith("scores.parquet: scores of other outcomes")
