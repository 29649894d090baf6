"""Removal curves: the right examples go, pairs are pairs, and rows are means of real trainings."""

from __future__ import annotations

import handmade
import numpy as np
import polars as pl
import pytest
from scipy import stats
from tiny_study import study

from memanalysis import cli, settings
from memanalysis.errors import SettingsError, StoreError
from memanalysis.experiments import removal
from memanalysis.producer import plan, run, training
from memanalysis.producer.worker import Trainer
from memanalysis.storage.store import Store

# One group of one size, one epoch.
STUDY = study(train_examples=120, groups=1, width=[2], epochs=1, batch_size=20)
SIZE = "resnet8w2"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """A store with its examples; removal trains its own models and needs no others."""
    return run.prepare(STUDY, tmp_path_factory.mktemp("removal") / "store")


def test_what_is_removed() -> None:
    """The highest known scores go, ties by example; random sets are as large and of known ones."""
    scores = np.array([0.5, np.nan, 0.9, 0.5, 0.1, 0.5, np.nan, 0.0])
    planned = removal.trainings(scores, (0.5,), 3, 7)
    by_way = {way: [m for m in planned if m.removed == way] for way in
              ("nothing", "most memorised", "random")}  # fmt: skip
    assert all(m.in_train.all() for m in by_way["nothing"])
    for model in by_way["most memorised"]:
        assert np.flatnonzero(~model.in_train).tolist() == [0, 2, 3]
    drawn = [tuple(np.flatnonzero(~m.in_train)) for m in by_way["random"]]
    assert len(set(drawn)) > 1
    assert all(len(d) == 3 and not {1, 6} & set(d) for d in drawn)
    again = removal.trainings(scores, (0.5,), 3, 7)
    assert all(np.array_equal(a.in_train, b.in_train) for a, b in zip(planned, again, strict=True))


def test_rows_are_means_of_trainings(store: Store) -> None:
    """Accuracies equal those of models trained one by one with the seeds that are named."""
    scores = np.linspace(1, 0, 120)
    table = removal.removal(store, scores, SIZE, shares=(0.25,), seeds=2)
    assert table["removed"].to_list() == ["nothing", "most memorised", "random"]
    assert table["n_train"].to_list() == [120, 90, 90]
    trainer = Trainer(STUDY, store, "cpu")
    accuracy: dict[str, list[float]] = {}
    for model in removal.trainings(scores, (0.25,), 2, 3):
        seed, order = plan.seeds(3, model.seed, SIZE, "removal")
        member = training.Member("alone", seed, order, model.in_train)
        lesson = training.Lesson(trainer.study.training, settings.Observe(dynamics="none"))
        network = training.train(
            trainer.train_images, [member], trainer.sizes[SIZE], lesson, 10
        ).network
        right = training.evaluate(network, trainer.test_images)[0].argmax(-1)
        share = float((right == trainer.test_images.labels).double().mean())
        accuracy.setdefault(model.removed, []).append(share)
    for row in table.iter_rows(named=True):
        values = accuracy[row["removed"]]
        assert row["accuracy_test"] == pytest.approx(np.mean(values), abs=0.01)
        assert row["std_error"] == pytest.approx(stats.sem(values), abs=0.01)
    pairs = np.subtract(accuracy["most memorised"], accuracy["random"])
    row = table.row(1, named=True)
    assert row["difference"] == pytest.approx(pairs.mean(), abs=0.01)
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["lowest_score"] == pytest.approx(scores[29])
    assert not (store.path / "models").exists()


def test_bad_wishes_are_refused(store: Store, simulated_store: Store) -> None:
    """Unknown sizes, shares out of range, one seed, and stores that no study trained."""
    scores = np.zeros(120)
    with pytest.raises(SettingsError, match="no size 'huge' in this study: resnet8w2"):
        removal.removal(store, scores, "huge")
    with pytest.raises(SettingsError, match="above 0 and below 1"):
        removal.removal(store, scores, SIZE, shares=(1.5,))
    with pytest.raises(SettingsError, match="at least 2"):
        removal.removal(store, scores, SIZE, seeds=1)
    with pytest.raises(StoreError, match="was not trained by memanalysis"):
        removal.removal(simulated_store, scores, SIZE)


def test_the_command_chooses_by_the_stores_scores(tmp_path, monkeypatch, capsys) -> None:
    """Scores are those of `memorization` at the size, unknown ones NaN; the table is printed."""
    conditions = handmade.random_conditions(("small", "large"), n_subsets=9, untrained=0.3)
    conditions[1].in_train[2] = conditions[1].trained  # never held out at the larger size
    store = handmade.write(tmp_path / "store", conditions)
    seen = {}

    def pretend(opened: Store, scores: np.ndarray, size: str, **options: object) -> pl.DataFrame:
        seen.update(options, path=opened.path, scores=scores, size=size)
        return pl.DataFrame({"removed": ["nothing"]})

    monkeypatch.setattr(removal, "removal", pretend)
    code = cli.run(["removal", str(store.path), "--share", "0.1", "--seeds", "3"])
    assert (code, "nothing" in capsys.readouterr().out) == (0, True)
    assert (seen["path"], seen["size"], seen["shares"], seen["seeds"]) == (
        store.path, "large", (0.1,), 3,
    )  # fmt: skip
    c = conditions[1]
    for i, value in enumerate(seen["scores"]):
        inside, outside = c.in_train[i], c.trained & ~c.in_train[i]
        known = inside.any() and outside.any()
        expected = c.correct[i][inside].mean() - c.correct[i][outside].mean() if known else np.nan
        assert value == pytest.approx(expected, nan_ok=True)
    assert np.isnan(seen["scores"][2])
