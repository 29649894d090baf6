"""Annotations of examples: whose they are, where they go, and what can be asked of them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from handmade import random_conditions
from handmade import write as write_by_hand
from scipy.stats import spearmanr

from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.cli import run
from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study


def rows(store: Store | Path) -> list[tuple]:
    """Every annotation, in the order of the table."""
    return open_study(getattr(store, "path", store)).table("annotations").rows()


def write(path: Path, kind: str) -> Path:
    """Values of the examples 0 to 3 in a file of a kind, in another order than the store's."""
    ids, values = [2, 0, 3, 1], [2.5, 0.5, 3.5, 1.5]
    file = path / f"human.{kind}"
    if kind in ("csv", "tsv"):
        mark = {"csv": ",", "tsv": "\t"}[kind]
        lines = [f"{i}{mark}{v}" for i, v in zip(ids, values, strict=True)]
        file.write_text("\n".join([f"example_id{mark}human", *lines]))
    elif kind == "jsonl":
        pairs = zip(ids, values, strict=True)
        file.write_text("\n".join(json.dumps({"example_id": i, "human": v}) for i, v in pairs))
    elif kind == "parquet":
        pq.write_table(pa.table({"example_id": ids, "human": values}), file)
    elif kind == "npz":
        np.savez(file, example_id=ids, human=values)
    else:
        np.save(file, np.sort(values))
    return file


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "npz", "npy"])
def test_values_go_to_their_examples(tiny_store: Store, tmp_path: Path, kind: str) -> None:
    """Every kind of file gives the same rows, by id or in order, and the store stays sound."""
    import_source("labels", write(tmp_path, kind), tiny_store.path, Options(name="human"))
    assert rows(tiny_store) == [("human", i, f"{i}.5", i + 0.5) for i in range(4)]
    assert check(tiny_store.path) == []


def test_text_has_no_number_and_empty_cells_no_row(tiny_store: Store, tmp_path: Path) -> None:
    """Text stays text; an example without a value has no row, and a line says so."""
    (tmp_path / "a.csv").write_text("example_id,note\n1,<b>owl</b>\n0,\n3,7\n")
    done = import_source("labels", tmp_path / "a.csv", tiny_store.path)
    assert rows(tiny_store) == [("note", 1, "<b>owl</b>", None), ("note", 3, "7", None)]
    assert "note: 1 examples have no value and get no row." in done.lines


@pytest.fixture
def named(tmp_path: Path) -> Store:
    """A store whose examples are called train/7, train/5, train/3, with labels 0, 1, 0."""
    (tmp_path / "s.csv").write_text("source_id,aum,label\ntrain/7,1,0\ntrain/5,2,1\ntrain/3,3,0\n")
    options = Options(hard_is="low")
    done = import_source("scores", tmp_path / "s.csv", tmp_path / "named", options)
    assert done.store is not None
    return done.store


def test_a_plain_index_finds_names_that_are_built_from_it(named: Store, tmp_path: Path) -> None:
    """Rows in the order of the whole data set, and ids that are its numbers, become names."""
    np.savez(tmp_path / "all.npz", human=np.arange(10) * 10, labels=[0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    options = Options(row_names="train/{}", name="a")
    done = import_source("labels", f"{tmp_path / 'all.npz'}:human", named.path, options)
    assert "note: 7 of 10 rows are of examples that the store does not have." in done.lines
    (tmp_path / "some.csv").write_text("index,human\n5,50\n3,30\n")
    import_source("labels", tmp_path / "some.csv", named.path, Options(row_names="train/{}"))
    assert rows(named) == [
        ("a", 0, "70", 70.0), ("a", 1, "50", 50.0), ("a", 2, "30", 30.0),
        ("human", 1, "50", 50.0), ("human", 2, "30", 30.0),
    ]  # fmt: skip
    assert named.manifest.annotations == {}
    about = Store.open(named.path).manifest.annotations["a"]
    assert (about["source"], about["column"], about["examples"]) == ("all.npz", "human", 3)
    assert len(about["sha256"]) == 64


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ({"human": [1, 2, 3]}, Options(), r"names such as 'train/7'.*--row-names 'train/\{\}'"),
        ({"human": [1, 2, 3]}, Options(row_names="train/"), "one {} where the number goes"),
        ({"human": [1, 2, 3]}, Options(row_names="test/{}"), "none of an example of the store"),
        ({"human": [1, 2]}, Options(in_order=True), "2 rows without ids; expected 3"),
        ({"a": [1, 2, 3], "b": [1, 2, 3]}, Options(in_order=True), "Give FILE:COLUMN"),
        ({"human": [1, 2, 3], "labels": [0, 0, 0]}, Options(in_order=True, name="human"),
         r"other labels beside it at 1 of 3.*example_id 1 \(0, not 1\)"),
        ({"human": [1, 2, 3], "gold": [1, 1, 0]},
         Options(in_order=True, name="human", label_column="gold"), r"example_id 0 \(1, not 0\)"),
        ({"human": [1, 2, 3]}, Options(in_order=True, name=""), None),
        ({"human": [1, 2, 3]}, Options(in_order=True, name="a\nb"), "printable"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_changes_nothing(
    named: Store, tmp_path: Path, snapshot, content, options, message
) -> None:
    """One message says what is wrong and what to do, and the store stays as it was."""
    np.savez(tmp_path / "a.npz", **content)
    before = snapshot(named.path)
    if message is None:  # an empty name is none: the column's is taken
        import_source("labels", tmp_path / "a.npz", named.path, options)
        assert {row[0] for row in rows(named)} == {"human"}
        return
    with pytest.raises(DataError, match=message):
        import_source("labels", tmp_path / "a.npz", named.path, options)
    assert snapshot(named.path) == before


def test_a_name_is_taken_once(named: Store, tmp_path: Path) -> None:
    """A second import of a name is refused, unless it is told to replace it; others stay."""
    np.save(tmp_path / "one.npy", [1, 2, 3])
    np.save(tmp_path / "two.npy", [4, 5, 6])
    for name in ("one", "two"):
        import_source("labels", tmp_path / f"{name}.npy", named.path, Options(in_order=True))
    again = Options(in_order=True, name="one")
    with pytest.raises(DataError, match=r"an annotation 'one'.*--replace"):
        import_source("labels", tmp_path / "two.npy", named.path, again)
    replacing = Options(in_order=True, name="one", replace=True)
    import_source("labels", tmp_path / "two.npy", named.path, replacing)
    assert sorted((name, number) for name, _, _, number in rows(named)) == [
        (name, number) for name in ("one", "two") for number in (4.0, 5.0, 6.0)
    ]


def test_there_must_be_a_store_and_no_pickle(tmp_path: Path, tiny_store: Store) -> None:
    """Annotations make no store, and a torch file is refused unread."""
    np.save(tmp_path / "a.npy", [1.0])
    with pytest.raises(DataError, match="no store at --out"):
        import_source("labels", tmp_path / "a.npy", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "a.pt").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(DataError, match="a pickle, which is never read"):
        import_source("labels", tmp_path / "a.pt", tiny_store.path)


def test_builds_and_imports_leave_annotations(tiny_store: Store, tmp_path: Path) -> None:
    """Building again, packing and importing scores keep them, byte for byte."""
    import_source("labels", write(tmp_path, "csv"), tiny_store.path)
    before = tiny_store.table_path("annotations").read_bytes()
    build(tiny_store.path)
    (tmp_path / "s.csv").write_text("example_id,aum\n0,1\n1,2\n2,3\n3,4\n")
    import_source("scores", tmp_path / "s.csv", tiny_store.path, Options(hard_is="low"))
    build(tiny_store.path, pack=True)
    assert tiny_store.table_path("annotations").read_bytes() == before
    assert "human" in Store.open(tiny_store.path).manifest.annotations
    assert check(tiny_store.path) == []
    assert len(rows(tiny_store)) == 4


def test_check_finds_wrong_annotations(tiny_store: Store) -> None:
    """Rows of unknown examples, rows twice and missing values are named."""
    wrong = {"name": ["a", "a", "a"], "example_id": [0, 0, 9], "value": ["1", None, "2"],
             "number": [1.0, None, float("inf")]}  # fmt: skip
    store = Store.open(tiny_store.path)
    store.write_table("annotations", pa.table(wrong))
    store.write_manifest()
    found = {fault.where: fault.found for fault in check(store.path)}
    assert {*found} == {"duplicate_rows", "incomplete_annotations", "orphan_outcomes"}
    assert "2 rows, for instance name = a" in found["incomplete_annotations"]
    assert "example_id = 9" in found["orphan_outcomes"]


def test_the_command_takes_a_column_of_a_file(
    tiny_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``import labels FILE:COLUMN --name`` says what it did; a dry run writes nothing."""
    np.savez(tmp_path / "h.npz", one=[0, 1, 1, 0], two=[5, 6, 7, 8])
    command = ["import", "labels", f"{tmp_path / 'h.npz'}:two", "--name", "human1", "--out",
               str(tiny_store.path)]  # fmt: skip
    assert run([*command, "--dry-run"]) == 0
    line = "annotation: human1 (numbers, column two), 4 of 4 training examples"
    assert line in capsys.readouterr().out
    assert rows(tiny_store) == []
    assert run(command) == 0
    assert line in capsys.readouterr().err
    assert [row[3] for row in rows(tiny_store)] == [5, 6, 7, 8]


# What can be asked


@pytest.fixture
def annotated(tmp_path: Path) -> Store:
    """A store of random bits in five groups whose examples have a grade and a number with ties."""
    store = write_by_hand(
        tmp_path / "random",
        random_conditions(("small", "large"), ("one_hot",), n_train=120, n_subsets=50, seed=3),
        group_size=10,
    )
    generator = np.random.default_rng(1)
    np.savez(
        tmp_path / "a.npz",
        grade=np.array(["low", "high"])[generator.integers(0, 2, 120)],
        number=generator.integers(0, 150, 120) / 4,
    )
    for name in ("grade", "number"):
        import_source("labels", f"{tmp_path / 'a.npz'}:{name}", store.path)
    return Store.open(store.path)


def plain_scores(store: Store, size: str, groups: set[int]) -> tuple[np.ndarray, np.ndarray]:
    """(score, held-out accuracy) of each training example by the models of some groups."""
    table = store.read_table("outcomes").to_pylist()
    scores, out = [], []
    for row in table:
        if row["size"] == size and row["split"] == "train":
            inside, right = (
                np.unpackbits(np.frombuffer(row[name], np.uint8))[:50].astype(bool)
                for name in ("in_train", "correct")
            )
            of_groups = np.isin(np.arange(50) // 10, [*groups])
            held_out = right[~inside & of_groups].mean()
            scores.append(right[inside & of_groups].mean() - held_out)
            out.append(held_out)
    return np.array(scores), np.array(out)


def jackknife(replicates: list[float]) -> float:
    """Delete-one standard error."""
    values = np.array(replicates)
    return float(np.sqrt((len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum()))


EVERY = set(range(5))


def test_scores_without_a_group_are_those_of_the_others(annotated: Store) -> None:
    """For each group, scores come from the bits of all other groups."""
    frame = open_study(annotated.path).table("scores_without_group")
    assert frame.height == 2 * 120 * 5
    for size in ("small", "large"):
        for group in range(5):
            part = frame.filter(size=size, group_id=group).sort("example_id")
            score, out = plain_scores(annotated, size, EVERY - {group})
            np.testing.assert_allclose(part["memorization"].to_numpy(), score)
            np.testing.assert_allclose(part["accuracy_out"].to_numpy(), out)


def test_means_and_errors_by_value(annotated: Store) -> None:
    """Mean score by value, its jackknife error over groups and its error over examples."""
    study = open_study(annotated.path)
    frame = study.table("score_by_annotation")
    assert set(frame["name"]) == {"grade"}, "numbers of more than fifty values are not grouped"
    grades = study.sql("select value from annotations where name = 'grade' order by example_id")
    for row in frame.iter_rows(named=True):
        picked = (grades["value"] == row["value"]).to_numpy()
        score, out = plain_scores(annotated, row["size"], EVERY)
        without = [
            plain_scores(annotated, row["size"], EVERY - {group})[0][picked].mean()
            for group in range(5)
        ]
        error = jackknife(without)
        assert (row["n_examples"], row["n_groups"]) == (picked.sum(), 5)
        assert row["memorization"] == pytest.approx(score[picked].mean())
        assert row["accuracy_out"] == pytest.approx(out[picked].mean())
        assert row["memorization_se"] == pytest.approx(error)
        assert row["memorization_high"] - row["memorization"] == pytest.approx(
            2.7764 * error, rel=0.004
        )
        assert row["memorization_se_examples"] == pytest.approx(
            score[picked].std(ddof=1) / np.sqrt(picked.sum())
        )


def test_rank_correlations_are_scipys(annotated: Store) -> None:
    """Spearman's correlation with ties, its jackknife error and the correction for noise."""
    study = open_study(annotated.path)
    numbers = study.sql("select number from annotations where name = 'number' order by example_id")[
        "number"
    ].to_numpy()
    frame = study.table("annotation_correlations")
    assert frame.height == 4
    for row in frame.iter_rows(named=True):
        which = ("memorization", "accuracy_out").index(row["quantity"])

        def scores(groups: set[int], which: int = which, size: str = row["size"]) -> np.ndarray:
            return plain_scores(annotated, size, groups)[which].round(9)

        def rho(groups: set[int], scores=scores) -> float:
            return float(spearmanr(scores(groups), numbers).statistic)

        halves = float(spearmanr(scores({0, 2, 4}), scores({1, 3})).statistic)
        assert row["estimate"] == pytest.approx(rho(EVERY))
        assert row["std_error"] == pytest.approx(jackknife([rho(EVERY - {g}) for g in EVERY]))
        assert (row["n_examples"], row["n_groups"]) == (120, 5)
        reliability = 2 * halves / (1 + halves) if halves > 0 else None
        assert row["reliability"] == (reliability and pytest.approx(reliability))
        if reliability is None or reliability < 0.3:
            assert row["corrected_estimate"] is None
        else:
            assert row["corrected_estimate"] == pytest.approx(rho(EVERY) / reliability**0.5)


def test_a_store_without_annotations_answers(tiny_store: Store) -> None:
    """In stores from before, all relations on annotations have zero rows."""
    tiny_store.table_path("annotations").unlink(missing_ok=True)
    study = open_study(tiny_store.path)
    for name in ("annotations", "score_by_annotation", "annotation_correlations"):
        assert study.table(name).height == 0
