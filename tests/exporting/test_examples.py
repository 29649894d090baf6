"""The wide frame per example, and the files made of it."""

import json
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from memanalysis.errors import MemanalysisError, QueryError
from memanalysis.exporting import write_examples, write_huggingface


@pytest.fixture(scope="module")
def frame(simulated) -> pl.DataFrame:
    """The wide frame of the simulated store."""
    return simulated.frame("examples", images=True)


@pytest.fixture(scope="module")
def folder(simulated, tmp_path_factory) -> Path:
    """A data set folder of the same store."""
    return write_huggingface(simulated, tmp_path_factory.mktemp("hub") / "set")


def test_the_frame_joins_every_relation(simulated, frame) -> None:
    """One row per example; scores, trajectories and proxies equal their relations'."""
    assert frame["example_id"].to_list() == list(range(240))
    scores = simulated.sql(
        "from memorization where objective = 'distilled' and size = 's2' order by example_id"
    )
    for column in ("memorization", "ci_low", "ci_high", "std_error", "n_in", "n_out"):
        assert frame[f"{column}_distilled_s2"].to_list() == scores[column].to_list()
    shapes = simulated.sql("from trajectories where objective = 'one_hot' order by example_id")
    train = frame.filter(split="train")
    assert train["shape_one_hot"].to_list() == shapes["shape"].to_list()
    assert train["change_one_hot"].to_list() == shapes["change"].to_list()
    aum = simulated.sql(
        "from proxies where proxy = 'aum' and objective = 'one_hot' and size = 's1' "
        "order by example_id"
    )
    assert train["aum_in_one_hot_s1"].to_list() == aum["value_in"].to_list()
    # Never observed outside the subset: such a column is left out.
    assert "aum_out_one_hot_s1" not in frame.columns


def test_the_frame_keeps_what_cannot_be_estimated_null(frame) -> None:
    """Test examples have no memorization, and stay in."""
    tests = frame.filter(split="test")
    assert tests.height == 40
    assert tests["memorization_one_hot_s1"].null_count() == 40
    assert tests["accuracy_out_one_hot_s1"].null_count() == 0


def test_only_known_frames(simulated) -> None:
    """Another name says what there is."""
    with pytest.raises(QueryError, match="no frame 'exmples'; there is: examples"):
        simulated.frame("exmples")


def test_parquet_holds_images_and_plain_numbers(simulated, tmp_path) -> None:
    """Spotlight wants bytes, FiftyOne native floats with None; NaN is in no column."""
    path = write_examples(simulated, tmp_path / "examples.parquet")
    frame = pl.read_parquet(path)
    assert frame.schema["image"] == pl.Binary
    images = frame["image"].to_list()
    assert all(image.startswith(b"\x89PNG") for image in images[:200])
    assert images[200:] == [None] * 40
    numbers = {k for k in frame.schema.values() if k.is_numeric()}
    assert numbers == {pl.Int64, pl.Float64}
    assert not any(frame[c].is_nan().any() for c, k in frame.schema.items() if k == pl.Float64)
    row = frame.to_dicts()[-1]
    assert row["memorization_one_hot_s1"] is None
    assert type(row["accuracy_out_one_hot_s1"]) is float
    with pytest.raises(MemanalysisError, match="exists"):
        write_examples(simulated, path)


def test_hugging_face_folder(folder) -> None:
    """Features describe every column in order; images are structs; splits add up."""
    for split, rows in (("train", 200), ("test", 40)):
        table = pq.read_table(folder / "data" / f"{split}-00000-of-00001.parquet")
        described = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        assert table.num_rows == rows
        assert list(described) == table.column_names
        assert described["image"] == {"_type": "Image"}
        assert described["label"]["names"] == [f"class {c}" for c in range(10)]
        assert described["n_in_one_hot_s1"] == {"dtype": "int64", "_type": "Value"}
        kinds = {"int64": "int64", "float64": "double", "string": "large_string"}
        for name, feature in described.items():
            if feature["_type"] == "Value":
                assert str(table.schema.field(name).type) == kinds[feature["dtype"]], name
    train = pq.read_table(folder / "data" / "train-00000-of-00001.parquet")
    images = train["image"].to_pylist()
    assert images[0]["bytes"].startswith(b"\x89PNG")
    assert images[0]["path"] is None
    assert pq.read_table(folder / "data" / "test-00000-of-00001.parquet")["image"].null_count == 40


def test_the_card_says_what_is_known(simulated, folder) -> None:
    """Its header is one JSON value a line, hence YAML; licence and recipe are the manifest's."""
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    fields = {
        k: json.loads(v) for k, _, v in (line.partition(": ") for line in header.splitlines())
    }
    assert fields["license"] == "unknown"
    assert fields["size_categories"] == ["n<1K"]
    assert fields["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*"}
    assert "subsets balanced, seed 7" in text
    assert "| one_hot | s1 | 60 | 6 |" in text
    assert "Citation: not stated in the store" in text
    with pytest.raises(MemanalysisError, match="exists"):
        write_huggingface(simulated, folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT, Copyright 2017 Zalando SE", {"license": "mit"}),
        ("Own licence", {"license": "other", "license_name": "Own licence"}),
        ("", {"license": "unknown"}),
    ],
)
def test_licences_are_never_guessed(text: str, expected: dict[str, str]) -> None:
    """Known names become the hub's, others stay themselves."""
    from memanalysis.exporting.huggingface import _licence

    assert _licence(text) == expected
