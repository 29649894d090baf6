"""Matrices of influence by other tools: how they are read, refused and compared with ours."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from handmade import random_conditions
from handmade import write as write_by_hand
from safetensors.numpy import save_file
from scipy.stats import spearmanr

from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.cli import run
from memanalysis.errors import DataError
from memanalysis.importing import FORMATS, Options, import_source
from memanalysis.importing.attributing import attribute
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study

N_TRAIN, N_TEST = 120, 7


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of random bits, with 120 training and a few test examples."""
    conditions = random_conditions(
        ("small", "large"), ("one_hot",), n_train=N_TRAIN, n_test=N_TEST, n_subsets=20, seed=3
    )
    return write_by_hand(tmp_path / "random", conditions, n_test=N_TEST)


@pytest.fixture
def scores() -> np.ndarray:
    """Scores [test, train] with ties, other at each pair's turned place."""
    return np.random.default_rng(1).integers(-40, 40, (N_TEST, N_TRAIN)).astype(np.float32) / 8


def imported(store: Store) -> np.ndarray:
    """Every stored score as (test_id, train_id, score)."""
    frame = open_study(store.path).table("attributions").sort("name", "test_id", "train_id")
    return frame.select("test_id", "train_id", "score").to_numpy()


def write(kind: str, scores: np.ndarray, folder: Path) -> Path | str:
    """The matrix as a tool writes it."""
    path = folder / kind
    if kind == "trak.mmap":
        turned = np.lib.format.open_memmap(path, "w+", np.float32, scores.T.shape)
        turned[:] = scores.T
        turned.flush()
    elif kind == "dattri.npy":
        np.save(path, np.asfortranarray(scores.T))
    elif kind == "ours.npy":
        np.save(path, scores.astype(np.float64))
    elif kind == "half.npz":
        np.savez(path, scores=scores.astype(np.float16), labels=np.zeros(3))
    elif kind == "pairwise_scores.safetensors":
        save_file({"all_modules": scores, "other": np.ones_like(scores)}, path)
    else:
        save_file({"fc1": scores, "fc2": np.ones_like(scores)}, path)
        return f"{path}:fc1"
    return path


KINDS = ("trak.mmap", "dattri.npy", "ours.npy", "half.npz", "pairwise_scores.safetensors",
         "per_module.safetensors")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_layout_gives_the_same_pairs(
    store: Store, scores: np.ndarray, tmp_path: Path, kind: str
) -> None:
    """Each score stands at its own pair, whichever way the file lies; the store stays sound."""
    import_source("influence", write(kind, scores, tmp_path), store.path, Options(name="x"))
    found = imported(store)
    assert len(found) == N_TEST * N_TRAIN
    for test_id, train_id, score in found:
        assert score == scores[int(test_id) - N_TRAIN, int(train_id)]
    assert check(store.path) == []


def test_some_examples_by_id(store: Store, scores: np.ndarray, tmp_path: Path) -> None:
    """Rows go to the examples that --test-ids names, in its order, of either split."""
    np.save(tmp_path / "a.npy", scores[:2])
    (tmp_path / "ids.csv").write_text("example_id\n125\n4\n")
    done = import_source(
        "influence", tmp_path / "a.npy", store.path, Options(test_ids=tmp_path / "ids.csv")
    )
    line = "attribution: a, 2 test examples by 120 training examples (rows are test examples)"
    assert line in done.lines
    expected = [(4, i, scores[1, i]) for i in range(N_TRAIN)]
    expected += [(125, i, scores[0, i]) for i in range(N_TRAIN)]
    np.testing.assert_array_equal(imported(store), expected)


def test_a_square_matrix_needs_a_word(store: Store, tmp_path: Path) -> None:
    """Where both ways fit, --rows decides; the other way round gives the transposed scores."""
    square = np.random.default_rng(2).normal(size=(N_TRAIN, N_TRAIN))
    np.save(tmp_path / "a.npy", square)
    np.save(tmp_path / "ids.npy", np.arange(N_TRAIN))
    with pytest.raises(DataError, match=r"fits both ways.*TRAK and dattri have --rows train"):
        import_source(
            "influence", tmp_path / "a.npy", store.path, Options(test_ids=tmp_path / "ids.npy")
        )
    for rows, expected in (("test", square), ("train", square.T)):
        options = Options(test_ids=tmp_path / "ids.npy", rows=rows, replace=True)
        import_source("influence", tmp_path / "a.npy", store.path, options)
        np.testing.assert_array_equal(imported(store)[:, 2], expected.ravel())


def _ones(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def _with(value: float) -> np.ndarray:
    scores = _ones(N_TEST, N_TRAIN)
    scores[2, 5] = value
    return scores


WRONG = {
    "few tests": (_ones(3, N_TRAIN), {}, r"shape \(3, 120\); expected \(7 test, 120 .*--test-ids"),
    "other train": (_ones(N_TEST, 100), {}, r"shape \(7, 100\).*the store has 120.*in its order"),
    "transposed": (_ones(N_TRAIN, N_TEST), {"rows": "test"}, "It is transposed.*--rows train"),
    "NaN": (_with(np.nan), {}, "nan at test example 2, training example 5"),
    "infinite": (_with(np.inf).T, {}, "inf at training example 5, test example 2"),
    "a line": (_ones(N_TRAIN), {}, "two axes"),
    "three axes": (_ones(N_TEST, N_TRAIN, 2), {}, "two axes"),
    "masks": (_ones(N_TEST, N_TRAIN) > 0, {}, "bool; expected one number for each pair"),
    "0 and 1": ((_ones(N_TEST, N_TRAIN) > 0).astype(int), {}, "only 0 and 1; expected scores"),
    "never computed": (np.zeros((N_TRAIN, N_TEST), np.float32), {}, "only 0; expected scores"),
    "text": (np.full((N_TEST, N_TRAIN), "1.5"), {}, "one number for each pair"),
    "complex": (_ones(N_TEST, N_TRAIN) * 1j, {}, "plain numbers"),
    "no test example": (_ones(0, N_TRAIN), {}, r"shape \(0, 120\)"),
    "name": (_ones(N_TEST, N_TRAIN), {"name": "a\nb"}, "printable"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_and_changes_nothing(
    store: Store, tmp_path: Path, snapshot, case: str
) -> None:
    """One message says what is wrong, and the store stays as it was."""
    array, options, message = WRONG[case]
    np.save(tmp_path / "a.npy", array)
    before = snapshot(store.path)
    with pytest.raises(DataError, match=message) as raised:
        import_source("influence", tmp_path / "a.npy", store.path, Options(**options))
    assert "\n" not in str(raised.value)
    assert snapshot(store.path) == before


IDS = {
    "within the split": ([0, 200], "0 to 126; test examples begin at 120"),
    "negative": ([-1, 120], "example_id from -1"),
    "twice": ([121, 121], "example 121 twice"),
    "not whole": ([120.5, 121], "not whole"),
    "other number": ([120, 121, 122], r"shape \(2, 120\); expected \(3 test"),
}


@pytest.mark.parametrize("case", IDS)
def test_wrong_ids_are_said(store: Store, scores: np.ndarray, tmp_path: Path, case: str) -> None:
    """Ids that are none of the store, or not one for each row, are one message."""
    ids, message = IDS[case]
    np.save(tmp_path / "a.npy", scores[:2])
    np.save(tmp_path / "ids.npy", ids)
    with pytest.raises(DataError, match=message):
        import_source(
            "influence", tmp_path / "a.npy", store.path, Options(test_ids=tmp_path / "ids.npy")
        )


def test_files_that_are_no_matrix_are_refused(
    store: Store, scores: np.ndarray, tmp_path: Path
) -> None:
    """A torch file says how to save it; unclear keys, damage and other endings are one message."""
    (tmp_path / "s.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(
        DataError, match=r"never read.*by torch with weights_only=True.*numpy\.save\('s\.npy'"
    ):
        import_source("influence", tmp_path / "s.pt", store.path)
    save_file({"fc1": scores, "fc2": scores}, tmp_path / "m.safetensors")
    with pytest.raises(DataError, match=r"fc1 \(7, 120\), fc2 \(7, 120\).*Give FILE:KEY"):
        import_source("influence", tmp_path / "m.safetensors", store.path)
    with pytest.raises(DataError, match="no key 'fc3' among"):
        import_source("influence", f"{tmp_path / 'm.safetensors'}:fc3", store.path)
    content = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[:-5])
    with pytest.raises(DataError, match=r"a whole \.safetensors file"):
        import_source("influence", tmp_path / "cut.safetensors", store.path)
    brain = content.replace(b'"F32"', b'"BF1"')
    (tmp_path / "other.safetensors").write_bytes(brain)
    with pytest.raises(DataError, match=r"a whole \.safetensors file"):
        import_source("influence", tmp_path / "other.safetensors", store.path)
    (tmp_path / "a.csv").write_text("1,2\n")
    with pytest.raises(DataError, match=r"a file called a\.csv"):
        import_source("influence", tmp_path / "a.csv", store.path)
    with pytest.raises(DataError, match="a folder"):
        import_source("influence", tmp_path, store.path)
    np.save(tmp_path / "a.npy", scores)
    with pytest.raises(DataError, match="no store at --out"):
        import_source("influence", tmp_path / "a.npy", tmp_path / "nowhere")


def test_bfloat16_is_said(store: Store, tmp_path: Path) -> None:
    """NumPy has no bfloat16: the message says how to convert it."""
    header = b'{"all_modules":{"dtype":"BF16","shape":[7,120],"data_offsets":[0,1680]}}'
    file = len(header).to_bytes(8, "little") + header + bytes(1680)
    (tmp_path / "b.safetensors").write_bytes(file)
    with pytest.raises(DataError, match=r"dtype BF16.*\.float\(\)"):
        import_source("influence", tmp_path / "b.safetensors", store.path)


def test_a_store_without_test_examples_says_so(
    store: Store, scores: np.ndarray, tmp_path: Path
) -> None:
    """Where there is nothing to help, the message names the way for training examples."""
    np.save(tmp_path / "a.npy", scores)
    lone = Store.open(store.path)
    lone.manifest.n_test = 0
    lone.manifest.n_train = N_TRAIN
    with pytest.raises(DataError, match=r"no test examples in the store.*--test-ids"):
        attribute(
            lone, FORMATS["influence"].read(tmp_path / "a.npy", Options()), Options(), dry_run=True
        )


def overlap(ours: np.ndarray, theirs: np.ndarray, k: int) -> float:
    """Share that the k highest of both have in common, mean over random orders of ties."""
    generator = np.random.default_rng(0)
    shares = []
    for _ in range(4000):
        picked = [
            set(np.lexsort((generator.random(len(values)), -values))[:k].tolist())
            for values in (ours, theirs)
        ]
        shares.append(len(picked[0] & picked[1]) / k)
    return float(np.mean(shares))


def test_agreement_is_scipys(store: Store, scores: np.ndarray, tmp_path: Path) -> None:
    """Rank correlation and overlaps are those of influence counted model by model."""
    np.save(tmp_path / "a.npy", scores)
    import_source("influence", tmp_path / "a.npy", store.path, Options(name="trak"))
    frame = open_study(store.path).table("influence_agreement")
    assert frame.height == 2 * N_TEST
    table = store.read_table("outcomes").to_pylist()
    for row in frame.iter_rows(named=True):
        bits = {
            (r["example_id"], name): np.unpackbits(np.frombuffer(r[name], np.uint8))[:20] == 1
            for r in table
            if r["size"] == row["size"]
            for name in ("in_train", "correct")
        }
        hits = bits[row["test_id"], "correct"]
        influence = np.array(
            [
                hits[bits[i, "in_train"]].mean() - hits[~bits[i, "in_train"]].mean()
                for i in range(N_TRAIN)
            ]
        ).round(9)
        theirs = scores[row["test_id"] - N_TRAIN]
        assert (row["name"], row["n_models"], row["n_examples"]) == ("trak", 20, N_TRAIN)
        if np.ptp(influence):
            assert row["rank_correlation"] == pytest.approx(spearmanr(influence, theirs).statistic)
        else:  # always or never right
            assert row["rank_correlation"] is None
        assert row["overlap_10"] == pytest.approx(overlap(influence, theirs, 10), abs=0.01)
        assert row["overlap_100"] == pytest.approx(overlap(influence, theirs, 100), abs=0.01)


def test_our_own_influence_agrees_wholly(store: Store, tmp_path: Path) -> None:
    """Influence written as a matrix has correlation 1 with itself at its size."""
    study = open_study(store.path)
    rows = [
        study.sql(
            "select influence from influence_on(example := $id) where size = 'small' "
            "order by train_id", {"id": N_TRAIN + i},
        )["influence"].to_numpy()
        for i in range(N_TEST)
    ]  # fmt: skip
    study.close()
    np.save(tmp_path / "ours.npy", np.stack(rows))
    import_source("influence", tmp_path / "ours.npy", store.path)
    frame = open_study(store.path).sql("from influence_agreement where size = 'small'")
    correlations = frame["rank_correlation"].drop_nulls().to_numpy()  # NULL: influence is constant
    assert len(correlations) >= 4
    np.testing.assert_allclose(correlations, 1)


def test_another_order_is_noted(tmp_path: Path) -> None:
    """Where the strongest examples have not the test example's label, a note says what may be."""
    generator = np.random.default_rng(0)
    conditions = random_conditions(
        ("small",), ("one_hot",), n_train=N_TRAIN, n_test=N_TEST, n_subsets=10, seed=3
    )
    store = write_by_hand(tmp_path / "s", conditions, n_test=N_TEST)
    labels = store.read_table("examples", ["label"])["label"].to_numpy()
    same = (labels[N_TRAIN:, None] == labels[None, :N_TRAIN]) + generator.random((N_TEST, N_TRAIN))
    for scores, note in (
        (same, None),
        (-same, "the 10 lowest have it by 100.0%: the signs may be turned"),
        (same[:, generator.permutation(N_TRAIN)], "may be in another order"),
    ):
        np.save(tmp_path / "a.npy", scores)
        done = import_source("influence", tmp_path / "a.npy", store.path, Options(replace=True))
        notes = [line for line in done.lines if line.startswith("note")]
        assert len(notes) == (note is not None)
        assert note is None or note in notes[0]


def test_names_are_taken_once_and_builds_leave_them(tiny_store: Store, tmp_path: Path) -> None:
    """A second tool stands beside the first; a name is replaced by word alone; builds keep all."""
    scores = np.arange(8).reshape(2, 4) / 2
    np.save(tmp_path / "one.npy", scores)
    np.save(tmp_path / "two.npy", scores + 1)
    path = tiny_store.path
    for name in ("one", "two"):
        import_source("influence", tmp_path / f"{name}.npy", path)
    with pytest.raises(DataError, match=r"an attribution 'one'.*--replace"):
        import_source("influence", tmp_path / "two.npy", path, Options(name="one"))
    import_source("influence", tmp_path / "two.npy", path, Options(name="one", replace=True))
    found = imported(tiny_store)[:, 2].reshape(2, 2, 4)
    np.testing.assert_array_equal(found, np.stack([scores + 1] * 2))
    before = tiny_store.table_path("attributions").read_bytes()
    build(path)
    build(path, pack=True)
    assert tiny_store.table_path("attributions").read_bytes() == before
    about = Store.open(path).manifest.attributions
    assert (about["one"]["source"], about["two"]["rows"]) == ("two.npy", "test")
    assert check(path) == []


def test_check_finds_wrong_attributions(tiny_store: Store) -> None:
    """Pairs of unknown examples, pairs twice and scores that are not finite are named."""
    wrong = {"name": ["a", "a", None], "test_id": [4, 4, 9], "train_id": [0, 0, 4],
             "score": [1.0, None, float("inf")]}  # fmt: skip
    store = Store.open(tiny_store.path)
    store.write_table("attributions", pa.table(wrong))
    store.write_manifest()
    found = {fault.where: fault.found for fault in check(store.path)}
    assert {*found} == {"duplicate_rows", "incomplete_attributions", "orphan_outcomes"}
    assert "2 rows, for instance name = a" in found["incomplete_attributions"]
    assert "2 rows, for instance relation = attributions" in found["orphan_outcomes"]


def test_the_command_says_what_it_did(
    store: Store, scores: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``import influence FILE --name``: a dry run writes nothing."""
    np.save(tmp_path / "a.npy", scores.T)
    command = ["import", "influence", str(tmp_path / "a.npy"), "--name", "trak", "--out",
               str(store.path)]  # fmt: skip
    line = "attribution: trak, 7 test examples by 120 training examples (rows are train examples)"
    assert run([*command, "--dry-run"]) == 0
    assert line in capsys.readouterr().out
    assert len(imported(store)) == 0
    assert run(command) == 0
    assert line in capsys.readouterr().err
    assert len(imported(store)) == N_TEST * N_TRAIN
