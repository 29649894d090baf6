"""Tables as people write them: every shape gives the same scores to the same examples."""

import gzip
import json

import numpy as np
import polars as pl
import pytest

from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.importing.formats import scores

VALUES = {3: 0.5, 0: 0.25, 2: 0.0, 1: 1.5}  # by example
LINES = [f"{i},{v}" for i, v in VALUES.items()]


def csv(header, lines=LINES):
    """Text of a CSV."""
    return "\n".join([header, *lines]) + "\n"


SHAPES = {
    "plain.csv": csv("example_id,depth"),
    "pandas.csv": csv(",depth"),
    "pandas_reset.csv": csv(",example_id,depth", [f"{7 - k},{r}" for k, r in enumerate(LINES)]),
    "labelled.csv": csv("example_id,depth,label,split,fold",
                        [f"{r},{i % 2},train,{i}" for r, i in zip(LINES, VALUES, strict=True)]),
    "guid.csv": csv("guid,depth"),
    "indices.csv": csv(",indices,depth", [f"KNNShapley(k=5),{r}" for r in LINES]),
    "tab.tsv": csv("example_id,depth").replace(",", "\t"),
    "semicolon.csv": csv("example_id;depth", [f"{i};{str(v).replace('.', ',')}"
                                              for i, v in VALUES.items()]),
    "semicolon_point.csv": csv("example_id;depth", [f"{i};{v}" for i, v in VALUES.items()]),
    "text.txt": csv("example_id,depth"),
    "quoted.csv": csv('"example_id","depth"', [f'"{i}","{v}"' for i, v in VALUES.items()]),
    "marked.csv": "\ufeff" + csv("example_id,depth"),
    "lines.jsonl": "".join(json.dumps({"example_id": i, "depth": v}) + "\n"
                           for i, v in VALUES.items()),
    "records.json": json.dumps([{"example_id": i, "depth": v} for i, v in VALUES.items()]),
    "columns.json": json.dumps({"example_id": [*VALUES], "depth": [*VALUES.values()]}),
    "pandas.json": json.dumps({"depth": VALUES}),
    "splits.csv": csv("example_id,depth,split", [*(f"{r},train" for r in LINES), "9,3,test"]),
    "no_end.csv": csv("example_id,depth").rstrip(),
    "windows.csv": csv("example_id,depth").replace("\n", "\r\n"),
    "floats.csv": csv("example_id,depth", [f"{i}.0,{v}" for i, v in VALUES.items()]),
}  # fmt: skip


def read(path, **options):
    """Values by example, labels, notes."""
    contents = scores.read(path, Options(hard_is="high", **options))
    (found,) = contents.scores
    values = dict(zip(np.asarray(found.ids).tolist(), found.values.tolist(), strict=True))
    return values, contents


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_says_the_same(tmp_path, name) -> None:
    """The same score of each example, and no column that is none."""
    (tmp_path / name).write_text(SHAPES[name], encoding="utf-8")
    values, contents = read(tmp_path / name)
    assert values == VALUES
    assert contents.scores[0].name == "depth"
    if name == "labelled.csv":
        assert contents.examples.labels.tolist() == [0, 1, 0, 1]
    if name == "splits.csv":
        assert "1 rows of other splits than train are left out." in contents.notes


def test_binary_shapes_say_the_same(tmp_path) -> None:
    """Parquet, gzip and archives."""
    frame = pl.DataFrame({"example_id": [*VALUES], "depth": [*VALUES.values()]})
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(csv("example_id,depth").encode()))
    np.savez(tmp_path / "c.npz", example_id=[*VALUES], depth=[*VALUES.values()])
    for name in ("a.parquet", "b.csv.gz", "c.npz"):
        assert read(tmp_path / name)[0] == VALUES, name


def test_rows_in_order_are_so_on_request(tmp_path) -> None:
    """Without ids the way out is named; --in-order takes it, and so does an archive."""
    (tmp_path / "a.csv").write_text("depth,is_issue\n0.5,True\n1.5,False\n")
    with pytest.raises(DataError, match="--in-order if row i is example i"):
        read(tmp_path / "a.csv")
    (found,) = scores.read(tmp_path / "a.csv", Options(hard_is="low", in_order=True)).scores
    assert (found.ids, found.values.tolist(), found.name) == (None, [0.5, 1.5], "depth")
    np.savez(tmp_path / "a.npz", depth=[0.5, 1.5])
    (found,) = scores.read(tmp_path / "a.npz", Options(hard_is="low")).scores
    assert (found.ids, found.values.tolist()) == (None, [0.5, 1.5])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"example_id,depth\n0x10,1\n2,3\n", "no whole numbers from 0"),
        ("a.csv", b"example_id,depth\n-1,1\n2,3\n", "no whole numbers from 0"),
        ("a.csv", b"example_id,depth\n1.5,1\n2,3\n", "no whole numbers from 0"),
        ("a.csv", b"example_id,depth\n0,0x10\n1,3\n", "numbers beside 'example_id'"),
        ("a.csv", b"example_id,depth\n0,1_000\n1,3\n", "numbers beside 'example_id'"),
        ("a.csv", b"example_id,depth\n0,1,2\n1,3\n", "no readable file"),
        ("a.csv", b"indices,depth\n0,1\n0,2\n", "Several scores below one another"),
        ("a.xlsx", b"PK", "expected one of .csv, .tsv"),
        ("a.pkl", b"x", "a pickle, which is never read"),
        ("a.csv", b"\x80\x04\x95abc", "a pickle, which is never read"),
        ("a.jsonl", b'{"example_id": 0, "depth": 1}\nnonsense\n', "no readable file"),
        ("a.jsonl", b"[1, 2]\n", "something else than objects"),
        ("a.json", b'{"depth": 3}', "a int where a column should be"),
        ("a.json", b"[" * 100_000, "no readable file"),
        ("a.npz", b"nonsense", "no readable archive"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_one_message(tmp_path, name, content, message) -> None:
    """The file, what was found, what was expected; 0x10 is no 16."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)


def test_labels_of_a_table_are_compared_with_the_stores(tmp_path) -> None:
    """A column of other labels than the store has is refused, by position and by name."""
    np.savez(tmp_path / "c.npz", labels=[0, 1, 1, 0], scores=[0.1, 0.2, 0.3, 0.4])
    store = import_source("cscore", tmp_path / "c.npz", tmp_path / "out").store
    (tmp_path / "a.csv").write_text("example_id,depth,label\n3,1,0\n1,2,0\n")
    with pytest.raises(DataError, match="label 0 for example 1, and 0 more; expected 1"):
        import_source("scores", tmp_path / "a.csv", store.path, Options(hard_is="low"))


def test_a_definition_decides_the_direction_and_says_so(tmp_path) -> None:
    """--hard-is does not turn a proxy that has one."""
    (tmp_path / "a.csv").write_text("example_id,aum\n0,1\n1,2\n")
    contents = scores.read(tmp_path / "a.csv", Options(hard_is="high"))
    assert contents.scores[0].hard_is == "low"
    assert any("--hard-is high does not apply" in note for note in contents.notes)
