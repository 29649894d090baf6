"""Held-out probabilities, against a loop over the models."""

import numpy as np
import pytest

from memanalysis.building.build import build
from memanalysis.errors import MemanalysisError
from memanalysis.exporting import write_cleanlab
from memanalysis.studies import open as open_study


def test_means_over_the_models_that_held_it_out(with_logits, tmp_path) -> None:
    """Each row is the mean softmax of the two models without the example, and sums to 1."""
    study, logits = with_logits
    (path,) = write_cleanlab(study, tmp_path / "x.npz")
    with np.load(path, allow_pickle=False) as archive:
        found = dict(archive)
    in_train = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]], bool)
    for example in range(4):
        rows = [logits[k][example].astype(float) for k in range(4) if not in_train[example, k]]
        expected = np.mean([np.exp(r) / np.exp(r).sum() for r in rows], axis=0)
        np.testing.assert_allclose(found["pred_probs"][example], expected, rtol=1e-6)
    assert found["pred_probs"].dtype == np.float32
    np.testing.assert_allclose(found["pred_probs"].sum(axis=1), 1, atol=1e-6)
    assert found["labels"].tolist() == [0, 1, 0, 1]
    assert found["example_id"].tolist() == [0, 1, 2, 3]
    assert found["class_names"].tolist() == ["cat", "dog"]


def test_examples_that_nobody_held_out_are_left_out(with_logits, tmp_path, monkeypatch) -> None:
    """Ids go with the rows that remain."""
    import polars as pl

    study, _ = with_logits
    ask = study.sql

    def never_held_out(text: str) -> pl.DataFrame:
        frame = ask(text)
        if "in_train" in frame.columns:
            everywhere = [True, False, False, True]
            chosen = pl.when(pl.Series(everywhere)).then("trained").otherwise("in_train")
            frame = frame.with_columns(in_train=chosen)
        return frame

    monkeypatch.setattr(study, "sql", never_held_out)
    (path,) = write_cleanlab(study, tmp_path / "x.npz")
    with np.load(path, allow_pickle=False) as archive:
        assert archive["example_id"].tolist() == [1, 2]
        assert archive["labels"].tolist() == [1, 0]
        assert archive["pred_probs"].shape == (2, 3)


def test_without_logits_it_says_what_is_needed(study, with_logits, tmp_path) -> None:
    """No logits, or packed ones: one message with the way out, and no file."""
    with pytest.raises(
        MemanalysisError, match=r"does not keep the logits.*keep_logits = .*--keep-logits"
    ):
        write_cleanlab(study, tmp_path)
    packed = open_study(build(with_logits[0].path, pack=True).path)
    with pytest.raises(MemanalysisError, match="It is packed"):
        write_cleanlab(packed, tmp_path / "x.npz")
    assert not list(tmp_path.glob("*.npz"))


def test_one_model_without_logits_is_enough_to_refuse(with_logits, tmp_path) -> None:
    """A mean over some of the models would be another quantity."""
    from dataclasses import replace

    from memanalysis.storage.model_files import read_model
    from memanalysis.storage.store import Store, write_model

    study, _ = with_logits
    store = Store.open(study.path)
    path = store.model_path("one_hot", "small", 2)
    write_model(store, replace(read_model(path), logits=None))
    with pytest.raises(MemanalysisError, match="logits of every model"):
        write_cleanlab(study, tmp_path / "x.npz")
