"""Feldman and Zhang's artefacts, written by their keys."""

import numpy as np
import pytest
from artefacts import write_aux_arrays

from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.studies import open as open_study


def cifar(tmp_path, world):
    """An experiment with the runs of one ratio."""
    write_aux_arrays(tmp_path / "cifar" / "0.7", world, np.random.default_rng(1))
    return tmp_path / "cifar"


def test_entries_are_scattered_to_their_examples(tmp_path, world, memorization, is_whole):
    """Scores and test accuracies equal NumPy's although every run is in another order."""
    source = cifar(tmp_path, world)
    store = import_source("feldman", source, tmp_path / "out", Options(size="inception")).store
    np.testing.assert_array_equal(memorization(store, "inception"), world.memorization)
    models = open_study(store.path).table("models").sort("subset_id")
    np.testing.assert_allclose(models["accuracy_test"], world.test_correct.mean(1))
    is_whole(store.path)


def _change(**changes):
    def apply(source):
        path = source / "0.7" / "3" / "aux_arrays.npz"
        arrays = dict(np.load(path))
        for key, change in changes.items():
            arrays[key] = change(arrays[key])
        np.savez(path, **{k: v for k, v in arrays.items() if v is not None})

    return apply


FAULTS = {
    "missing key": (_change(index_removed=lambda _: None), ["no index_removed"]),
    "twice": (
        _change(index_train=lambda i: np.append(i[:-1], i[0])),
        ["index_train, index_removed", "times", "exactly once"],
    ),
    "other subset": (_change(subsample_idx=lambda i: i[1:]), ["index_train", "subsample_idx"]),
    "outside": (_change(subsample_idx=lambda i: i + 1000), ["subsample_idx", "0 to 29"]),
    "count": (_change(correctness_test=lambda c: c[1:]), ["correctness_test", "index_test"]),
    "NaN": (_change(correctness_train=lambda c: c * np.nan), ["correctness_train", "nan"]),
    "objects": (_change(correctness_train=lambda c: c.astype(object)), ["pickles"]),
    "truncated": (
        lambda s: (s / "0.7/3/aux_arrays.npz").write_bytes(b"PK\3\4"),
        [r"0\.7/3/aux_arrays\.npz", "truncated"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_message_and_nothing_is_begun(name, tmp_path, world):
    """The run, the key, what was found and what was expected are named."""
    damage, said = FAULTS[name]
    source = cifar(tmp_path, world)
    damage(source)
    with pytest.raises(DataError) as caught:
        import_source("feldman", source, tmp_path / "out")
    for pattern in said:
        caught.match(pattern)
    assert not (tmp_path / "out").exists()


def test_two_ratios_are_not_one_size(tmp_path, world):
    """A directory over several ratios is refused, and the folders are named."""
    source = cifar(tmp_path, world)
    (source / "0.5").mkdir()
    (source / "0.7" / "11").rename(source / "0.5" / "0")
    with pytest.raises(DataError, match=r"2 folders.*0\.5.*0\.7"):
        import_source("feldman", source, tmp_path / "out")


def test_pairs_alone_make_a_store(tmp_path, is_whole):
    """Pairs become influence without errors, scores a proxy without counts, nothing else."""
    pairs = {
        "tr_idx": np.array([4, 9, 4]), "tt_idx": np.array([2, 0, 0]),
        "infl": np.array([0.4, 0.2, 0.3]), "mem": np.array([0.5, 0.9, 0.5]),
    }  # fmt: skip
    np.savez(tmp_path / "pairs.npz", **pairs)
    store = import_source("feldman", tmp_path / "pairs.npz", tmp_path / "out").store
    assert (store.manifest.n_train, store.manifest.n_test) == (10, 3)
    study = open_study(store.path)
    found = study.sql("select train_id, test_id, influence from influence order by all").rows()
    assert found == [(4, 10, 0.3), (4, 12, 0.4), (9, 10, 0.2)]
    counts = study.sql("select count(n_in) + count(n_out) + count(std_error) + count(q_value) "
                       "as n from influence")  # fmt: skip
    assert counts["n"].to_list() == [0]
    proxies = study.table("proxies")
    assert proxies.select("example_id", "proxy", "size").rows() == [
        (4, "memorization_published", "unknown"),
        (9, "memorization_published", "unknown"),
    ]
    assert proxies["value_in"].to_list() == pytest.approx([0.5, 0.9])
    assert study.table("memorization").is_empty()
    is_whole(store.path)


@pytest.mark.usefixtures("without_derive")
def test_the_matrix_by_class_gives_scores_and_high_influence_pairs(tmp_path):
    """All scores; of the matrix [train_K, test_K] what Feldman and Zhang call high influence."""
    labels, tests = np.array([0, 1, 0, 1]), np.array([1, 0, 1])
    arrays = {"tr_labels": labels, "tt_labels": tests, "tr_mem": np.array([0.3, 0.9, 0.1, 0.4])}
    full = np.array([[0.0, 0.2, 0.0], [0.5, 0.0, 0.1], [0.0, 0.9, 0.0], [0.15, 0.0, 0.2]])
    for k in (0, 1):
        train, test = np.flatnonzero(labels == k), np.flatnonzero(tests == k)
        arrays |= {f"tr_classidx_{k}": train, f"tt_classidx_{k}": test,
                   f"infl_matrix_class{k}": full[np.ix_(train, test)]}  # fmt: skip
    np.savez(tmp_path / "matrix.npz", **arrays)
    store = import_source("feldman", tmp_path / "matrix.npz", tmp_path / "out").store
    rows = store.read_table("influence").select(["train_id", "test_id", "influence"]).to_pylist()
    expected = [(0, 5, 0.2), (1, 4, 0.5), (3, 4, 0.15), (3, 6, 0.2)]
    assert [tuple(row.values()) for row in rows] == expected
    assert store.read_table("proxies")["value_in"].to_pylist() == pytest.approx(
        [0.3, 0.9, 0.1, 0.4]
    )
    assert store.read_table("examples")["label"].to_pylist() == [0, 1, 0, 1, 1, 0, 1]


@pytest.mark.usefixtures("without_derive")
def test_the_demo_file_is_test_by_train(tmp_path):
    """``influence`` [test, train] of the MNIST demo, read test example by test example."""
    influence = np.zeros((2, 3), np.float32)
    influence[1, 2] = 0.75
    np.savez(tmp_path / "infl_mem.npz", memorization=np.array([0.0, 0.1, 0.8]), influence=influence)
    store = import_source("feldman", tmp_path / "infl_mem.npz", tmp_path / "out").store
    rows = store.read_table("influence").select(["train_id", "test_id", "influence"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [(2, 4, 0.75)]
    turned = {"memorization": np.zeros(3), "influence": influence.T}
    np.savez(tmp_path / "turned.npz", **turned)
    with pytest.raises(DataError, match="transposed"):
        import_source("feldman", tmp_path / "turned.npz", tmp_path / "two")


def test_contradicting_scores_are_refused(tmp_path):
    """One training example has one score, however many pairs it is in."""
    pairs = {"tr_idx": [4, 4], "tt_idx": [2, 0], "infl": [0.4, 0.2], "mem": [0.5, 0.6]}
    np.savez(tmp_path / "pairs.npz", **pairs)
    with pytest.raises(DataError, match=r"'mem'.*several scores of training example 4"):
        import_source("feldman", tmp_path / "pairs.npz", tmp_path / "out")
