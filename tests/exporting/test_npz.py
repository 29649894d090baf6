"""Archives of masks and outcomes, against the arrays that the store was made from."""

import handmade
import numpy as np
import pytest

from memanalysis.errors import MemanalysisError, QueryError
from memanalysis.exporting import write_npz
from memanalysis.exporting.archive import Archive
from memanalysis.studies import open as open_study


def load(path) -> dict[str, np.ndarray]:
    """The arrays of an archive; unpickling is off."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def test_arrays_are_those_of_the_models_in_subset_order(study, random_bits, tmp_path) -> None:
    """Masks and correctness equal the made arrays, turned to [runs, examples]."""
    paths = write_npz(study, tmp_path)
    by_name = {path.stem: load(path) for path in paths}
    assert sorted(by_name) == [
        "distilled-large", "distilled-small", "one_hot-large", "one_hot-small",
    ]  # fmt: skip
    for made in random_bits:
        found = by_name[f"{made.objective}-{made.size}"]
        runs = np.flatnonzero(made.trained)
        assert found["total_runs"] == len(runs) < len(made.trained)
        assert np.array_equal(found["subset_id"], runs)
        assert np.array_equal(found["group_id"], runs // 10)
        assert np.array_equal(found["trainset_mask"], made.in_train[:40, runs].T)
        assert np.array_equal(found["trainset_correctness"], made.correct[:40, runs].T)
        assert np.array_equal(found["testset_correctness"], made.correct[40:, runs].T)
        assert (found["objective"], found["size"]) == (made.objective, made.size)


def test_scores_follow_from_the_masks(study, tmp_path) -> None:
    """Memorization is the published formula on the archive's own arrays; empty cells are NaN."""
    (path,) = write_npz(study, tmp_path / "one.npz", objective="one_hot", size="small")
    found = load(path)
    mask, correct = found["trainset_mask"], found["trainset_correctness"]
    with np.errstate(invalid="ignore"):
        inside = (mask & correct).sum(0) / mask.sum(0)
        outside = (~mask & correct).sum(0) / (~mask).sum(0)
    assert np.array_equal(found["memorization"], inside - outside, equal_nan=True)
    assert np.flatnonzero(np.isnan(found["memorization"])).tolist() == [3, 4]


def test_influence_is_test_by_train(study, tmp_path, monkeypatch) -> None:
    """Each value is a difference of two means; blocks do not show."""
    monkeypatch.setattr("memanalysis.exporting.npz._TEST_BLOCK", 4)
    monkeypatch.setattr("memanalysis.exporting.npz._TRAIN_BLOCK", 7)
    (path,) = write_npz(
        study, tmp_path / "x.npz", objective="distilled", size="large", influence=True
    )
    found = load(path)
    assert found["influence"].shape == (6, 40)
    for test in range(6):
        right = found["testset_correctness"][:, test]
        for train in (0, 5, 39):
            mask = found["trainset_mask"][:, train]
            expected = right[mask].mean() - right[~mask].mean()
            assert found["influence"][test, train] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(found["influence"][:, [3, 4]]).all()


def test_one_model_is_unpacked_at_a_time(study, tmp_path, monkeypatch) -> None:
    """No block that is written holds more than one model's examples."""
    sizes = []
    whole = Archive.put_rows

    def watched(self, name, dtype, shape, blocks):
        blocks = list(blocks)
        sizes.extend(block.shape for block in blocks)
        whole(self, name, dtype, shape, blocks)

    monkeypatch.setattr(Archive, "put_rows", watched)
    write_npz(study, tmp_path / "x.npz", objective="one_hot", size="small")
    assert set(sizes) == {(40,), (6,)}


def test_equal_studies_give_equal_files(study, tmp_path) -> None:
    """No time of day gets into an archive."""
    one, other = (
        write_npz(study, tmp_path / name, objective="one_hot", size="small")[0].read_bytes()
        for name in ("a.npz", "b.npz")
    )
    assert one == other


def test_predictions_come_from_logits_and_agree_with_the_bits(with_logits, tmp_path) -> None:
    """Argmax of each model's logits, except where float16 tied: there the bit decides."""
    study, logits = with_logits
    (path,) = write_npz(study, tmp_path / "x.npz")
    found = load(path)
    labels = np.concatenate([found["labels"], found["test_labels"]])
    predicted = np.hstack([found["trainset_predictions"], found["testset_predictions"]])
    correct = np.hstack([found["trainset_correctness"], found["testset_correctness"]])
    assert np.array_equal(predicted == labels, correct)
    for subset, values in logits.items():
        assert np.array_equal(predicted[subset, :5], values[:5].argmax(axis=1))


def test_without_logits_there_are_no_predictions(study, tmp_path) -> None:
    """The key is absent, not filled with guesses; labels and names are there."""
    (path,) = write_npz(study, tmp_path / "x.npz", objective="one_hot", size="small")
    found = load(path)
    assert not any(key.endswith("predictions") for key in found)
    assert found["labels"].tolist() == (np.arange(40) % 3).tolist()
    assert found["class_names"].tolist() == ["cat", "dog", "owl"]
    assert "clean_labels" not in found


def test_an_existing_file_is_kept_unless_forced(study, tmp_path) -> None:
    """One existing target refuses the export before any other file is written."""
    (tmp_path / "one_hot-large.npz").write_bytes(b"mine")
    with pytest.raises(MemanalysisError, match=r"one_hot-large.npz' exists.*--force"):
        write_npz(study, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["one_hot-large.npz"]
    write_npz(study, tmp_path, force=True)
    assert len(load(tmp_path / "one_hot-large.npz")) > 5
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


def test_one_file_takes_one_condition(study, tmp_path) -> None:
    """A single file for several conditions, or an unknown size, is named with the alternatives."""
    with pytest.raises(QueryError, match="4 are to be written: one_hot small, one_hot large"):
        write_npz(study, tmp_path / "x.npz")
    with pytest.raises(QueryError, match=r"no 'huge'\. The study has: one_hot small"):
        write_npz(study, tmp_path, size="huge")
    assert list(tmp_path.iterdir()) == []


def test_influence_needs_test_examples(tmp_path) -> None:
    """Asked for where there is nothing to influence, it is refused rather than left out."""
    conditions = handmade.random_conditions(("small",), ("one_hot",), n_test=0)
    store = handmade.write(tmp_path / "store", conditions, n_test=0)
    with pytest.raises(QueryError, match="has no test examples"):
        write_npz(open_study(store.path), tmp_path / "x.npz", influence=True)
    (path,) = write_npz(open_study(store.path), tmp_path / "x.npz")
    assert not any(key.startswith("test") for key in load(path))


def test_a_row_too_few_is_an_error(tmp_path) -> None:
    """An archive whose rows do not make up the promised shape is never finished quietly."""
    with Archive(tmp_path / "x.npz") as archive, pytest.raises(ValueError, match="x: 4 values"):
        archive.put_rows("x", bool, (3, 2), [np.zeros(2, bool), np.ones(2, bool)])
